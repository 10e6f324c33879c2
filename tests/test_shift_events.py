"""What watches say of shifts, on a real database: whose shift it is, what may be stored, whoever hears it first."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import ingest.private
from dashboards import presence
from gyrophare.flows import watch_report
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import DeviceId
from gyrophare.platform.db import Connection, Pool, connect, open_pool
from gyrophare.platform.mqtt import Received
from gyrophare.server import Server
from ingest.understanding import understand
from lone_worker.shifts import agents
from lone_worker.shifts import store as shifts
from lone_worker.shifts.spans import ActKind
from tests.department import DIJON, ORGANISATION, Department

_number = itertools.count(1)
EIGHT = datetime(2026, 1, 14, 7, tzinfo=UTC)  # in Paris


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    """It is eight, and somebody looks at the console."""
    clock.set(hour(8))
    async with await connect(database_url) as connection:
        office = Department(connection, None, clock)
        await console_is_open(office)
        yield office


@pytest.fixture
async def watch(office: Department) -> DeviceId:
    """Zoé's watch, w-1."""
    device_id = await office.register("w-1")
    await agents.insert_agent(office.connection, ORGANISATION, "Zoé Martin")
    [zoe] = await agents.find_agents(office.connection, ORGANISATION, "zoé martin")
    await agents.give_watch(office.connection, zoe, device_id)
    return device_id


async def console_is_open(office: Department) -> None:
    await presence.tell_consoles(office.connection, "test", ORGANISATION, 1, office.clock.now())


def hour(number: float) -> datetime:
    """Of the clock in Paris."""
    return EIGHT + timedelta(hours=number - 8)


async def hear(pool: Pool, clock: ManualClock, *events: tuple[str, float], name: str = "w-1", fix: Any = None) -> None:
    """One batch of events with the hour they happened at, heard now."""
    batch = []
    for kind, at in events:
        body = {"boot": "b", "seq": next(_number), "kind": kind, "occurred_at": hour(at).isoformat()}
        if fix is not None:
            body["fix"] = fix | {"fixed_at": hour(at).isoformat()}
        batch.append(received(f"gyrophare/v1/watches/{name}/events", body, clock))
    await watch_report.record(pool, clock, [understand(one) for one in batch])


async def measure(pool: Pool, clock: ManualClock, *hours: float, name: str = "w-1") -> None:
    """One batch of positions, heard now."""
    body = []
    for at in map(hour, hours):
        fix = PLACE | {"fixed_at": at.isoformat()}
        body.append({"boot": "f", "seq": next(_number), "sent_at": at.isoformat(), "fix": fix})
    message = received(f"gyrophare/v1/watches/{name}/fixes", body, clock)
    await watch_report.record(pool, clock, [understand(message)])


PLACE = {"lat": DIJON[0], "lon": DIJON[1], "accuracy_m": 6.5}


def received(topic: str, body: object, clock: ManualClock) -> Received:
    payload = json.dumps(body).encode()
    return Received(topic=topic, payload=payload, received_at=clock.now(), qos=1, packet_id=next(_number), epoch=1)


def shown(at: datetime | None) -> str:
    return "" if at is None else f"{(at - EIGHT) / timedelta(hours=1) + 8:g}"


async def spans(office: Department) -> list[str]:
    """The shifts as the table has them: "8-12 (9-10)"."""
    rows = await office.rows("select id, started_at, ended_at from shift order by started_at")
    pauses = await office.rows("select shift_id, started_at, ended_at from shift_pause order by started_at")
    return [
        f"{shown(row['started_at'])}-{shown(row['ended_at'])}"
        + "".join(
            f" ({shown(pause['started_at'])}-{shown(pause['ended_at'])})"
            for pause in pauses
            if pause["shift_id"] == row["id"]
        )
        for row in rows
    ]


async def stored(office: Department) -> list[str]:
    return [shown(row["fixed_at"]) for row in await office.rows("select fixed_at from fix order by fixed_at")]


# ------------------------------------------------------------------ begin and end


