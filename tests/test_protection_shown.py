"""The protection of each agent as a dispatcher sees it, now and per shift, on plain PostgreSQL and on TimescaleDB."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

import alerts.store
from alerts.model import AlertKind, NewAlert
from dashboards import read_models
from dashboards.protection import Protection, protection
from gyrophare.flows import escalation_tick
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import DeviceId, OrganisationId, ShiftId
from gyrophare.platform.db import Connection
from lone_worker import watching
from lone_worker.profiles import PROFILES
from lone_worker.protection import Level, Reason
from lone_worker.protection import Protection as Judged
from lone_worker.shifts import agents
from lone_worker.shifts import store as shifts
from lone_worker.shifts.spans import Terms
from tests.conftest import START_AT
from tests.department import ORGANISATION, Department, OneConnection

NOW = START_AT + timedelta(hours=1)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def seen(**change: Any) -> Protection:
    """Of somebody who is heard, judged and watched, but for `change`."""
    row = {
        "on_shift": True, "started_at": START_AT, "protection": "protected", "protection_since_at": ago(600),
        "paused_at": None, "ticked_at": ago(1), "lost_since_at": None, "shift_heard_at": ago(5),
    }  # fmt: skip
    return protection(row | change, NOW)


def test_what_the_engine_judged_is_shown_with_every_reason() -> None:
    assert seen() == Protection(level="protected", since_at=ago(600))
    assert seen(protection="degraded no_position,low_battery") == Protection(
        level="degraded", reasons=("no_position", "low_battery"), since_at=ago(600)
    )


def test_who_is_not_on_shift_is_off_duty() -> None:
    assert seen(on_shift=False, protection=None) == Protection(level="off_duty")


def test_nobody_is_protected_before_the_engine_has_looked() -> None:
    found = seen(protection="", protection_since_at=None, shift_heard_at=None)
    assert found == Protection(level="not_protected", reasons=("engine",), since_at=START_AT)


@pytest.mark.parametrize(("heard_ago_s", "level"), [(90, "protected"), (90.001, "not_protected")])
def test_silence_is_seen_before_the_engine_ticks(heard_ago_s: float, level: str) -> None:
    assert seen(shift_heard_at=ago(heard_ago_s)).level == level


def test_pause_is_seen_before_the_engine_ticks() -> None:
    paused = Protection(level="not_protected", reasons=("paused",), since_at=ago(3))
    assert seen(paused_at=ago(3)) == paused
    judged = {"protection": "not_protected paused", "protection_since_at": ago(2)}
    assert seen(paused_at=ago(3), **judged).reasons == ("paused",)
    assert seen(paused_at=ago(3), lost_since_at=ago(40)).reasons == ("not_heard", "paused")


def test_silence_is_since_ninety_seconds_after_the_last_message_and_other_reasons_stay() -> None:
    assert seen(shift_heard_at=ago(100), protection="degraded low_battery") == Protection(
        level="not_protected", reasons=("silent", "low_battery"), since_at=ago(10)
    )
    # What broke the protection first says since when it is broken.
    assert seen(shift_heard_at=ago(100), protection="not_protected not_worn") == Protection(
        level="not_protected", reasons=("silent", "not_worn"), since_at=ago(600)
    )


@pytest.mark.parametrize(
    ("change", "reason", "since_at"),
    [
        ({"lost_since_at": ago(40)}, "not_heard", ago(40)),
        ({"ticked_at": ago(10.001)}, "engine", ago(10.001)),
        ({"ticked_at": None}, "engine", START_AT),
        ({"lost_since_at": START_AT - timedelta(hours=1)}, "not_heard", START_AT),
        ({"lost_since_at": ago(40), "ticked_at": ago(30), "shift_heard_at": ago(100)}, "not_heard", ago(40)),
    ],
    ids=["outage", "engine stopped", "no engine ever", "outage before the shift", "everything at once"],
)
def test_what_concerns_everybody_protects_nobody(change: dict[str, Any], reason: str, since_at: datetime) -> None:
    assert seen(**change) == Protection(level="not_protected", reasons=(reason,), since_at=since_at)


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


async def tick(office: Department) -> None:
    await escalation_tick.tick(OneConnection.pool(office.connection), office.clock, "test")


async def shown(office: Department) -> dict[str, Any]:
    [device] = await read_models.devices(office.connection, ORGANISATION, office.clock.now())
    return device


async def hear(office: Department, **more: Any) -> None:
    """The watch is heard, as ingest notes it, and says nothing."""
    columns = {"heard_at": office.clock.now(), **more}
    await office.connection.execute("update watch_state set heard_at = %(heard_at)s", columns)


async def test_device_shows_its_shift_and_its_protection(office: Department, clock: ManualClock) -> None:
    agent_id = await agents.insert_agent(office.connection, ORGANISATION, "Zoé")
    end_at = clock.now() + timedelta(hours=8)
    terms = Terms(agent_id=agent_id, profile=PROFILES["mowing"], mission="Fauchage", planned_end_at=end_at)
    await shifts.start_shift(office.connection, await office.register("w-1"), terms, clock.now())
    await tick(office)
    device = await shown(office)
    assert (device["profile"], device["planned_end_at"]) == ("mowing", read_models.instant(end_at))
    assert device["protection"] == {
        "level": "not_protected", "reasons": ["never_heard"], "since": read_models.instant(clock.now()),
    }  # fmt: skip
    assert (device["paused_at"], device["prealarm"]) == (None, None)


async def test_protection_is_since_its_level_began_whatever_the_reasons(office: Department, clock: ManualClock) -> None:
    shift_id = await on_shift(office)
    await judged(office, shift_id, 0, Level.NOT_PROTECTED, Reason.NEVER_HEARD)
    await judged(office, shift_id, 10, Level.PROTECTED)
    await judged(office, shift_id, 20, Level.NOT_PROTECTED, Reason.NOT_WORN)
    await judged(office, shift_id, 30, Level.NOT_PROTECTED, Reason.NOT_WORN, Reason.LOW_BATTERY)
    clock.advance(40)
    await hear(office)
    await alerts.store.beat(office.connection, "test", clock.now())
    await office.connection.execute("update watch_state set protection = 'not_protected not_worn,low_battery'")
    assert (await shown(office))["protection"] == {
        "level": "not_protected", "reasons": ["not_worn", "low_battery"], "since": at(20),
    }  # fmt: skip


async def test_prealarm_is_shown_while_it_runs_and_sent_at_once(office: Department, clock: ManualClock) -> None:
    await on_shift(office)
    await hear(office)
    clock.advance(150)
    await tick(office)
    device = await shown(office)
    assert (device["state"], device["prealarm"]) == ("prealarm", {"since": read_models.instant(clock.now())})
    assert [device] == await read_models.devices(office.connection, ORGANISATION, clock.now(), since=clock.now())
    clock.advance(30)
    await tick(office)
    device = await shown(office)
    assert (device["state"], device["prealarm"]) == ("alarm", None)


async def test_broken_protection_is_no_alarm_of_a_person(office: Department, clock: ManualClock) -> None:
    await on_shift(office)
    [device] = await office.rows("select id from device")
    for kind, state in (
        (AlertKind.LOW_BATTERY, "unknown"),
        (AlertKind.TECHNICAL, "unknown"),
        (AlertKind.FALL, "alarm"),
    ):
        await alerts.store.raise_alerts(office.connection, [an_alert(kind, device["id"], clock.now())], clock.now())
        assert (await shown(office))["state"] == state


async def test_alert_shows_what_has_come_since(office: Department, clock: ManualClock) -> None:
    await on_shift(office)
    [device] = await office.rows("select id from device")
    alert = an_alert(AlertKind.STILLNESS, device["id"], clock.now(), detail={"prealarm": "not_delivered"})
    await alerts.store.raise_alerts(office.connection, [alert], clock.now())
    for note in ("moved_in_alarm", "rearmed", "moved_in_alarm"):
        clock.advance(10)
        note_of = (device["id"], AlertKind.STILLNESS, note)
        await alerts.store.annotate(office.connection, [note_of], clock.now())
    [found] = await read_models.alerts(office.connection, ORGANISATION)
    assert (found["vital"], found["detail"]) == (True, {"prealarm": "not_delivered"})
    seconds = [
        (one["kind"], one["times"], *(datetime.fromisoformat(one[end]) - START_AT for end in ("first_at", "last_at")))
        for one in found["history"]
    ]
    assert seconds == [
        ("moved_in_alarm", 2, timedelta(seconds=10), timedelta(seconds=30)),
        ("rearmed", 1, timedelta(seconds=20), timedelta(seconds=20)),
    ]


async def test_alert_of_everybody_has_no_device(office: Department, clock: ManualClock) -> None:
    alert = an_alert(AlertKind.INFRASTRUCTURE, None, clock.now(), detail={"agents": 12})
    await alerts.store.raise_alerts(office.connection, [alert], clock.now())
    [found] = await read_models.alerts(office.connection, ORGANISATION)
    assert (found["device_id"], found["detail"], found["history"]) == (None, {"agents": 12}, [])


async def test_seconds_without_protection_are_counted_to_the_end_of_the_shift(
    office: Department, clock: ManualClock
) -> None:
    shift_id = await on_shift(office)
    await judged(office, shift_id, 2, Level.NOT_PROTECTED, Reason.NEVER_HEARD)  # 8 s, and 2 s before the engine looked
    await judged(office, shift_id, 10, Level.PROTECTED)
    await judged(office, shift_id, 100, Level.DEGRADED, Reason.NO_POSITION)  # 50 s
    await judged(office, shift_id, 150, Level.PROTECTED)
    await judged(office, shift_id, 600, Level.NOT_PROTECTED, Reason.PAUSED)  # a pause of 300 s
    await judged(office, shift_id, 900, Level.PROTECTED)
    await judged(office, shift_id, 1000, Level.NOT_PROTECTED, Reason.SILENT)  # 200 s until the end
    await end(office, 1200)
    clock.advance(9999)
    assert await counted(office) == {
        "not_protected_s": 510,
        "degraded_s": 50,
        "spans": [
            (0, 2, "not_protected", ["engine"]),
            (2, 10, "not_protected", ["never_heard"]),
            (100, 150, "degraded", ["no_position"]),
            (600, 900, "not_protected", ["paused"]),
            (1000, 1200, "not_protected", ["silent"]),
        ],
    }


async def test_outage_over_a_silent_span_counts_once(office: Department, clock: ManualClock) -> None:
    shift_id = await on_shift(office)
    await judged(office, shift_id, 0, Level.PROTECTED)
    await judged(office, shift_id, 100, Level.NOT_PROTECTED, Reason.SILENT)
    await judged(office, shift_id, 200, Level.DEGRADED, Reason.LOW_BATTERY)
    await outage(office, -50, 10)
    await outage(office, 150, 260)
    await end(office, 300)
    # 0-10 and 100-260 without protection; 260-300 degraded: what the outage covers is no longer.
    assert await counted(office) == {
        "not_protected_s": 170,
        "degraded_s": 40,
        "spans": [
            (0, 10, "not_protected", ["not_heard"]),
            (100, 200, "not_protected", ["silent"]),
            (150, 260, "not_protected", ["not_heard"]),
            (200, 300, "degraded", ["low_battery"]),
        ],
    }


async def test_running_shift_is_counted_until_now(office: Department, clock: ManualClock) -> None:
    shift_id = await on_shift(office)
    await judged(office, shift_id, 0, Level.PROTECTED)
    await judged(office, shift_id, 60, Level.NOT_PROTECTED, Reason.SILENT)
    clock.advance(90)
    await alerts.store.beat(office.connection, "test", clock.now())
    assert (await counted(office))["not_protected_s"] == 30
    await outage(office, 80, None)
    assert (await counted(office))["not_protected_s"] == 30
    clock.advance(5)
    assert (await counted(office))["not_protected_s"] == 35


async def test_engine_that_stands_still_protects_nobody_meanwhile(office: Department, clock: ManualClock) -> None:
    shift_id = await on_shift(office)
    await judged(office, shift_id, 0, Level.PROTECTED)
    clock.advance(60)
    await alerts.store.beat(office.connection, "test", clock.now())
    for seconds, without_s in ((10, 0), (1, 11)):
        clock.advance(seconds)
        assert (await counted(office))["not_protected_s"] == without_s


async def test_shift_that_nobody_ever_judged_was_never_protected(office: Department, clock: ManualClock) -> None:
    await on_shift(office)
    await end(office, 600)
    assert (await counted(office))["not_protected_s"] == 600


@pytest.mark.parametrize(
    ("from_s", "until_s", "found"), [(-60, 0, 0), (-60, 1, 1), (599, 700, 1), (600, 700, 0)],
    ids=["before", "its beginning", "its end", "after"],
)  # fmt: skip
async def test_shifts_of_a_period_are_those_that_overlap_it(
    office: Department, from_s: int, until_s: int, found: int
) -> None:
    await on_shift(office)
    await end(office, 600)
    period = (START_AT + timedelta(seconds=from_s), START_AT + timedelta(seconds=until_s))
    for organisation_id, expected in ((ORGANISATION, found), (OrganisationId(ORGANISATION + 1), 0)):
        found_shifts = await read_models.shift_protection(
            office.connection, organisation_id, *period, office.clock.now()
        )
        assert len(found_shifts) == expected


def at(seconds: float) -> str | None:
    return read_models.instant(START_AT + timedelta(seconds=seconds))


async def on_shift(office: Department) -> ShiftId:
    device_id = await office.on_shift("w-1", agent="Zoé")
    return (await shifts.current_shifts(office.connection, [device_id]))[device_id].id


async def judged(office: Department, shift_id: ShiftId, at_s: float, level: Level, *reasons: Reason) -> None:
    """The engine finds at `at_s` of the shift that it is protected otherwise."""
    change = (shift_id, Judged(level=level, reasons=reasons))
    await watching.note_protection(office.connection, [change], START_AT + timedelta(seconds=at_s))


async def outage(office: Department, since_s: float, until_s: float | None) -> None:
    parameters = {
        "since_at": START_AT + timedelta(seconds=since_s),
        "until_at": None if until_s is None else START_AT + timedelta(seconds=until_s),
    }
    await office.connection.execute("insert into outage values (%(since_at)s, %(until_at)s)", parameters)


async def end(office: Department, at_s: float) -> None:
    [device] = await office.rows("select id from device")
    await shifts.end_shift(office.connection, device["id"], START_AT + timedelta(seconds=at_s))


async def counted(office: Department) -> dict[str, Any]:
    """What is said of the one shift, in seconds of it."""
    day = timedelta(days=1)
    [shift] = await read_models.shift_protection(
        office.connection, ORGANISATION, START_AT - day, START_AT + day, office.clock.now()
    )
    assert (shift["agent"], shift["started_at"]) == ("Zoé", at(0))
    spans = [
        (
            *((datetime.fromisoformat(span[edge]) - START_AT).total_seconds() for edge in ("from", "until")),
            span["level"],
            span["reasons"],
        )
        for span in shift["spans"]
    ]
    return {"not_protected_s": shift["not_protected_s"], "degraded_s": shift["degraded_s"], "spans": spans}


def an_alert(kind: AlertKind, device_id: DeviceId | None, now: datetime, **more: Any) -> NewAlert:
    return NewAlert(
        organisation_id=ORGANISATION, kind=kind, device_id=device_id, shift_id=None, subject="Zoé", mission=None,
        reply_topic=None, episode="1", episode_at=now, triggered_at=now, **more,
    )  # fmt: skip
