"""What breaks while somebody lies still: each ends with exactly one alarm, as early as the fault allows.

A server that is killed and restarted at 179 s: tests/test_crashes.py.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from pydantic import SecretStr

from gyrophare.embedded import MqttBroker, PostgresServer
from gyrophare.flows import escalation_tick
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import open_pool
from gyrophare.server import Server
from gyrophare.settings import DatabaseSettings, HttpSettings, MqttSettings, Settings
from lone_worker import rules
from lone_worker.rules.facts import Facts
from tests.conftest import START_AT, StartServer
from tests.department import Department

ALERTS = "select kind, triggered_at, raised_at, heard_after_episode from alert order by id"


class Steady:
    """A clock that does not notice when the machine's is set: as a server is handed one."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock, self._began_at, self._began_s = clock, clock.now(), clock.monotonic_s()

    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=self.monotonic_s() - self._began_s)

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()


async def ticks(server: Server, clock: ManualClock, seconds: int, every_s: int = 1) -> None:
    for _ in range(0, seconds, every_s):
        clock.advance(every_s)
        await server.tick()


async def step(department: Department, name: str = "w-1", **more: Any) -> datetime:
    """Somebody takes steps; when that is stored, since when he lies still."""
    department.clock.advance(1)
    await department.send(name, department.report(name, steps=9, **more))
    [state] = await department.until_rows(1, "select evidence_at from watch_state where evidence = 'steps'")
    evidence_at: datetime = state["evidence_at"]
    return evidence_at


@pytest.mark.parametrize("hours", [-1, 1, 24 * 365])
async def test_alarm_comes_at_180_s_when_the_clock_of_the_server_is_set(
    start_server: StartServer, department: Department, clock: ManualClock, hours: int
) -> None:
    server = await start_server(clock_of_its_own=Steady(clock))
    await department.on_shift("w-1")
    await ticks(server, clock, 10)
    evidence_at = await step(department)
    await ticks(server, clock, 100)
    clock.set(clock.now() + timedelta(hours=hours))
    await ticks(server, clock, 79)
    assert await department.rows(ALERTS) == []
    await ticks(server, clock, 60)
    [alert] = await department.rows(ALERTS)
    assert alert["kind"] == "stillness"
    assert alert["raised_at"] == evidence_at + timedelta(seconds=180)


async def test_alarm_comes_once_when_a_clock_that_is_set_back_has_it_come_twice(
    server: Server, department: Department, clock: ManualClock
) -> None:
    """Whatever clock an engine has: an episode has one alert."""
    await department.on_shift("w-1")
    evidence_at = await step(department)
    await ticks(server, clock, 181)
    clock.set(evidence_at)
    await ticks(server, clock, 200, 5)
    assert [row["kind"] for row in await department.rows(ALERTS)] == ["stillness"]


