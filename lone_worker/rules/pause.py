"""A pause that nobody has ended: whoever has a break is not protected, and may have forgotten it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from lone_worker.rules.facts import Danger, Facts, Finding


def too_long(facts: Facts, _now: datetime) -> Finding | None:
    """Counts from the pause."""
    paused_at = facts.state.memory.paused_at
    if paused_at is None:
        return None
    due_at = paused_at + timedelta(seconds=facts.profile.pause_max_s)
    return Finding(danger=Danger.LONG_PAUSE, since_at=paused_at, due_at=due_at)
