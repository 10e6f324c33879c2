"""Whatever a watch is told makes it vibrate: who lies still is not taken to move for it, and who moves is believed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Any, LiteralString

import pytest

from alerts import policy_store
from dashboards import read_models
from gyrophare.embedded import MqttBroker
from gyrophare.flows import write_to_watch
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import DeviceId
from gyrophare.server import CONSOLE_LOGIN, Server
from tests.commanded import Ear, a_message, queued
from tests.department import ORGANISATION, Department
from tests.test_nearby_end_to_end import POLICY
from tests.test_prealarm import until_due

ALARMS = "select triggered_at from alert where kind = 'stillness' and device_id = %(device_id)s"
SHOWN: LiteralString = """
select from (
    select 'c' || id as name, delivered_at from command
    union all select 'n' || id, delivered_at from notification
) told
where name = %(name)s and delivered_at is not null
"""
Tell = Callable[[Server, Department, DeviceId], Awaitable[None]]


@pytest.fixture
async def ear(broker: MqttBroker, clock: ManualClock) -> AsyncIterator[Ear]:
    async with Ear.of(broker.url, "w-1", clock) as ear:
        yield ear


@pytest.fixture
async def device_id(department: Department, clock: ManualClock) -> DeviceId:
    await policy_store.replace_policies(department.connection, ORGANISATION, [POLICY])
    await department.register("w-2")
    return await department.on_shift("w-1")


async def ask_whether_he_goes(server: Server, department: Department, device_id: DeviceId) -> None:
    """Somebody falls near by."""
    await department.stands(device_id, 400)
    await department.press("w-2", "fall", fix=department.report("w-2")["fix"])


async def write(server: Server, department: Department, device_id: DeviceId) -> None:
    """A dispatcher does."""
    async with server.pool.connection() as connection:
        viewer = await read_models.viewer(connection, CONSOLE_LOGIN)
    told = await write_to_watch.write(
        server.pool, server.clock, viewer, device_id, "message", "Tout va bien ?", ["Oui"]
    )
    assert isinstance(told, int)


async def says(department: Department, *, steps: int | None = None, offset_m: float = 0.0) -> None:
    """The watch reports, and is heard."""
    await department.send("w-1", department.report("w-1", steps=steps, offset_m=offset_m))
    await department.until_rows(1, "select from watch_state where heard_at = %(now)s", now=department.clock.now())


async def evidence_at(department: Department, device_id: DeviceId) -> datetime:
    """Of the last movement."""
    [row] = await department.rows("select evidence_at from watch_state where device_id = %(id)s", id=device_id)
    at: datetime = row["evidence_at"]
    return at


async def shows(department: Department, told: dict[str, Any]) -> None:
    """The watch vibrates, and is heard to."""
    await department.press("w-1", "delivered", command=told["id"])
    await department.until_rows(1, SHOWN, name=told["id"])


async def lies(server: Server, department: Department, ear: Ear, seconds: int) -> None:
    """So long nothing moves; the watch reports every ten seconds, and shows each pre-alarm at once."""
    for second in range(1, seconds + 1):
        await until_due(server, department.clock, 1)
        if second % 10 == 0:
            await says(department)
        for row in await department.rows("select id from command where kind = 'prealarm' and delivered_at is null"):
            told = await ear.next()
            assert told["id"] == f"c{row['id']}"
            await shows(department, told)


@pytest.mark.parametrize("tell", [ask_whether_he_goes, write])
@pytest.mark.parametrize(("told_after_s", "felt_after_s"), [(100, 2), (160, 2), (170, 4.5), (177, 1)])
async def test_who_lies_still_is_told_of_in_time_though_his_watch_shook_for_something_else(
    server: Server,
    department: Department,
    ear: Ear,
    device_id: DeviceId,
    tell: Tell,
    told_after_s: int,
    felt_after_s: float,
) -> None:
    began_at = department.clock.now()
    await lies(server, department, ear, told_after_s)
    await tell(server, department, device_id)
    told = await ear.next()
    assert told["command"] == "message"
    department.clock.advance(1)
    await shows(department, told)
    department.clock.advance(felt_after_s)
    await says(department, steps=3)
    alarm_at = began_at + timedelta(seconds=180)
    await lies(server, department, ear, ceil((alarm_at - department.clock.now()).total_seconds()) - 1)
    assert await department.rows(ALARMS, device_id=device_id) == []
    department.clock.advance((alarm_at - department.clock.now()).total_seconds())
    await server.tick()
    [alarm] = await department.rows(ALARMS, device_id=device_id)
    assert alarm["triggered_at"] == alarm_at


@pytest.mark.parametrize("tell", [ask_whether_he_goes, write])
async def test_steps_that_are_heard_before_the_watch_says_that_it_shook_prove_nothing_either(
    server: Server, department: Department, ear: Ear, device_id: DeviceId, tell: Tell
) -> None:
    began_at = department.clock.now()
    await lies(server, department, ear, 40)
    await tell(server, department, device_id)
    told = await ear.next()
    department.clock.advance(3)
    await says(department, steps=3)
    await shows(department, told)
    assert await evidence_at(department, device_id) == began_at
    department.clock.advance(6)
    await says(department, steps=3)
    assert await evidence_at(department, device_id) == department.clock.now()


async def test_message_that_is_shown_long_after_it_was_sent_shakes_from_then_on(
    server: Server, department: Department, ear: Ear, device_id: DeviceId
) -> None:
    began_at = department.clock.now()
    await lies(server, department, ear, 40)
    await write(server, department, device_id)
    told = await ear.next()
    await lies(server, department, ear, 60)
    await shows(department, told)
    department.clock.advance(4)
    await says(department, steps=3)
    assert await evidence_at(department, device_id) == began_at
    department.clock.advance(2)
    await says(department, steps=3)
    assert await evidence_at(department, device_id) == department.clock.now()


async def test_message_goes_although_our_code_cannot_bear_the_watchs_row(
    server: Server, department: Department, ear: Ear, device_id: DeviceId
) -> None:
    await department.connection.execute("update watch_state set episode = 'what we never wrote'")
    await write(server, department, device_id)
    assert (await ear.next())["command"] == "message"


@pytest.mark.parametrize("pace_mps", [0.0, 1.0], ids=["on the spot", "walking"])
async def test_who_moves_is_left_in_peace_however_much_he_is_written_to(
    server: Server, department: Department, ear: Ear, device_id: DeviceId, clock: ManualClock, pace_mps: float
) -> None:
    for second in range(0, 240, 2):
        await until_due(server, clock, 2)
        if second % 14 == 0:
            await queued(department, a_message(device_id, clock.now()))
            await shows(department, await ear.next())
        if second % 10 == 0:
            await says(department, steps=6, offset_m=pace_mps * second)
    assert await department.rows("select from prealarm union all select from alert") == []
