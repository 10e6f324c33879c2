"""Whether we hear the watches at all: a short gap is nothing, a long one excuses the silence that it caused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lone_worker.hearing import Outage, answer_until_at, held_until_at, lost
from tests.test_stillness import after


def outage(since_s: float, until_s: float | None = None) -> Outage:
    return Outage(since_at=after(since_s), until_at=None if until_s is None else after(until_s))


@pytest.mark.parametrize(
    ("last_heard_s", "hearing_since_s", "now_s", "expected"),
    [
        (None, None, 100, None),  # a department's first minute
        (None, 100, 100, None),
        (100, -10_000, 101, None),
        (100, None, 130, None),
        (100, None, 130.1, outage(100)),
        (100, None, 4_000, outage(100)),
        (100, 130, 130, None),  # a restart
        (100, 130.1, 131, outage(100, 130.1)),
        (100, 50, 4_000, None),  # it heard all the time, and was too busy to say so
    ],
)
def test_outage_when_nobody_heard_for_more_than_half_a_minute(
    last_heard_s: float | None, hearing_since_s: float | None, now_s: float, expected: Outage | None
) -> None:
    last_heard_at = None if last_heard_s is None else after(last_heard_s)
    since_at = None if hearing_since_s is None else after(hearing_since_s)
    assert lost(last_heard_at, since_at, after(now_s)) == expected


@pytest.mark.parametrize(
    ("outages", "heard_s", "now_s", "held_s"),
    [
        ([], 100, 300, None),
        # While it lasts: until we look again.
        ([outage(100)], 100, 300, 310),
        ([outage(100)], 10, 300, 310),
        ([outage(100)], 9.9, 300, None),  # it was silent before
        # When it is over: as long as the watches catch up.
        ([outage(100, 300)], 100, 300, 360),
        ([outage(100, 300)], 100, 359, 360),
        ([outage(100, 300)], 100, 360, None),
        ([outage(100, 300)], 300.1, 310, None),  # heard since
        ([outage(100, 300)], 250, 310, 360),  # heard in it, by the lane that was left
        # Of several the longest.
        ([outage(100, 300), outage(350)], 300, 360, 370),
        ([outage(100, 300), outage(320)], 295, 325, 360),
    ],
)
def test_silence_is_ours_when_the_watch_fell_silent_with_us(
    outages: list[Outage], heard_s: float, now_s: float, held_s: float | None
) -> None:
    expected = None if held_s is None else after(held_s)
    assert held_until_at(outages, after(heard_s), after(now_s)) == expected


@pytest.mark.parametrize(
    ("outages", "due_s", "now_s", "until_s"),
    [
        ([], 200, 200, None),
        ([outage(100)], 99, 200, None),  # it had been due before
        ([outage(100)], 100, 200, 210),
        ([outage(100, 300)], 200, 300, 360),
        ([outage(100, 300)], 200, 360, None),
        ([outage(100, 300)], 340, 340, 360),  # the answer is among what is kept
    ],
)
def test_answer_is_waited_for_when_it_could_not_be_heard(
    outages: list[Outage], due_s: float, now_s: float, until_s: float | None
) -> None:
    expected = None if until_s is None else after(until_s)
    assert answer_until_at(outages, after(due_s), after(now_s)) == expected


spans = st.tuples(st.integers(0, 600), st.none() | st.integers(0, 600)).map(
    lambda one: outage(one[0], None if one[1] is None else one[0] + one[1])
)


@given(st.lists(spans, max_size=3), st.integers(0, 1_000), st.integers(0, 2_000))
def test_silence_is_never_excused_for_ever(outages: list[Outage], heard_s: int, now_s: int) -> None:
    held = held_until_at(outages, after(heard_s), after(now_s))
    if held is not None:
        assert after(now_s) < held <= max(after(now_s + 10), after(max(heard_s, 1_200) + 60))
        assert [one for one in outages if one.until_at is None or (held - one.until_at).total_seconds() <= 60]
