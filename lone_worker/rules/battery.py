"""The battery will not last. Pure."""

from __future__ import annotations

from datetime import datetime

from gyrophare.kernel.observations import EventKind
from lone_worker.rules.facts import Danger, Facts, Finding


def low(facts: Facts, now: datetime) -> Finding | None:
    """Once a shift, by the watch's own word or by its figure."""
    started_at = facts.state.shift_started_at
    said_at = facts.state.memory.since(EventKind.LOW_BATTERY, EventKind.CHARGING)
    empty = facts.battery_pct is not None and facts.battery_pct <= facts.profile.low_battery_pct
    if said_at is None and not empty:
        return None
    return Finding(danger=Danger.LOW_BATTERY, since_at=started_at, due_at=said_at or now)
