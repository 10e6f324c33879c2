"""What ingest does in a second, beside what the machine could do at most and what a plain program does.

Real broker, real PostgreSQL with durable commits, one `gyrophare serve` process, all on this machine. Each load is laid
ready at the broker while its reader stands still, then read as fast as it can: so the publisher takes no processor from
what is measured. Ratios of one run are what to compare between machines.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg

from bench import limits, load, machine
from bench.load import Message, publish, publish_at
from bench.servers import CLOCK, Serve, broker, refuse_undurable, serve
from gyrophare.embedded import PostgresServer
from gyrophare.platform import sql
from gyrophare.platform.mqtt import MqttSession
from gyrophare.sim.fleet import Crew

QUERIES = sql.load(__file__)
KNOWN = 1_000
ARRAY = 100
_WARM_UP = 5_000  # messages
_LOOK_S = 0.2
_RECEIPTS_S = 10.0
_RECEIPTS_AT_ONCE = 10_000  # at QoS 0 nothing holds them back
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The figures of one run."""

    machine: str
    broker: str
    messages: int
    fixes: int
    receive_limit_per_s: float
    """What a plain paho client receives and acknowledges when it does nothing: the better of two measurements."""
    session_limit_per_s: float
    """The same for our own session, which reads ahead."""
    copy_limit_fixes_per_s: float
    naive_messages_per_s: float
    messages_per_s: float
    ratio_to_receive_limit: float
    ratio_to_session_limit: float
    ratio_to_naive: float
    messages_per_s_few_known: float
    """As `messages_per_s`, just before the next: in the same filled database."""
    messages_per_s_many_known: float
    """The same 1 000 watches talk; the others are only known."""
    messages_per_s_many_talking: float
    """Each of them says one thing, and has a receipt of its own."""
    many: int
    array_fixes_per_s: float
    ratio_to_copy_limit: float
    publish_to_commit_p50_ms: float
    publish_to_commit_p99_ms: float
    half_load_messages_per_s: float
    serve_cpu_us_per_message: float
    rss_mb: float
    rss_growth_mb: float
    """Between the first round of arrays and the last."""


class Bench:
    """One server, who publishes to it, and a look into its database."""

    def __init__(self, connection: psycopg.AsyncConnection, server: Serve, publisher: MqttSession) -> None:
        self._connection = connection
        self._server = server
        self._publisher = publisher

    async def engage(self, first: int, last: int) -> None:
        """Know these watches, on shift; they are numbered from 1."""
        names = [name for name, _ in Crew(count=last, prefix=load.PREFIX, phones=0).members()[first - 1 :]]
        await self._connection.execute(QUERIES["engage"], {"names": names, "now": CLOCK.now()})
        await self.settle()

    async def settle(self) -> None:
        """Have the database do now what it would do sometime."""
        await self._connection.execute(QUERIES["vacuum"])
        await self._connection.execute(QUERIES["checkpoint"])

    async def drained_per_s(self, messages: Iterable[Message], reports: int) -> float:
        """Reports a second of `messages`, which hold `reports`, from the first commit to the last, by the database."""
        ready = list(messages)
        since, before = CLOCK.now(), await self._committed()
        with self._server.held():
            await publish(self._publisher, ready)
        await self._drained(before + reports)
        commits = await (await self._connection.execute(QUERIES["commits"], {"since": since})).fetchall()
        (first_at, first), (last_at, _) = commits[0], commits[-1]
        return float((sum(count for _, count in commits) - first) / (last_at - first_at).total_seconds())

    async def latency_ms(self, watches: int, rate_per_s: float, seconds: float) -> tuple[float, float]:
        """Publish to commit at a steady rate: the median and the 99th percentile, in ms."""
        before = await self._committed()
        since, count = await publish_at(self._publisher, watches, rate_per_s, seconds)
        await self._drained(before + count)
        row = await (await self._connection.execute(QUERIES["commit_latency_ms"], {"since": since})).fetchone()
        assert row is not None  # noqa: S101  # an aggregate has one row
        return row[0][0], row[0][1]

    async def _drained(self, committed: int) -> None:
        """Wait until so many are committed; the database is asked only when the server seems to be done."""
        while True:
            used_s = self._server.cpu_s
            await asyncio.sleep(_LOOK_S)
            idle = self._server.cpu_s - used_s < _LOOK_S / 4
            if idle and await self._committed() >= committed:
                return

    async def _committed(self) -> int:
        row = await (await self._connection.execute(QUERIES["committed"])).fetchone()
        return int(row[0]) if row else 0


