"""The timed check: whoever has not said for so long that all is well. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from lone_worker.evidence import DELIBERATE
from lone_worker.rules.facts import Danger, Facts, Finding


def missed(facts: Facts, _now: datetime) -> Finding | None:
    """Counts from the last deliberate act; in a vehicle also where the profile asks nothing on foot."""
    profile, state = facts.profile, facts.state
    every_s, since_at = profile.check_every_s, state.shift_started_at
    vehicle_since_at = state.whereabouts.vehicle_since_at
    if vehicle_since_at is not None and profile.vehicle_check_every_s is not None:
        if every_s is None:
            since_at = max(since_at, vehicle_since_at)
        every_s = min(every_s or profile.vehicle_check_every_s, profile.vehicle_check_every_s)
    if every_s is None or facts.paused:
        return None
    acts = [at for kind, at in state.memory.last.items() if kind in DELIBERATE]
    since_at = max([since_at, *acts])
    due_at = since_at + timedelta(seconds=every_s)
    return Finding(
        danger=Danger.CHECK_MISSED,
        since_at=since_at,
        due_at=due_at,
        notice_at=due_at - timedelta(seconds=profile.check_notice_s),
    )
