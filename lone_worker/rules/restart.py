"""The watch began anew while its wearer needs help: what it knew of the alarm is gone. Pure."""

from __future__ import annotations

from datetime import datetime

from lone_worker.rules.facts import Danger, Facts, Finding


def restarted(facts: Facts, _now: datetime) -> Finding | None:
    """After the alarm, or after the first pre-alarm."""
    at = facts.state.memory.restarted_at
    episode = facts.state.episode
    asked_at = episode.prealarmed_at[0] if episode.prealarmed_at else None
    since_at = facts.help_since_at or asked_at
    if at is None or since_at is None or at < since_at:
        return None
    return Finding(danger=Danger.RESTARTED, since_at=at, due_at=at)
