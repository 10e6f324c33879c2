"""What is due now, and what after that. Pure: a function of the policy copied into the alert, and of `now`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps that are due, by number, and the next one with its instant, None when no step is left."""

    due: tuple[tuple[int, Step], ...]
    next_step: int
    next_step_at: datetime | None


def plan(policy: Sequence[Step], next_step: int, next_step_at: datetime, now: datetime) -> Plan:
    """Every step from `next_step` on that is due at `now`: after an outage the missed ones all come at once.

    The steps keep their distances: when one was brought forward, because a contact can never be reached, so are those
    behind it.
    """
    due: list[tuple[int, Step]] = []
    number, at = next_step, next_step_at
    while number < len(policy) and at <= now:
        due.append((number, policy[number]))
        number += 1
        if number < len(policy):
            at += timedelta(seconds=policy[number].after_s - policy[number - 1].after_s)
    return Plan(due=tuple(due), next_step=number, next_step_at=at if number < len(policy) else None)
