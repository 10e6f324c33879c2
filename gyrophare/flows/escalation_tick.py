"""Each second: deadlines that have passed become alerts, and steps that are due become notifications.

Silence sends no message, so silence is found here. What is due is a row with an absolute instant, claimed by row lock:
any number of servers may tick, and one that was dead for an hour raises the next second what it missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import alerts.store
import lone_worker.store
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import subjects
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Connection, Pool
from lone_worker.store import Due

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What one tick did."""

    raised: int
    escalated: int


async def tick(pool: Pool, clock: Clock, instance: str) -> Ticked:
    """Do everything that is due now."""
    raised = escalated = 0
    while True:
        now = clock.now()
        async with pool.connection() as connection, connection.transaction():
            due = await lone_worker.store.claim_due(connection, now, AT_ONCE)
            raised += len(await alerts.store.raise_alerts(connection, await _alerts(connection, due), now))
            stepped = await alerts.store.take_due_steps(connection, now, AT_ONCE)
            escalated += stepped
            await alerts.store.beat(connection, instance, now)
        if len(due) < AT_ONCE and stepped < AT_ONCE:
            return Ticked(raised=raised, escalated=escalated)


async def _alerts(connection: Connection, due: list[Due]) -> list[NewAlert]:
    who = await subjects.find(connection, {one.device_id for one in due})
    return [
        NewAlert(
            organisation_id=who[one.device_id].organisation_id,
            kind=AlertKind.STILLNESS,
            device_id=one.device_id,
            shift_id=one.shift_id,
            subject=who[one.device_id].name,
            mission=who[one.device_id].mission,
            reply_topic=who[one.device_id].reply_topic,
            episode=one.evidence_at.isoformat(),
            episode_at=one.evidence_at,
            triggered_at=one.due_at,
            heard_after_episode=one.heard_at is not None and one.heard_at > one.evidence_at,
            fix=who[one.device_id].last_fix,
        )
        for one in due
    ]
