"""What watches say of shifts: their wearers begin, end, pause and go on, in whatever order it is heard.

In the transaction of the report, before anything else of it counts: what was measured is kept or not by the shifts that
come of it.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import alerts.store
import ingest.private
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import due_steps, reachable, subjects
from gyrophare.kernel.ids import AgentId, DeviceId
from gyrophare.kernel.observations import Event, EventKind, Observation
from gyrophare.platform.db import Connection
from ingest.directory import Device
from lone_worker.shifts import agents
from lone_worker.shifts import store as shifts
from lone_worker.shifts.plan_store import adopt
from lone_worker.shifts.spans import Act, ActKind, Terms

log = logging.getLogger(__name__)

_KINDS = {
    EventKind.SHIFT_START: ActKind.START,
    EventKind.SHIFT_END: ActKind.END,
    EventKind.PAUSE: ActKind.PAUSE,
    EventKind.RESUME: ActKind.RESUME,
}


async def lock(connection: Connection, said: Iterable[tuple[Device, Observation]]) -> bool:
    """Whether something of `said` is about shifts; if so, the watches' shifts are ours until the commit.

    To be done before the watches' states are locked, as whoever begins a shift at a console does it in this order too.
    """
    telling = {device.id for device, seen in said if _tells(device, seen)}
    if telling:
        await shifts.lock(connection, telling)
    return bool(telling)


async def record(
    connection: Connection, said: Iterable[tuple[Device, Observation]], now: datetime
) -> Mapping[DeviceId, bool]:
    """Make shifts of what was said. Return whose shifts may be others now, and whether nobody is reachable for one that
    began: its wearer is to be told so on the watch."""
    told: dict[Device, list[Event]] = defaultdict(list)
    for device, seen in said:
        if _tells(device, seen) and isinstance(seen, Event):
            told[device].append(seen)
    owners = await agents.find_owners(connection, [device.id for device in told])
    alone: dict[DeviceId, bool] = {}
    for device, events in sorted(told.items(), key=lambda one: one[0].id):
        alone[device.id] = await _record_one(connection, device, owners.get(device.id), events, now)
    return alone


def _tells(device: Device, seen: Observation) -> bool:
    return device.kind == "watch" and isinstance(seen, Event) and seen.kind in _KINDS


async def _record_one(
    connection: Connection, device: Device, owner: AgentId | None, events: Sequence[Event], now: datetime
) -> bool:
    acts = [_act(event, owner) for event in events if not _too_old(event)]
    if not acts:
        return False
    recorded = await shifts.record(connection, device.id, acts, now)
    await ingest.private.forget(connection, device.id, recorded.private)
    starts = [act.at for act in acts if act.kind is ActKind.START]
    if starts and owner is None and recorded.open_shift_id is None:
        await _raise(connection, device, "montre sans agent, prise de service impossible", max(starts), now)
    if recorded.open_shift_id is None or not recorded.began:
        return False
    log.info("A watch has begun a shift", extra={"action": "shift_start", "device_id": device.id})
    if owner is not None:
        await adopt(connection, owner, recorded.open_shift_id, now)
        if len(await shifts.open_shifts(connection, agent_id=owner)) > 1:
            await _raise(connection, device, "deux montres en service pour cet agent", max(starts, default=now), now)
    return not await reachable.check(connection, device.organisation_id, now)


def _act(event: Event, owner: AgentId | None) -> Act:
    """When it was so for the watch, never later than when we heard it."""
    kind = _KINDS[event.kind]
    at = event.happened_at
    return Act(
        at=at,
        kind=kind,
        by="watch",
        terms=Terms(agent_id=owner) if owner is not None and kind is ActKind.START else None,
    )


def _too_old(event: Event) -> bool:
    """A shift that began longer ago than a buffer lives is over, whatever became of its end; an end still ends."""
    at = event.occurred_at
    return event.kind is not EventKind.SHIFT_END and at is not None and event.received_at - at > shifts.LATE_BUFFER_MAX


async def _raise(connection: Connection, device: Device, why: str, at: datetime, now: datetime) -> None:
    """One technical alert a start: whoever pressed believes to be protected."""
    subject = (await subjects.find(connection, [device.id]))[device.id]
    alert = NewAlert(
        organisation_id=device.organisation_id,
        kind=AlertKind.TECHNICAL,
        device_id=device.id,
        shift_id=subject.shift_id,
        subject=subject.name,
        mission=why,
        reply_topic=None,
        episode=f"{why} {at.isoformat()}",
        episode_at=at,
        triggered_at=now,
        fix=None,
    )
    await alerts.store.raise_alerts(connection, [alert], now)
    await due_steps.take(connection, now)
