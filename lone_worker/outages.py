"""The table of outages, and what tells of one. In the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform.db import Connection
from lone_worker.hearing import CATCH_UP_S, Outage
from lone_worker.store import QUERIES


async def last_hearing(connection: Connection, instance: str, now: datetime) -> tuple[datetime | None, bool]:
    """When any server last heard the broker, and whether another one does now."""
    [row] = await (await connection.execute(QUERIES["last_hearing"], {"instance": instance, "now": now})).fetchall()
    return row["heard_at"], row["another_hears"]


async def note(connection: Connection, outage: Outage) -> None:
    """Write an outage down, once."""
    parameters = {"since_at": outage.since_at, "until_at": outage.until_at}
    await connection.execute(QUERIES["note_outage"], parameters)


async def end(connection: Connection, until_at: datetime) -> None:
    """It is over, if there was one."""
    await connection.execute(QUERIES["end_outage"], {"until_at": until_at})


async def recent(connection: Connection, now: datetime) -> list[Outage]:
    """Those that last, and those after which the watches are still catching up."""
    parameters = {"now": now, "catch_up_s": CATCH_UP_S}
    rows = await (await connection.execute(QUERIES["recent_outages"], parameters)).fetchall()
    return [Outage(since_at=row["since_at"], until_at=row["until_at"]) for row in rows]


async def count_on_shift(connection: Connection) -> dict[OrganisationId, int]:
    """How many agents of each organisation are on shift."""
    rows = await (await connection.execute(QUERIES["count_on_shift"])).fetchall()
    return {OrganisationId(row["organisation_id"]): row["agents"] for row in rows}
