"""Longer at work than planned: nobody has said that the shift is over. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from lone_worker.rules.facts import Danger, Facts, Finding


def overrun(facts: Facts, _now: datetime) -> Finding | None:
    """Counts from the planned end, where there is one; also in a pause."""
    planned_end_at = facts.planned_end_at
    if planned_end_at is None:
        return None
    due_at = planned_end_at + timedelta(seconds=facts.profile.overrun_after_s)
    return Finding(danger=Danger.OVERRUN, since_at=planned_end_at, due_at=due_at)
