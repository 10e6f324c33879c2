"""The watch lies on the charger or in a pocket: what it does not feel says nothing of the wearer. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from gyrophare.kernel.observations import EventKind
from lone_worker.evidence import Evidence
from lone_worker.rules.facts import Danger, Facts, Finding
from lone_worker.stillness import WatchState

_OF_THE_BODY = frozenset({Evidence.STEPS, Evidence.INTERACTION})


def not_worn(facts: Facts, _now: datetime) -> Finding | None:
    """Since it was taken off, or put on the charger; until the watch says that it is worn.

    Many devices never say that: who steps or presses a button later than the limit has it on again. Before that the
    steps may be those of taking it off.
    """
    if facts.paused:
        return None
    memory = facts.state.memory
    since = [
        at for kind in (EventKind.REMOVED, EventKind.CHARGING) if (at := memory.since(kind, EventKind.WORN)) is not None
    ]
    if not since:
        return None
    since_at = min(since)
    due_at = since_at + timedelta(seconds=facts.profile.not_worn_after_s)
    at, proof = _of_the_body(facts.state)
    if proof in _OF_THE_BODY and at > due_at:
        return None
    return Finding(danger=Danger.NOT_WORN, since_at=since_at, due_at=due_at)


def _of_the_body(state: WatchState) -> tuple[datetime, Evidence]:
    """The last evidence that is no displacement: a van moves what lies in it."""
    if state.body_at is not None and state.body is not None:
        return state.body_at, state.body
    return state.evidence_at, state.evidence
