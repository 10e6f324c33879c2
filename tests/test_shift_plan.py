"""A calendar as shifts: what is read, what is refused and why, and what is begun when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gyrophare.flows import shift_plan
from gyrophare.flows.shift_plan import Imported
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import DeviceId
from gyrophare.platform.db import Pool, connect, open_pool
from lone_worker.shifts import agents
from lone_worker.shifts import store as shifts
from lone_worker.shifts.plan import PlanError, read
from lone_worker.shifts.plan_store import adopt
from lone_worker.shifts.spans import Terms
from tests.department import ORGANISATION, Department

FROM_AT = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL_AT = datetime(2027, 1, 1, tzinfo=UTC)


def event(uid: str = "1", **lines: str) -> str:
    """A VEVENT; by default Zoé on the fourteenth of January from eight to noon. `DTSTART="…"` replaces a line."""
    known = {
        "UID": f":{uid}",
        "DTSTAMP": ":20260101T000000Z",
        "DTSTART": ";TZID=Europe/Paris:20260114T080000",
        "DTEND": ";TZID=Europe/Paris:20260114T120000",
        "SUMMARY": ":Zoé Martin: Élagage",
    } | {name.replace("_", "-"): value for name, value in lines.items()}
    return "\r\n".join(
        ["BEGIN:VEVENT", *(f"{name}{value}" for name, value in known.items() if value), "END:VEVENT", ""]
    )


def calendar(*events: str, head: str = "") -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n{head}{''.join(events)}END:VCALENDAR\r\n".encode()


def shown(text: bytes) -> list[str]:
    """ "Zoé 2026-01-14T07:00-11:00 Élagage (mowing)", in UTC."""
    return [
        f"{one.agent} {one.starts_at:%Y-%m-%dT%H:%M}-{one.ends_at:%H:%M}"
        + (f" {one.mission}" if one.mission else "")
        + (f" ({one.profile_name})" if one.profile_name else "")
        for one in read(text, FROM_AT, UNTIL_AT).shifts
    ]


@pytest.mark.parametrize(
    ("lines", "shifts"),
    [
        ({}, ["Zoé Martin 2026-01-14T07:00-11:00 Élagage"]),
        ({"CATEGORIES": ":mowing,blue"}, ["Zoé Martin 2026-01-14T07:00-11:00 Élagage (mowing)"]),
        ({"X_AGENT": ":Luc"}, ["Luc 2026-01-14T07:00-11:00 Zoé Martin: Élagage"]),
        ({"ATTENDEE": ";CN=Luc:MAILTO:luc@x.fr", "SUMMARY": ":RD 70"}, ["luc@x.fr 2026-01-14T07:00-11:00 RD 70"]),
        (
            {"ATTENDEE": ":mailto:b@x.fr\r\nATTENDEE:mailto:a@x.fr\r\nATTENDEE:mailto:a@x.fr", "SUMMARY": ""},
            ["a@x.fr 2026-01-14T07:00-11:00", "b@x.fr 2026-01-14T07:00-11:00"],
        ),
        ({"SUMMARY": ":Zoé:"}, ["Zoé 2026-01-14T07:00-11:00"]),
        (
            {"DTSTART": ":20260114T070000Z", "DTEND": "", "DURATION": ":PT1H"},
            ["Zoé Martin 2026-01-14T07:00-08:00 Élagage"],
        ),
        ({"DTSTART": ":20260714T080000", "DTEND": ":20260714T120000"}, ["Zoé Martin 2026-07-14T06:00-10:00 Élagage"]),
        ({"STATUS": ":CANCELLED"}, []),
        ({"RRULE": ":FREQ=WEEKLY;COUNT=2"}, [f"Zoé Martin 2026-01-{day}T07:00-11:00 Élagage" for day in (14, 21)]),
        (
            {"RRULE": ":FREQ=DAILY;COUNT=3", "EXDATE": ";TZID=Europe/Paris:20260115T080000"},
            [f"Zoé Martin 2026-01-{day}T07:00-11:00 Élagage" for day in (14, 16)],
        ),
        (  # the night in which summer time begins has seven hours, and the one in which it ends nine
            {
                "DTSTART": ";TZID=Europe/Paris:20260327T220000",
                "DTEND": ";TZID=Europe/Paris:20260328T060000",
                "RRULE": ":FREQ=DAILY;COUNT=3",
            },
            [
                "Zoé Martin 2026-03-27T21:00-05:00 Élagage",
                "Zoé Martin 2026-03-28T21:00-04:00 Élagage",
                "Zoé Martin 2026-03-29T20:00-04:00 Élagage",
            ],
        ),
        (
            {
                "DTSTART": ";TZID=Europe/Paris:20261023T220000",
                "DTEND": ";TZID=Europe/Paris:20261024T060000",
                "RRULE": ":FREQ=DAILY;COUNT=3",
            },
            [
                "Zoé Martin 2026-10-23T20:00-04:00 Élagage",
                "Zoé Martin 2026-10-24T20:00-05:00 Élagage",
                "Zoé Martin 2026-10-25T21:00-05:00 Élagage",
            ],
        ),
        (  # half past two does not exist in that night: half past three is meant
            {"DTSTART": ";TZID=Europe/Paris:20260329T023000", "DTEND": ";TZID=Europe/Paris:20260329T060000"},
            ["Zoé Martin 2026-03-29T01:30-04:00 Élagage"],
        ),
        (  # and twice in this one: who begins at the first is protected at both
            {"DTSTART": ";TZID=Europe/Paris:20261025T023000", "DTEND": ";TZID=Europe/Paris:20261025T060000"},
            ["Zoé Martin 2026-10-25T00:30-05:00 Élagage"],
        ),
        (  # a name that another program has for the zone
            {
                "DTSTART": ";TZID=Romance Standard Time:20260114T080000",
                "DTEND": ";TZID=Romance Standard Time:20260114T120000",
            },
            ["Zoé Martin 2026-01-14T07:00-11:00 Élagage"],
        ),
    ],
)
def test_event_is_read_as_a_shift(lines: dict[str, str], shifts: list[str]) -> None:
    assert shown(calendar(event(**lines))) == shifts


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ({"DTSTART": ";VALUE=DATE:20260114", "DTEND": ";VALUE=DATE:20260115"}, "takes the whole day"),
        ({"DTEND": ""}, "no end after its start"),
        ({"DTEND": ";TZID=Europe/Paris:20260114T070000"}, "no end after its start"),
        ({"DTEND": ";TZID=Europe/Paris:20260115T080001"}, "longer than a day"),
        ({"SUMMARY": ":Élagage"}, "names no agent"),
        ({"SUMMARY": ":: Élagage"}, "names no agent"),
        ({"SUMMARY": ""}, "names no agent"),
        ({"UID": ""}, "no UID"),
        ({"RRULE": ":FREQ=SECONDLY"}, "too often"),
        ({"RRULE": ":FREQ=DAILY;BYHOUR=0,1,2,3;BYMINUTE=0,1"}, "too often"),
        ({"RRULE": ":FREQ=SOMETIMES"}, "cannot be read"),
        ({"DTSTART": ":the fourteenth"}, "cannot be read"),
        ({"DTSTART": ""}, "no start"),
    ],
)
def test_event_that_is_no_shift_is_refused_by_itself(lines: dict[str, str], why: str) -> None:
    plan = read(calendar(event(**lines), event("2", SUMMARY=":Luc: RD 70")), FROM_AT, UNTIL_AT)
    [refused] = plan.refused
    assert why in refused.why
    assert [one.agent for one in plan.shifts] == ["Luc"]
    assert plan.uids == {"2"}


@pytest.mark.parametrize("text", [b"", b"nonsense", b"\xff\xfe", b"BEGIN:VCALENDAR\r\n", b"x" * 5_000_001])
def test_file_that_is_no_calendar_is_refused(text: bytes) -> None:
    with pytest.raises(PlanError, match=r"[Ee]xpected"):
        read(text, FROM_AT, UNTIL_AT)


def test_day_that_was_moved_keeps_its_name() -> None:
    series = event(RRULE=":FREQ=DAILY;COUNT=2")
    moved = event(
        RECURRENCE_ID=";TZID=Europe/Paris:20260115T080000",
        DTSTART=";TZID=Europe/Paris:20260115T100000",
        DTEND=";TZID=Europe/Paris:20260115T110000",
    )
    plain = read(calendar(series), FROM_AT, UNTIL_AT)
    changed = read(calendar(series, moved), FROM_AT, UNTIL_AT)
    assert [one.occurrence for one in plain.shifts] == [one.occurrence for one in changed.shifts]
    assert [one.starts_at.hour for one in changed.shifts] == [7, 9]


# ------------------------------------------------------------------ planned, due, begun


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    """Zoé has the watch w-1, Luc has none; it is seven in Paris, an hour before the planned start."""
    clock.set(datetime(2026, 1, 14, 6, tzinfo=UTC))
    async with await connect(database_url) as connection:
        office = Department(connection, None, clock)
        await office.register("w-1")
        for name in ("Zoé Martin", "Luc"):
            await agents.insert_agent(connection, ORGANISATION, name)
        await give(office, "Zoé Martin", DeviceId(1))
        yield office


async def give(office: Department, name: str, device_id: DeviceId | None) -> None:
    agent = await agents.the_agent(office.connection, ORGANISATION, name)
    await agents.give_watch(office.connection, agent, device_id)


async def plan(office: Department, *events: str, head: str = "") -> Imported:
    now = office.clock.now()
    until_at = now + shift_plan.AHEAD
    text = calendar(*events, head=head)
    async with office.connection.transaction():
        return await shift_plan.import_plan(office.connection, ORGANISATION, read(text, now, until_at), until_at, now)


async def planned(office: Department) -> list[str]:
    rows = await office.rows("select starts_at, ends_at, state from planned_shift order by starts_at, agent_id")
    return [f"{row['starts_at']:%d %H:%M}-{row['ends_at']:%H:%M} {row['state']}" for row in rows]


async def technical(office: Department) -> list[tuple[str, str]]:
    """What was told to dispatchers, but that nobody is there to read it."""
    rows = await office.rows(
        "select subject, mission from alert where subject <> 'Personne n''est joignable' order by id"
    )
    return [(row["subject"], row["mission"]) for row in rows]


async def test_planned_shift_begins_when_it_is_due_and_never_ends_by_itself(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    assert (await plan(office, event(CATEGORIES=":mowing"))).added == 1
    clock.advance(3599)
    assert await shift_plan.due(pool, clock) == 0
    clock.advance(1)
    assert await shift_plan.due(pool, clock) == 1
    [shift] = await shifts.open_shifts(office.connection)
    assert (shift.agent_name, shift.label, shift.mission, shift.profile_name) == (
        "Zoé Martin",
        "w-1",
        "Élagage",
        "mowing",
    )
    assert (shift.started_by, shift.started_at, shift.planned_end_at) == (
        "plan", clock.now(), clock.now() + timedelta(hours=4),
    )  # fmt: skip
    clock.advance(6 * 3600)
    assert await shift_plan.due(pool, clock) == 0
    assert len(await shifts.open_shifts(office.connection)) == 1
    await shifts.end_shift(office.connection, shift.device_id, clock.now())
    assert await shift_plan.due(pool, clock) == 0  # once begun it is over
    assert await technical(office) == []


async def test_two_servers_begin_a_planned_shift_once(
    office: Department, pool: Pool, clock: ManualClock, database_url: str
) -> None:
    await plan(office, event())
    clock.advance(3600)
    other = await open_pool(database_url, 2)
    begun = await asyncio.gather(*(shift_plan.due(place, clock) for place in (pool, other) * 3))
    await other.close()
    assert sum(begun) == 1
    assert len(await office.rows("select from shift")) == 1


async def test_imported_again_it_is_changed_and_cancelled(office: Department) -> None:
    series = event(RRULE=":FREQ=DAILY;COUNT=3")
    first = await plan(office, series, event("2", SUMMARY=":Luc: RD 70"))
    assert (first.added, first.changed, first.same, first.cancelled) == (4, 0, 0, 0)
    again = await plan(office, series)
    assert (again.added, again.changed, again.same, again.cancelled) == (0, 0, 3, 0)  # Luc's is in another calendar
    shorter = await plan(office, event(RRULE=":FREQ=DAILY;COUNT=3", EXDATE=";TZID=Europe/Paris:20260115T080000"))
    assert (shorter.same, shorter.cancelled) == (2, 1)
    later = await plan(office, event("2", SUMMARY=":Luc: RD 70", DTEND=";TZID=Europe/Paris:20260114T130000"))
    assert later.changed == 1
    back = await plan(office, series)
    assert (back.same, back.changed) == (2, 1)
    other = await plan(office, event("2", SUMMARY=":Zoé Martin: RD 70"))
    assert (other.added, other.cancelled) == (1, 1)
    off = await plan(office, series, head="METHOD:CANCEL\r\n")
    assert off.cancelled == 3


async def test_event_that_is_refused_cancels_nothing(office: Department) -> None:
    """Somebody broke the calendar; whoever was to be protected still is."""
    await plan(office, event())
    broken = await plan(office, event(DTEND=""))
    assert (broken.cancelled, len(broken.refused)) == (0, 1)
    assert await planned(office) == ["14 07:00-11:00 planned"]


async def test_unknown_agent_is_refused_with_a_hint(office: Department) -> None:
    done = await plan(office, event(SUMMARY=":Zoe Martin: Élagage"), event("2"))
    assert done.added == 1
    [refused] = done.refused
    assert "Did you mean 'Zoé Martin'?" in refused.why


async def test_shift_that_has_begun_is_told_its_new_end_and_is_not_cancelled(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await plan(office, event())
    clock.advance(3600)
    await shift_plan.due(pool, clock)
    await plan(office, event(DTEND=";TZID=Europe/Paris:20260114T133000"))
    [shift] = await shifts.open_shifts(office.connection)
    assert shift.planned_end_at == datetime(2026, 1, 14, 12, 30, tzinfo=UTC)
    assert (await plan(office, event(STATUS=":CANCELLED"))).cancelled == 0
    assert len(await shifts.open_shifts(office.connection)) == 1


async def test_agent_without_a_watch_is_told_once_and_begins_as_soon_as_there_is_one(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await plan(office, event(SUMMARY=":Luc: RD 70"))
    clock.advance(3600)
    for _ in range(3):
        assert await shift_plan.due(pool, clock) == 0
        clock.advance(10)
    assert await technical(office) == [("Luc", "prise de service prévue, agent sans montre")]
    await give(office, "Zoé Martin", None)
    await give(office, "Luc", DeviceId(1))
    assert await shift_plan.due(pool, clock) == 1
    assert await planned(office) == ["14 07:00-11:00 begun"]


async def test_watch_that_protects_somebody_else_is_left_to_them(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await plan(office, event())
    await office.on_shift("w-1", agent="Luc")
    clock.advance(3600)
    assert await shift_plan.due(pool, clock) == 0
    assert await technical(office) == [("Zoé Martin", "prise de service prévue, montre déjà en service")]


async def test_plan_that_nobody_could_begin_is_missed_and_told(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    """The server was away all morning."""
    await plan(office, event())
    clock.advance(6 * 3600)
    assert await shift_plan.due(pool, clock) == 0
    assert await technical(office) == [("Zoé Martin", "prise de service prévue, jamais commencée")]
    assert await planned(office) == ["14 07:00-11:00 missed"]
    assert await shifts.open_shifts(office.connection) == []


@pytest.mark.parametrize("before_s", [0, 1800])
async def test_shift_that_the_agent_began_is_the_planned_one(
    office: Department, pool: Pool, clock: ManualClock, before_s: int
) -> None:
    """Before the plan was imported, or half an hour early: the plan says the end, and begins no other."""
    zoe = await agents.the_agent(office.connection, ORGANISATION, "Zoé Martin")
    terms = Terms(agent_id=zoe.id)
    if before_s:
        await plan(office, event())
        clock.advance(3600 - before_s)
    said = await shifts.start_shift(office.connection, DeviceId(1), terms, clock.now())
    assert said.open_shift_id is not None
    if before_s:
        await adopt(office.connection, zoe.id, said.open_shift_id, clock.now())
    else:
        await plan(office, event())
    clock.advance(4000)
    assert await shift_plan.due(pool, clock) == 0
    [shift] = await shifts.open_shifts(office.connection)
    assert (shift.mission, shift.planned_end_at) == ("Élagage", datetime(2026, 1, 14, 11, tzinfo=UTC))
    assert await planned(office) == ["14 07:00-11:00 begun"]
