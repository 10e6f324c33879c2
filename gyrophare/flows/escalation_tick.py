"""Four times a second: what is due becomes a question to the watch, an alert, the next step of an escalation.

Silence sends no message, so silence is found here. What is due is a row with an absolute instant, claimed by row lock:
any number of servers may tick, and one that was dead for an hour raises the next second what it missed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

import alerts.store
from gyrophare.flows import due_steps, hearing, judged
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import DeviceId
from gyrophare.platform.db import Connection, Pool
from lone_worker import watching
from lone_worker.hearing import Outage

log = logging.getLogger(__name__)

AT_ONCE = 500
ALWAYS = datetime.min.replace(tzinfo=UTC)
"""Of a server that has heard the broker without a gap."""
_PUT_OFF = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What one tick did."""

    raised: int
    escalated: int


async def tick(
    pool: Pool, clock: Clock, instance: str, hearing_since_at: datetime | None = ALWAYS, at_once: int = AT_ONCE
) -> Ticked:
    """Do everything that is due now. `hearing_since_at`: since when this server hears the broker; None: it does not."""
    raised = escalated = 0
    while True:
        now = clock.now()
        async with pool.connection() as connection, connection.transaction():
            outages = await hearing.look(connection, instance, now, hearing_since_at)
            due = await watching.claim_due(connection, now, at_once)
            raised += await _judge(connection, due, outages, now)
            await alerts.store.lapse(connection, now, at_once)
            stepped = await due_steps.take(connection, now, at_once)
            escalated += stepped
        if len(due) < at_once and stepped < at_once:
            return Ticked(raised=raised, escalated=escalated)


async def _judge(
    connection: Connection, due: dict[DeviceId, datetime], outages: Sequence[Outage], now: datetime
) -> int:
    """Judge them all at once; where that fails one by one, so that nobody waits for a row that our code cannot bear."""
    if not due:
        return 0
    try:
        async with connection.transaction():
            return await judged.judge(connection, due, outages, now)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("%d watches cannot be judged together", len(due), extra={"action": "judge"})
    raised = 0
    for device_id, due_at in due.items():
        try:
            async with connection.transaction():
                raised += await judged.judge(connection, {device_id: due_at}, outages, now)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.critical(
                "A watch cannot be judged: our own fault, and it is not protected",
                exc_info=True,
                extra={"action": "judge", "device_id": device_id},
            )
            await _give_up(connection, device_id, now)
    return raised


async def _give_up(connection: Connection, device_id: DeviceId, now: datetime) -> None:
    """Whatever happens the watch is put off, or it would be the first of the next tick as well."""
    await watching.put_off(connection, device_id, now, now + _PUT_OFF)
    try:
        async with connection.transaction():
            await judged.tell_our_fault(connection, device_id, now)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.critical(
            "Nobody can be told that a watch is not judged",
            exc_info=True,
            extra={"action": "judge", "device_id": device_id},
        )
