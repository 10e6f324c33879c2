"""Processes may die at any instruction: nothing that was acknowledged is lost, nothing is stored or raised twice."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock, SystemClock
from gyrophare.platform.mqtt import MqttSession
from tests.conftest import StartServer
from tests.department import Department

_number = itertools.count()


@pytest.fixture
def instance() -> str:
    """A name of this test's own: the broker keeps the session of another test's dead server."""
    return f"mortal-{os.getpid()}-{next(_number)}"


@asynccontextmanager
async def mortal_server(
    point: str, instance: str, database_url: str, mqtt_url: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A server of its own process that dies at `point`; the same instance name as its successor."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("dying_server.py")),
        point,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(Path(__file__).parent.parent),
            "GYROPHARE_INSTANCE": instance,
            "GYROPHARE_DATABASE_URL": database_url,
            "GYROPHARE_MQTT_URL": mqtt_url,
            "GYROPHARE_HTTP_PORT": "0",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize(
    ("point", "stored_before"),
    [
        ("inside the transaction", 0),
        ("between commit and acknowledgement", 1),
        ("between acknowledgement and receipt", 1),
    ],
)
async def test_nothing_is_lost_or_doubled_when_the_server_is_killed(
    point: str,
    stored_before: int,
    instance: str,
    database_url: str,
    broker: MqttBroker,
    start_server: StartServer,
    department: Department,
) -> None:
    department.clock.set(SystemClock().now())
    await department.on_shift("w-1")
    device = MqttSession(
        broker.url, f"device of {instance}", ["gyrophare/v1/watches/w-1/receipts"], clock=department.clock
    )
    await device.start()
    report = department.report("w-1", steps=4)

    async with mortal_server(point, instance, database_url, broker.url) as process:
        await department.send("w-1", report)
        assert await asyncio.wait_for(process.wait(), 15) == -signal.SIGKILL
    assert len(await department.rows("select from fix")) == stored_before

    await start_server(instance, SystemClock())
    if point == "between acknowledgement and receipt":
        # The broker has forgotten it, the device has not: it had no receipt, so it sends again.
        await department.send("w-1", report)
    async with asyncio.timeout(15):
        [receipt] = await device.receive(1)
    assert json.loads(receipt.payload) == {"boot": "9f3a01c2", "up_to": 1, "also": []}
    assert len(await department.rows("select from fix")) == 1
    assert await department.rows("select committed::text from receipt") == [{"committed": "{[1,2)}"}]
    await device.stop()


async def test_sos_is_one_alert_when_the_server_is_killed_before_its_acknowledgement(
    instance: str, database_url: str, broker: MqttBroker, start_server: StartServer, department: Department
) -> None:
    department.clock.set(SystemClock().now())
    await department.on_shift("w-1")
    async with mortal_server("between commit and acknowledgement", instance, database_url, broker.url) as process:
        await department.press("w-1")
        assert await asyncio.wait_for(process.wait(), 15) == -signal.SIGKILL
    assert len(await department.rows("select from alert")) == 1

    await start_server(instance, SystemClock())
    await department.send("w-1", department.report("w-1"))  # behind the redelivered SOS nothing else is waiting
    await department.until_rows(1, "select from fix")
    await department.press("w-1", seq=50)
    await department.until_rows(2, "select from event")
    assert len(await department.rows("select from alert")) == 1
    assert len(await department.rows("select from notification where channel = 'console'")) == 1


async def test_alarm_comes_at_180_s_when_the_server_was_killed_and_restarted_at_179_s(
    instance: str,
    database_url: str,
    broker: MqttBroker,
    start_server: StartServer,
    department: Department,
    clock: ManualClock,
) -> None:
    clock.set(SystemClock().now())
    await department.on_shift("w-1")
    clock.advance(0.01)
    async with mortal_server("never", instance, database_url, broker.url) as process:
        await department.send("w-1", department.report("w-1", steps=9))
        [state] = await department.until_rows(1, "select evidence_at from watch_state where evidence = 'steps'")
        process.kill()
        await process.wait()

    clock.set(state["evidence_at"] + timedelta(seconds=179))
    # The one that was killed had ticked until then: nobody was without ears for long.
    await department.connection.execute("update engine_tick set heard_at = %s", [clock.now()])
    successor = await start_server(instance)
    assert (await successor.tick()).raised == 0
    clock.advance(1)
    assert (await successor.tick()).raised == 1
    [alert] = await department.rows("select triggered_at, raised_at from alert")
    assert alert["raised_at"] == alert["triggered_at"] == state["evidence_at"] + timedelta(seconds=180)


async def test_two_servers_on_one_database_store_once_and_raise_one_alert_each(
    start_server: StartServer, department: Department, clock: ManualClock
) -> None:
    agents = 40
    for number in range(agents):
        await department.on_shift(f"w-{number}")
    one, other = await start_server(), await start_server()
    for number in range(agents):  # each server gets each message
        await department.send(f"w-{number}", department.report(f"w-{number}", steps=2))
    await department.until_rows(agents, "select from fix")
    assert len(await department.rows("select from fix")) == agents

    clock.advance(180)
    ticks = await asyncio.gather(one.tick(), other.tick(), one.tick(), other.tick())
    assert sum(tick.raised for tick in ticks) == agents
    assert len(await department.rows("select from alert")) == agents
    assert await department.rows(
        "select count(*) as n, count(distinct (alert_id, step)) as unique_n from notification where channel = 'console'"
    ) == [{"n": agents, "unique_n": agents}]


async def test_second_server_of_the_same_name_is_refused(instance: str, start_server: StartServer) -> None:
    from gyrophare.kernel.errors import NotReadyError

    await start_server(instance)
    with pytest.raises(NotReadyError, match="GYROPHARE_INSTANCE"):
        await start_server(instance)


async def test_backlog_larger_than_the_window_is_stored_when_the_server_comes_back(
    instance: str, start_server: StartServer, department: Department
) -> None:
    """A server that waited for its subscriptions before acknowledging anything never came back from a full window."""
    await department.on_shift("w-1")
    first = await start_server(instance)
    await first.stop()
    department.clock.advance(1)
    messages = 350
    for _ in range(messages):
        await department.send("w-1", department.report("w-1", steps=1))
    await start_server(instance)
    await department.until_rows(1, "select from receipt where committed = %(all)s::int8multirange", all="{[1,351)}")
    assert len(await department.rows("select from fix")) == messages
