"""What the canary's alarms leave in the database: its own organisation, whom it tells, and what became of an alarm."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from gyrophare.kernel.ids import DeviceId, OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "canary.sql")

_CONSOLE = {"after_s": 0, "channel": "console", "to": "console"}
_TEXT = {"after_s": 0, "channel": "sms", "to": "rank 1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of an alarm that was raised."""

    queued: bool
    """Whether any message of it is in the outbox."""
    texted: bool
    """Whether a provider has taken its text message."""


async def put_organisation(connection: Connection, *, texts: bool) -> OrganisationId:
    """The canary's organisation, whose alarms go to its first contact as text messages, or to nobody's console."""
    [row] = await (await connection.execute(QUERIES["put_organisation"])).fetchall()
    await connection.execute(QUERIES["put_account"], {"organisation_id": row["id"]})
    steps = [_CONSOLE, _TEXT] if texts else [_CONSOLE]
    await connection.execute(QUERIES["put_policy"], {"organisation_id": row["id"], "steps": json.dumps(steps)})
    return OrganisationId(row["id"])


async def find_told(connection: Connection, device_id: DeviceId, since_at: datetime) -> Told | None:
    """Of the SOS that `device_id` sent at `since_at` or later; None when no alert was raised."""
    parameters = {"device_id": device_id, "since_at": since_at}
    row = await (await connection.execute(QUERIES["find_told"], parameters)).fetchone()
    return None if row is None else Told(queued=row["queued"], texted=row["texted"])


async def close(connection: Connection, device_id: DeviceId, now: datetime) -> None:
    """Close its alerts, with the cause 'test'."""
    await connection.execute(QUERIES["close"], {"device_id": device_id, "now": now})
