"""One time in which the auditor finds something: the alerts it was told by, until it ends.

It is kept in the alerts' own history, so that a server that is started again, or another one, goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gyrophare.kernel.ids import AlertId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "audit_episode.sql")

ENDED = "well_again"
"""The event in its history when the auditor finds nothing any more."""
_PREFIX = "audit "


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Since when the auditor finds something, and the alerts that say so: one for each organisation that was told."""

    since_at: datetime
    alert_ids: tuple[AlertId, ...] = ()

    @property
    def name(self) -> str:
        return f"{_PREFIX}{self.since_at.isoformat()}"


async def find_told(connection: Connection) -> Episode | None:
    """What lasts and somebody was told of, locked against other auditors until the commit."""
    await connection.execute(QUERIES["lock"])
    rows = await (await connection.execute(QUERIES["find_told"], {"prefix": _PREFIX, "ended": ENDED})).fetchall()
    if not rows:
        return None
    return Episode(since_at=rows[0]["episode_at"], alert_ids=tuple(AlertId(row["id"]) for row in rows))


async def touch(connection: Connection, alert_ids: Sequence[AlertId], now: datetime) -> None:
    """Have the consoles look at these alerts again."""
    await connection.execute(QUERIES["touch"], {"alert_ids": list(alert_ids), "now": now})
