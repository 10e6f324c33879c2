"""The chain that proves the history of alerts: what is hashed, byte for byte.

Whoever checks it with another program needs this file alone. All hashes are SHA-256.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from gyrophare.kernel.ids import AccountId, AlertId

VERSION = 1
SALT_BYTES = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH = struct.Struct(">cI")

Field = str | bytes | int | datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event in the history of an alert, and all that it says."""

    id: int
    alert_id: AlertId
    at: datetime
    kind: str
    account_id: AccountId | None
    detail: str
    """JSON as the database writes it, which is one text for one value."""
    statement: str | None
    """What the alert says, as JSON, where the event vouches for that: when it was raised, and when it was erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """An event's place in the chain."""

    number: int
    event_id: int
    previous: bytes
    commitment: bytes
    hash: bytes
    sealed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a chain ends: the number and the hash of its last seal."""

    number: int
    hash: bytes


def canonical(label: str, *fields: Field) -> bytes:
    """The bytes of `fields` that are hashed for `label`; no two rows of fields have the same.

    A byte of version, then of the label and of each field a letter for its type (n none, s text, b bytes, i integer, t
    instant), its length in four bytes, and its content: UTF-8; decimal digits; microseconds since 1970, in digits.
    """
    parts = [bytes([VERSION])]
    for field in (label, *fields):
        kind, content = _content(field)
        parts += (_LENGTH.pack(kind, len(content)), content)
    return b"".join(parts)


def genesis(installation: UUID) -> Head:
    """The end of a chain without a seal, which is each installation's own."""
    return Head(number=0, hash=sha256(canonical("genesis", installation.bytes)).digest())


def commit(salt: bytes, event: Event) -> bytes:
    """Stands for what the event says; without the salt nobody can find out by trying what that was."""
    return sha256(canonical("commitment", salt, event.detail, event.statement)).digest()


def link(seal: Seal, event: Event) -> bytes:
    """The hash that `seal` must have when it seals this event."""
    return sha256(
        canonical(
            "seal",
            seal.previous,
            seal.number,
            event.id,
            event.alert_id,
            event.at,
            event.kind,
            event.account_id,
            seal.commitment,
            seal.sealed_at,
        )
    ).digest()


def seal(head: Head, event: Event, salt: bytes, sealed_at: datetime) -> Seal:
    """The seal of `event` behind `head`."""
    open_ = Seal(
        number=head.number + 1,
        event_id=event.id,
        previous=head.hash,
        commitment=commit(salt, event),
        hash=b"",
        sealed_at=sealed_at,
    )
    return replace(open_, hash=link(open_, event))


def _content(field: Field) -> tuple[bytes, bytes]:
    if field is None:
        return b"n", b""
    if isinstance(field, str):
        return b"s", field.encode()
    if isinstance(field, bytes):
        return b"b", field
    if isinstance(field, int):
        return b"i", b"%d" % field
    return b"t", b"%d" % ((field - _EPOCH) // _MICROSECOND)
