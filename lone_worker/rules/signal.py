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
    """Counts from the last message, or where that is sooner from the last will: it is one silence all the same."""
    state, profile = facts.state, facts.profile
    if facts.paused or (state.episode.alarmed_at is not None and not state.episode.stirs):
        return None
    since_at = state.heard_at or state.shift_started_at
    excused_s = facts.white_zone_s or 0
    still = (since_at - state.evidence_at).total_seconds() >= STILL_S
    share = 0.5 if still or facts.help_since_at is not None else 1.0
    after_s = max(profile.signal_lost_after_s, profile.silence_after_s, excused_s)
    due_at = since_at + timedelta(seconds=share * after_s)
    gone_at = state.memory.since(EventKind.OFFLINE, EventKind.ONLINE)
    if gone_at is not None and gone_at >= since_at:
        gone_s = max(profile.last_will_after_s, excused_s)
        due_at = min(due_at, gone_at + timedelta(seconds=share * gone_s))
    return Finding(danger=Danger.SIGNAL_LOST, since_at=since_at, due_at=due_at)