async def test_alarm_comes_at_180_s_when_the_clock_of_the_watch_is_a_year_ahead(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    clock.advance(10)
    ahead = (clock.now() + timedelta(days=365)).isoformat()
    fix = {"fixed_at": ahead, "lat": 47.3215, "lon": 5.0415, "accuracy_m": 6.5}
    evidence_at = await step(department, sent_at=ahead, fix=fix)
    await ticks(server, clock, 179)
    assert await department.rows("select from alert where kind = 'stillness'") == []
    await ticks(server, clock, 60)
    [alert] = await department.rows("select raised_at from alert where kind = 'stillness'")
    assert evidence_at == START_AT + timedelta(seconds=11)  # when we heard it
    assert alert["raised_at"] == evidence_at + timedelta(seconds=180)


async def test_alarms_come_once_when_two_engines_tick_at_the_same_time(
    department: Department, database_url: str, clock: ManualClock
) -> None:
    agents = 120
    await department.many_on_shift(agents)
    pools = [await open_pool(database_url, 2) for _ in range(2)]
    for now_s in (150, 170, 180, 181):
        clock.set(START_AT + timedelta(seconds=now_s))
        await asyncio.gather(
            *(
                escalation_tick.tick(pool, clock, f"engine-{number}", at_once=50)
                for _ in range(3)
                for number, pool in enumerate(pools)
            )
        )
    for pool in pools:
        await pool.close()
    [told] = await department.rows(
        "select count(*) as alerts, count(distinct device_id) as devices, min(raised_at) as first_at, "
        "max(raised_at) as last_at from alert where kind = 'stillness'"
    )
    at_180_s = START_AT + timedelta(seconds=180)
    assert told == {"alerts": agents, "devices": agents, "first_at": at_180_s, "last_at": at_180_s}
    for query in (
        "select from alert_event where kind = 'raised'",
        "select from notification where channel = 'console'",
        "select from prealarm where outcome = 'alarm'",
    ):
        assert len(await department.rows(query)) == agents
    assert await department.rows("select from alert where kind <> 'stillness'") == []


async def test_alarm_comes_at_190_s_when_the_database_was_gone_from_170_to_190_s(
    mortal_database: PostgresServer, broker: MqttBroker, clock: ManualClock, tmp_path: Path
) -> None:
    settings = Settings(
        instance=f"gone-{os.getpid()}",
        data_dir=tmp_path,
        database=DatabaseSettings(url=SecretStr(mortal_database.url), pool_size=4),
        mqtt=MqttSettings(url=SecretStr(broker.url)),
        http=HttpSettings(port=0),
    )
    server = Server(settings, clock, ticking=False)
    await server.start()
    async with Department.open(mortal_database.url, broker.url, clock) as department:
        await department.on_shift("w-1")
        evidence_at = await step(department)
        await ticks(server, clock, 169)
        assert await department.rows(ALERTS) == []

    clock.advance(1)
    await asyncio.to_thread(mortal_database.stop)
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            await server.tick()
        clock.advance(10)
    await asyncio.to_thread(mortal_database.start)

    async with Department.open(mortal_database.url, broker.url, clock) as department:
        await ticks_again(server)
        [alert] = await department.rows(ALERTS)
        assert alert["kind"] == "stillness"
        assert alert["triggered_at"] <= evidence_at + timedelta(seconds=180)
        assert alert["raised_at"] == evidence_at + timedelta(seconds=190)
        await ticks(server, clock, 120, 10)
        assert len(await department.rows(ALERTS)) == 1
    await server.stop()


async def ticks_again(server: Server) -> None:
    """The pool needs a moment to connect to a database that is back."""
    async with asyncio.timeout(20):
        while True:
            try:
                await server.tick()
                return
            except psycopg.OperationalError:
                await asyncio.sleep(0.05)


# ------------------------------------------------------------------ our own faults


def broken(_facts: Facts, _now: datetime) -> NoReturn:
    raise ZeroDivisionError("a rule of ours")


@pytest.mark.parametrize("number", [0, 6])
async def test_alarms_come_when_a_rule_is_broken_and_that_is_an_alert_too(
    server: Server, department: Department, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    some = list(rules.RULES)
    some[number] = broken
    monkeypatch.setattr(rules.judge, "__defaults__", (some,))
    await department.many_on_shift(3)
    await ticks(server, clock, 300, 10)
    found = await department.rows("select kind, count(*) as alerts, min(raised_at) as at from alert group by kind")
    told = {row["kind"]: (row["alerts"], (row["at"] - START_AT).total_seconds()) for row in found}
    assert told == {"technical": (3, 10), "stillness": (3, 180)}
    [detail] = await department.rows("select distinct detail from alert where kind = 'technical'")
    assert detail == {"detail": {"cause": "internal_error"}}


async def test_alarms_of_the_others_come_when_one_watch_cannot_be_judged_at_all(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.many_on_shift(3)
    await department.connection.execute("update watch_state set episode = '{' where device_id = 2")
    [_] = await department.rows("select from watch_state where device_id = 2")
    await ticks(server, clock, 200, 10)
    found = await department.rows("select kind, device_id from alert order by kind, device_id")
    assert [(row["kind"], row["device_id"]) for row in found] == [("stillness", 1), ("stillness", 3), ("technical", 2)]
    # Mended, it is judged within ten seconds.
    await department.connection.execute("update watch_state set episode = '' where device_id = 2")
    await ticks(server, clock, 10)
    assert len(await department.rows("select from alert where kind = 'stillness'")) == 3


async def test_alarms_of_the_others_come_when_not_even_our_fault_can_be_told(
    server: Server, department: Department, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speechless(*_: object) -> NoReturn:
        raise ZeroDivisionError("of ours as well")

    monkeypatch.setattr("gyrophare.flows.judged.tell_our_fault", speechless)
    await department.many_on_shift(3)
    await department.connection.execute("update watch_state set episode = '{' where device_id = 2")
    await ticks(server, clock, 200, 10)
    found = await department.rows("select kind, device_id from alert order by device_id")
    assert [(row["kind"], row["device_id"]) for row in found] == [("stillness", 1), ("stillness", 3)]
