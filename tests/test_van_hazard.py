"""A vehicle comes at a van: who may stand there, whether the dispatch centre is told, and only once."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gyrophare.flows import watch_report
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.geo import Position
from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import Fix
from gyrophare.platform.db import Pool, connect
from gyrophare.platform.mqtt import Received
from ingest.understanding import understand
from lone_worker.beside import may_be_beside
from lone_worker.shifts import store as shifts
from tests.department import DIJON, Department

AT = datetime(2026, 1, 14, 7, 42, tzinfo=UTC)
VAN = Fix(fixed_at=AT, position=Position(*DIJON), accuracy_m=5.0)
VAN_1 = "vans/van-1"
_number = itertools.count(1)


def agent(north_m: float, *, apart_s: float = 0, accuracy_m: float | None = 5.0) -> Fix:
    position = Position(DIJON[0] + north_m / 111_195, DIJON[1])
    return Fix(fixed_at=AT + timedelta(seconds=apart_s), position=position, accuracy_m=accuracy_m)


@pytest.mark.parametrize(
    ("van", "placed", "beside"),
    [
        (VAN, agent(0), True),
        (VAN, agent(209), True),  # 200 m and what both receivers may be wrong
        (VAN, agent(211), False),
        (VAN, agent(214, accuracy_m=None), True),  # one that does not say how wrong
        (VAN, agent(216, accuracy_m=None), False),
        (VAN, agent(700, accuracy_m=500.0), True),  # placed by a cell
        (VAN, agent(299, apart_s=-60), True),  # he may have walked there in a minute
        (VAN, agent(301, apart_s=-60), False),
        (VAN, agent(299, apart_s=60), True),  # or from there: of what is heard late
        (VAN, None, True),
        (None, agent(5_000), True),
        (None, None, True),
        (replace(VAN, accuracy_m=None), agent(214), True),
        (replace(VAN, fixed_at=AT - timedelta(seconds=60)), agent(299), True),
    ],
)
def test_agent_may_be_beside_a_van_unless_known_to_be_elsewhere(
    van: Fix | None, placed: Fix | None, beside: bool
) -> None:
    assert may_be_beside(van, placed, AT) is beside


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    async with await connect(database_url) as connection:
        yield Department(connection, None, clock)


@pytest.fixture
async def van(office: Department) -> DeviceId:
    return await office.register(VAN_1, kind="van")


async def tell(pool: Pool, clock: ManualClock, kind: str = "hazard", name: str = VAN_1, **more: object) -> None:
    """One event of that device, heard now."""
    body = {"boot": "b", "seq": next(_number), "kind": kind, "occurred_at": clock.now().isoformat()} | more
    message = Received(
        topic=f"gyrophare/v1/{name}/events",
        payload=json.dumps(body).encode(),
        received_at=clock.now(),
        qos=1,
        packet_id=next(_number),
        epoch=1,
    )
    await watch_report.record(pool, clock, [understand(message)])


async def test_hazard_is_told_when_an_agent_may_stand_beside_the_van(
    office: Department, van: DeviceId, pool: Pool, clock: ManualClock
) -> None:
    watch = await office.on_shift("w-1")
    far = await office.on_shift("w-2", agent="Zoé Martin")
    clock.advance(30)
    for device_id, north_m in ((van, 0), (watch, 40), (far, 5_000)):
        await office.stands(device_id, north_m)
    await tell(pool, clock, range_m=81.6)
    [alert] = await office.rows("select * from alert")
    assert (alert["kind"], alert["vital"], alert["priority"], alert["device_id"]) == ("van_hazard", True, 4, van)
    assert alert["detail"] == {"beside": 1, "range_m": 82}
    assert alert["latitude_deg"] == pytest.approx(DIJON[0])
    assert len(await office.rows("select from notification where channel = 'console'")) == 1


async def test_hazard_is_kept_and_told_to_nobody_when_all_agents_are_elsewhere(
    office: Department, van: DeviceId, pool: Pool, clock: ManualClock
) -> None:
    ended = await office.on_shift("w-3", agent="Zoé Martin")
    clock.advance(30)
    await office.stands(ended, 0)
    await office.stands(van, 0)
    await shifts.end_shift(office.connection, ended, clock.now())
    watch = await office.on_shift("w-1")
    await office.stands(watch, 5_000)
    await tell(pool, clock)
    assert await office.rows("select from alert") == []
    assert len(await office.rows("select from event where kind = 'hazard'")) == 1


@pytest.mark.parametrize("placed", ["the van", "the agent", "both, him before his shift"])
async def test_hazard_is_told_when_nobody_knows_where_one_of_them_is(
    office: Department, van: DeviceId, pool: Pool, clock: ManualClock, placed: str
) -> None:
    watch = await office.on_shift("w-1")
    if placed != "the agent":
        await office.stands(van, 0)
    if placed != "the van":
        await office.stands(watch, 5_000, fixed_s_ago=600 if "before" in placed else 0)
    await tell(pool, clock)
    [alert] = await office.rows("select detail, latitude_deg from alert")
    assert alert["detail"] == {"beside": 1}
    assert (alert["latitude_deg"] is None) is (placed == "the agent")


async def test_agent_in_a_pause_is_in_danger_too(
    office: Department, van: DeviceId, pool: Pool, clock: ManualClock
) -> None:
    watch = await office.on_shift("w-1")
    clock.advance(30)
    await office.stands(watch, 40)
    await office.stands(van, 0)
    await tell(pool, clock, kind="pause", name="watches/w-1")
    await tell(pool, clock)
    assert len(await office.rows("select from alert where kind = 'van_hazard'")) == 1


async def test_next_vehicles_repeat_the_alert_until_it_is_closed(
    office: Department, van: DeviceId, pool: Pool, clock: ManualClock
) -> None:
    await office.on_shift("w-1")
    await tell(pool, clock)
    await tell(pool, clock, kind="hazard_cleared")
    await tell(pool, clock)
    await office.connection.execute(
        "update alert set state = 'acknowledged', next_step_at = null, acknowledged_at = %(now)s, acknowledged_by = 1, "
        "lapses_at = %(now)s + interval '15 minutes'",
        {"now": clock.now()},
    )
    await tell(pool, clock)
    [alert] = await office.rows("select id, state from alert")
    assert alert["state"] == "acknowledged"
    assert len(await office.rows("select from alert_event where kind = 'repeated'")) == 2
    await office.close_alerts()
    await tell(pool, clock)
    assert len(await office.rows("select from alert")) == 2


@pytest.mark.parametrize("range_m", [float("nan"), float("inf"), -1, 10**400, True, "82", None, [82]])
async def test_hazard_with_a_range_that_is_none_is_a_hazard(
    office: Department, van: DeviceId, pool: Pool, clock: ManualClock, range_m: object
) -> None:
    await office.on_shift("w-1")
    await tell(pool, clock, range_m=range_m)
    [alert] = await office.rows("select kind, detail from alert")
    assert alert["kind"] in {"van_hazard", "technical"}  # not a number in JSON: what cannot be read is told as well
    assert "range_m" not in alert["detail"]


async def test_watch_that_speaks_of_a_hazard_is_not_understood(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.on_shift("w-1")
    await tell(pool, clock, name="watches/w-1")
    [alert] = await office.rows("select kind from alert")
    assert alert["kind"] == "technical"
    [refused] = await office.rows("select reason, detail from rejected")
    assert refused["reason"] == "unknown_event"
    assert "hazard" not in refused["detail"].split("expected")[1]
