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


def plan(
    policy: Sequence[Step],
    next_step: int,
    next_step_at: datetime,
    now: datetime,
    *,
    repeat: int = 0,
    repeat_after_s: int = 0,
) -> Plan:
    """Every step from `next_step` on that is due at `now`: after an outage the missed ones of a round all come at once.

    The steps keep their distances: when one was brought forward, because a contact can never be reached, so are those
    behind it. A number beyond the policy is of another round: the steps begin anew `repeat` times by themselves, and
    once more when whoever had taken the alert did nothing.
    """
    if not policy:
        return Plan(due=(), next_step=next_step, next_step_at=None)
    due: list[tuple[int, Step]] = []
    number, at = next_step, next_step_at
    end = (next_step // len(policy) + 1) * len(policy)
    while number < end and at <= now:
        step = policy[number % len(policy)]
        due.append((number, step))
        number += 1
        if number < end:
            at += timedelta(seconds=policy[number % len(policy)].after_s - step.after_s)
    if number < end:
        return Plan(due=tuple(due), next_step=number, next_step_at=at)
    if end // len(policy) <= repeat:
        # From now, not from when it was due: after an outage not all rounds at once.
        return Plan(due=tuple(due), next_step=number, next_step_at=now + timedelta(seconds=repeat_after_s))
    return Plan(due=tuple(due), next_step=number, next_step_at=None)
