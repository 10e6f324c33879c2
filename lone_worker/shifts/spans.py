"""Which instants a shift with pauses protects, by what was said in whatever order. Pure.

A watch's shifts are what its acts amount to, in the order of their own instants: one that is heard late is put in its
place, and all is counted once more. So an end that is older than the start ends nothing, and a start that comes after
the end of its shift leaves no ghost behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from gyrophare.kernel.ids import AccountId, AgentId, ShiftId
from gyrophare.kernel.values import value
from lone_worker.areas import Area
from lone_worker.profiles import DEFAULT, PROFILES, Profile

By = Literal["watch", "console", "plan", "cli"]


class ActKind(StrEnum):
    """What was said. Of acts of one instant what protects has the last word: they count in this order."""

    END = "end"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"


_RANK = {kind: rank for rank, kind in enumerate(ActKind)}


@value
class Terms:
    """Whom a shift protects, and what was agreed at its start."""

    agent_id: AgentId
    profile: Profile = PROFILES[DEFAULT]
    mission: str | None = None
    planned_end_at: datetime | None = None
    area: Area | None = None
    """Where the mission is; None: anywhere."""


@value
class Act:
    """One thing that was said. A start without `terms` is of a watch that is nobody's, and begins nothing."""

    at: datetime
    kind: ActKind
    by: By
    account_id: AccountId | None = None
    terms: Terms | None = None


@value
class Pause:
    """A time within a shift in which nobody is followed."""

    started_at: datetime
    ended_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether nobody was to be followed at `at`; the instants of the acts themselves are no part of it."""
        return self.started_at < at and (self.ended_at is None or at < self.ended_at)


@value
class Span:
    """When a watch protects somebody."""

    started_at: datetime
    ended_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()

    def holds(self, at: datetime) -> bool:
        """Whether what was measured at `at` may be kept."""
        if at < self.started_at or (self.ended_at is not None and at > self.ended_at):
            return False
        return not any(pause.holds(at) for pause in self.pauses)


@value
class Shift:
    """A span with the acts that began and ended it."""

    span: Span
    start: Act
    terms: Terms
    end: Act | None = None


def fold(acts: Iterable[Act]) -> list[Shift]:
    """The shifts that `acts` amount to, oldest first; the last may be open. Before all of them nobody was on shift."""
    shifts: list[Shift] = []
    for act in sorted(acts, key=lambda act: (act.at, _RANK[act.kind])):
        shift = shifts[-1] if shifts and shifts[-1].end is None else None
        if shift is not None:
            shifts[-1] = _within(shift, act)
        elif act.kind is ActKind.START and act.terms is not None:
            shifts.append(Shift(span=Span(started_at=act.at), start=act, terms=act.terms))
    return shifts


def _within(shift: Shift, act: Act) -> Shift:
    """An open shift after `act`. To start again is to say that one is there: it ends a pause."""
    span = shift.span
    paused = bool(span.pauses) and span.pauses[-1].ended_at is None
    if act.kind is ActKind.PAUSE:
        return shift if paused else replace(shift, span=replace(span, pauses=(*span.pauses, Pause(started_at=act.at))))
    if paused:
        span = replace(span, pauses=(*span.pauses[:-1], replace(span.pauses[-1], ended_at=act.at)))
    if act.kind is ActKind.END:
        return replace(shift, span=replace(span, ended_at=act.at), end=act)
    return replace(shift, span=span)


def matched(known: Sequence[tuple[ShiftId, datetime]], shifts: Sequence[Shift]) -> list[tuple[ShiftId | None, Shift]]:
    """Each of `shifts` with its number, where one is known by an earlier look; `known` are numbers and starts.

    An act only makes a shift longer, shorter or two, so that where a known one began is still within its own.
    """
    numbers: dict[datetime, ShiftId] = {}
    for shift_id, started_at in known:
        began = [shift.span.started_at for shift in shifts if shift.span.started_at <= started_at]
        if began:
            numbers[began[-1]] = shift_id
    return [(numbers.get(shift.span.started_at), shift) for shift in shifts]


def private(spans: Iterable[Span], since_at: datetime) -> list[tuple[datetime, datetime | None]]:
    """The times from `since_at` on in which nobody was to be followed: between two instants, or from one on (None)."""
    gaps: list[tuple[datetime, datetime | None]] = []
    outside_from: datetime | None = since_at
    for span in spans:
        if outside_from is not None and outside_from < span.started_at:
            gaps.append((outside_from, span.started_at))
        gaps += [(pause.started_at, pause.ended_at) for pause in span.pauses]
        outside_from = span.ended_at
    if outside_from is not None:
        gaps.append((outside_from, None))
    return [(start, end) for start, end in gaps if end is None or end > since_at]
