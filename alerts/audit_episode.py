"""One time in which the auditor finds something: the alerts it was told by, until it ends.

It is kept in the alerts' own history, so that a server that is started again, or another one, goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gyrophare.kernel.ids import AlertId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "audit_episode.sql")

PREFIX = "audit "
"""How the episode of such an alert begins; its first instant follows."""
ENDED = "well_again"
"""The event in its history when the auditor finds nothing any more."""


async def find_told(connection: Connection) -> list[AlertId]:
    """The alerts of the time that lasts, locked against other auditors until the commit."""
    await connection.execute(QUERIES["lock"])
    rows = await (await connection.execute(QUERIES["find_told"], {"prefix": PREFIX, "ended": ENDED})).fetchall()
    return [AlertId(row["id"]) for row in rows]


async def touch(connection: Connection, alert_ids: Sequence[AlertId], now: datetime) -> None:
    """Have the consoles look at these alerts again."""
    await connection.execute(QUERIES["touch"], {"alert_ids": list(alert_ids), "now": now})
