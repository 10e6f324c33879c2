"""Who is near an alert and could go there: nearest first, and nobody who could not, or must be left in peace."""

from __future__ import annotations

from datetime import timedelta
from typing import LiteralString
from unittest.mock import patch

import psycopg
import pytest

import alerts.store
import lone_worker.nearest
import lone_worker.store
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import due_steps
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.geo import Position, distance_m
from gyrophare.kernel.ids import AlertId, DeviceId, ShiftId
from gyrophare.kernel.observations import Fix, Wire
from gyrophare.platform.db import Connection
from lone_worker.shifts import store as shifts
from lone_worker.shifts.agents import insert_agent
from lone_worker.shifts.spans import ActKind, Terms
from tests.department import DIJON, ORGANISATION, Department

HERE = Position(*DIJON)
FIXED_MAX_S, HEARD_MAX_S = 15 * 60, 90


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


async def raised(
    office: Department,
    device_id: DeviceId,
    kind: AlertKind = AlertKind.SOS,
    *,
    place: Position | None = HERE,
    shift_id: ShiftId | None = None,
) -> AlertId:
    """Whoever wears that device is in danger."""
    now = office.clock.now()
    alert = NewAlert(
        organisation_id=ORGANISATION,
        kind=kind,
        device_id=device_id,
        shift_id=shift_id,
        subject="Martin Lefèvre",
        mission="Fauchage RD 70",
        reply_topic=None,
        episode="1",
        episode_at=now,
        triggered_at=now,
        fix=None if place is None else Fix(fixed_at=now, position=place, accuracy_m=6.5, speed_mps=None),
    )
    [alert_id] = await alerts.store.raise_alerts(office.connection, [alert], now)
    return alert_id


async def near(office: Department, alert_id: AlertId, most: int = 20) -> list[tuple[str, int]]:
    """The names of who is near, and their distance."""
    found = await due_steps.find_nearest(office.connection, {alert_id: most}, office.clock.now())
    return [(one.name, round(one.distance_m)) for one in found.get(alert_id, ())]


async def colleague(office: Department, name: str, north_m: float, **seen: float) -> DeviceId:
    device_id = await office.on_shift(f"w-{name}", agent=name)
    await office.stands(device_id, north_m, **seen)
    return device_id


async def test_the_nearest_come_first_and_no_more_than_were_asked_for(office: Department) -> None:
    alert_id = await raised(office, await office.on_shift("w-1"))
    for name, north_m in (("Ève", 29_900), ("Zoé", 2000), ("Luc", -400), ("Ali", 30_100)):
        await colleague(office, name, north_m)
    assert await near(office, alert_id) == [("Luc", 400), ("Zoé", 2000), ("Ève", 29_900)]
    assert await near(office, alert_id, 1) == [("Luc", 400)]


async def test_distance_is_that_of_the_great_circle_and_the_bearing_points_to_the_alert(office: Department) -> None:
    alert_id = await raised(office, await office.on_shift("w-1"))
    device_id = await office.on_shift("w-2", agent="Zoé")
    for north_m, east_deg, bearing_deg in ((-5000, 0.0, 0), (5000, 0.0, 180), (0, -0.1, 90), (0, 0.1, -90)):
        await office.stands(device_id, north_m, east_deg=east_deg)
        [found] = await lone_worker.nearest.find(office.connection, {alert_id: 1}, office.clock.now())
        there = Position(DIJON[0] + north_m / 111_195, DIJON[1] + east_deg)
        assert found.distance_m == pytest.approx(distance_m(there, HERE), abs=0.01)
        assert found.bearing_deg == pytest.approx(bearing_deg, abs=0.1)


@pytest.mark.parametrize(
    ("fixed_s_ago", "heard_s_ago", "counts"),
    [
        (FIXED_MAX_S, HEARD_MAX_S, True),
        (FIXED_MAX_S + 1, 0, False),
        (0, HEARD_MAX_S + 1, False),
        (-60, -60, True),  # our clock was set back since
    ],
)
async def test_whoever_is_not_heard_or_was_last_placed_long_ago_is_not_near(
    office: Department, fixed_s_ago: float, heard_s_ago: float, counts: bool
) -> None:
    alert_id = await raised(office, await office.on_shift("w-1"))
    await colleague(office, "Zoé", 400, fixed_s_ago=fixed_s_ago, heard_s_ago=heard_s_ago)
    assert bool(await near(office, alert_id)) is counts


