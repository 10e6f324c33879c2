"""Passwords of devices: made here, shown once, kept only as Mosquitto's own hash.

`$7$iterations$salt$hash`: PBKDF2 with SHA-512, salt and hash in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

# Nothing that one reads as another when it is typed into a watch: no l, o, 0, 1.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 5, 5
# 101 is Mosquitto's own number. Our passwords hold 125 random bits: a cheap hash helps no guess, while a dear one stops
# the one thread of the broker for each watch at each reload (0.1 ms as it is, 0.27 s with 210 000).
_ITERATIONS = 101
_ITERATIONS_MAX = 10_000_000
_SALT_BYTES = 12  # Mosquitto 2.0 reads no other length of it but 64


def generate() -> str:
    """A new password: five groups of five letters and digits, 125 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))


def hashed(password: str) -> str:
    """The hash of `password` with a new salt, as a line of Mosquitto's password file holds it."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"$7${_ITERATIONS}${_text(salt)}${_text(_digest(password, salt, _ITERATIONS))}"


def matches(password: str, password_hash: str) -> bool:
    """Whether `password` has that hash, in a time that does not tell how nearly; False if unreadable."""
    try:
        _, scheme, iterations, salt, expected = password_hash.split("$")
        if scheme != "7" or not 0 < int(iterations) <= _ITERATIONS_MAX:
            return False
        found = _digest(password, base64.b64decode(salt, validate=True), int(iterations))
        return hmac.compare_digest(found, base64.b64decode(expected, validate=True))
    except (ValueError, binascii.Error):
        return False


def _digest(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