async def test_watch_begins_and_ends_its_wearers_shift(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    await hear(pool, clock, ("shift_start", 8))
    current = (await shifts.current_shifts(office.connection, [watch]))[watch]
    assert (current.agent_name, current.mission) == ("Zoé Martin", None)
    [state] = await office.rows("select evidence_at, stillness_due_at from watch_state")
    assert state == {"evidence_at": hour(8), "stillness_due_at": hour(8) + timedelta(seconds=150)}
    clock.set(hour(12))
    await hear(pool, clock, ("shift_end", 12))
    [row] = await office.rows("select started_at, ended_at, started_by, ended_by from shift")
    assert row == {"started_at": hour(8), "ended_at": hour(12), "started_by": "watch", "ended_by": "watch"}
    assert await office.rows("select from watch_state") == []
    assert await office.rows("select from alert") == []


@pytest.mark.parametrize("order", list(itertools.permutations([("shift_start", 8), ("shift_end", 12)])))
async def test_late_start_and_end_are_one_shift_and_no_ghost(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId, order: tuple[tuple[str, float], ...]
) -> None:
    clock.set(hour(14))
    await console_is_open(office)
    for event in order:
        await hear(pool, clock, event)
    assert await spans(office) == ["8-12"]
    assert await office.rows("select from watch_state") == []


async def test_start_of_the_future_begins_when_it_is_heard(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    clock.set(hour(8))
    await hear(pool, clock, ("shift_start", 9))
    assert await spans(office) == ["8-"]


async def test_start_older_than_any_buffer_begins_nothing_and_an_old_end_ends(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    clock.set(hour(8 + 7 * 24) + timedelta(seconds=1))
    await hear(pool, clock, ("shift_start", 8))
    assert await spans(office) == []
    clock.set(hour(8))
    await hear(pool, clock, ("shift_start", 8))
    clock.set(hour(12 + 8 * 24))
    await hear(pool, clock, ("shift_end", 12))
    assert await spans(office) == ["8-12"]


async def test_start_that_is_heard_again_is_one_shift(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    clock.set(hour(8))
    body = {"boot": "b", "seq": next(_number), "kind": "shift_start", "occurred_at": hour(8).isoformat()}
    for _ in range(2):
        again = received("gyrophare/v1/watches/w-1/events", body, clock)
        await watch_report.record(pool, clock, [understand(again)])
    await hear(pool, clock, ("shift_start", 7.5), ("shift_start", 8))
    assert await spans(office) == ["7.5-"]


async def test_state_is_kept_when_a_late_end_makes_two_shifts_of_one(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    """What the wearer did since the second start is known; to forget it would alarm at once."""
    clock.set(hour(8))
    await hear(pool, clock, ("shift_start", 8))
    clock.set(hour(10))
    await hear(pool, clock, ("shift_start", 10))
    clock.set(hour(11))
    await hear(pool, clock, ("checkin", 11))
    await hear(pool, clock, ("shift_end", 9))
    assert await spans(office) == ["8-9", "10-"]
    [state] = await office.rows(
        "select w.evidence_at, s.started_at from watch_state w join shift s on s.id = w.shift_id"
    )
    assert state == {"evidence_at": hour(11), "started_at": hour(10)}


async def test_two_processes_hear_the_events_of_one_watch_at_once_in_either_order(
    office: Department, pool: Pool, clock: ManualClock, database_url: str
) -> None:
    """Every one waits for the same watch; whoever gets it first, the shifts in the end are the same."""
    clock.set(hour(14))
    await console_is_open(office)
    events = [("shift_start", 8.0), ("pause", 9.0), ("resume", 10.0), ("shift_end", 12.0), ("shift_start", 13.0)]
    names = [f"w-{number}" for number in range(12)]
    for name in names:
        device_id = await office.register(name)
        await agents.insert_agent(office.connection, ORGANISATION, name)
        [agent] = await agents.find_agents(office.connection, ORGANISATION, name)
        await agents.give_watch(office.connection, agent, device_id)
    other = await open_pool(database_url, 4)
    for number, name in enumerate(names):
        order = list(itertools.permutations(events))[number * 10]
        places = itertools.cycle((pool, other))
        await asyncio.gather(*(hear(next(places), clock, event, name=name) for event in order))
    await other.close()
    assert await spans(office) == ["8-12 (9-10)"] * 12 + ["13-"] * 12
    watched = "select from watch_state w join shift s on s.id = w.shift_id where s.ended_at is null"
    assert len(await office.rows(watched)) == 12


async def test_start_waits_for_the_end_that_another_process_is_storing(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId, database_url: str
) -> None:
    clock.set(hour(13))
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.TaskGroup() as both, await connect(database_url) as other, other.transaction():
        await shifts.lock(other, [watch])
        both.create_task(hear(pool, clock, ("shift_end", 12)))
        await office.until_rows(1, waiting)
        both.create_task(hear(pool, clock, ("shift_start", 8)))
        await office.until_rows(2, waiting)
    assert await spans(office) == ["8-12"]


# ------------------------------------------------------------------ who hears, and whose it is


async def test_watch_of_nobody_raises_a_technical_alert_and_begins_nothing(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    clock.set(hour(8))
    await office.register("w-9")
    await hear(pool, clock, ("shift_start", 8), name="w-9")
    await hear(pool, clock, ("shift_start", 8), name="w-9")
    [alert] = await office.rows("select kind, subject, mission from alert")
    assert (alert["kind"], alert["subject"]) == ("technical", "w-9")
    assert alert["mission"].startswith("montre sans agent")
    assert await spans(office) == []


async def test_lent_watch_that_says_start_goes_on_with_the_shift_it_is_in(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    clock.set(hour(8))
    await office.on_shift("w-9", agent="Luc")
    clock.advance(60)
    await hear(pool, clock, ("shift_start", 8 + 1 / 60), name="w-9")
    assert await spans(office) == ["8-"]
    assert await office.rows("select from alert") == []


async def test_second_watch_of_an_agent_protects_and_is_told(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    """Whoever takes the one that works must not be refused for the one that lies in the van."""
    clock.set(hour(8))
    await hear(pool, clock, ("shift_start", 8))
    second = await office.register("w-2")
    [zoe] = await agents.find_agents(office.connection, ORGANISATION, "Zoé Martin")
    await agents.give_watch(office.connection, zoe, second)
    await hear(pool, clock, ("shift_start", 8), name="w-2")
    assert await spans(office) == ["8-", "8-"]
    [alert] = await office.rows("select mission, subject from alert")
    assert alert == {"mission": "deux montres en service pour cet agent", "subject": "Zoé Martin"}


async def test_start_with_nobody_reachable_begins_and_is_told_once_an_outage(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    for at, kind in ((9, "shift_start"), (9.5, "shift_end"), (10, "shift_start"), (11, "shift_end")):
        clock.set(hour(at))  # the console was last seen an hour ago, and longer
        await hear(pool, clock, (kind, at))
    assert await spans(office) == ["9-9.5", "10-11"]
    [alert] = await office.rows("select kind, subject, device_id from alert")
    assert alert == {"kind": "technical", "subject": "Personne n'est joignable", "device_id": None}
    clock.set(hour(12))
    await console_is_open(office)
    await hear(pool, clock, ("shift_start", 12))
    clock.set(hour(13))
    await hear(pool, clock, ("shift_end", 13))
    assert len(await office.rows("select from alert")) == 1
    clock.set(hour(14))
    await hear(pool, clock, ("shift_start", 14))
    assert len(await office.rows("select from alert")) == 2  # another outage


async def test_alert_that_nobody_answered_stays_open_when_the_shift_ends(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    await hear(pool, clock, ("shift_start", 8), ("sos", 8))
    clock.set(hour(9))
    await hear(pool, clock, ("shift_end", 9))
    assert await spans(office) == ["8-9"]
    assert await office.rows("select kind, state from alert") == [{"kind": "sos", "state": "triggered"}]


# ------------------------------------------------------------------ pauses and what may be stored


async def test_position_of_a_pause_is_not_stored_and_an_sos_in_it_shows_where(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    await hear(pool, clock, ("shift_start", 8))
    clock.set(hour(9))
    await hear(pool, clock, ("pause", 9))
    clock.set(hour(9.5))
    await measure(pool, clock, 8.5, 9.25, 9.5)
    assert await stored(office) == ["8.5"]
    assert await office.rows("select fixes from off_shift_count") == [{"fixes": 2}]
    await hear(pool, clock, ("ok", 9.5), fix=PLACE)
    [latest] = await office.rows("select fixed_at, heard_at from device_latest")
    assert latest == {"fixed_at": hour(8.5), "heard_at": hour(9.5)}

    await hear(pool, clock, ("sos", 9.5), fix=PLACE | {"lat": 47.4})
    [alert] = await office.rows("select kind, latitude_deg from alert")
    assert alert == {"kind": "sos", "latitude_deg": 47.4}
    clock.set(hour(10))
    await hear(pool, clock, ("resume", 10))
    clock.set(hour(11))
    await measure(pool, clock, 9.75, 10.5)
    assert await stored(office) == ["8.5", "10.5"]


async def test_position_of_a_pause_is_forgotten_when_the_pause_is_heard_after_it(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    """Events and fixes come by two lanes, so the fixes may be ahead; and a watch may have been without network."""
    await hear(pool, clock, ("shift_start", 8))
    clock.set(hour(11))
    await measure(pool, clock, 8.5, 9, 9.25, 9.5)
    await hear(pool, clock, ("checkin", 9.5), fix=PLACE)
    await hear(pool, clock, ("fall", 9.75), fix=PLACE | {"lat": 47.4})
    await hear(pool, clock, ("pause", 9), ("resume", 10))
    assert await stored(office) == ["8.5", "9"]
    events = await office.rows("select kind from event where latitude_deg is not null")
    assert events == [{"kind": "fall"}]
    [latest] = await office.rows("select latitude_deg from device_latest")
    assert latest == {"latitude_deg": 47.4}


async def test_position_after_an_end_that_is_heard_late_is_forgotten(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    await hear(pool, clock, ("shift_start", 8))
    clock.set(hour(13))
    await measure(pool, clock, 11, 12, 12.5, 13)
    await hear(pool, clock, ("shift_end", 12))
    assert await stored(office) == ["11", "12"]
    [latest] = await office.rows("select fixed_at from device_latest")
    assert latest == {"fixed_at": hour(12)}


async def test_body_that_cannot_be_read_is_not_kept_in_a_pause(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId
) -> None:
    clock.set(hour(9))
    await console_is_open(office)
    await hear(pool, clock, ("shift_start", 8), ("pause", 9))
    await watch_report.record(
        pool, clock, [understand(received("gyrophare/v1/watches/w-1/fixes", "near Dijon", clock))]
    )
    [rejected] = await office.rows("select body from rejected")
    assert rejected == {"body": b""}


async def test_pause_at_the_console_sees_what_another_process_is_storing(
    office: Department, pool: Pool, clock: ManualClock, watch: DeviceId, database_url: str
) -> None:
    """What is measured after it, and stored but not committed when it is said, must not stay."""
    await hear(pool, clock, ("shift_start", 8))
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"

    async def pause(connection: Connection) -> None:
        async with connection.transaction():
            said = await shifts.say(connection, watch, ActKind.PAUSE, hour(9), "console")
            await ingest.private.forget(connection, watch, said.private)

    clock.set(hour(9.5))
    async with (
        await connect(database_url) as mine,
        asyncio.TaskGroup() as both,
        await connect(database_url) as other,
        other.transaction(),
    ):
        await other.execute("select from device_latest where device_id = %s for update", [watch])
        both.create_task(measure(pool, clock, 9.25))  # has seen no pause, and waits to note where it was last
        await office.until_rows(1, waiting)
        both.create_task(pause(mine))
        await office.until_rows(2, waiting)
    assert await stored(office) == []


async def test_events_reach_the_shift_over_the_broker(server: Server, department: Department) -> None:
    device_id = await department.register("w-1")
    await agents.insert_agent(department.connection, ORGANISATION, "Zoé")
    [zoe] = await agents.find_agents(department.connection, ORGANISATION, "Zoé")
    await agents.give_watch(department.connection, zoe, device_id)
    await department.press("w-1", "shift_start")
    await department.until_rows(1, "select from shift where ended_at is null")
    department.clock.advance(60)
    await department.press("w-1", "pause")
    await department.until_rows(1, "select from shift_pause")
    department.clock.advance(60)
    await department.press("w-1", "shift_end")
    await department.until_rows(1, "select from shift where ended_at is not null")
