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


def plan(policy: Sequence[Step], raised_at: datetime, next_step: int, now: datetime) -> Plan:
    """Every step from `next_step` on that is due at `now`: after an outage the missed ones all come at once."""
    number = next_step
    while number < len(policy) and _at(policy[number], raised_at) <= now:
        number += 1
    return Plan(
        due=tuple((n, policy[n]) for n in range(next_step, number)),
        next_step=number,
        next_step_at=_at(policy[number], raised_at) if number < len(policy) else None,
    )


def _at(step: Step, raised_at: datetime) -> datetime:
    return raised_at + timedelta(seconds=step.after_s)
