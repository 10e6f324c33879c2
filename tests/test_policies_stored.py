"""Policies in the database and on the command line, and alerts that go by them."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.rows import dict_row
from typer.testing import CliRunner

from alerts import documents, policy_store
from alerts.model import AlertKind, Cause, Step
from alerts.policy import Policy
from gyrophare import doctor, doctor_policies
from gyrophare.cli import app
from gyrophare.flows import canary, due_steps, escalation_tick
from gyrophare.flows.alert_desk import AlertDesk
from gyrophare.kernel.clock import ManualClock, SystemClock
from gyrophare.platform.db import Connection, Pool, connect
from tests.department import DIJON, ORGANISATION, Department, OneConnection
from tests.test_alert_lifecycle import DISPATCHER, raised, send_all

PARIS = ZoneInfo("Europe/Paris")
CONSOLE = Step(after_s=0, channel="console", to="console")


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


@pytest.fixture
def pool(schema_connection: Connection) -> Pool:
    return OneConnection.pool(schema_connection)


async def put(office: Department, *policies: Policy) -> None:
    await policy_store.replace_policies(office.connection, ORGANISATION, policies)


async def told(office: Department) -> list[tuple[int, str, str]]:
    rows = await office.rows("select step, channel, address from notification where step is not null order by id")
    return [(row["step"], row["channel"], row["address"]) for row in rows]


async def test_policies_are_kept_as_they_were_written(office: Department) -> None:
    general = Policy(name="urgence", kinds=None, steps=(CONSOLE,), repeat=2, repeat_after_s=60, lapse_after_s=120)
    timed = Step(after_s=9, channel="sms", to="rank 1", days="lun-ven", between="18:00-07:30")
    own = Policy(name="technique", kinds=(AlertKind.TECHNICAL, AlertKind.LOW_BATTERY), steps=(CONSOLE, timed))
    await put(office, own, general)
    assert await policy_store.find_policies(office.connection, ORGANISATION) == [general, own]
    await put(office, general)
    assert await policy_store.find_policies(office.connection, ORGANISATION) == [general]


async def test_each_kind_goes_by_its_own_policy_and_the_others_by_that_of_everything_else(office: Department) -> None:
    await office.with_contacts("+33600000001", "+33600000002")
    first, second = (Step(after_s=0, channel="sms", to=f"rank {rank}") for rank in (1, 2))
    await put(
        office,
        Policy(name="urgence", kinds=None, steps=(first,), lapse_after_s=60),
        Policy(name="batterie", kinds=(AlertKind.LOW_BATTERY,), steps=(second,)),
    )
    await raised(office, AlertKind.SOS)
    await raised(office, AlertKind.LOW_BATTERY)
    await raised(office, AlertKind.NOT_WORN)  # nobody's policy, and nobody in danger: the console first
    assert await told(office) == [
        (0, "sms", "+33600000001"),
        (0, "sms", "+33600000002"),
        (0, "console", ""),
    ]
    assert [row["lapse_after_s"] for row in await office.rows("select lapse_after_s from alert order by id")] == [
        60,
        900,
        900,
    ]


async def test_alert_keeps_the_policy_that_it_was_raised_with(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001", "+33600000002")
    await raised(office)
    await put(office, Policy(name="urgence", kinds=None, steps=(CONSOLE,)))
    clock.advance(60)
    await escalation_tick.tick(pool, clock, "test")
    assert (await told(office))[-1] == (2, "sms", "+33600000002")


async def test_person_and_mail_are_told_by_name(office: Department) -> None:
    await policy_store.put_contact(office.connection, ORGANISATION, 7, "Anne Petit", "+33600000007", "anne@example.org")
    steps = (
        Step(after_s=0, channel="sms", to="person Anne Petit"),
        Step(after_s=0, channel="email", to="person Anne Petit"),
    )
    await put(office, Policy(name="urgence", kinds=None, steps=steps))
    await raised(office)
    assert await told(office) == [(0, "sms", "+33600000007"), (1, "email", "anne@example.org")]


async def test_step_outside_its_hours_is_passed_over_and_the_next_comes_at_once(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001", "+33600000002")
    clock.set(datetime(2026, 1, 14, 12, 0, tzinfo=PARIS))
    steps = (
        Step(after_s=0, channel="sms", to="rank 1", between="18:00-07:30"),
        Step(after_s=600, channel="sms", to="rank 2"),
    )
    await put(office, Policy(name="urgence", kinds=None, steps=steps))
    await raised(office)
    await escalation_tick.tick(pool, clock, "test")
    assert await told(office) == [(1, "sms", "+33600000002")]
    [said] = await office.rows("select detail from alert_event where kind = 'step_outside_its_hours'")
    assert said["detail"] == {"step": 1, "channel": "sms", "to": "rank 1"}


async def test_steps_begin_anew_as_often_as_the_policy_says_and_then_it_is_said(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001")
    steps = (CONSOLE, Step(after_s=60, channel="sms", to="rank 1"))
    await put(office, Policy(name="urgence", kinds=None, steps=steps, repeat=1, repeat_after_s=120))
    await raised(office)
    for seconds, count in ((59, 1), (1, 2), (119, 2), (1, 3), (60, 4), (3600, 4)):
        clock.advance(seconds)
        await escalation_tick.tick(pool, clock, "test")
        assert len(await told(office)) == count
    assert len(await office.rows("select from alert_event where kind = 'steps_exhausted'")) == 1
    assert await office.rows("select next_step_at from alert") == [{"next_step_at": None}]


async def test_machines_are_told_by_a_document_of_each_turn(office: Department, pool: Pool, clock: ManualClock) -> None:
    steps = (CONSOLE, Step(after_s=0, channel="webhook", to="target poste"))
    await put(office, Policy(name="urgence", kinds=None, steps=steps))
    alert_id = await raised(office)
    await office.connection.execute("update alert set latitude_deg = %s, longitude_deg = %s", DIJON)
    await send_all(office)
    desk = AlertDesk(pool, clock)
    for turn in ("acknowledged", "lapsed", "acknowledged", "closed"):
        clock.advance(900)
        if turn == "lapsed":
            await escalation_tick.tick(pool, clock, "test")
        elif turn == "closed":
            await desk.close(alert_id, DISPATCHER, Cause.TEST, "", reached=True)
        else:
            await desk.acknowledge(alert_id, DISPATCHER)
        await send_all(office)
    rows = await office.rows("select occasion, address, text from notification where channel = 'webhook' order by id")
    assert {row["address"] for row in rows} == {"poste"}
    said = [documents.read(row["text"]) for row in rows]
    # When it lapses the steps begin anew, and so does what machines are told.
    assert [one.occasion for one in said] == ["raised", "acknowledged", "lapsed", "raised", "acknowledged", "closed"]
    closed = said[-1]
    assert (closed.reference, closed.by, closed.cause, closed.test) == (
        f"A{alert_id}",
        "Poste de supervision",
        "test",
        True,
    )
    assert [told.occasion for told in closed.earlier] == ["acknowledged", "lapsed", "acknowledged"]
    assert closed.position is not None
    assert (closed.position.latitude_deg, closed.position.longitude_deg) == DIJON


async def test_reader_of_an_alert_of_an_earlier_release_understands_its_steps(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001")
    await raised(office)
    await office.connection.execute(
        "update alert set next_step = 0, next_step_at = %s, policy = %s",
        [clock.now(), json.dumps([{"after_s": 0, "channel": "sms", "rank": 1}])],
    )
    await office.connection.execute("delete from notification")
    await due_steps.take(office.connection, clock.now())
    assert await told(office) == [(0, "sms", "+33600000001")]


# ---------------------------------------------------------------- the command line


@pytest.fixture
def gyrophare(database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("GYROPHARE_DATABASE_URL", database_url)
    return CliRunner()


def test_doctor_says_which_step_tells_nobody(gyrophare: CliRunner, database_url: str) -> None:
    [finding] = doctor_policies.look(database_url)
    assert (finding.verdict, "there is no rank 1" in finding.found) == ("fault", True)
    for rank in ("1", "2"):
        gyrophare.invoke(app, ["contacts", "add", rank, f"Astreinte {rank}", f"+3360000000{rank}"])
    [finding] = doctor_policies.look(database_url)
    assert (finding.verdict, "no server that runs sends by sms" in finding.found) == ("warning", True)


def test_contacts_of_another_organisation_reach_nobody_here(gyrophare: CliRunner, database_url: str) -> None:
    """The canary's rank 1 stood for that of a department which had none."""

    async def enrol() -> None:
        async with await connect(database_url) as connection:
            await canary.enrol(connection, "test", "+33600000099", SystemClock().now())

    asyncio.run(enrol())
    checked = json.loads(gyrophare.invoke(app, ["policies", "check", "--json"]).stdout)
    assert "there is no rank 1" in [flaw["what"] for flaw in checked if flaw["grave"]]
    [finding] = doctor_policies.look(database_url)
    assert "there is no rank 1" in finding.found
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        assert (found := doctor.contacts(connection)).verdict == "warning"
        assert found.found.startswith("nobody in cote-d-or: ")
    assert json.loads(gyrophare.invoke(app, ["contacts", "list", "--json"]).stdout) == []
    canary_s = gyrophare.invoke(app, ["contacts", "list", "--organisation", "canary", "--json"])
    assert [one["phone"] for one in json.loads(canary_s.stdout)] == ["+33600000099"]

    gyrophare.invoke(app, ["contacts", "add", "1", "Astreinte", "+33600000001"])
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        assert doctor.contacts(connection).found == "1 to be told by SMS"


