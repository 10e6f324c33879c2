"""What messages say of a shift, sorted by what each may prove. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from gyrophare.kernel.observations import Event, EventKind, Observation, Report
from lone_worker.evidence import DELIBERATE, tells
from lone_worker.memory import Memory, remember


class Heard(NamedTuple):
    """Of one watch, in any order."""

    heard_at: datetime | None
    """When the watch itself was last heard, these messages included."""
    received_at: datetime | None
    """When the newest of these came."""
    memory: Memory
    acts: Sequence[datetime]
    """Deliberate acts of the wearer."""
    steps: Sequence[datetime]
    began: Sequence[datetime]
    """When the watch had a command, and began to vibrate or to show it."""
    telling: list[Report]
    """Reports whose position or movement may tell something when they are followed."""


def listen(
    started_at: datetime, heard_at: datetime | None, memory: Memory, observations: Iterable[Observation]
) -> Heard:
    """Sort what was said in, or since, a shift that began at `started_at`."""
    received_at: datetime | None = None
    acts: list[datetime] = []
    steps: list[datetime] = []
    began: list[datetime] = []
    telling: list[Report] = []
    events: dict[EventKind, datetime] = {}
    for seen in observations:
        at = happened_at(seen)
        if received_at is None or seen.received_at > received_at:
            received_at = seen.received_at
        # The last will is the broker's word, not the watch's.
        spoke = isinstance(seen, Report) or seen.kind is not EventKind.OFFLINE
        if spoke and (heard_at is None or seen.received_at > heard_at):
            heard_at = seen.received_at
        if isinstance(seen, Report):
            if seen.steps and not _undated(seen):
                steps.append(at)
            if tells(seen, started_at):
                telling.append(seen)
            continue
        if seen.kind in DELIBERATE:
            if at < started_at:
                continue
            acts.append(at)
        elif seen.kind is EventKind.DELIVERED:
            began.append(at)
        events[seen.kind] = max(at, events.get(seen.kind, at))
    if events:
        memory = remember(memory, events)
    return Heard(heard_at, received_at, memory, acts, steps, began, telling)


def happened_at(seen: Observation) -> datetime:
    """When it was so for the device, never later than when we heard it: a fast clock must not postpone an alarm."""
    said_at = seen.occurred_at if isinstance(seen, Event) else seen.sent_at
    if said_at is None and seen.fix is not None:
        said_at = seen.fix.fixed_at
    return seen.received_at if said_at is None or said_at > seen.received_at else said_at


def _undated(report: Report) -> bool:
    """Out of a buffer and without a time: it proves that somebody walked once, not when."""
    return report.buffered and report.sent_at is None and report.fix is None
