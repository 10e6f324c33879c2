"""The watch began anew while its wearer needs help: what it knew of the alarm is gone. Pure."""

from __future__ import annotations

from datetime import datetime

from lone_worker.rules.facts import Danger, Facts, Finding


def restarted(facts: Facts, _now: datetime) -> Finding | None:
    """After the alarm, or after the first pre-alarm."""
    at = facts.restarted_at
    episode = facts.state.episode
    since = [*episode.prealarmed_at[:1], *([facts.help_since_at] if facts.help_since_at is not None else [])]
    if at is None or not since or at < min(since):
        return None
    return Finding(danger=Danger.RESTARTED, since_at=at, due_at=at)