def test_policies_are_shown_changed_checked_and_refused_on_the_command_line(
    gyrophare: CliRunner, tmp_path: Path
) -> None:
    assert (
        gyrophare.invoke(
            app, ["contacts", "add", "1", "Anne Petit", "+33600000001", "--email", "a@example.org"]
        ).exit_code
        == 0
    )
    checked = gyrophare.invoke(app, ["policies", "check", "--json"])
    assert checked.exit_code == 1
    assert "there is no rank 2" in [flaw["what"] for flaw in json.loads(checked.stdout)]

    shown = gyrophare.invoke(app, ["policies", "show"])
    file = tmp_path / "policies.toml"
    file.write_text(shown.stdout, encoding="utf-8")
    refused = gyrophare.invoke(app, ["policies", "set", str(file)])
    assert refused.exit_code != 0
    assert "there is no rank 2" in str(refused.exception)

    file.write_text(shown.stdout.replace("rank 2", "person Anne Petit"), encoding="utf-8")
    assert gyrophare.invoke(app, ["policies", "set", str(file)]).exit_code == 0
    assert "person Anne Petit" in gyrophare.invoke(app, ["policies", "show"]).stdout
    assert gyrophare.invoke(app, ["policies", "check"]).exit_code == 0

    file.write_bytes(b"\xff")
    assert "not UTF-8" in str(gyrophare.invoke(app, ["policies", "set", str(file)]).exception)
