"""How late alarms are, how much a tick costs, and how both grow with the number of agents on shift.

A `gyrophare serve` process on a real PostgreSQL with durable commits, in real time, while watches report. Some agents
fall due at instants spread over the measurement. An alarm is there when another connection sees it: after its commit.
"""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from bench import load, machine
from bench.agents import TALKING, Agents
from bench.ingest import Say
from bench.servers import CLOCK, broker, refuse_undurable, serve
from gyrophare.embedded import PostgresServer
from gyrophare.flows import escalation_tick
from gyrophare.platform import db
from gyrophare.platform.migrations.migrate import migrate
from gyrophare.platform.mqtt import MqttSession
from gyrophare.server import TICK_S

BURST = 1_000
_IDLE_TICKS, _BUSY_TICKS, _DUE_PER_TICK = 200, 30, 10
_IDLE_PART = 1 / 3  # of the seconds of alarms
_SOON_S = 2.0  # from arming to the first deadline
_LOAD_AFTER_S = 5.0  # for the burst


@dataclass(frozen=True, kw_only=True)
class Run:
    """The figures of one number of agents."""

    agents: int
    raised: int
    lateness_p50_ms: float
    """From the deadline until another connection sees the alarm."""
    lateness_p99_ms: float
    lateness_max_ms: float
    raised_at_p99_ms: float
    """From the deadline to what the engine says of itself: its own delay without its work and the commit."""
    tick_ms: float
    """A tick that finds 10 agents due, raises their alarms and begins their escalation; durable."""
    tick_idle_ms: float
    """A tick that finds nothing."""
    burst_agents: int
    burst_s: float
    """From an instant at which so many are due until the last of their alarms is seen."""
    serve_idle_cpu_pct: float
    """Of one processor, nobody talking and nobody due."""
    database_idle_cpu_pct: float
    messages_per_s: float
    """Stored meanwhile, from watches beside the agents."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """The figures of all of them, and how they grow from the fewest agents to the most."""

    machine: str
    broker: str
    tick_period_s: float
    alarms: int
    seconds: float
    runs: list[Run]
    growth: dict[str, float]


async def measure(
    *, agents: Sequence[int], alarms: int, seconds: float, rate_per_s: float, broker_kind: str, say: Say
) -> Result:
    """Measure each number of `agents`; `say` hears what is going on. Raise NotReadyError without the broker."""
    runs = []
    for count in sorted(agents):
        with tempfile.TemporaryDirectory(prefix="gyrophare-bench-") as name:
            folder = Path(name)
            with PostgresServer(folder) as postgres, broker(broker_kind, folder) as (url, broker_name):
                refuse_undurable(postgres.url)
                migrate(postgres.url)
                say(f"{count} agents: engaging them")
                async with await db.connect(postgres.url) as connection:
                    people = Agents(connection, load.PREFIX)
                    await people.engage(count, min(count, BURST))
                    say(f"{count} agents: ticks")
                    idle_ms, busy_ms = await _tick_ms(postgres.url, people)
                    say(f"{count} agents: {alarms} alarms in {seconds:.0f} s")
                    bench = _Bench(people, postgres, url, rate_per_s)
                    runs.append(await bench.run(count, min(alarms, count), seconds, idle_ms, busy_ms))
    return Result(
        machine=machine.described(),
        broker=broker_name,
        tick_period_s=TICK_S,
        alarms=alarms,
        seconds=seconds,
        runs=runs,
        growth=_growth(runs[0], runs[-1]),
    )


class _Bench:
    """One server, those it watches over, and who talks to it."""

    def __init__(self, people: Agents, postgres: PostgresServer, mqtt_url: str, rate_per_s: float) -> None:
        self._people = people
        self._database_url = postgres.url
        self._postmaster = int((postgres.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        self._mqtt_url = mqtt_url
        self._rate_per_s = rate_per_s

    async def run(self, agents: int, alarms: int, seconds: float, idle_ms: float, busy_ms: float) -> Run:
        publisher = MqttSession(self._mqtt_url, "bench-publisher", (), clock=CLOCK, published_at_once=100)
        await publisher.start()
        environment = {"GYROPHARE_DATABASE_URL": self._database_url, "GYROPHARE_MQTT_URL": self._mqtt_url}
        async with serve(**environment) as server:
            await self._people.settle()
            idle_s = seconds * _IDLE_PART
            used_s = server.cpu_s, machine.family_cpu_s(self._postmaster)
            await asyncio.sleep(idle_s)
            serve_s = server.cpu_s - used_s[0]
            database_s = machine.family_cpu_s(self._postmaster) - used_s[1]

            talk = load.publish_at(publisher, TALKING, self._rate_per_s, seconds + _LOAD_AFTER_S)
            talking = asyncio.create_task(talk)
            await asyncio.sleep(0)  # it makes its messages first
            stored, began_s = await self._people.committed(), CLOCK.monotonic_s()
            seen = await self._people.raised(_spread(alarms, seconds))
            per_s = (await self._people.committed() - stored) / (CLOCK.monotonic_s() - began_s)
            burst = await self._people.raised([CLOCK.now() + timedelta(seconds=_SOON_S)] * min(agents, BURST))
            await talking
        await publisher.stop()
        lateness_ms = [(one.seen_at - one.due_at).total_seconds() * 1000 for one in seen]
        own_ms = [(one.raised_at - one.due_at).total_seconds() * 1000 for one in seen]
        return Run(
            agents=agents,
            raised=len(seen),
            lateness_p50_ms=round(percentile(lateness_ms, 50), 1),
            lateness_p99_ms=round(percentile(lateness_ms, 99), 1),
            lateness_max_ms=round(max(lateness_ms), 1),
            raised_at_p99_ms=round(percentile(own_ms, 99), 1),
            tick_ms=round(busy_ms, 2),
            tick_idle_ms=round(idle_ms, 2),
            burst_agents=len(burst),
            burst_s=round(max((one.seen_at - one.due_at).total_seconds() for one in burst), 3),
            serve_idle_cpu_pct=round(serve_s / idle_s * 100, 2),
            database_idle_cpu_pct=round(database_s / idle_s * 100, 2),
            messages_per_s=round(per_s, 1),
        )


async def _tick_ms(database_url: str, people: Agents) -> tuple[float, float]:
    """The median tick with nothing due, and with 10 agents due: the engine alone in this process."""
    pool = await db.open_pool(database_url, 2)
    idle_ms = [await _one_tick_ms(pool, 0) for _ in range(_IDLE_TICKS)]
    busy_ms = []
    for _ in range(_BUSY_TICKS):
        due = [CLOCK.now()] * _DUE_PER_TICK
        await people.arm(due)
        busy_ms.append(await _one_tick_ms(pool, len(due)))
    await people.ignore_raised()
    await pool.close()
    return median(idle_ms), median(busy_ms)


async def _one_tick_ms(pool: db.Pool, due: int) -> float:
    began_s = CLOCK.monotonic_s()
    ticked = await escalation_tick.tick(pool, CLOCK, "bench")
    took_ms = (CLOCK.monotonic_s() - began_s) * 1000
    if ticked.raised != due:
        raise RuntimeError(f"a tick raised {ticked.raised} alarms, {due} were due")
    return took_ms


def _spread(alarms: int, seconds: float) -> list[datetime]:
    """Instants at random, the same in each run, from soon on."""
    dice = random.Random(0)  # noqa: S311  # no secret depends on it
    since = CLOCK.now() + timedelta(seconds=_SOON_S)
    return [since + timedelta(seconds=dice.uniform(0, seconds)) for _ in range(alarms)]


def percentile(values: Sequence[float], pct: float) -> float:
    """The smallest of `values` that `pct` % of them do not exceed."""
    return sorted(values)[math.ceil(len(values) * pct / 100) - 1]


def _growth(fewest: Run, most: Run) -> dict[str, float]:
    """How many times as much the run of the most agents takes."""
    names = ("agents", "lateness_p50_ms", "lateness_p99_ms", "tick_ms", "tick_idle_ms", "burst_s")
    return {name: round(getattr(most, name) / getattr(fewest, name), 2) for name in names}
