"""A 3G watch on a real TCP port of a real server: stored, raised, and answered when it is so."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Wire
from gyrophare.server import Server
from gyrophare.settings import DatabaseSettings, HttpSettings, MqttSettings, Settings, Watch3gSettings
from tests.conftest import StartServer
from tests.department import Department
from tests.test_watch3g_gateway import ID, Watch, frame, position


@pytest.fixture
async def server(database_url: str, broker: MqttBroker, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Server]:
    """A server that listens for 3G watches."""
    server = Server(
        Settings(
            instance=f"watch3g-{os.getpid()}",
            data_dir=tmp_path,
            database=DatabaseSettings(url=SecretStr(database_url), pool_size=4),
            mqtt=MqttSettings(url=SecretStr(broker.url)),
            http=HttpSettings(port=0),
            watch3g=Watch3gSettings(port=0),
        ),
        clock,
        ticking=False,
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def watch(server: Server) -> AsyncIterator[Watch]:
    assert server.watch3g is not None
    async with Watch.connect(server.watch3g.port) as watch:
        yield watch


async def test_position_is_stored_and_sos_raised_before_the_watch_is_answered(
    watch: Watch, department: Department
) -> None:
    await department.on_shift(ID, wire=Wire.WATCH3G)
    watch.say(position("UD"), position("AL", "00010001"))
    assert await watch.hear() == frame("AL")
    assert await department.rows("select kind, received_late_s from alert") == [{"kind": "sos", "received_late_s": 0}]
    assert await department.rows("select kind, doubts from event order by id") == [
        {"kind": "sos", "doubts": ["unauthenticated"]},
        {"kind": "low_battery", "doubts": ["unauthenticated"]},
    ]
    [fix, _] = await department.until_rows(2, "select latitude_deg, battery_pct, doubts from fix")
    assert fix == {"latitude_deg": 47.3215, "battery_pct": 61, "doubts": ["unauthenticated"]}


async def test_watch_waits_for_its_answer_until_the_database_commits(watch: Watch, department: Department) -> None:
    await department.on_shift(ID, wire=Wire.WATCH3G)
    async with department.connection.transaction():
        await department.connection.execute("lock table event in access exclusive mode")
        watch.say(position("AL", "00010000"))
        assert await watch.hears_nothing()
    assert await watch.hear() == frame("AL")
    assert await department.rows("select kind from alert") == [{"kind": "sos"}]


async def test_alarm_sent_again_because_its_answer_was_lost_is_stored_once(
    watch: Watch, department: Department
) -> None:
    await department.on_shift(ID, wire=Wire.WATCH3G)
    for _ in range(2):
        watch.say(position("AL", "00010000"))
        assert await watch.hear() == frame("AL")
    assert await department.rows("select kind from event") == [{"kind": "sos"}]


async def test_alarm_that_cannot_be_read_is_kept_and_somebody_must_look(watch: Watch, department: Department) -> None:
    await department.on_shift(ID, wire=Wire.WATCH3G)
    cut_off = frame("AL,140126,074203,A,47.3215")
    watch.say(cut_off)
    assert await watch.hear() == frame("AL")
    assert await department.rows("select kind from alert") == [{"kind": "technical"}]
    assert await department.rows("select topic, reason, body from rejected") == [
        {"topic": f"watch3g/{ID}", "reason": "malformed", "body": cut_off}
    ]


async def test_watch_cannot_speak_for_another(watch: Watch, department: Department) -> None:
    await department.on_shift(ID, wire=Wire.WATCH3G)
    await department.on_shift("1234567890", agent="Claire Morel", wire=Wire.WATCH3G)
    watch.say(frame("LK"), position("AL", "00010000").replace(ID.encode(), b"1234567890"), frame("TKQ"))
    assert [await watch.hear(), await watch.hear()] == [frame("LK"), frame("TKQ")]
    assert await department.rows("select kind from event") == []
    assert await department.rows("select topic, reason from rejected") == [
        {"topic": f"watch3g/{ID}", "reason": "identity_mismatch"}
    ]


async def test_watch_that_nobody_registered_is_kept_aside_and_not_told_that_its_alarm_arrived(
    watch: Watch, department: Department
) -> None:
    watch.say(position("AL", "00010000"))
    assert await department.until_rows(1, "select reason from rejected") == [{"reason": "unknown_device"}]
    assert await department.rows("select from alert") == []
    await department.on_shift(ID, wire=Wire.WATCH3G)
    watch.say(position("AL", "00010000"))
    assert await watch.hear() == frame("AL")  # of the second: there was no answer to the first
    assert await watch.hears_nothing()


async def test_nobody_can_claim_at_the_broker_to_be_a_watch(server: Server, department: Department) -> None:
    await department.on_shift(ID, wire=Wire.WATCH3G)
    await department.on_shift("w-1")
    await department.publish(f"watch3g/{ID}", position("AL", "00010000"))
    await department.press("w-1")  # by the same lane, later
    await department.until_rows(1, "select from event")
    assert await department.rows("select d.wire from event join device d on d.id = device_id") == [{"wire": "native"}]
    assert await department.rows("select from rejected") == []


async def test_nobody_listens_for_3g_watches_unless_asked_to(start_server: StartServer) -> None:
    assert (await start_server()).watch3g is None
