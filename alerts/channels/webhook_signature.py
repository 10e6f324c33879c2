"""How a receiver knows that a document is ours, whole, and of now. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re

VERSION = "v1"
TOLERANCE_S = 300
_DIGITS = re.compile(r"[0-9]{1,12}")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """`v1=` and 64 hexadecimal digits: HMAC-SHA256 over the timestamp, a full stop and the body, keyed by `secret`."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"{VERSION}={digest.hexdigest()}"


def verify(
    secret: str, timestamp: str, signature: str, body: bytes, *, now_s: float, tolerance_s: float = TOLERANCE_S
) -> bool:
    """What a receiver does: whether `body` was signed with `secret` at most `tolerance_s` seconds ago, or ahead.

    `timestamp` and `signature` are the two headers as they came, `body` the bytes as they came: parse them afterwards.
    """
    if not _DIGITS.fullmatch(timestamp) or abs(now_s - int(timestamp)) > tolerance_s:
        return False
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode())