async def measure(*, messages: int, fixes: int, many: int, broker_kind: str, say: Say) -> Result:
    """Run everything once; `say` hears what is going on. Raise NotReadyError when the broker is not installed."""
    with tempfile.TemporaryDirectory(prefix="gyrophare-bench-") as name:
        folder = Path(name)
        with (
            PostgresServer(folder, {"track_commit_timestamp": "on"}) as postgres,
            broker(broker_kind, folder) as (url, broker_name),
        ):
            refuse_undurable(postgres.url)
            say("what the machine can do: receiving")
            receive, session = await _receive_limits(url, messages, "before")
            publisher = MqttSession(url, "bench-publisher", (), clock=CLOCK, published_at_once=100)
            await publisher.start()
            environment = {"GYROPHARE_DATABASE_URL": postgres.url, "GYROPHARE_MQTT_URL": url}
            async with serve(**environment) as server, await _connected(postgres.url) as connection:
                say("what the machine can do: storing; and the plain program")
                copy = await asyncio.to_thread(limits.copy_per_s, postgres.url, 100_000)
                naive = await _naive_per_s(postgres.url, url, min(messages, 10_000))
                bench = Bench(connection, server, publisher)
                await bench.engage(1, KNOWN)

                say(f"{messages} single reports, {KNOWN} watches known")
                async with _Receipts(url) as receipts:
                    # Each statement is planned a few times before its plan is kept: not what is asked here.
                    await bench.drained_per_s(load.singles(KNOWN, _WARM_UP, CLOCK.now()), _WARM_UP)
                    await bench.settle()
                    used_s = server.cpu_s
                    single = await bench.drained_per_s(load.singles(KNOWN, messages, CLOCK.now()), messages)
                    cpu_us = (server.cpu_s - used_s) / messages * 1e6
                    await receipts.expect(_WARM_UP + messages)

                say("at half of that")
                half = single / 2
                p50, p99 = await bench.latency_ms(KNOWN, half, 6)

                rounds = max(2, fixes // (ARRAY * KNOWN))
                rates, rss = [], []
                for number in range(1, rounds + 1):
                    say(f"arrays of {ARRAY}: round {number} of {rounds}")
                    rates.append(await bench.drained_per_s(load.arrays(KNOWN, ARRAY, CLOCK.now()), ARRAY * KNOWN))
                    rss.append(server.rss_mb)

                say(f"{KNOWN} watches known, as before but in a filled database")
                await bench.settle()
                known_few = await bench.drained_per_s(load.singles(KNOWN, messages, CLOCK.now()), messages)
                say(f"{many} watches known, {KNOWN} talking")
                await bench.engage(KNOWN + 1, many)
                known_many = await bench.drained_per_s(load.singles(KNOWN, messages, CLOCK.now()), messages)
                say(f"{many} watches known, all talking")
                talking_many = await bench.drained_per_s(load.singles(many, many, CLOCK.now()), many)
            await publisher.stop()
            say("what the machine can do: receiving, again")
            again = await _receive_limits(url, messages, "after")
    receive, session = max(receive, again[0]), max(session, again[1])
    array_rate = sorted(rates)[len(rates) // 2]
    return Result(
        machine=machine.described(),
        broker=broker_name,
        messages=messages,
        fixes=rounds * KNOWN * ARRAY,
        receive_limit_per_s=round(receive),
        session_limit_per_s=round(session),
        copy_limit_fixes_per_s=round(copy),
        naive_messages_per_s=round(naive),
        messages_per_s=round(single),
        ratio_to_receive_limit=round(single / receive, 3),
        ratio_to_session_limit=round(single / session, 3),
        ratio_to_naive=round(single / naive, 2),
        messages_per_s_few_known=round(known_few),
        messages_per_s_many_known=round(known_many),
        messages_per_s_many_talking=round(talking_many),
        many=many,
        array_fixes_per_s=round(array_rate),
        ratio_to_copy_limit=round(array_rate / copy, 3),
        publish_to_commit_p50_ms=round(p50, 1),
        publish_to_commit_p99_ms=round(p99, 1),
        half_load_messages_per_s=round(half),
        serve_cpu_us_per_message=round(cpu_us, 1),
        rss_mb=round(rss[-1], 1),
        rss_growth_mb=round(rss[-1] - rss[0], 1),
    )


async def _receive_limits(url: str, count: int, name: str) -> tuple[float, float]:
    """What a plain paho client and our session receive of the same messages: never what a server also reads."""
    topic = f"bench/{name}"
    waiting = limits.Waiting(url, f"bench-limit-{name}", f"{topic}/#")
    await asyncio.to_thread(waiting.subscribe)
    session = MqttSession(url, f"bench-session-{name}", [f"{topic}/#"], clock=CLOCK)
    await session.start()
    await session.stop()
    await _lay_ready(url, topic, count)
    plain = await asyncio.to_thread(waiting.per_s, count)
    return plain, await limits.session_limit_per_s(url, f"bench-session-{name}", f"{topic}/#", count)


async def _naive_per_s(database_url: str, url: str, count: int) -> float:
    waiting = limits.Waiting(url, "bench-naive", "bench/naive/#")
    await asyncio.to_thread(waiting.subscribe)
    await _lay_ready(url, "bench/naive", count)
    return await asyncio.to_thread(limits.naive_per_s, database_url, waiting, count)


async def _lay_ready(url: str, topic: str, count: int) -> None:
    publisher = MqttSession(url, "bench-limit-publisher", (), clock=CLOCK, published_at_once=100)
    await publisher.start()
    # The words and lengths of the product's own topics and reports, where no server listens.
    await publish(publisher, ((f"{topic}/{name}", body) for name, body in load.singles(KNOWN, count, CLOCK.now())))
    await publisher.stop()


class _Receipts:
    """What the watches are told is stored."""

    def __init__(self, url: str) -> None:
        topics = ["gyrophare/v1/watches/+/receipts"]
        self._session = MqttSession(url, "bench-receipts", topics, clock=CLOCK, receive_maximum=_RECEIPTS_AT_ONCE)
        self._told: dict[tuple[str, str], int] = {}
        self._hearing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._session.start()
        self._hearing = asyncio.create_task(self._hear())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._hearing is not None:
            self._hearing.cancel()
        await self._session.stop()

    async def expect(self, count: int) -> None:
        """Raise RuntimeError unless the watches were told, all in all, that `count` reports are stored."""
        try:
            async with asyncio.timeout(_RECEIPTS_S):
                while sum(self._told.values()) < count:  # noqa: ASYNC110  # one message a watch: nothing to wait for
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise RuntimeError(f"only {sum(self._told.values())} of {count} reports were receipted") from None

    async def _hear(self) -> None:
        while True:
            messages = await self._session.receive(500)
            self._session.acknowledge(messages)
            for message in messages:
                said = json.loads(message.payload)
                boot = message.topic, said["boot"]
                self._told[boot] = max(self._told.get(boot, 0), said["up_to"])


async def _connected(database_url: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(database_url, autocommit=True)
