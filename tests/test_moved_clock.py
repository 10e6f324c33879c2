"""An administrator, or NTP, moves the machine's clock: each agent has one alarm, in its time, and it is said."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from gyrophare import doctor_engine
from gyrophare.doctor_engine import Tick, judge
from gyrophare.flows.keep_time import ClockWatch
from gyrophare.kernel.clock import ManualClock, SteadyClock, SystemClock
from gyrophare.server import Server
from tests.conftest import START_AT, StartServer
from tests.department import Department

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


async def alerts(department: Department) -> list[dict[str, Any]]:
    return await department.rows("select kind, triggered_at, raised_at from alert")


@pytest.mark.parametrize("by", [-HOUR, HOUR, YEAR, -YEAR])
async def test_alarm_comes_at_180_s_when_the_clock_was_moved_at_100_s(
    start_server: StartServer, department: Department, clock: ManualClock, by: timedelta
) -> None:
    server = await start_server()
    await department.on_shift("w-1")
    clock.advance(100)
    await server.tick()
    clock.set(clock.now() + by)
    clock.advance(79.999)
    assert (await server.tick()).raised == 0
    clock.advance(0.001)
    assert (await server.tick()).raised == 1
    clock.set(START_AT + timedelta(seconds=200))  # somebody puts it right
    clock.advance(400)
    assert (await server.tick()).raised == 0
    due_at = START_AT + timedelta(seconds=180)
    assert await alerts(department) == [{"kind": "stillness", "triggered_at": due_at, "raised_at": due_at}]


async def test_alarm_is_late_by_the_outage_alone_when_the_clock_was_set_back_before_the_restart(
    start_server: StartServer, department: Department, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    first = await start_server()
    await department.on_shift("w-1")
    clock.advance(100)
    await first.tick()
    await first.stop()
    clock.advance(20)  # nobody knows of these
    clock.set(clock.now() - HOUR)
    second = await start_server()
    assert [record.levelname for record in caplog.records if "behind the last tick" in record.message] == ["ERROR"]
    clock.advance(79)
    assert (await second.tick()).raised == 0
    clock.advance(1)
    assert (await second.tick()).raised == 1
    assert len(await alerts(department)) == 1


async def test_restart_in_right_time_is_not_spoken_of(
    start_server: StartServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    first = await start_server()
    await first.tick()
    await first.stop()
    clock.advance(20)
    second = await start_server()
    assert second.clock.now() == clock.now()
    assert not [record for record in caplog.records if "clock" in record.message.lower()]


async def test_moved_clock_is_said_once_and_so_is_its_return(
    server: Server, department: Department, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await department.on_shift("w-1")
    caplog.set_level(logging.INFO, logger="gyrophare.flows.keep_time")
    watch = ClockWatch(SteadyClock(clock))
    for by in (timedelta(0), HOUR, timedelta(0), -HOUR, timedelta(0)):
        clock.set(clock.now() + by)
        clock.advance(1)
        await watch.look(server.pool)
        if by == HOUR:
            assert watch.apart_s == HOUR.total_seconds()
    assert watch.apart_s is None
    assert [vars(record)["action"] for record in caplog.records if record.name.endswith("keep_time")] == [
        "clock_moved",
        "clock_back",
    ]
    assert await department.rows("select kind, subject from alert") == [
        {"kind": "infrastructure", "subject": "Horloge du serveur déréglée"}
    ]


def test_small_step_is_not_worth_a_word(clock: ManualClock) -> None:
    watch = ClockWatch(SteadyClock(clock))
    clock.set(clock.now() + timedelta(seconds=1.9))
    assert watch.apart_s is None


# ------------------------------------------------------------------ the doctor


def ticked(age_s: float) -> Tick:
    return Tick("one", START_AT - timedelta(seconds=age_s))


@pytest.mark.parametrize(
    ("before", "newest", "verdict", "says"),
    [
        (None, None, "fault", "nobody is protected"),
        (ticked(1), ticked(1), "ok", "1.0 s ago"),
        (ticked(-1), ticked(-1), "ok", "-1.0 s ago"),  # two machines may differ by as much
        (ticked(60), ticked(60), "fault", "last tick 60.0 s ago"),
        (ticked(60), ticked(0.5), "ok", "0.5 s ago"),  # it was just started
        (ticked(3602), ticked(3600), "fault", "ticks, but in another time: its last tick was 3600.0 s ago"),
        (ticked(-3598), ticked(-3600), "fault", "another time: its last tick was 3600.0 s ahead of this clock"),
        (ticked(-3600), ticked(-3600), "fault", "last tick 3600.0 s ahead of this clock"),
    ],
)
def test_doctor_judges_two_looks_at_the_tick(before: Tick | None, newest: Tick | None, verdict: str, says: str) -> None:
    finding = judge(before, newest, START_AT)
    assert finding.verdict == verdict
    assert says in finding.found


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[DictRow]]:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def beat(connection: psycopg.Connection[DictRow], age_s: float) -> None:
    connection.execute(
        "insert into engine_tick values ('one', %s)"
        " on conflict (instance) do update set ticked_at = excluded.ticked_at",
        (SystemClock().now() - timedelta(seconds=age_s),),
    )


def test_doctor_looks_again_at_a_tick_of_another_time(
    connection: psycopg.Connection[DictRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(connection, 3600)
    monkeypatch.setattr("gyrophare.doctor_engine.time.sleep", lambda _s: beat(connection, 3590))
    finding = doctor_engine.tick(connection)
    assert (finding.verdict, "in another time" in finding.found) == ("fault", True)


def test_doctor_does_not_wait_where_all_is_well(
    connection: psycopg.Connection[DictRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(connection, 0.5)
    monkeypatch.setattr("gyrophare.doctor_engine.time.sleep", lambda _s: pytest.fail("nothing to wait for"))
    assert doctor_engine.tick(connection).verdict == "ok"
