"""Whether we hear the watches: one alarm when we do not, and everybody shown as unprotected.

Who cannot be heard because of us is not raised one by one; `lone_worker.hearing` says how long that holds.
"""

from __future__ import annotations

from datetime import datetime

import alerts.store
import lone_worker.outages
from alerts.model import AlertKind, NewAlert
from gyrophare.platform.db import Connection
from lone_worker.hearing import Outage, lost


async def look(connection: Connection, instance: str, now: datetime, hearing_since_at: datetime | None) -> list[Outage]:
    """Note that this server ticks and whether it hears; the outages that still excuse silence."""
    last_at, another_hears = await lone_worker.outages.last_hearing(connection, instance, now)
    await alerts.store.beat(connection, instance, now, hearing=hearing_since_at is not None)
    if not another_hears:
        outage = lost(last_at, hearing_since_at, now)
        if outage is not None and await lone_worker.outages.note(connection, outage):
            await _raise(connection, outage, now)
    if hearing_since_at is not None or another_hears:
        await lone_worker.outages.end(connection, hearing_since_at or now)
    return await lone_worker.outages.recent(connection, now)


async def _raise(connection: Connection, outage: Outage, now: datetime) -> None:
    """One alert for each organisation that has agents on shift."""
    agents = await lone_worker.outages.count_on_shift(connection)
    raised = [
        NewAlert(
            organisation_id=organisation_id,
            kind=AlertKind.INFRASTRUCTURE,
            device_id=None,
            shift_id=None,
            subject="Réception des montres",
            mission=None,
            reply_topic=None,
            episode=f"not heard {outage.since_at.isoformat()}",
            episode_at=outage.since_at,
            triggered_at=now,
            detail={"agents": on_shift},
        )
        for organisation_id, on_shift in agents.items()
    ]
    await alerts.store.raise_alerts(connection, raised, now)
