"""Clocks that tests move, and a ticker that survives whatever is done to the machine's clock.

Nothing here waits for time to pass: the steps' periods are hours where nothing is to happen, hundredths where it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES

from gyrophare.kernel.clock import ManualClock, SystemClock
from gyrophare.platform.schedule import Ticker, _Again

AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
HOUR_S, YEAR_S = 3_600.0, 365 * 86_400.0
SOON_S = 10.0  # how long a busy machine may take; reached only by a test that fails


# ------------------------------------------------------------------ clocks


def test_manual_clock_stands_still() -> None:
    clock = ManualClock(AT)
    assert [clock.now(), clock.now()] == [AT, AT]
    assert [clock.monotonic_s(), clock.monotonic_s()] == [0, 0]


def test_manual_clock_when_time_passes_both_clocks_see_it() -> None:
    clock = ManualClock(AT)
    clock.advance(1.5)
    clock.advance(60)
    assert clock.now() == AT + timedelta(seconds=61.5)
    assert clock.monotonic_s() == 61.5


@pytest.mark.parametrize("to", [AT - timedelta(hours=1), AT + timedelta(days=365), AT])
def test_manual_clock_when_set_the_monotonic_one_does_not_notice(to: datetime) -> None:
    clock = ManualClock(AT)
    clock.advance(5)
    clock.set(to)
    assert (clock.now(), clock.monotonic_s()) == (to, 5)


def test_manual_clock_speaks_utc_whatever_it_was_given() -> None:
    paris = timezone(timedelta(hours=1))
    clock = ManualClock(AT.astimezone(paris))
    assert (clock.now(), clock.now().tzinfo) == (AT, UTC)
    clock.set(AT.astimezone(paris))
    assert (clock.now(), clock.now().tzinfo) == (AT, UTC)


def test_manual_clock_refuses_an_instant_without_a_zone() -> None:
    with pytest.raises(ValueError, match="aware instant, got the naive 2026-01-14T07:42:03"):
        ManualClock(AT.replace(tzinfo=None))


def test_system_clock_speaks_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    readings = [clock.monotonic_s() for _ in range(100)]
    assert all(later >= earlier for earlier, later in pairwise(readings))


# ------------------------------------------------------------------ the trigger


@pytest.mark.parametrize("behind_s", [0, 1, HOUR_S, YEAR_S, 100 * YEAR_S, -HOUR_S, -YEAR_S, None])
def test_trigger_names_one_period_from_now_whatever_the_past(behind_s: float | None) -> None:
    previous = None if behind_s is None else AT - timedelta(seconds=behind_s)
    assert _Again(2.5).get_next_fire_time(previous, AT) == AT + timedelta(seconds=2.5)


# ------------------------------------------------------------------ the ticker


class Step:
    """Counts its calls; what it does in each can be said."""

    def __init__(self) -> None:
        self.calls = 0
        self.called = asyncio.Event()

    async def __call__(self) -> None:
        self.calls += 1
        self.called.set()

    async def again(self) -> None:
        """Return at the next call."""
        self.called.clear()
        await asyncio.wait_for(self.called.wait(), SOON_S)


@pytest.fixture
def monotonic() -> ManualClock:
    return ManualClock(AT)


@pytest.fixture
async def ticker(monotonic: ManualClock) -> AsyncIterator[Ticker]:
    ticker = Ticker(monotonic)
    ticker.start()
    yield ticker
    ticker.stop()
    await asyncio.sleep(0)


@contextmanager
def machine_clock_ahead(monkeypatch: pytest.MonkeyPatch, by_s: float) -> Iterator[None]:
    """Inside, the machine's clock is ahead by so much; leaving is somebody setting it back."""
    with monkeypatch.context() as wrong:
        wrong.setattr(Ticker, "_wall", staticmethod(lambda: SystemClock().now() + timedelta(seconds=by_s)))
        yield


async def test_step_is_called_at_once_and_again_and_again(ticker: Ticker) -> None:
    step = Step()
    ticker.every(0.01, "step", step)
    for _ in range(3):
        await step.again()


async def test_step_added_before_the_start_is_called_at_once(monotonic: ManualClock) -> None:
    ticker, step = Ticker(monotonic), Step()
    ticker.every(HOUR_S, "step", step)
    ticker.start()
    await step.again()
    ticker.stop()


async def test_step_that_raises_is_logged_and_tried_again(ticker: Ticker, caplog: pytest.LogCaptureFixture) -> None:
    again = Step()

    async def fails_at_first() -> None:
        await again()
        if again.calls < 3:
            raise RuntimeError("the database is gone")

    ticker.every(0.01, "escalation", fails_at_first)
    while again.calls < 4:
        await again.again()
    failures = [record for record in caplog.records if "will be tried again" in record.message]
    assert len(failures) == 2
    assert {vars(record)["action"] for record in failures} == {"escalation"}


