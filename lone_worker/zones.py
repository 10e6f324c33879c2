"""The table of white zones: where the radio does not reach. In the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform.db import Connection
from lone_worker.areas import Area
from lone_worker.store import QUERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """An area, and how long one may be silent in it."""

    organisation_id: OrganisationId
    name: str
    area: Area
    silence_s: int


async def put(connection: Connection, zone: Zone) -> None:
    """Declare a zone; one of that name is drawn anew."""
    parameters = {
        "organisation_id": zone.organisation_id,
        "name": zone.name,
        "area": json.dumps(zone.area),
        "silence_s": zone.silence_s,
    }
    await connection.execute(QUERIES["put_white_zone"], parameters)


async def find(connection: Connection, organisation_ids: Collection[OrganisationId]) -> list[Zone]:
    """Those of these organisations, by name."""
    parameters = {"organisation_ids": list(organisation_ids)}
    rows = await (await connection.execute(QUERIES["find_white_zones"], parameters)).fetchall()
    return [Zone(**row) for row in rows]


async def remove(connection: Connection, organisation_id: OrganisationId, name: str) -> bool:
    """Whether there was one of that name."""
    parameters = {"organisation_id": organisation_id, "name": name}
    return bool((await connection.execute(QUERIES["remove_white_zone"], parameters)).rowcount)
