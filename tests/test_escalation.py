"""What is due now: every missed step at once, the next one in its distance, nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.escalation import Plan, plan
from alerts.model import Step

RAISED = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return RAISED + timedelta(seconds=seconds)


# The console and the first contact at once, the second after a minute, the third after five.
POLICY = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="sms", to="rank 1"),
    Step(after_s=60, channel="sms", to="rank 2"),
    Step(after_s=300, channel="sms", to="rank 3"),
)


@pytest.mark.parametrize(
    ("next_step", "next_s", "now_s", "due", "then", "then_s"),
    [
        # Nothing is due yet.
        (2, 60, 59.9, [], 2, 60),
        # Due to the instant.
        (2, 60, 60, [2], 3, 300),
        # The first steps are due at once, together.
        (0, 0, 0, [0, 1], 2, 60),
        # A tick that comes late keeps the plan: the third is still due five minutes after the alert.
        (2, 60, 75, [2], 3, 300),
        # After an outage the missed ones all come at once.
        (0, 0, 3_600, [0, 1, 2, 3], 4, None),
        (1, 0, 61, [1, 2], 3, 300),
        # The last one: nothing after it.
        (3, 300, 300, [3], 4, None),
        # Everybody has been told, and whoever took it did nothing: they are told anew, in the same distances.
        (4, 300, 300, [4, 5], 6, 360),
        (4, 300, 3_600, [4, 5, 6, 7], 8, None),
        (7, 600, 3_600, [7], 8, None),
        # Brought forward, because the first contact can never be reached: those behind it come sooner too.
        (2, 10, 10, [2], 3, 250),
        (2, 10, 250, [2, 3], 4, None),
    ],
)
def test_plan_when(
    next_step: int, next_s: float, now_s: float, due: list[int], then: int, then_s: float | None
) -> None:
    assert plan(POLICY, next_step, after(next_s), after(now_s)) == Plan(
        due=tuple((number, POLICY[number % len(POLICY)]) for number in due),
        next_step=then,
        next_step_at=None if then_s is None else after(then_s),
    )


def test_plan_when_nobody_is_to_be_told() -> None:
    assert plan((), 0, RAISED, after(60)) == Plan(due=(), next_step=0, next_step_at=None)


def test_step_is_read_as_the_database_holds_it() -> None:
    assert Step.read({"after_s": 60, "channel": "sms", "rank": 2}) == POLICY[2]
    assert Step.read({"after_s": "0", "channel": "console", "rank": None}) == POLICY[0]
    with pytest.raises(KeyError):
        Step.read({"after_s": 0, "channel": "sms"})


policies = st.lists(st.integers(0, 600), max_size=8).map(
    lambda waits: tuple(Step(after_s=after_s, channel="sms", to="rank 1") for after_s in accumulate(waits))
)
ticks = st.lists(st.integers(0, 6_000), max_size=12).map(sorted)


@given(policies, ticks)
def test_each_step_is_due_once_in_order_and_never_early(policy: tuple[Step, ...], now_s: list[int]) -> None:
    first_s = policy[0].after_s if policy else 0
    next_step, next_step_at = 0, after(first_s)
    taken: list[int] = []
    for at_s in now_s:
        planned = plan(policy, next_step, next_step_at, after(at_s))
        for number, step in planned.due:
            assert step is policy[number]
            assert step.after_s <= at_s
            taken.append(number)
        next_step = planned.next_step
        if planned.next_step_at is None:
            assert next_step == len(policy)
            break
        assert planned.next_step_at > after(at_s)
        next_step_at = planned.next_step_at
    # Whoever was due by the last tick was taken, however the ticks fell.
    assert taken == [number for number, step in enumerate(policy) if now_s and step.after_s <= now_s[-1]]


@given(policies.filter(bool), st.integers(0, 600))
def test_steps_keep_their_distances_when_brought_forward(policy: tuple[Step, ...], sooner_s: int) -> None:
    next_step, next_step_at = 0, after(policy[0].after_s - sooner_s)
    instants = [next_step_at]
    while (planned := plan(policy, next_step, next_step_at, next_step_at)).next_step_at is not None:
        # Steps at the same instant come together: one instant for each.
        instants += [next_step_at] * (len(planned.due) - 1) + [planned.next_step_at]
        next_step, next_step_at = planned.next_step, planned.next_step_at
    instants += [next_step_at] * (len(planned.due) - 1)
    waits = [later.after_s - earlier.after_s for earlier, later in pairwise(policy)]
    assert [(later - earlier).total_seconds() for earlier, later in pairwise(instants)] == waits
