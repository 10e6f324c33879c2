"""Whether a dispatcher has the console open: told every few seconds by the server that has the pages."""

from __future__ import annotations

from datetime import datetime

from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "presence.sql")


async def tell_consoles(
    connection: Connection, instance: str, organisation_id: OrganisationId, consoles: int, now: datetime
) -> None:
    """Say that so many pages are open at `instance`, one or more."""
    parameters = {"instance": instance, "organisation_id": organisation_id, "consoles": consoles, "now": now}
    await connection.execute(QUERIES["tell_consoles"], parameters)


async def consoles_seen_at(connection: Connection, organisation_id: OrganisationId) -> datetime | None:
    """When a page was last open, at any server; None: never."""
    parameters = {"organisation_id": organisation_id}
    [row] = await (await connection.execute(QUERIES["consoles_seen_at"], parameters)).fetchall()
    seen_at: datetime | None = row["seen_at"]
    return seen_at
