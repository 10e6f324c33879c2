"""Whether we hear the watches: one alarm when we do not, and everybody shown as unprotected.

Who cannot be heard because of us is not raised one by one; `lone_worker.hearing` says how long that holds.
"""

from __future__ import annotations

from datetime import datetime

import alerts.store
import lone_worker.outages
from gyrophare.flows import infrastructure
from gyrophare.platform.db import Connection
from lone_worker.hearing import Outage, lost


async def look(connection: Connection, instance: str, now: datetime, hearing_since_at: datetime | None) -> list[Outage]:
    """Note that this server ticks and whether it hears; the outages that still excuse silence."""
    last_at, another_hears = await lone_worker.outages.last_hearing(connection, instance, now)
    await alerts.store.beat(connection, instance, now, hearing=hearing_since_at is not None)
    if not another_hears:
        outage = lost(last_at, hearing_since_at, now)
        if outage is not None:
            await lone_worker.outages.note(connection, outage)
            episode = f"not heard {outage.since_at.isoformat()}"
            await infrastructure.tell(
                connection, "Montres non reçues, agents non protégés", episode, outage.since_at, now
            )
    if hearing_since_at is not None or another_hears:
        await lone_worker.outages.end(connection, hearing_since_at or now)
    return await lone_worker.outages.recent(connection, now)
