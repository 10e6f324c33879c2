"""Nobody is protected without somebody who would hear the alarm: a start with nobody reachable warns, and says so once.

It never refuses: a watch that alarms in an empty room is better than none, as the room may fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import alerts.store
from alerts import reach
from alerts.model import AlertKind, Carried, NewAlert
from dashboards import presence
from gyrophare.flows import due_steps
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform.db import Connection, Pool

SEEN_WITHIN = timedelta(seconds=60)
WARNING = "Personne n'est joignable : aucune console ouverte, aucun contact par SMS. Prévenez quelqu'un par téléphone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of those who could hear an alarm."""

    console_seen_at: datetime | None
    contacts: int
    sms_carried_at: datetime | None


def reachable(facts: Facts, now: datetime) -> bool:
    """Whether a dispatcher looks at the console, or a contact can be sent a text message."""

    def lately(at: datetime | None) -> bool:
        return at is not None and abs(now - at) <= SEEN_WITHIN  # ahead of us: a clock was set back since

    return lately(facts.console_seen_at) or (facts.contacts > 0 and lately(facts.sms_carried_at))


async def look(connection: Connection, organisation_id: OrganisationId) -> Facts:
    """The facts of an organisation."""
    contacts, sms_carried_at = await reach.find_reach(connection, organisation_id)
    seen_at = await presence.consoles_seen_at(connection, organisation_id)
    return Facts(console_seen_at=seen_at, contacts=contacts, sms_carried_at=sms_carried_at)


async def check(connection: Connection, organisation_id: OrganisationId, now: datetime) -> bool:
    """Whether somebody is reachable for who begins now; if not, one technical alert an outage."""
    if reachable(await look(connection, organisation_id), now):
        await reach.end_outage(connection, organisation_id)
        return True
    if await reach.begin_outage(connection, organisation_id, now):
        alert = NewAlert(
            organisation_id=organisation_id,
            kind=AlertKind.TECHNICAL,
            device_id=None,
            shift_id=None,
            subject="Personne n'est joignable",
            mission="aucune console, aucun contact par SMS",
            reply_topic=None,
            episode=f"nobody reachable in {organisation_id} since {now.isoformat()}",
            episode_at=now,
            triggered_at=now,
        )
        await alerts.store.raise_alerts(connection, [alert], now)
        await due_steps.take(connection, now)
    return False


async def tick(pool: Pool, clock: Clock, instance: str, carried: Carried) -> None:
    """Say what this server sends by, and end the outages that are over."""
    now = clock.now()
    async with pool.connection() as connection, connection.transaction():
        await reach.tell_carried(connection, instance, carried, now)
        for organisation_id in await reach.find_outages(connection):
            if reachable(await look(connection, organisation_id), now):
                await reach.end_outage(connection, organisation_id)