async def test_who_cannot_or_must_not_be_told_is_not_near(office: Department, clock: ManualClock) -> None:
    alert_id = await raised(office, await office.on_shift("w-1"))
    await office.stands(await office.register("w-nobody"), 100)  # nobody wears it
    over, paused, revoked = [await colleague(office, name, 100) for name in ("over", "paused", "revoked")]
    await shifts.end_shift(office.connection, over, clock.now())
    await shifts.say(office.connection, paused, ActKind.PAUSE, clock.now())
    await office.connection.execute("update device set revoked_at = now() where id = %s", [revoked])
    await office.stands(await office.on_shift("zoe/phone", agent="no way back", wire=Wire.OWNTRACKS), 100)
    await office.connection.execute("insert into organisation (slug, name) values ('other', 'Autre')")
    other = await colleague(office, "of another organisation", 100)
    await office.connection.execute("update device set organisation_id = 2 where id = %s", [other])
    assert await near(office, alert_id) == []
    await shifts.say(office.connection, paused, ActKind.RESUME, clock.now() + timedelta(seconds=1))
    assert await near(office, alert_id) == [("paused", 100)]


@pytest.mark.parametrize(
    ("kind", "counts"), [(AlertKind.FALL, False), (AlertKind.LOW_BATTERY, True), (AlertKind.TECHNICAL, True)]
)
async def test_whoever_is_in_danger_himself_is_left_in_peace(office: Department, kind: AlertKind, counts: bool) -> None:
    alert_id = await raised(office, await office.on_shift("w-1"))
    device_id = await colleague(office, "Zoé", 400)
    await raised(office, device_id, kind)
    assert bool(await near(office, alert_id)) is counts
    await office.close_alerts()
    assert await near(office, alert_id) == [("Zoé", 400)]


async def two_watches(office: Department, agent: str, first: str, second: str) -> tuple[DeviceId, DeviceId, ShiftId]:
    """Somebody on shift with two watches."""
    agent_id = await insert_agent(office.connection, ORGANISATION, agent)
    worn = [await office.register(name) for name in (first, second)]
    for device_id in worn:
        await shifts.start_shift(office.connection, device_id, Terms(agent_id=agent_id), office.clock.now())
    [row] = await office.rows("select id from shift where device_id = %(id)s", id=worn[0])
    return worn[0], worn[1], ShiftId(row["id"])


async def test_who_wears_two_watches_counts_once_by_the_freshest_and_not_at_all_beside_his_own_danger(
    office: Department,
) -> None:
    alert_id = await raised(office, await office.on_shift("w-1"))
    first, second, shift_id = await two_watches(office, "Zoé", "w-2", "w-3")
    await office.stands(first, 100, fixed_s_ago=20)
    await office.stands(second, 700, fixed_s_ago=10)
    assert await near(office, alert_id) == [("Zoé", 700)]
    own = await raised(office, first, shift_id=shift_id)
    assert await near(office, alert_id) == []
    assert await near(office, own) == []


async def test_who_is_in_danger_off_shift_is_not_his_own_colleague(office: Department) -> None:
    device_id = await office.register("w-1")
    agent_id = await insert_agent(office.connection, ORGANISATION, "Zoé")
    await office.connection.execute("update agent set device_id = %s where id = %s", [device_id, agent_id])
    other = await office.register("w-2")
    await shifts.start_shift(office.connection, other, Terms(agent_id=agent_id), office.clock.now())
    await office.stands(other, 10)
    assert await near(office, await raised(office, device_id, AlertKind.LOW_BATTERY)) == []


async def test_van_is_near_without_a_shift_and_by_its_own_name(office: Department) -> None:
    van = await office.register("vans/van-1", kind="van")
    await lone_worker.store.insert_van(office.connection, ORGANISATION, "Fourgon 1", van)
    await office.stands(van, 900)
    alert_id = await raised(office, await office.register("w-1"))  # of nobody we know either
    found = await due_steps.find_nearest(office.connection, {alert_id: 1}, office.clock.now())
    [one] = found[alert_id]
    assert (one.name, one.address) == ("Fourgon 1", "gyrophare/v1/vans/van-1/commands")


async def test_nobody_is_near_who_is_nowhere(office: Department) -> None:
    await colleague(office, "Zoé", 0)
    assert await near(office, await raised(office, await office.on_shift("w-1"), place=None)) == []


FILL: LiteralString = """
insert into device_latest (device_id, heard_at, fixed_at, latitude_deg, longitude_deg, clock_skews_s)
select id, %(now)s, %(now)s, 47.3 + (id %% 37) / 200.0, 5.0 + (id %% 41) / 200.0, '{}' from device
"""


async def test_two_hundred_colleagues_and_fifty_alerts_take_one_statement(
    office: Department, clock: ManualClock
) -> None:
    await office.many_on_shift(250)
    await office.connection.execute(FILL, {"now": clock.now()})
    devices = await office.rows("select id from device order by id limit 50")
    asked = {await raised(office, DeviceId(row["id"])): 3 for row in devices}
    await office.connection.execute("analyze")
    execute = psycopg.AsyncConnection.execute
    with patch.object(psycopg.AsyncConnection, "execute", autospec=True, side_effect=execute) as executed:
        found = await due_steps.find_nearest(office.connection, asked, clock.now())
    assert executed.await_count == 1
    assert {len(near) for near in found.values()} == {3}
    assert len(found) == len(asked)
    assert not {one.device_id for near in found.values() for one in near} & {row["id"] for row in devices}
