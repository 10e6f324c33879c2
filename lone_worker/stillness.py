"""More than three minutes without movement. Pure: (state, observations) -> state, with an absolute deadline in it.

The deadline counts from the last evidence of movement, whether or not the watch keeps talking: many devices send
nothing while still. Missing data never moves it; data from the future neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gyrophare.kernel.ids import DeviceId, ShiftId
from gyrophare.kernel.observations import Event, Observation, Report
from lone_worker.evidence import DELIBERATE, Evidence, Whereabouts, displaced

DEFAULT_ALARM_AFTER_S = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """What the rule knows of one watch on shift. `due_at` is None once this episode has its alarm."""

    device_id: DeviceId
    shift_id: ShiftId
    shift_started_at: datetime
    alarm_after_s: int
    evidence_at: datetime
    evidence: Evidence
    due_at: datetime | None
    heard_at: datetime | None = None
    whereabouts: Whereabouts = field(default_factory=Whereabouts)


def fold(state: WatchState, observations: Iterable[Observation]) -> WatchState:
    """The state after `observations` of this watch, in any order."""
    for seen in sorted(observations, key=_order):
        state = _heard(state, seen.received_at)
        at = _happened_at(seen)
        if isinstance(seen, Event):
            if seen.kind in DELIBERATE:
                state = _moved(state, at, Evidence.INTERACTION)
            continue
        if seen.steps and not _undated(seen):
            state = _moved(state, at, Evidence.STEPS)
        if seen.fix is not None:
            whereabouts, confirmed = displaced(state.whereabouts, seen.fix)
            state = replace(state, whereabouts=whereabouts)
            if confirmed:
                state = _moved(state, min(seen.fix.fixed_at, seen.received_at), Evidence.DISPLACEMENT)
    return state


def _happened_at(seen: Observation) -> datetime:
    """When it was so for the device, never later than when we heard it: a fast clock must not postpone an alarm."""
    if isinstance(seen, Report):
        said_at = seen.sent_at or (seen.fix.fixed_at if seen.fix else None)
    else:
        said_at = seen.occurred_at
    return min(said_at or seen.received_at, seen.received_at)


def _undated(report: Report) -> bool:
    """Out of a buffer and without a time: it proves that somebody walked once, not when."""
    return report.buffered and report.sent_at is None and report.fix is None


def _order(seen: Observation) -> tuple[datetime, bool, int, datetime]:
    """Fixes in the order of their own clock; what happened together in the order of its keys, never of its arrival."""
    is_event = isinstance(seen, Event)
    at = seen.fix.fixed_at if seen.fix is not None and not is_event else _happened_at(seen)
    return at, is_event, seen.message_key, seen.received_at


def _heard(state: WatchState, at: datetime) -> WatchState:
    return state if state.heard_at is not None and state.heard_at >= at else replace(state, heard_at=at)


def _moved(state: WatchState, at: datetime, evidence: Evidence) -> WatchState:
    """New evidence postpones the deadline, and arms the rule again after an alarm."""
    if at <= state.evidence_at:
        return state
    return replace(state, evidence_at=at, evidence=evidence, due_at=at + timedelta(seconds=state.alarm_after_s))
