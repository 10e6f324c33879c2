"""Heard, but nobody knows where. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from gyrophare.kernel.observations import EventKind
from lone_worker.episode import silent
from lone_worker.rules.facts import Danger, Facts, Finding


def lost(facts: Facts, now: datetime) -> Finding | None:
    """Counts from the last position, or from the start of the shift or the end of a pause. Who is not heard at all is
    another rule's matter."""
    state = facts.state
    if facts.paused or silent(state.heard_at, now):
        return None
    since = (facts.positioned_at, state.memory.last.get(EventKind.RESUME))
    since_at = max([state.shift_started_at, *(at for at in since if at is not None)])
    due_at = since_at + timedelta(seconds=facts.profile.gnss_lost_after_s)
    return Finding(danger=Danger.GNSS_LOST, since_at=since_at, due_at=due_at)
