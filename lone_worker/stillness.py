"""More than three minutes without movement. Pure: (state, observations) -> state, with an absolute deadline in it.

The deadline counts from the last evidence of movement, whether or not the watch keeps talking: many devices send
nothing while still. Missing data never moves it; data from the future neither. In whatever order reports come, and
whichever process has them, the state in the end is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime, timedelta

from gyrophare.kernel.ids import DeviceId, ShiftId
from gyrophare.kernel.observations import Event, Observation, Report
from gyrophare.kernel.values import value
from lone_worker.course import Checkpoint, Course, Past, follow, in_turn
from lone_worker.evidence import DELIBERATE, Evidence, Whereabouts, counts

DEFAULT_ALARM_AFTER_S = 180
_RANK = {evidence: rank for rank, evidence in enumerate(Evidence)}


@value
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
    fixed_at: datetime | None = None
    """Of the newest fix that counted."""
    body_at: datetime | None = None
    """The last evidence but displacements, where a displacement is the last of all: an overtaken fix may undo that."""
    body: Evidence | None = None
    passed: tuple[Checkpoint, ...] = field(default=(), compare=False)
    """What is to be kept of the way here, in case a fix was overtaken."""


def overtaken(state: WatchState, observations: Iterable[Observation]) -> datetime | None:
    """From when on the past must be followed again before these are folded; None: they come in order."""
    fixed_at = state.fixed_at
    if fixed_at is None:
        return None
    late = [
        seen.fix.fixed_at
        for seen in observations
        if isinstance(seen, Report) and seen.fix is not None and seen.fix.fixed_at <= fixed_at
        if counts(seen, state.shift_started_at)
    ]
    return min(late) if late else None


def fold(state: WatchState, observations: Iterable[Observation], past: Past | None = None) -> WatchState:
    """The state after `observations` of this watch, in any order.

    `past` holds what `overtaken` asked for, these observations included; without it an overtaken fix tells nothing.
    """
    heard_at, started_at = state.heard_at, state.shift_started_at
    moved_at = state.evidence_at if state.evidence is Evidence.DISPLACEMENT else None
    body_at, body = state.evidence_at, state.evidence
    if moved_at is not None:
        body_at, body = state.body_at or started_at, state.body or Evidence.SHIFT_START
    placed: list[Report] = []
    for seen in observations:
        if heard_at is None or seen.received_at > heard_at:
            heard_at = seen.received_at
        if isinstance(seen, Event):
            if seen.kind in DELIBERATE:
                body_at, body = _later(body_at, body, _happened_at(seen), Evidence.INTERACTION)
            continue
        if seen.steps and not _undated(seen):
            body_at, body = _later(body_at, body, _happened_at(seen), Evidence.STEPS)
        if seen.fix is not None and counts(seen, started_at):
            placed.append(seen)

    course = Course(state.whereabouts, state.fixed_at, moved_at)
    if past is not None:
        course, placed = past.course, [report for report in past.reports if counts(report, started_at)]
    if len(placed) > 1:
        placed.sort(key=in_turn)
    course, passed = follow(course, placed)
    evidence_at, evidence = body_at, body
    if course.moved_at is not None:
        evidence_at, evidence = _later(body_at, body, course.moved_at, Evidence.DISPLACEMENT)
    moves = evidence is Evidence.DISPLACEMENT
    return WatchState(
        device_id=state.device_id,
        shift_id=state.shift_id,
        shift_started_at=started_at,
        alarm_after_s=state.alarm_after_s,
        evidence_at=evidence_at,
        evidence=evidence,
        due_at=_due_at(state, evidence_at),
        heard_at=heard_at,
        whereabouts=course.whereabouts,
        fixed_at=course.fixed_at,
        body_at=body_at if moves else None,
        body=body if moves else None,
        passed=tuple(passed),
    )


def _happened_at(seen: Observation) -> datetime:
    """When it was so for the device, never later than when we heard it: a fast clock must not postpone an alarm."""
    if isinstance(seen, Report):
        said_at = seen.sent_at or (seen.fix.fixed_at if seen.fix else None)
    else:
        said_at = seen.occurred_at
    return seen.received_at if said_at is None or said_at > seen.received_at else said_at


def _undated(report: Report) -> bool:
    """Out of a buffer and without a time: it proves that somebody walked once, not when."""
    return report.buffered and report.sent_at is None and report.fix is None


def _later(at: datetime, evidence: Evidence, then: datetime, other: Evidence) -> tuple[datetime, Evidence]:
    """The later of two pieces of evidence; of one instant that named first, so that their order is indifferent."""
    if then < at or (then == at and _RANK[other] >= _RANK[evidence]):
        return at, evidence
    return then, other


def _due_at(state: WatchState, evidence_at: datetime) -> datetime | None:
    """New evidence postpones the deadline, and arms the rule again after an alarm."""
    if evidence_at == state.evidence_at or (evidence_at < state.evidence_at and state.due_at is None):
        return state.due_at
    return evidence_at + timedelta(seconds=state.alarm_after_s)
