"""What the loop costs today: start, memory, and messages a second beside what a client that does nothing can receive.

    python -m bench.loop [--messages 20000] [--json]

Real broker, real PostgreSQL with durable commits, one `gyrophare serve` process, all on this machine. The limit is a
paho client that acknowledges and does nothing, in the same run on the same broker; the ratio is what to compare
between machines.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

import ingest.store
import lone_worker.store
from gyrophare.embedded import MqttBroker, PostgresServer
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.ids import OrganisationId
from gyrophare.kernel.observations import Sender, Wire
from gyrophare.platform import db
from gyrophare.platform.mqtt import MqttSession

WATCHES = 200
CLOCK = SystemClock()


@dataclass(frozen=True, kw_only=True)
class Result:
    """The figures of one run."""

    machine: str
    messages: int
    first_start_s: float
    second_start_s: float
    idle_rss_mb: float
    receive_limit_per_s: float
    messages_per_s: float
    ratio_to_receive_limit: float


@contextlib.asynccontextmanager
async def serve(**environment: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, float]]:
    """A `gyrophare serve` process, and the seconds until its console answered."""
    began_s = CLOCK.monotonic_s()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gyrophare.cli",
        "serve",
        env={"PATH": os.defpath, "GYROPHARE_HTTP_PORT": "0", "GYROPHARE_LOG_LEVEL": "warning", **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None  # noqa: S101  # for the type checker
    said = b""
    while b"Console:" not in said:
        line = await process.stderr.readline()
        if not line:
            raise RuntimeError(f"the server ended: {said.decode()}")
        said += line
    started_s = CLOCK.monotonic_s() - began_s
    drain = asyncio.create_task(process.stderr.read())
    try:
        yield process, started_s
    finally:
        process.terminate()
        await process.wait()
        await drain


async def publish(url: str, topic: str, count: int) -> None:
    """`count` single-report messages of `WATCHES` watches, each at QoS 1."""
    session = MqttSession(url, "bench-publisher", (), clock=CLOCK)
    await session.start()
    now = CLOCK.now().isoformat()
    bodies = [
        json.dumps(
            {
                "boot": "bench",
                "seq": number // WATCHES + 1,
                "sent_at": now,
                "fix": {"fixed_at": now, "lat": 47.3 + number * 1e-7, "lon": 5.04, "accuracy_m": 6.5},
                "motion": {"steps": 3},
            }
        ).encode()
        for number in range(count)
    ]
    for number, body in enumerate(bodies):
        name = f"bench-{number % WATCHES}"
        if number % 500 == 499:
            await session.publish(topic.format(name), body, timeout_s=60)  # do not outrun the broker
        else:
            session.publish_soon(topic.format(name), body)
    await session.stop()


async def receive_limit_per_s(url: str, count: int) -> float:
    """Messages a second that a client receives and acknowledges when it does nothing else."""
    waiting = MqttSession(url, "bench-limit", ["bench/+/fixes"], clock=CLOCK)
    await waiting.start()
    await waiting.stop()  # its session stays and collects
    await publish(url, "bench/{}/fixes", count)
    session = MqttSession(url, "bench-limit", ["bench/+/fixes"], clock=CLOCK)
    began_s = CLOCK.monotonic_s()
    await session.start()
    received = 0
    while received < count:
        messages = await session.receive(500)
        session.acknowledge(messages)
        received += len(messages)
    rate = count / (CLOCK.monotonic_s() - began_s)
    await session.stop()
    return rate


async def committed_per_s(database_url: str, url: str, count: int) -> float:
    """Messages a second that a server commits and receipts, from its first commit to its last."""
    environment = {"GYROPHARE_DATABASE_URL": database_url, "GYROPHARE_MQTT_URL": url}
    async with serve(**environment):
        await engage(database_url)
    await publish(url, "gyrophare/v1/watches/{}/fixes", count)
    async with await db.connect(database_url) as connection, serve(**environment):
        first: tuple[float, int] | None = None
        while True:
            row = await (await connection.execute("select count(*) as n from fix")).fetchone()
            stored = row["n"] if row else 0
            if first is None and stored:
                first = (CLOCK.monotonic_s(), stored)
            if first is not None and stored >= count:
                return (count - first[1]) / (CLOCK.monotonic_s() - first[0])
            await asyncio.sleep(0.02)


async def engage(database_url: str) -> None:
    """Watches on shift: without one their positions would not be stored."""
    now = CLOCK.now()
    async with await db.connect(database_url) as connection, connection.transaction():
        for number in range(WATCHES):
            sender = Sender(wire=Wire.NATIVE, name=f"bench-{number}")
            organisation_id = OrganisationId(1)
            device_id = await ingest.store.register_device(
                connection, organisation_id, "watch", sender, sender.name, now
            )
            agent_id = await lone_worker.store.insert_agent(connection, organisation_id, f"Agent {number}")
            await lone_worker.store.start_shift(connection, organisation_id, agent_id, device_id, "Banc", now)


async def measure(count: int) -> Result:
    """Run everything once."""
    with tempfile.TemporaryDirectory(prefix="gyrophare-bench-") as folder:
        data = {"GYROPHARE_DATA_DIR": folder}
        async with serve(**data) as (_, first_start_s):
            pass
        async with serve(**data) as (process, second_start_s):
            await asyncio.sleep(3)
            idle_rss_mb = _rss_mb(process.pid)
        with PostgresServer(Path(folder) / "load") as postgres, MqttBroker(Path(folder) / "load") as broker:
            with psycopg.connect(postgres.url) as connection:
                durable = connection.execute("show synchronous_commit").fetchall()[0][0]
            if durable != "on":
                raise RuntimeError(f"synchronous_commit is {durable}; a figure without durability says nothing")
            limit = await receive_limit_per_s(broker.url, count)
            rate = await committed_per_s(postgres.url, broker.url, count)
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Result(
        machine=f"{os.cpu_count()} × {_processor()}, {memory_gib:.0f} GiB, Python {platform.python_version()}",
        messages=count,
        first_start_s=round(first_start_s, 2),
        second_start_s=round(second_start_s, 2),
        idle_rss_mb=round(idle_rss_mb, 1),
        receive_limit_per_s=round(limit),
        messages_per_s=round(rate),
        ratio_to_receive_limit=round(rate / limit, 3),
    )


def _rss_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    if found is None:
        raise RuntimeError(f"process {pid} says nothing of its memory")
    return int(found[1]) / 1024


def _processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result: dict[str, Any] = asdict(asyncio.run(measure(options.messages)))
    if options.json:
        sys.stdout.write(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{name:>24}  {value}\n" for name, value in result.items())


if __name__ == "__main__":
    main()
