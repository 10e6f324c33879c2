"""On-call duty: read from a calendar, told by the steps that name its role, and missed where it has a hole."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from alerts import policy_store, rota
from alerts.checker import check
from alerts.model import Carried, Contact, Step
from alerts.policy import Policy
from alerts.rota import Duty, RotaError
from gyrophare.cli import app
from gyrophare.kernel.clock import ManualClock, SystemClock
from gyrophare.kernel.ids import ContactId
from gyrophare.platform.db import Connection
from tests.department import ORGANISATION, Department
from tests.test_alert_lifecycle import raised

PARIS = ZoneInfo("Europe/Paris")
ANNE = Contact(id=ContactId(1), rank=1, name="Anne Petit", phone_e164="+33600000001", email="anne@example.org")
PAUL = Contact(id=ContactId(2), rank=2, name="Paul Roy", phone_e164="+33600000002")
FROM = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
UNTIL = FROM + timedelta(days=30)
LINES = [
    "BEGIN:VCALENDAR",
    "END:VCALENDAR",
    "BEGIN:VEVENT",
    "END:VEVENT",
    "UID:a",
    "DTSTART:20261128T080000",
    "DTSTART:x",
    "DTEND:20261129T080000",
    "RRULE:FREQ=DAILY",
    "RRULE:FREQ=x",
    "SUMMARY:Anne Petit",
    "RECURRENCE-ID:x",
    "ATTENDEE:x",
]


def calendar(*events: str) -> bytes:
    inner = "".join(f"BEGIN:VEVENT\r\nDTSTAMP:20261101T000000Z\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n{inner}END:VCALENDAR\r\n".encode()


def event(uid: str, start: str, end: str, who: str = "SUMMARY:Anne Petit", *more: str) -> str:
    return "\r\n".join([f"UID:{uid}", f"DTSTART{start}", f"DTEND{end}", who, *more])


def read(*events: str) -> list[Duty]:
    return rota.read(calendar(*events), "astreinte", [ANNE, PAUL], FROM, UNTIL)


def paris(day: int, hour: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=PARIS).astimezone(UTC)


def test_weeks_by_turns_are_followed() -> None:
    weekly = "RRULE:FREQ=WEEKLY;INTERVAL=2"
    duties = read(
        event("a", ":20261123T080000", ":20261130T080000", "SUMMARY:anne petit", weekly),
        event("b", ":20261130T080000", ":20261207T080000", "SUMMARY:Paul Roy", weekly),
    )
    assert [(duty.contact_id, duty.starts_at) for duty in duties] == [
        (1, paris(23, 8)),
        (2, paris(30, 8)),
        (1, paris(7, 8, 12)),
        (2, paris(14, 8, 12)),
        (1, paris(21, 8, 12)),
    ]
    assert rota.gaps(duties, FROM, UNTIL) == []


def test_attendees_are_called_whole_days_are_those_of_paris_and_what_is_cancelled_is_not() -> None:
    duties = read(
        event("a", ";VALUE=DATE:20261128", ";VALUE=DATE:20261130", "SUMMARY:x", "ATTENDEE:mailto:ANNE@example.org"),
        event("b", ":20261130T080000Z", ":20261130T090000Z", "SUMMARY:Paul Roy", "STATUS:CANCELLED"),
    )
    assert duties == [Duty(role="astreinte", contact_id=ANNE.id, starts_at=paris(28, 0), ends_at=paris(30, 0), uid="a")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"no calendar", "no calendar"),
        (b"x" * 5_000_001, "5000001 bytes"),
        (calendar(event("a", ":20261128T080000", ":20261129T080000", "SUMMARY:Zoé")), "'Zoé' on 2026-11-28"),
        (calendar(event("a", ":20261128T080000", ":20261129T080000", "SUMMARY:")), "no contact"),
        (calendar(event("a", ":20261128T080000", ":20261228T080000")), "15 days at most"),
        (
            calendar(event("a", ":20261128T080000", ":20261128T080001", "SUMMARY:Anne Petit", "RRULE:FREQ=SECONDLY")),
            "daily at most",
        ),
    ],
)
def test_calendar_with_a_hole_that_nobody_would_notice_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(RotaError, match=said):
        rota.read(text, "astreinte", [ANNE], FROM, UNTIL)


@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(LINES)).map("\r\n".join).map(str.encode)))
def test_no_bytes_break_the_reader(text: bytes) -> None:
    with contextlib.suppress(RotaError):
        rota.read(text, "astreinte", [ANNE], FROM, UNTIL)


def test_hole_in_the_rota_is_found_before_somebody_falls_into_it() -> None:
    steps = (
        Step(after_s=0, channel="console", to="console"),
        Step(after_s=0, channel="sms", to="duty astreinte"),
        Step(after_s=0, channel="gammu", to="rank 2"),
    )
    policy, carried = Policy(name="urgence", kinds=None, steps=steps), Carried(channels=frozenset({"sms", "gammu"}))
    [flaw] = check([policy], [ANNE, PAUL], carried, [], FROM)
    assert (flaw.grave, "from 25/11 13:00 on" in flaw.what) == (True, True)
    week = Duty(role="astreinte", contact_id=ANNE.id, starts_at=FROM, ends_at=FROM + timedelta(days=5))
    [flaw] = check([policy], [ANNE, PAUL], carried, [week], FROM)
    assert (flaw.grave, "from 30/11 13:00 on" in flaw.what) == (False, True)
    rest = Duty(role="astreinte", contact_id=PAUL.id, starts_at=week.ends_at, ends_at=FROM + timedelta(days=9))
    assert check([policy], [ANNE, PAUL], carried, [rest, week], FROM) == []
    assert len(check([policy], [PAUL], carried, [rest, week], FROM)) == 1  # Anne is no contact any more


async def test_step_tells_everybody_who_is_on_call_when_it_is_due_and_nobody_else(
    schema_connection: Connection, clock: ManualClock
) -> None:
    office = Department(schema_connection, None, clock)
    await office.with_contacts("+33600000001", "+33600000002", "+33600000003")
    contacts = await policy_store.list_contacts(office.connection, ORGANISATION)
    now, hour = clock.now(), timedelta(hours=1)
    spans = [(now - hour, now + hour), (now - 2 * hour, now), (now, now + hour)]
    duties = [
        Duty(role="astreinte", contact_id=contact.id, starts_at=starts_at, ends_at=ends_at)
        for contact, (starts_at, ends_at) in zip(contacts, spans, strict=True)
    ]
    other = Duty(role="direction", contact_id=contacts[1].id, starts_at=now - hour, ends_at=now + hour)
    await policy_store.add_duties(office.connection, ORGANISATION, [*duties, other])
    steps = (Step(after_s=0, channel="sms", to="duty astreinte"),)
    await policy_store.replace_policies(office.connection, ORGANISATION, [Policy(name="u", kinds=None, steps=steps)])
    await raised(office)
    rows = await office.rows("select address from notification order by address")
    assert [row["address"] for row in rows] == ["+33600000001", "+33600000003"]


def test_duty_is_imported_again_added_listed_and_forgotten_on_the_command_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GYROPHARE_DATABASE_URL", database_url)
    runner = CliRunner()

    def ok(*arguments: str) -> str:
        done = runner.invoke(app, list(arguments))
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    ok("contacts", "add", "1", "Anne Petit", "+33600000001")
    far = SystemClock().now() + timedelta(days=3)
    span = (f":{far:%Y%m%d}T080000", f":{far + timedelta(days=1):%Y%m%d}T080000")
    file = tmp_path / "astreinte.ics"
    file.write_bytes(calendar(event("a", *span)))
    for _ in range(2):
        ok("duty", "import", "astreinte", str(file))
    hours = ("--from", f"{far:%Y-%m-%d}T18:00:00", "--until", f"{far:%Y-%m-%d}T23:00:00")
    ok("duty", "add", "astreinte", "Anne Petit", *hours)
    assert ok("duty", "list", "--json").count("Anne Petit") == 2
    file.write_bytes(calendar())
    ok("duty", "import", "astreinte", str(file))
    assert ok("duty", "list", "--json").count("Anne Petit") == 1  # what was said at the keyboard stays
    ok("duty", "clear", "astreinte")
    assert ok("duty", "list", "--json").count("Anne Petit") == 0
    refused = runner.invoke(app, ["duty", "add", "astreinte", "Zoé", *hours])
    assert "no contact" in str(refused.exception)
    with psycopg.connect(database_url) as connection:  # whom no step of the department would call
        connection.execute("insert into organisation (slug, name) values ('dole', 'Dole')")
        connection.execute(
            "insert into contact (organisation_id, rank, name, phone_e164) "
            "select id, 1, 'Luc Roy', '+33600000009' from organisation where slug = 'dole'"
        )
    refused = runner.invoke(app, ["duty", "add", "astreinte", "Luc Roy", *hours, "--organisation", "cote-d-or"])
    assert "no contact" in str(refused.exception)
    ok("duty", "add", "astreinte", "Luc Roy", *hours, "--organisation", "dole")
