"""The server's clock goes on, whatever is done to the machine's: a ManualClock is the machine here, `set` the push."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.clock import FOLLOWED_MAX_S, ManualClock, SteadyClock

AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
HOUR_S, YEAR_S = 3_600.0, 365 * 86_400.0
NTP_SLEWS = 0.0005


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


@pytest.fixture
def machine() -> ManualClock:
    return ManualClock(AT)


@pytest.fixture
def steady(machine: ManualClock) -> SteadyClock:
    return SteadyClock(machine)


def push(machine: ManualClock, by_s: float) -> None:
    machine.set(machine.now() + seconds(by_s))


def test_undisturbed_it_is_the_machines(machine: ManualClock, steady: SteadyClock) -> None:
    for passed_s in (0.25, 1, 3600.000001, 86_400 * 300):
        machine.advance(passed_s)
        assert (steady.now(), steady.monotonic_s()) == (machine.now(), machine.monotonic_s())
        assert steady.drift_s() == 0


@pytest.mark.parametrize("by_s", [-HOUR_S, HOUR_S, YEAR_S, -YEAR_S, -FOLLOWED_MAX_S - 1])
def test_pushed_far_it_goes_on_to_the_microsecond(machine: ManualClock, steady: SteadyClock, by_s: float) -> None:
    machine.advance(100)
    push(machine, by_s)
    for _ in range(320):
        machine.advance(0.25)
        steady.now()
    assert steady.now() == AT + seconds(180)
    assert steady.drift_s() == by_s


@pytest.mark.parametrize("by_s", [-1, 1, -30, 59.9])
def test_pushed_a_little_it_follows_as_slowly_as_ntp(machine: ManualClock, steady: SteadyClock, by_s: float) -> None:
    push(machine, by_s)
    for _ in range(180):
        machine.advance(1)
        steady.now()
    off_s = (steady.now() - (AT + seconds(180))).total_seconds()
    assert off_s == pytest.approx(180 * NTP_SLEWS * (1 if by_s > 0 else -1), abs=1e-3)


@pytest.mark.parametrize("by_s", [-1, 5, 59])
def test_pushed_a_little_it_arrives_and_stays(machine: ManualClock, steady: SteadyClock, by_s: float) -> None:
    push(machine, by_s)
    for _ in range(int(abs(by_s) / NTP_SLEWS / 10) + 2):
        machine.advance(10)
        steady.now()
    assert steady.now() == machine.now()


def test_follows_however_often_it_is_asked(machine: ManualClock, steady: SteadyClock) -> None:
    push(machine, -0.001)
    for _ in range(100_000):
        machine.advance(0.00002)  # each time less than a microsecond of following
        steady.now()
    assert abs(steady.drift_s()) < 0.00001


def test_back_in_its_place_the_machine_is_followed_again(machine: ManualClock, steady: SteadyClock) -> None:
    push(machine, YEAR_S)
    machine.advance(60)
    assert steady.drift_s() == YEAR_S
    push(machine, -YEAR_S)
    assert steady.drift_s() == 0


@given(
    st.lists(
        st.tuples(st.floats(0, 1_000), st.floats(-100, 100) | st.floats(-2 * YEAR_S, 2 * YEAR_S)),
        min_size=1,
        max_size=30,
    )
)
def test_never_back_and_never_faster_than_ntp(story: list[tuple[float, float]]) -> None:
    machine = ManualClock(AT)
    steady = SteadyClock(machine)
    before, passed_s = steady.now(), 0.0
    for wait_s, by_s in story:
        machine.advance(wait_s)
        push(machine, by_s)
        passed_s += wait_s
        now = steady.now()
        assert now >= before
        assert abs((now - AT).total_seconds() - passed_s) <= passed_s * NTP_SLEWS + 1e-5
        before = now


def test_not_before_goes_on_from_there(machine: ManualClock, steady: SteadyClock) -> None:
    assert steady.not_before(AT + seconds(HOUR_S)) == HOUR_S
    machine.advance(180)
    assert steady.now() == AT + seconds(HOUR_S + 180)
    assert steady.drift_s() == -HOUR_S


def test_not_before_what_has_passed_changes_nothing(machine: ManualClock, steady: SteadyClock) -> None:
    machine.advance(10)
    assert steady.not_before(AT + seconds(9)) == 0
    assert steady.now() == AT + seconds(10)
