"""What ingest does in a second, beside what the machine could do at most and what a plain program does.

Real broker, real PostgreSQL with durable commits, one `gyrophare serve` process, all on this machine. Each load is laid
ready at the broker while its reader stands still, then read as fast as it can: so the publisher takes no processor from
what is measured. Ratios of one run are what to compare between machines.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import psycopg

from bench import limits, machine
from bench.load import Walk, publish, publish_at
from bench.servers import CLOCK, Serve, broker, serve
from gyrophare.embedded import PostgresServer
from gyrophare.platform import sql
from gyrophare.platform.mqtt import MqttSession

QUERIES = sql.load(__file__)
KNOWN = 1_000
ARRAY = 100
_ROUND_MESSAGES = 500  # arrays laid ready at a time
_LOOK_S = 0.05
_RECEIPTS_S = 10.0
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
    """One server, one broker, one database, and the watches that talk to them."""

    def __init__(self, database_url: str, mqtt_url: str, server: Serve, publisher: MqttSession) -> None:
        self._database_url = database_url
        self._mqtt_url = mqtt_url
        self._server = server
        self._publisher = publisher

    def engage(self, first: int, last: int) -> None:
        """Know these watches, on shift."""
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            connection.execute(QUERIES["engage"], {"first": first, "last": last, "now": CLOCK.now()})
            connection.execute(QUERIES["analyze"])

    async def drained_per_s(self, walk: Walk, messages: Iterator[tuple[str, bytes]], reports: int) -> float:
        """Reports a second of `messages`, which hold `reports`, from the first commit seen to the last."""
        with self._server.held():
            await publish(self._publisher, messages)
        async with await psycopg.AsyncConnection.connect(self._database_url, autocommit=True) as connection:

            async def committed() -> int:
                return await _number(connection, QUERIES["committed"], boot=walk.boot)

            before = await committed()
            seen: list[tuple[float, int]] = []
            while not seen or seen[-1][1] < before + reports:
                count = await committed()
                if count > before:
                    seen.append((CLOCK.monotonic_s(), count))
                await asyncio.sleep(_LOOK_S)
        # The last look may come up to a pause late: the end is where the count was last seen to grow.
        (first_s, first), (last_s, last) = seen[0], seen[-1]
        return (last - first) / (last_s - first_s)

    async def latency_ms(self, walk: Walk, rate_per_s: float, seconds: float) -> tuple[float, float]:
        """Publish to commit at a steady rate: the median and the 99th percentile, in ms."""
        since = CLOCK.now()
        count = round(rate_per_s * seconds)
        await publish_at(self._publisher, walk.singles(count), rate_per_s)
        async with await psycopg.AsyncConnection.connect(self._database_url, autocommit=True) as connection:
            while await _number(connection, QUERIES["committed"], boot=walk.boot) < count:  # noqa: ASYNC110  # a process
                await asyncio.sleep(_LOOK_S)
            row = await (await connection.execute(QUERIES["commit_latency_ms"], {"since": since})).fetchone()
        assert row is not None  # noqa: S101  # an aggregate has one row
        return row[0][0], row[0][1]


async def measure(*, messages: int, fixes: int, many: int, broker_kind: str, say: Say) -> Result:
    """Run everything once; `say` hears what is going on. Raise NotReadyError when the broker is not installed."""
    with tempfile.TemporaryDirectory(prefix="gyrophare-bench-") as name:
        folder = Path(name)
        with (
            PostgresServer(folder, {"track_commit_timestamp": "on"}) as postgres,
            broker(broker_kind, folder) as (url, broker_name),
        ):
            _refuse_undurable(postgres.url)
            say("what the machine can do: receiving")
            receive, session = await _receive_limits(url, messages, "before")
            publisher = MqttSession(url, "bench-publisher", (), clock=CLOCK, published_at_once=100)
            await publisher.start()
            environment = {"GYROPHARE_DATABASE_URL": postgres.url, "GYROPHARE_MQTT_URL": url}
            async with serve(**environment) as server:
                say("what the machine can do: storing; and the plain program")
                copy = await asyncio.to_thread(limits.copy_per_s, postgres.url, 100_000)
                naive = await _naive_per_s(postgres.url, url, min(messages, 10_000))
                bench = Bench(postgres.url, url, server, publisher)
                bench.engage(0, KNOWN - 1)

                receipts = MqttSession(url, "bench-receipts", ["gyrophare/v1/watches/+/receipts"], clock=CLOCK)
                await receipts.start()
                await receipts.stop()  # its session stays and collects

                say(f"{messages} single reports, {KNOWN} watches known")
                walk = Walk("singles", KNOWN, CLOCK.now() - timedelta(minutes=10))
                used_s = server.cpu_s
                single = await bench.drained_per_s(walk, walk.singles(messages), messages)
                cpu_us = (server.cpu_s - used_s) / messages * 1e6
                await _all_receipted(url, walk, messages)

                say("at half of that")
                half = single / 2
                walk = Walk("half", KNOWN, walk.ends_at)
                p50, p99 = await bench.latency_ms(walk, half, 6)

                rounds = max(2, fixes // (ARRAY * _ROUND_MESSAGES))
                arrays, rss = [], []
                walk = Walk("arrays", KNOWN, walk.ends_at)
                for number in range(1, rounds + 1):
                    say(f"arrays of {ARRAY}: round {number} of {rounds}")
                    reports = ARRAY * _ROUND_MESSAGES
                    arrays.append(await bench.drained_per_s(walk, walk.arrays(_ROUND_MESSAGES, ARRAY), reports))
                    rss.append(server.rss_mb)

                say(f"{many} watches known, {KNOWN} talking")
                bench.engage(KNOWN, many - 1)
                walk = Walk("many known", KNOWN, walk.ends_at)
                known_many = await bench.drained_per_s(walk, walk.singles(messages), messages)
                say(f"{many} watches known, all talking")
                walk = Walk("many talking", many, walk.ends_at)
                talking_many = await bench.drained_per_s(walk, walk.singles(many), many)
            await publisher.stop()
            say("what the machine can do: receiving, again")
            again = await _receive_limits(url, messages, "after")
    receive, session = max(receive, again[0]), max(session, again[1])
    array_rate = sorted(arrays)[len(arrays) // 2]
    return Result(
        machine=machine.described(),
        broker=broker_name,
        messages=messages,
        fixes=rounds * _ROUND_MESSAGES * ARRAY,
        receive_limit_per_s=round(receive),
        session_limit_per_s=round(session),
        copy_limit_fixes_per_s=round(copy),
        naive_messages_per_s=round(naive),
        messages_per_s=round(single),
        ratio_to_receive_limit=round(single / receive, 3),
        ratio_to_session_limit=round(single / session, 3),
        ratio_to_naive=round(single / naive, 2),
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
    walk = Walk("limit", KNOWN, CLOCK.now())
    # The words and lengths of the product's own topics and reports, where no server listens.
    await publish(publisher, ((f"{topic}/{name}", body) for name, body in walk.singles(count)))
    await publisher.stop()


async def _all_receipted(url: str, walk: Walk, count: int) -> None:
    """Raise RuntimeError unless each watch was told that all its reports are stored."""
    session = MqttSession(url, "bench-receipts", ["gyrophare/v1/watches/+/receipts"], clock=CLOCK)
    await session.start()
    told: dict[str, int] = {}
    try:
        async with asyncio.timeout(_RECEIPTS_S):
            while sum(told.values()) < count:
                messages = await session.receive(500)
                session.acknowledge(messages)
                for message in messages:
                    said = json.loads(message.payload)
                    if said["boot"] == walk.boot:
                        told[message.topic] = max(told.get(message.topic, 0), said["up_to"])
    except TimeoutError:
        raise RuntimeError(f"only {sum(told.values())} of {count} reports were receipted") from None
    finally:
        await session.stop()


def _refuse_undurable(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        [(durable,)] = connection.execute("show synchronous_commit").fetchall()
    if durable != "on":
        raise RuntimeError(f"synchronous_commit is {durable}; a figure without durability says nothing")


async def _number(connection: psycopg.AsyncConnection, query: LiteralString, **parameters: object) -> int:
    row = await (await connection.execute(query, parameters)).fetchone()
    return int(row[0]) if row else 0
