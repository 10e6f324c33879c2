"""The watch is no longer heard, or the broker says that it is gone. Pure.

Silence is also a matter of stillness, which asks when the wearer last moved; this one holds as well where movement was
proved a minute ago. Once stillness has raised its alarm for the same silence it says nothing more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gyrophare.kernel.observations import EventKind
from lone_worker.rules.facts import Danger, Facts, Finding

STILL_S = 60
"""Last heard without movement for so long, or calling for help: the delay is halved."""


def lost(facts: Facts, _now: datetime) -> Finding | None:
    """Counts from the last message, or from the last will."""
    state, profile = facts.state, facts.profile
    if facts.paused or (state.episode.alarmed_at is not None and not state.episode.stirs):
        return None
    since_at = state.heard_at or state.shift_started_at
    after_s: float = max(profile.signal_lost_after_s, profile.silence_after_s)
    gone_at = state.memory.since(EventKind.OFFLINE, EventKind.ONLINE)
    if gone_at is not None and gone_at >= since_at:
        since_at, after_s = gone_at, profile.last_will_after_s
    still = (since_at - state.evidence_at).total_seconds() >= STILL_S
    if still or facts.help_since_at is not None:
        after_s /= 2
    return Finding(danger=Danger.SIGNAL_LOST, since_at=since_at, due_at=since_at + timedelta(seconds=after_s))
