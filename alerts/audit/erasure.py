"""Erasure: who was in danger, where, and what was written to whom is forgotten; that it happened stays proven."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.audit.store import QUERIES, hold_sealer
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Connection

ERASED = "(effacé)"  # in the place of a name, where dispatchers read it


async def find_erasable(connection: Connection, before: datetime) -> list[AlertId]:
    """The alerts that were closed before that instant and are not erased yet."""
    rows = await (await connection.execute(QUERIES["find_erasable"], {"before": before})).fetchall()
    return [AlertId(row["id"]) for row in rows]


async def erase(connection: Connection, alert_ids: Sequence[AlertId], now: datetime) -> list[AlertId]:
    """Erase what is personal in those of `alert_ids` that are closed and not erased yet; return which they were.

    In one transaction, during which nothing is sealed: a salt made meanwhile would stay for what is gone.
    """
    await hold_sealer(connection)
    rows = await (await connection.execute(QUERIES["lock_erasable"], {"alert_ids": list(alert_ids)})).fetchall()
    erased = [AlertId(row["id"]) for row in rows]
    if erased:
        parameters = {"alert_ids": erased, "subject": ERASED, "now": now}
        await connection.execute(QUERIES["erase_alerts"], parameters)
        await connection.execute(QUERIES["erase_notifications"], parameters)
        await connection.execute(QUERIES["erase_attempts"], parameters)
        await connection.execute(QUERIES["erase_events"], parameters)
        await connection.execute(QUERIES["erase_salts"], parameters)
        await connection.execute(QUERIES["record_erased"], parameters)
    return erased
