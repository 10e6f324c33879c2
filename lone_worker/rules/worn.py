"""The watch lies on the charger or in a pocket: what it does not feel says nothing of the wearer. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from gyrophare.kernel.observations import EventKind
from lone_worker.rules.facts import Danger, Facts, Finding


def not_worn(facts: Facts, _now: datetime) -> Finding | None:
    """Since it was taken off, or put on the charger."""
    if facts.paused:
        return None
    memory = facts.state.memory
    since = [
        at for kind in (EventKind.REMOVED, EventKind.CHARGING) if (at := memory.since(kind, EventKind.WORN)) is not None
    ]
    if not since:
        return None
    since_at = min(since)
    return Finding(
        danger=Danger.NOT_WORN,
        since_at=since_at,
        due_at=since_at + timedelta(seconds=facts.profile.not_worn_after_s),
    )
