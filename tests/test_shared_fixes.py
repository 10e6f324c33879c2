"""Several servers share the fixes among them, and what comes of it does not depend on who got which message."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from gyrophare.flows import watch_report
from gyrophare.kernel.clock import Clock, ManualClock
from gyrophare.platform.db import Pool
from gyrophare.server import Server
from gyrophare.settings import MqttSettings
from ingest.consumer import Batch
from ingest.sequences import Receipt
from tests.conftest import StartServer
from tests.department import Department, until
from tests.mosquitto import Mosquitto, needs_mosquitto

pytestmark = needs_mosquitto

STATES = (
    "select wire_name, s.heard_at, evidence_at, evidence, stillness_due_at, s.fixed_at, whereabouts, "
    "l.fixed_at as drawn_at, l.latitude_deg "
    "from watch_state s join device d on d.id = s.device_id join device_latest l on l.device_id = d.id order by 1"
)
FIXES = "select wire_name, fixed_at, latitude_deg from fix join device d on d.id = device_id order by 1, 2"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def messages_of(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How many messages each server has stored, by the identity of its pool."""
    counted: Counter[int] = Counter()
    record = watch_report.record

    async def counting(pool: Pool, clock: Clock, batch: Batch) -> Sequence[Receipt]:
        receipts = await record(pool, clock, batch)
        counted[id(pool)] += len(batch)
        return receipts

    monkeypatch.setattr(watch_report, "record", counting)
    return counted


async def test_what_two_servers_share_is_what_one_makes_of_it_all(
    mosquitto: Mosquitto,
    start_server: StartServer,
    database_url: str,
    new_database: Callable[[], str],
    clock: ManualClock,
    messages_of: Counter[int],
) -> None:
    url, alone_url = SecretStr(mosquitto.url), new_database()
    shared = MqttSettings(url=url, shared=True)
    one, other = await start_server(mqtt=shared), await start_server(mqtt=shared)
    await start_server(mqtt=MqttSettings(url=url), database=alone_url)
    watches = [f"w-{number}" for number in range(8)]
    async with (
        Department.open(database_url, mosquitto.url, clock) as department,
        Department.open(alone_url, mosquitto.url, clock) as alone,
    ):
        for watch in watches:
            await department.on_shift(watch)
            await alone.on_shift(watch)
        walk = random.Random(7)
        messages = 60 * len(watches)
        for report in range(60):
            clock.advance(5)
            for number, watch in enumerate(watches):
                steps = walk.randrange(6) if number % 2 else None
                offset_m = report * number * 1.5 + walk.gauss(0, 8)
                await department.send(watch, department.report(watch, steps=steps, offset_m=offset_m))
        for database in (department, alone):
            await database.until_rows(messages, "select from fix")
        assert await department.rows(FIXES) == await alone.rows(FIXES)
        assert await department.rows(STATES) == await alone.rows(STATES)
    shares = messages_of[id(one.pool)], messages_of[id(other.pool)]
    assert sum(shares) == messages
    assert min(shares) > messages / 4


async def test_what_a_member_had_not_stored_when_it_left_is_stored_when_it_is_back(
    mosquitto: Mosquitto, start_server: StartServer, database_url: str, clock: ManualClock
) -> None:
    shared = MqttSettings(url=SecretStr(mosquitto.url), shared=True)
    one: Server = await start_server("one", mqtt=shared)
    await start_server("other", mqtt=shared)
    async with Department.open(database_url, mosquitto.url, clock) as department:
        await department.on_shift("w-1")
        await one.stop()
        clock.advance(1)
        for _ in range(200):
            await department.send("w-1", department.report("w-1", steps=1))
        await start_server("one", mqtt=shared)
        await department.until_rows(200, "select from fix")
        assert len(await department.rows("select from fix")) == 200


async def test_server_that_shares_no_longer_gets_each_message_once(
    mosquitto: Mosquitto, start_server: StartServer, database_url: str, clock: ManualClock, messages_of: Counter[int]
) -> None:
    """Its session at the broker still held the other subscription: each message came twice, for ever."""
    url = SecretStr(mosquitto.url)
    former = await start_server("one", mqtt=MqttSettings(url=url, shared=True))
    await former.stop()
    alone = await start_server("one", mqtt=MqttSettings(url=url))
    async with Department.open(database_url, mosquitto.url, clock) as department:
        await department.on_shift("w-1")
        clock.advance(1)
        for _ in range(20):
            await department.send("w-1", department.report("w-1", steps=1))
        await department.press("w-1")  # on the other lane; and then one more on this
        await department.send("w-1", department.report("w-1", steps=1))
        await department.until_rows(21, "select from fix")

    async def counted() -> bool | None:  # a row is there before its message is
        return messages_of[id(alone.pool)] >= 22 or None

    await until(counted)
    assert messages_of[id(alone.pool)] == 22


def test_embedded_broker_is_not_shared() -> None:
    with pytest.raises(ValueError, match=r"shared needs a broker .* give mqtt\.url"):
        MqttSettings(shared=True)