async def test_slow_step_is_not_started_twice_and_holds_up_no_other(ticker: Ticker) -> None:
    skipped, release, quick = asyncio.Semaphore(0), asyncio.Event(), Step()
    running = most = 0
    ticker._scheduler.add_listener(lambda _: skipped.release(), EVENT_JOB_MAX_INSTANCES)

    async def slow() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await release.wait()
        running -= 1

    ticker.every(0.01, "slow", slow)
    ticker.every(0.01, "quick", quick)
    async with asyncio.timeout(SOON_S):
        for _ in range(3):  # three times its turn came and passed
            await skipped.acquire()
    assert (running, most) == (1, 1)
    await quick.again()
    release.set()
    await quick.again()
    assert most == 1


async def test_age_is_since_the_last_end(ticker: Ticker, monotonic: ManualClock) -> None:
    step = Step()
    monotonic.advance(100)
    ticker.every(HOUR_S, "step", step)
    monotonic.advance(7)
    assert ticker.age_s("step") == 7  # never ended yet: since it was added
    await step.again()
    await asyncio.sleep(0)
    assert ticker.age_s("step") == 0
    monotonic.advance(3)
    assert ticker.age_s("step") == 3


async def test_age_grows_while_a_step_hangs(ticker: Ticker, monotonic: ManualClock) -> None:
    entered = asyncio.Event()

    async def hangs() -> None:
        entered.set()
        await asyncio.Event().wait()

    ticker.every(HOUR_S, "hangs", hangs)
    await asyncio.wait_for(entered.wait(), SOON_S)
    monotonic.advance(60)
    assert ticker.age_s("hangs") == 60


@pytest.mark.parametrize("set_back_s", [HOUR_S, YEAR_S])
async def test_guard_wakes_a_step_when_the_clock_was_set_back(
    ticker: Ticker,
    monotonic: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    set_back_s: float,
) -> None:
    step = Step()
    with machine_clock_ahead(monkeypatch, set_back_s):
        ticker.every(1, "escalation", step)
    # APScheduler now sleeps for an hour; only the monotonic clock knows that two periods have passed.
    monotonic.advance(2.2)
    ticker._guard()
    assert ticker._scheduler.get_job("escalation").next_run_time > SystemClock().now() + timedelta(seconds=HOUR_S / 2)
    monotonic.advance(0.1)
    ticker._guard()
    await step.again()
    moved = [record for record in caplog.records if "clock was moved" in record.message]
    assert [vars(record)["step"] for record in moved] == ["escalation"]


async def test_guard_wakes_only_what_is_late(
    ticker: Ticker, monotonic: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, patient = Step(), Step()
    with machine_clock_ahead(monkeypatch, HOUR_S):
        ticker.every(1, "late", late)
        ticker.every(HOUR_S, "patient", patient)
    monotonic.advance(10)
    ticker._guard()
    await late.again()
    assert patient.calls == 0


async def test_step_is_called_once_when_the_clock_was_set_ahead_by_a_year(
    ticker: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, other = Step(), Step()
    with machine_clock_ahead(monkeypatch, -YEAR_S):
        ticker.every(HOUR_S, "step", step)  # due a year ago: 8 760 calls were missed
    await step.again()
    ticker.every(0.01, "other", other)  # the loop is not busy with the past
    for _ in range(5):
        await other.again()
    assert step.calls == 1
    due_in = ticker._scheduler.get_job("step").next_run_time - SystemClock().now()
    assert timedelta(seconds=HOUR_S - 60) < due_in <= timedelta(seconds=HOUR_S)


async def test_guard_goes_on_by_itself(ticker: Ticker, monotonic: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = Step()
    monkeypatch.setattr("gyrophare.platform.schedule._GUARD_S", 0.01)
    guard = ticker._guard
    monkeypatch.setattr(ticker, "_guard", lambda: (asyncio.ensure_future(guarded()), guard()))
    ticker._guard_soon()
    for _ in range(3):
        await guarded.again()


async def test_stopped_ticker_calls_nothing_and_guards_nothing(
    monotonic: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ticker, step = Ticker(monotonic), Step()
    with machine_clock_ahead(monkeypatch, HOUR_S):
        ticker.every(1, "step", step)
    ticker.start()
    ticker.stop()
    await asyncio.sleep(0.01)  # the shutdown is itself a call on the loop
    monotonic.advance(60)
    with caplog.at_level(logging.WARNING):
        ticker._guard()
    assert step.calls == 0
    assert caplog.records == []


async def test_step_that_is_under_way_at_the_stop_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    ticker, begun = Ticker(SystemClock()), asyncio.Event()

    async def step() -> None:
        begun.set()
        await asyncio.Event().wait()

    ticker.every(1, "step", step)
    ticker.start()
    await begun.wait()
    with caplog.at_level(logging.WARNING):
        ticker.stop()
        await asyncio.sleep(0.01)
    assert caplog.records == []
