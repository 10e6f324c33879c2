"""What devices say, stored and read back: the same statements on plain PostgreSQL and on TimescaleDB."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

import ingest.directory
import ingest.store
import lone_worker.store
from dashboards import read_models
from gyrophare.flows import retention, watch_report
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.geo import Position
from gyrophare.kernel.ids import DeviceId, OrganisationId
from gyrophare.kernel.observations import Activity, Doubt, Fix, Report, Sender, Wire
from gyrophare.platform.db import Connection
from gyrophare.platform.mqtt import Received
from ingest.sequences import Receipt
from ingest.understanding import understand
from lone_worker import watching
from lone_worker.shifts import store as shifts
from tests.department import DIJON, ORGANISATION, Department, OneConnection

SENDER = Sender(wire=Wire.NATIVE, name="w-1")
FIXES, EVENTS = "gyrophare/v1/watches/w-1/fixes", "gyrophare/v1/watches/w-1/events"


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


async def hear(office: Department, *said: tuple[str, object]) -> list[Receipt]:
    """Commit these messages, topic and body, as one batch."""
    batch = [
        understand(
            Received(
                topic=topic,
                payload=body if isinstance(body, bytes) else json.dumps(body).encode(),
                received_at=office.clock.now(),
                qos=1,
                packet_id=number,
                epoch=1,
            )
        )
        for number, (topic, body) in enumerate(said, start=1)
    ]
    return list(await watch_report.record(OneConnection.pool(office.connection), office.clock, batch))


async def the(office: Department, table: str) -> list[dict[str, Any]]:
    query = psycopg.sql.SQL("select * from {} order by 1, 2").format(psycopg.sql.Identifier(table))
    return await (await office.connection.execute(query)).fetchall()


async def test_report_is_stored_once_and_receipted(office: Department) -> None:
    await office.on_shift("w-1")
    first, second, third = office.report("w-1"), office.report("w-1"), office.report("w-1", offset_m=50)
    assert await hear(office, (FIXES, [first, third]), (FIXES, first)) == [
        Receipt(wire_name="w-1", boot="9f3a01c2", up_to=1, also=(3,))
    ]
    assert await hear(office, (FIXES, [third, second])) == [Receipt(wire_name="w-1", boot="9f3a01c2", up_to=3, also=())]
    assert len(await the(office, "fix")) == 3


async def test_fix_is_stored_with_everything_that_was_said(office: Department, clock: ManualClock) -> None:
    device_id, now = await office.on_shift("w-1"), clock.now()
    [(device, _)] = (await ingest.directory.find_devices(office.connection, [SENDER])).values()
    position = Position(*DIJON)
    fix = Fix(fixed_at=now, position=position, accuracy_m=6.5, speed_mps=0, course_deg=210, altitude_m=245)
    report = Report(
        sender=SENDER,
        received_at=now,
        sent_at=now,
        sequence=None,
        message_key=-(2**63),
        fix=fix,
        steps=3,
        activity_mg=41,
        activity=Activity.WALKING,
        battery_pct=0,
        buffered=True,
        doubts=(Doubt.MOCK, Doubt.TELEPORT),
        extra={"wristband": 'left, \\ "right" {}'},
    )
    bare = replace(
        report, message_key=1, fix=Fix(fixed_at=now, position=position), sent_at=None, steps=None, activity_mg=None,
        activity=None, battery_pct=None, buffered=False, doubts=(), extra=None,
    )  # fmt: skip
    await ingest.store.insert_fixes(office.connection, [(device, bare), (device, report)])
    common = {"device_id": device_id, "fixed_at": now, "received_at": now}
    where = {"latitude_deg": DIJON[0], "longitude_deg": DIJON[1]}
    assert sorted(await the(office, "fix"), key=lambda row: row["message_key"]) == [
        common | where | {
            "sent_at": now, "accuracy_m": 6.5, "speed_mps": 0, "course_deg": 210, "altitude_m": 245, "battery_pct": 0,
            "steps": 3, "activity_mg": 41, "activity": "walking", "buffered": True, "doubts": ["mock", "teleport"],
            "extra": report.extra, "message_key": -(2**63),
        },
        common | where | {
            "sent_at": None, "accuracy_m": None, "speed_mps": None, "course_deg": None, "altitude_m": None,
            "battery_pct": None, "steps": None, "activity_mg": None, "activity": None, "buffered": False, "doubts": [],
            "extra": None, "message_key": 1,
        },
    ]  # fmt: skip


async def test_fix_without_a_sequence_is_stored_once_by_its_content(office: Department) -> None:
    await office.on_shift("martin/montre", wire=Wire.OWNTRACKS)
    said = {
        "_type": "location", "lat": 47.3, "lon": 5.0, "acc": 8, "tst": int(office.clock.now().timestamp()), "tid": "m",
    }  # fmt: skip
    for _ in range(2):
        assert await hear(office, ("owntracks/martin/montre", said)) == []
    assert len(await the(office, "fix")) == 1


async def test_newest_fix_is_the_latest_whatever_came_last(office: Department, clock: ManualClock) -> None:
    device_id = await office.on_shift("w-1")
    early = office.report("w-1", battery_pct=90)
    clock.advance(60)
    late = office.report("w-1", offset_m=100, battery_pct=80)
    await hear(office, (FIXES, late))
    clock.advance(1)
    await hear(office, (FIXES, early), (FIXES, office.report("w-1", fix=None, battery_pct=79)))
    [latest] = await the(office, "device_latest")
    assert (latest["device_id"], latest["heard_at"], latest["battery_pct"]) == (device_id, clock.now(), 79)
    assert latest["fixed_at"] == clock.now() - timedelta(seconds=1)
    found = await ingest.store.find_latest(office.connection, [device_id])
    assert found[device_id].position.latitude_deg == latest["latitude_deg"] == late["fix"]["lat"]


async def test_clock_skews_are_kept_until_the_clock_is_right_again(office: Department) -> None:
    device_id = await office.on_shift("w-1")
    await hear(office, (FIXES, office.report("w-1")))
    for skews in ((31.5, 32.25), ()):
        await ingest.store.note_clocks(office.connection, {device_id: skews})
        [(device, known)] = (await ingest.directory.find_devices(office.connection, [SENDER])).values()
        assert (device.id, known.clock_skews_s) == (device_id, skews)


async def test_registered_again_is_the_same_device_and_a_revoked_one_is_a_stranger(office: Department) -> None:
    device_id = await office.on_shift("w-1")
    assert await office.register("w-1") == device_id
    found = await ingest.directory.devices_by_id(office.connection, [device_id])
    assert found[device_id].sender == SENDER
    await office.rows("update device set revoked_at = now() where id = %(id)s returning id", id=device_id)
    assert await ingest.directory.find_devices(office.connection, [SENDER]) == {}
    assert await hear(office, (FIXES, office.report("w-1"))) == []
    assert [row["reason"] for row in await the(office, "rejected")] == ["unknown_device"]


async def test_refusal_is_kept_once_and_counted(office: Department) -> None:
    await office.on_shift("w-1")
    await hear(office, (FIXES, b"\xff\x00"), (FIXES, b"\xff\x00"))
    await hear(office, (FIXES, b"\xff\x00"))
    [rejected] = await the(office, "rejected")
    assert (rejected["topic"], rejected["times"], rejected["body"]) == (FIXES, 3, b"\xff\x00")


async def test_outside_a_shift_a_fix_is_counted_and_a_late_one_of_a_shift_is_stored(
    office: Department, clock: ManualClock
) -> None:
    device_id = await office.on_shift("w-1")
    clock.advance(60)
    buffered = office.report("w-1", buffered=True)
    clock.advance(60)
    await shifts.end_shift(office.connection, device_id, clock.now())
    clock.advance(3600)
    await hear(office, (FIXES, [buffered, office.report("w-1")]), (FIXES, office.report("w-1")))
    assert [row["fixed_at"].isoformat() for row in await the(office, "fix")] == [buffered["fix"]["fixed_at"]]
    assert await the(office, "off_shift_count") == [{"device_id": device_id, "day": clock.now().date(), "fixes": 2}]


async def test_sos_is_stored_once_and_raises_one_alert(office: Department) -> None:
    device_id = await office.on_shift("w-1", agent="Zoé")
    now = office.clock.now().isoformat()
    press = {"boot": "b", "seq": 1, "kind": "sos", "occurred_at": now, "fix": office.report("w-1")["fix"]}
    for _ in range(2):
        [receipt] = await hear(office, (EVENTS, press))
        assert receipt.up_to == 1
    [event] = await the(office, "event")
    assert (event["device_id"], event["kind"], event["latitude_deg"]) == (device_id, "sos", DIJON[0])
    [alert] = await the(office, "alert")
    assert (alert["kind"], alert["subject"], alert["latitude_deg"]) == ("sos", "Zoé", DIJON[0])

    await hear(office, (EVENTS, press | {"seq": 2}))  # pressed again: the same danger
    assert len(await the(office, "alert")) == 1
    assert "repeated" in [row["kind"] for row in await the(office, "alert_event")]


async def test_unreadable_event_raises_a_technical_alert(office: Department) -> None:
    await office.on_shift("w-1")
    await hear(office, (EVENTS, b"{"))
    await hear(office, (EVENTS, b"{{"))
    assert [row["kind"] for row in await the(office, "alert")] == ["technical"]  # one an hour


async def test_state_of_a_watch_is_written_back_as_it_was_folded(office: Department, clock: ManualClock) -> None:
    device_id = await office.on_shift("w-1")
    await hear(office, (FIXES, office.report("w-1")))
    clock.advance(60)
    await hear(office, (FIXES, office.report("w-1", steps=12)))
    states = await lone_worker.store.lock_states(office.connection, [device_id])
    assert (states[device_id].evidence_at, states[device_id].heard_at) == (clock.now(), clock.now())
    assert states[device_id].due_at == clock.now() + timedelta(seconds=150)
    await lone_worker.store.save_states(office.connection, list(states.values()))
    assert await lone_worker.store.lock_states(office.connection, [device_id]) == states


async def test_profile_that_a_shift_was_given_meanwhile_is_the_one_that_counts(office: Department) -> None:
    device_id = await office.on_shift("w-1")
    states = await lone_worker.store.lock_states(office.connection, [device_id])
    assert states[device_id].profile.alarm_after_s == 180
    await office.connection.execute("update shift set profile = profile || '{\"alarm_after_s\": 177}'")
    states = await lone_worker.store.lock_states(office.connection, [device_id])
    assert states[device_id].profile.alarm_after_s == 177


async def test_profile_that_changes_between_two_statements_is_not_taken_for_the_one_before(office: Department) -> None:
    await office.on_shift("w-1")
    row = await (await office.connection.execute("select id, started_at, profile_key from shift")).fetchone()
    assert row is not None
    before = row["profile_key"] - 1  # of a profile that the shift had when it was locked, and has no more
    locked = [(1, row["id"], row["started_at"], before)]
    found = await lone_worker.store.profiles_by_key(office.connection, locked)
    assert found[before].alarm_after_s == 180
    assert before not in await lone_worker.store.profiles_by_key(office.connection, [])


async def test_deadline_is_claimed_when_it_has_passed_and_says_whose_it_is(
    office: Department, clock: ManualClock
) -> None:
    device_id = await office.on_shift("w-1", agent="Zoé", mission="Élagage RD 903")
    await office.connection.execute("update watch_state set check_at = null")
    clock.advance(149)
    assert await watching.claim_due(office.connection, clock.now(), 10) == {}
    clock.advance(1)
    assert await watching.claim_due(office.connection, clock.now(), 10) == {device_id: clock.now()}
    shift = (await shifts.current_shifts(office.connection, [device_id]))[device_id]
    assert (shift.agent_name, shift.mission) == ("Zoé", "Élagage RD 903")


async def test_watch_is_in_one_shift_however_often_it_starts(office: Department) -> None:
    await office.on_shift("w-1")
    await office.on_shift("w-1", agent="Zoé")
    [shift] = await the(office, "shift")
    assert (shift["started_at"], shift["ended_at"]) == (office.clock.now(), None)
    with pytest.raises(psycopg.errors.UniqueViolation, match="shift_open_per_device"):
        async with office.connection.transaction():
            await office.rows(
                "insert into shift (organisation_id, agent_id, device_id, profile, started_at)"
                " select organisation_id, agent_id, device_id, profile, started_at from shift returning id"
            )


async def test_positions_are_forgotten_after_sixty_days_and_their_events_stay(
    office: Department, clock: ManualClock
) -> None:
    """The fixes too: on TimescaleDB by the day, see test_timescaledb."""
    await office.on_shift("w-1")
    press = {"boot": "b", "seq": 1, "kind": "fall", "occurred_at": clock.now().isoformat()}
    await hear(office, (EVENTS, press | {"fix": office.report("w-1")["fix"]}), (FIXES, b"nonsense"))
    for days, positions in ((59, 1), (2, 0)):
        clock.advance(days * 86_400)
        await retention.forget(OneConnection.pool(office.connection), clock)
        [event] = await the(office, "event")
        assert [event["latitude_deg"], event["longitude_deg"]].count(None) == (0 if positions else 2)
        assert len(await the(office, "device_latest")) == len(await the(office, "rejected")) == positions


async def test_old_fixes_go_some_at_a_time(office: Department, clock: ManualClock) -> None:
    """An hour's worth or a month's: no transaction is longer for it. TimescaleDB drops whole days instead."""
    for watch in ("w-1", "w-2"):
        await office.on_shift(watch, agent=watch)
        await hear(office, *((FIXES.replace("w-1", watch), office.report(watch)) for _ in range(3)))
    clock.advance(61 * 86_400)
    [row] = await office.rows("select exists (select from pg_extension where extname = 'timescaledb') as by_policy")
    purged = [(True, 2), (False, 0)] if not row["by_policy"] else [(False, 6)]
    for more, left in purged:
        assert await ingest.store.purge(office.connection, clock.now(), 4) is more
        assert len(await the(office, "fix")) == left


async def test_fix_that_is_to_be_forgotten_at_once_is_not_stored(office: Department, clock: ManualClock) -> None:
    """A clock that runs wild: five hundred days, each of them a chunk."""
    await office.on_shift("w-1")
    await office.rows("update shift set started_at = timestamptz '1970-01-01' returning id")
    days = [clock.now() - timedelta(days=number) for number in range(500)]
    reports = [office.report("w-1") for _ in days]
    await hear(
        office,
        (
            FIXES,
            [
                report | {"fix": report["fix"] | {"fixed_at": day.isoformat()}}
                for report, day in zip(reports, days, strict=True)
            ],
        ),
    )
    assert min(row["fixed_at"] for row in await the(office, "fix")) == clock.now() - ingest.store.RETENTION
    assert len(await the(office, "fix")) == ingest.store.RETENTION.days + 1


async def test_trail_is_every_fix_of_a_day_and_a_point_a_minute_of_a_month(
    office: Department, clock: ManualClock
) -> None:
    device_id, other = await office.on_shift("w-1"), await office.on_shift("w-2", agent="Zoé")
    start_at = clock.now().replace(second=0) + timedelta(minutes=1)
    clock.set(start_at)
    for _ in range(6):  # a fix every 20 s: three a minute
        await hear(office, (FIXES, office.report("w-1", offset_m=(clock.now() - start_at).total_seconds())))
        clock.advance(20)
    await hear(office, (FIXES.replace("w-1", "w-2"), office.report("w-2")))

    async def trail(
        device_id: DeviceId, days: int, organisation_id: OrganisationId = ORGANISATION
    ) -> list[read_models.Json]:
        return await read_models.trail(
            office.connection, organisation_id, device_id, start_at, start_at + timedelta(days=days)
        )

    at_s = [20 * number for number in range(6)]
    every = await trail(device_id, 1)
    assert [point["at"] for point in every] == [read_models.instant(start_at + timedelta(seconds=s)) for s in at_s]
    minutes = await trail(device_id, 30)
    assert [(point["at"], point["lat"]) for point in minutes] == [
        (read_models.instant(start_at), every[2]["lat"]),  # the last of each minute
        (read_models.instant(start_at + timedelta(minutes=1)), every[5]["lat"]),
    ]
    assert len(await trail(other, 1)) == len(await trail(other, 30)) == 1
    stranger = OrganisationId(ORGANISATION + 1)
    assert await trail(device_id, 1, stranger) == await trail(device_id, 30, stranger) == []
