"""What a calendar plans: imported as often as one likes, and begun when it is due.

A plan begins protection and never ends it: who is still out there at the planned end is exactly who must not be left.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import alerts.store
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import due_steps, shift_command
from gyrophare.flows.shift_command import ShiftError, Who
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import AgentId, OrganisationId
from gyrophare.platform.db import Connection, Pool
from lone_worker.profile_store import planned_profile
from lone_worker.profiles import DEFAULT, PROFILES
from lone_worker.shifts import agents, plan_store
from lone_worker.shifts import store as shifts
from lone_worker.shifts.agents import AgentError
from lone_worker.shifts.plan import Plan, Planned, Refused
from lone_worker.shifts.plan_store import DueShift
from lone_worker.shifts.spans import Terms

log = logging.getLogger(__name__)

AHEAD = timedelta(days=92)
"""How far ahead a series is planned; import again before it is over."""
_WHY = {
    "no_watch": "prise de service prévue, agent sans montre",
    "watch_on_shift": "prise de service prévue, montre déjà en service",
}
_MISSED = "prise de service prévue, jamais commencée"
_FAILED = "prise de service prévue, impossible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import changed, and what of the calendar is no shift."""

    added: int
    changed: int
    same: int
    cancelled: int
    refused: Sequence[Refused]


async def import_plan(
    connection: Connection, organisation_id: OrganisationId, plan: Plan, until_at: datetime, now: datetime
) -> Imported:
    """Plan what `plan`, read up to `until_at`, says; of its events, what it no longer says is cancelled."""
    known: dict[str, AgentId | None] = {}
    refused = list(plan.refused)
    for named in {planned.agent for planned in plan.shifts}:
        try:
            known[named] = (await agents.the_agent(connection, organisation_id, named)).id
        except AgentError as error:
            known[named] = None
            refused.append(Refused(what=named, why=str(error)))
    kept: list[tuple[Planned, AgentId]] = []
    became: Counter[str] = Counter()
    for planned in plan.shifts:
        agent_id = known[planned.agent]
        if agent_id is not None:
            became[await plan_store.put(connection, organisation_id, planned, agent_id, now)] += 1
            kept.append((planned, agent_id))
    cancelled = await plan_store.cancel_others(connection, organisation_id, plan.uids, kept, until_at, now)
    return Imported(
        added=became["added"],
        changed=became["changed"],
        same=became["same"],
        cancelled=cancelled,
        refused=refused,
    )


async def due(pool: Pool, clock: Clock) -> int:
    """Begin every planned shift that is due. Return how many have begun."""
    begun = 0
    seen: list[int] = []
    while True:
        now = clock.now()
        async with pool.connection() as connection, connection.transaction():
            planned = await plan_store.claim(connection, now, seen)
            if planned is None:
                return begun
            seen.append(planned.id)
            begun += await _begin(connection, planned, now)


async def _begin(connection: Connection, planned: DueShift, now: datetime) -> bool:
    """Whether a shift begins; what cannot begin yet is tried again at the next tick, until its end."""
    profile = await planned_profile(connection, planned.organisation_id, planned.profile_name)
    for shift in await shifts.open_shifts(connection, agent_id=planned.agent_id):
        await shifts.note_plan(connection, shift.id, planned.ends_at, planned.mission, profile)
        await plan_store.settle(connection, planned, "begun", shift.id, now)
        return False
    if planned.ends_at <= now:
        await _raise(connection, planned, _MISSED, now)
        await plan_store.settle(connection, planned, "missed", None, now)
        return False
    agent = await agents.agent_by_id(connection, planned.agent_id)
    terms = Terms(
        agent_id=planned.agent_id,
        mission=planned.mission,
        profile=profile or PROFILES[DEFAULT],
        planned_end_at=planned.ends_at,
    )
    try:
        if agent is None:
            raise ShiftError("no_agent", "There is no such agent any more.")
        begun = await shift_command.start(connection, agent, None, terms, Who(by="plan"), now)
    except ShiftError as error:
        log.warning("A planned shift cannot begin: %s", error.reason, extra={"action": "plan", "planned": planned.id})
        await _raise(connection, planned, _WHY.get(error.reason, _FAILED), now)
        return False
    await plan_store.settle(connection, planned, "begun", begun.shift.id, now)
    return True


async def _raise(connection: Connection, planned: DueShift, why: str, now: datetime) -> None:
    """One technical alert a planned shift and reason: somebody goes out and believes to be protected."""
    alert = NewAlert(
        organisation_id=planned.organisation_id,
        kind=AlertKind.TECHNICAL,
        device_id=None,
        shift_id=None,
        subject=planned.agent_name,
        mission=why,
        reply_topic=None,
        episode=f"planned shift {planned.id}: {why}",
        episode_at=planned.starts_at,
        triggered_at=now,
    )
    await alerts.store.raise_alerts(connection, [alert], now)
    await due_steps.take(connection, now)
