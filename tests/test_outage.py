"""The database goes and comes back: nothing is acknowledged meanwhile, nothing is lost, nobody restarts anything."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from pydantic import SecretStr

from gyrophare.embedded import MqttBroker, PostgresServer
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.mqtt import MqttSession
from gyrophare.server import Server
from gyrophare.settings import DatabaseSettings, HttpSettings, MqttSettings, Settings
from tests.department import Department


async def test_what_came_during_an_outage_is_stored_and_raised_when_the_database_is_back(
    mortal_database: PostgresServer, broker: MqttBroker, clock: ManualClock, tmp_path: Path
) -> None:
    url = mortal_database.url
    server = Server(
        Settings(
            instance=f"outage-{os.getpid()}",
            data_dir=tmp_path,
            database=DatabaseSettings(url=SecretStr(url), pool_size=4),
            mqtt=MqttSettings(url=SecretStr(broker.url)),
            http=HttpSettings(port=0),
        ),
        clock,
        ticking=False,
    )
    await server.start()
    async with Department.open(url, broker.url, clock) as department:
        await department.on_shift("w-1")
        clock.advance(10)
        await department.send("w-1", department.report("w-1", steps=3))
        await department.until_rows(1, "select from fix")
        reports = [department.report("w-1") for _ in range(3)]

    device = MqttSession(broker.url, f"device-outage-{os.getpid()}", (), clock=clock)
    await device.start()
    await asyncio.to_thread(mortal_database.stop)
    for report in reports:
        await device.publish("gyrophare/v1/watches/w-1/fixes", json.dumps(report).encode())
    await device.publish("gyrophare/v1/watches/w-1/events", b'{"boot":"9f3a01c2","seq":99,"kind":"sos"}')
    await asyncio.to_thread(mortal_database.start)

    async with Department.open(url, broker.url, clock) as department:
        await department.until_rows(4, "select from fix")
        await department.until_rows(1, "select from alert where kind = 'sos'")
        clock.advance(180)
        assert (await server.tick()).raised == 1
        assert len(await department.rows("select from fix")) == 4
    await device.stop()
    await server.stop()
