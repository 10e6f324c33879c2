"""What breaks everybody's protection at once: one alert for each organisation that has agents on shift.

Told again while it lasts, it reaches those whose first shift began meanwhile, and nobody a second time.
"""

from __future__ import annotations

from datetime import datetime

import alerts.store
import lone_worker.outages
from alerts.model import AlertKind, NewAlert
from gyrophare.platform.db import Connection


async def tell(connection: Connection, subject: str, episode: str, since_at: datetime, now: datetime) -> None:
    """Raise it, in the words of `subject`; in one `episode` each organisation hears of it once."""
    agents = await lone_worker.outages.count_on_shift(connection)
    told = await alerts.store.find_organisations_told(connection, AlertKind.INFRASTRUCTURE, episode) if agents else ()
    raised = [
        NewAlert(
            organisation_id=organisation_id,
            kind=AlertKind.INFRASTRUCTURE,
            device_id=None,
            shift_id=None,
            subject=subject,
            mission=None,
            reply_topic=None,
            episode=episode,
            episode_at=since_at,
            triggered_at=now,
            detail={"agents": on_shift},
        )
        for organisation_id, on_shift in agents.items()
        if organisation_id not in told
    ]
    if await alerts.store.raise_alerts(connection, raised, now):
        await alerts.store.wake(connection)
