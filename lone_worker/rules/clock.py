"""The watch's clock is off: its times are corrected as far as can be, and somebody should know. Pure."""

from __future__ import annotations

from datetime import datetime

from lone_worker.rules.facts import Danger, Facts, Finding

UNSAFE_FROM_S = 60


def unsafe(facts: Facts, now: datetime) -> Finding | None:
    """Once a shift."""
    skew_s = facts.clock_skew_s
    if skew_s is None or abs(skew_s) < UNSAFE_FROM_S:
        return None
    return Finding(danger=Danger.CLOCK_UNSAFE, since_at=facts.state.shift_started_at, due_at=now)
