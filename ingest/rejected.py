"""The table `rejected`: what could not be understood or believed, kept with its reason; the same again only counts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)
KEPT_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A message, or a part of one, that is kept aside with its reason."""

    topic: str
    reason: str
    detail: str
    body: bytes
    received_at: datetime
    times: int = 1
    whatever_body: bool = False
    """Whether it is one and the same refusal however the bodies differ."""


async def insert(connection: Connection, rejected: Sequence[Rejected]) -> None:
    """Keep what could not be understood: the reason, the size, and the first 64 KiB."""
    if not rejected:
        return
    kept = [item.body[:KEPT_BODY_BYTES] for item in rejected]
    columns = {
        "topic": [_text(item.topic) for item in rejected],
        "reason": [item.reason for item in rejected],
        "detail": [_text(item.detail) for item in rejected],
        "size_bytes": [len(item.body) for item in rejected],
        # Of what is kept and the size: a flood of large bodies must not cost their whole length.
        "sha256": [
            hashlib.sha256(b"" if item.whatever_body else b"%d:" % len(item.body) + body).digest()
            for item, body in zip(rejected, kept, strict=True)
        ],
        "body": kept,
        "received_at": [item.received_at for item in rejected],
        "times": [item.times for item in rejected],
    }
    await connection.execute(QUERIES["insert_rejected"], columns)


def _text(text: str) -> str:
    return text.replace("\0", "�")[:2000]  # PostgreSQL's text holds no NUL
