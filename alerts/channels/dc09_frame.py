"""Frames of SIA DC-09, as bytes: written for an alarm receiver, and its answers read. Pure.

`<LF><CRC><length>"<id>"<sequence>R<receiver>L<line>#<account>[<data>]<extended><timestamp><CR>`; of an encrypted frame
everything after the first bracket is AES-CBC in hexadecimal.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

SUPERVISION = "NULL"
SUPERVISION_SEQUENCE = 0
FRAME_MAX = 2048  # bytes; an answer has about a hundred
_BLOCK = 16
_ZERO_IV = bytes(_BLOCK)  # the standard's
_PAD = string.ascii_letters + string.digits
_TIMESTAMP = "_%H:%M:%S,%m-%d-%Y"
_FRAME = re.compile(r"(?P<crc>[0-9A-Fa-f]{4})(?P<length>[0-9A-Fa-f]{4})(?P<body>\"[^\r\n]*)")
_BODY = re.compile(
    r"\"(?P<encrypted>\*?)(?P<kind>ACK|NAK|DUH)\"(?P<sequence>[0-9]{4})(?:[RL][0-9A-Fa-f]{1,6}){0,2}"
    r"(?:A0|#(?P<account>[0-9A-Fa-f]{3,16}))?\[(?P<rest>.*)"
)
_REST = re.compile(r"[^\[\]]*\](?:\[[^\[\]]*\])*(?P<timestamp>_[0-9:,-]{19})?")


class Answer(StrEnum):
    """What a receiver says."""

    ACK = "ACK"
    NAK = "NAK"
    """Its clock and ours differ too much."""
    DUH = "DUH"
    """It understood the frame and cannot handle the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who we are at the receiver. `key` has 16, 24 or 32 bytes; None: nothing is encrypted."""

    number: str
    receiver: str = "0"
    line: str = "0"
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer whose checksum is right; `at` is the receiver's time, where it tells it."""

    answer: Answer
    sequence: int
    account: str | None
    encrypted: bool
    at: datetime | None

    def is_for(self, account: Account, sequence: int) -> bool:
        """Whether it answers our frame. A NAK names neither account nor sequence: the frame was refused unread.

        With a key, an ACK counts only when it is encrypted and dated: anybody could have sent another, and an alarm
        that is acknowledged by a stranger is a silent miss.
        """
        if self.answer is Answer.NAK:
            return True
        proven = account.key is None or self.answer is Answer.DUH or (self.encrypted and self.at is not None)
        return proven and self.sequence == sequence and (self.account or "").upper() == account.number.upper()


def checksum(body: bytes) -> int:
    """CRC-16 with the polynomial of IBM, reflected, from 0 (CRC-16/ARC)."""
    crc = 0
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def write(account: Account, kind: str, sequence: int, data: str, extended: Iterable[str], at: datetime) -> bytes:
    """One frame. `data` and `extended` are what stands in the brackets, ASCII; `at` is sent in UTC."""
    rest = f"{data}]{''.join(f'[{entry}]' for entry in extended)}{at.astimezone(UTC):{_TIMESTAMP}}"
    flag = "" if account.key is None else "*"
    if account.key is not None:
        rest = _encrypt(rest, account.key)
    body = f'"{flag}{kind}"{sequence:04}R{account.receiver}L{account.line}#{account.number}[{rest}'.encode("ascii")
    return b"\n%04X%04X%s\r" % (checksum(body), len(body), body)


def read(frame: bytes, account: Account) -> Reply | None:
    """An answer, from its line feed to its carriage return; None when it is none, or damaged, or not of our key."""
    match = _FRAME.fullmatch(frame.decode("latin-1").strip("\r\n"))
    if match is None:
        return None
    body = match["body"].encode("latin-1")
    parts = _BODY.fullmatch(match["body"])
    if parts is None or int(match["crc"], 16) != checksum(body) or int(match["length"], 16) != len(body):
        return None
    rest = _decrypt(parts["rest"], account.key) if parts["encrypted"] else parts["rest"]
    found = _REST.fullmatch(rest) if rest is not None else None
    if found is None:
        return None
    return Reply(
        answer=Answer(parts["kind"]),
        sequence=int(parts["sequence"]),
        account=parts["account"],
        encrypted=bool(parts["encrypted"]),
        at=_instant(found["timestamp"]),
    )


def longitude(degrees: float) -> str:
    """`X005E02.490`: degrees and minutes, as extended data has them."""
    return f"X{_minutes(degrees, 3, 'EW')}"


def latitude(degrees: float) -> str:
    """`Y47N19.290`."""
    return f"Y{_minutes(degrees, 2, 'NS')}"


def occurred(at: datetime) -> str:
    """`H07:39:03,01-14-2026`: when it happened, where that is not when it is told."""
    return f"H{at.astimezone(UTC):%H:%M:%S,%m-%d-%Y}"


def _minutes(degrees: float, width: int, signs: str) -> str:
    thousandths = round(abs(degrees) * 60_000)
    whole, rest = divmod(thousandths, 60_000)
    return f"{whole:0{width}}{signs[degrees < 0]}{rest / 1000:06.3f}"


def _encrypt(rest: str, key: bytes) -> str:
    # The standard's only variety is this pad before the data: a whole block of it where none is missing.
    pad = "".join(secrets.choice(_PAD) for _ in range(_BLOCK - (len(rest) + 1) % _BLOCK))
    encryptor = Cipher(AES(key), CBC(_ZERO_IV)).encryptor()
    return (encryptor.update(f"{pad}|{rest}".encode("ascii")) + encryptor.finalize()).hex().upper()


def _decrypt(text: str, key: bytes | None) -> str | None:
    if key is None or not text or len(text) % (2 * _BLOCK) or not re.fullmatch(r"[0-9A-Fa-f]+", text):
        return None
    decryptor = Cipher(AES(key), CBC(_ZERO_IV)).decryptor()
    return (decryptor.update(bytes.fromhex(text)) + decryptor.finalize()).decode("latin-1")


def _instant(timestamp: str | None) -> datetime | None:
    try:
        return datetime.strptime(timestamp, _TIMESTAMP).replace(tzinfo=UTC) if timestamp else None
    except ValueError:
        return None
