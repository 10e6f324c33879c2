"""Whether a contact could be told: who is one, and which channels a server that runs can send by.

That a provider is configured is known to the servers alone, so each says so every few seconds. It is a configured
provider, not a delivered message: what became of those is told by each notification.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime

from alerts.model import Carried
from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "reach.sql")
SMS_REPLIES = "sms_replies"
"""Said by a server beside its channels: it hears what a contact answers by SMS."""


async def tell_carried(connection: Connection, instance: str, carried: Carried, now: datetime) -> None:
    """Say by which channels the server `instance` sends, and to which targets."""
    parameters = {
        "instance": instance,
        "channels": sorted(carried.channels),
        "targets": json.dumps({channel: sorted(names) for channel, names in carried.targets.items()}),
        "now": now,
    }
    await connection.execute(QUERIES["tell_carried"], parameters)


async def find_carried(connection: Connection, now: datetime, *, or_last: bool = False) -> Carried:
    """What the servers that are there send by; `or_last`: where none is, those that were there last."""
    parameters = {"now": now, "or_last": or_last}
    rows = await (await connection.execute(QUERIES["find_carried"], parameters)).fetchall()
    targets: dict[str, frozenset[str]] = defaultdict(frozenset)
    for row in rows:
        for channel, names in row["targets"].items():
            targets[channel] |= frozenset(names)
    return Carried(channels=frozenset().union(*(row["channels"] for row in rows)), targets=targets)


async def find_reach(connection: Connection, organisation_id: OrganisationId) -> tuple[int, datetime | None]:
    """How many contacts there are, and when a server that can send them text messages was last there."""
    [row] = await (await connection.execute(QUERIES["find_reach"], {"organisation_id": organisation_id})).fetchall()
    return row["contacts"], row["carried_at"]


async def begin_outage(connection: Connection, organisation_id: OrganisationId, now: datetime) -> bool:
    """Note that nobody can be told. Return whether that is news."""
    parameters = {"organisation_id": organisation_id, "now": now}
    return bool(await (await connection.execute(QUERIES["begin_outage"], parameters)).fetchall())


async def find_outages(connection: Connection) -> list[OrganisationId]:
    """Where nobody could be told, locked until the commit."""
    rows = await (await connection.execute(QUERIES["find_outages"])).fetchall()
    return [OrganisationId(row["organisation_id"]) for row in rows]


async def end_outage(connection: Connection, organisation_id: OrganisationId) -> None:
    """Somebody can be told again: the next outage is another one."""
    await connection.execute(QUERIES["end_outage"], {"organisation_id": organisation_id})
