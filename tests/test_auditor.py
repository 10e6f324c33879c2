"""The auditor finds what does not move, tells once, holds the dead man's switch, and never dies quietly."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

import alerts.store
from alerts import auditor as auditing
from alerts.auditor import Auditor, Finding, FindingKind, audit
from alerts.model import AlertKind, NewAlert
from gyrophare.embedded import MqttBroker, PostgresServer
from gyrophare.flows import escalation_tick
from gyrophare.flows.audited import SUBJECT, AuditReport
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.platform.db import Connection
from gyrophare.platform.deadman import DeadmanSwitch
from gyrophare.server import Server
from gyrophare.settings import DatabaseSettings, HttpSettings, MqttSettings, Settings
from tests.department import ORGANISATION, Department, OneConnection


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


async def tick(office: Department) -> None:
    await escalation_tick.tick(OneConnection.pool(office.connection), office.clock, "test")


async def look(office: Department) -> tuple[Finding, ...]:
    return await audit(office.connection, office.clock.now())


async def an_alert(office: Department, *channels: str) -> int:
    """One that nobody takes, of a department whose server has these channels; its first messages are queued."""
    await office.with_contacts("+33600000001", "+33600000002")
    await office.carries("watch", *(channels or ("sms",)))
    now = office.clock.now()
    alert = NewAlert(
        organisation_id=ORGANISATION,
        kind=AlertKind.SOS,
        device_id=await office.register("w-1"),
        shift_id=None,
        subject="Zoé",
        mission=None,
        reply_topic=None,
        episode="1",
        episode_at=now,
        triggered_at=now,
    )
    [alert_id] = await alerts.store.raise_alerts(office.connection, [alert], now)
    await tick(office)
    return alert_id


async def steps_end(office: Department) -> None:
    """Nobody takes the alert, its messages are sent, and no step is left."""
    await change(office, "update notification set state = 'sent', sent_at = %s", office.clock.now())
    office.clock.advance(121)
    await tick(office)


async def change(office: Department, statement: LiteralString, *values: object) -> None:
    await office.connection.execute(statement, values)


async def test_nothing_is_found_while_the_engine_turns(office: Department) -> None:
    await an_alert(office)
    office.clock.advance(9)
    assert await look(office) == ()


async def test_engine_that_does_not_tick_is_found(office: Department) -> None:
    assert await look(office) == (Finding(kind=FindingKind.ENGINE_STOPPED),)
    await tick(office)
    assert await look(office) == ()
    office.clock.advance(11)
    assert await look(office) == (Finding(kind=FindingKind.ENGINE_STOPPED),)


async def test_step_that_is_late_is_found_by_its_alert(office: Department) -> None:
    alert_id = await an_alert(office)
    office.clock.advance(60 + 29)
    assert FindingKind.STEP_OVERDUE not in {finding.kind for finding in await look(office)}
    office.clock.advance(2)
    assert Finding(kind=FindingKind.STEP_OVERDUE, alert_ids=(alert_id,)) in await look(office)
    await office.close_alerts()
    assert FindingKind.STEP_OVERDUE not in {finding.kind for finding in await look(office)}


async def test_alert_that_was_taken_and_left_alone_is_found(office: Department) -> None:
    alert_id = await an_alert(office)
    alert = await alerts.store.lock_alert(office.connection, AlertId(alert_id))
    assert alert is not None
    await alerts.store.acknowledge(office.connection, alert, office.clock.now(), account_id=AccountId(1))
    office.clock.advance(900 + 29)
    assert FindingKind.LAPSE_OVERDUE not in {finding.kind for finding in await look(office)}
    office.clock.advance(2)
    assert Finding(kind=FindingKind.LAPSE_OVERDUE, alert_ids=(alert_id,)) in await look(office)
    await tick(office)
    assert FindingKind.LAPSE_OVERDUE not in {finding.kind for finding in await look(office)}


async def test_each_turn_of_an_alert_is_a_line_with_its_number_and_nobody_s_name(
    office: Department, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "alerts.store"):
        alert_id = await an_alert(office)
        office.clock.advance(600)
        await tick(office)
    lines = [record for record in caplog.records if record.name == "alerts.store"]
    assert [record.message for record in lines] == [f"A{alert_id}: raised", f"A{alert_id}: steps_exhausted"]
    assert {record.__dict__["alert_id"] for record in lines} == {alert_id}


async def test_escalation_that_lost_its_instant_is_found(office: Department) -> None:
    alert_id = await an_alert(office)
    await change(office, "update alert set next_step_at = null")
    assert await look(office) == (Finding(kind=FindingKind.ESCALATION_STOPPED, alert_ids=(alert_id,)),)


async def test_escalation_that_went_through_all_its_steps_is_well(office: Department) -> None:
    await an_alert(office)
    await steps_end(office)
    [alert] = await office.rows("select next_step, next_step_at from alert")
    assert (alert["next_step"], alert["next_step_at"]) == (4, None)
    assert await look(office) == ()


async def test_step_without_a_contact_is_a_word_and_no_finding(office: Department) -> None:
    await an_alert(office)
    await change(office, "delete from notification")
    await change(office, "delete from contact")
    await change(office, "update alert set next_step = 0, next_step_at = raised_at")
    office.clock.advance(121)
    await tick(office)
    assert await look(office) == ()


async def test_step_that_left_nothing_is_found(office: Department) -> None:
    alert_id = await an_alert(office)
    await steps_end(office)
    await change(office, "delete from notification where step = 2")
    assert await look(office) == (Finding(kind=FindingKind.STEP_WITHOUT_MESSAGE, alert_ids=(alert_id,)),)


async def test_step_that_left_a_message_and_a_word_does_not_stand_for_one_that_left_nothing(office: Department) -> None:
    alert_id = await an_alert(office)
    await steps_end(office)
    await change(office, "delete from notification where step = 2")
    await alerts.store.record(
        office.connection, [AlertId(alert_id)], "step_reaches_nobody", office.clock.now(), details=[{"step": 2}]
    )
    assert await look(office) == (Finding(kind=FindingKind.STEP_WITHOUT_MESSAGE, alert_ids=(alert_id,)),)


async def test_message_that_nobody_takes_is_found(office: Department) -> None:
    alert_id = await an_alert(office)
    office.clock.advance(59)
    await tick(office)
    assert await look(office) == ()
    office.clock.advance(2)
    await tick(office)
    assert await look(office) == (Finding(kind=FindingKind.MESSAGE_NOT_TAKEN, alert_ids=(alert_id,)),)
    await change(office, "update notification set due_at = %s", office.clock.now())  # tried, and to be tried again
    assert await look(office) == ()


@pytest.fixture
async def without_sms(office: Department) -> int:
    """An alert of a department without an SMS provider: its steps have all gone by, and nobody heard of it."""
    alert_id = await an_alert(office, "email")
    for _ in range(3):
        await tick(office)
    assert await office.rows("select next_step_at from alert") == [{"next_step_at": None}]
    office.clock.advance(59)
    await tick(office)
    assert await look(office) == ()
    office.clock.advance(2)
    await tick(office)
    return alert_id


async def test_alert_of_which_nobody_hears_as_no_server_has_its_channels_is_found(
    office: Department, without_sms: int
) -> None:
    """Its history says so at a console that nobody looks at: only a ping that does not come can tell somebody."""
    assert await look(office) == (Finding(kind=FindingKind.NOBODY_TOLD, count=3, alert_ids=(without_sms,)),)


@pytest.mark.parametrize(
    "heard", ["a screen shows it", "a mail went", "a mail is tried again", "a server that has it comes", "closed"]
)
async def test_message_by_a_channel_that_nobody_has_is_no_finding_where_somebody_hears_of_it(
    office: Department, without_sms: int, heard: str
) -> None:
    if heard == "a screen shows it":
        await alerts.store.present(office.connection, AlertId(without_sms), AccountId(1), office.clock.now())
    elif heard == "a mail went":
        await change(
            office, "update notification set channel = 'email', state = 'sent', sent_at = due_at where step = 2"
        )
    elif heard == "a mail is tried again":
        again = "update notification set channel = 'email', due_at = %s where step = 2"
        await change(office, again, office.clock.now())
    elif heard == "a server that has it comes":
        await office.carries("sms", instance="another")
        await change(office, "update notification set due_at = %s", office.clock.now())  # it tries
    else:
        await office.close_alerts()
    assert await look(office) == ()


async def test_sending_whose_holder_is_gone_is_found(office: Department) -> None:
    alert_id = await an_alert(office)
    await change(
        office,
        "update notification set state = 'sending', lease_token = gen_random_uuid(), leased_until = %s "
        "where channel = 'sms'",
        office.clock.now() + timedelta(seconds=30),
    )
    office.clock.advance(89)
    await tick(office)
    assert FindingKind.SENDING_STUCK not in {finding.kind for finding in await look(office)}
    office.clock.advance(2)
    await tick(office)
    assert Finding(kind=FindingKind.SENDING_STUCK, alert_ids=(alert_id,)) in await look(office)


# ------------------------------------------------------------------ what is told


async def test_dispatchers_are_told_once_at_the_second_look_and_of_the_end(
    department: Department, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    await department.on_shift("w-1")
    told = "select id, subject, detail, state from alert where kind = 'infrastructure'"
    await server.auditor.look()  # the engine has never ticked
    assert await department.rows(told) == []
    await server.auditor.look()
    await server.auditor.look()
    [alert] = await department.rows(told)
    assert (alert["subject"], alert["detail"], alert["state"]) == (SUBJECT, {"agents": 1}, "triggered")

    await server.tick()
    assert await server.auditor.look() == ()
    assert await server.auditor.look() == ()
    history = await department.rows(
        "select kind from alert_event where alert_id = %(id)s and kind <> 'step_reaches_nobody' order by id",
        id=alert["id"],
    )
    assert [event["kind"] for event in history] == ["raised", "well_again"]

    department.clock.advance(11)
    for _ in range(3):
        await server.auditor.look()
    assert len(await department.rows(told)) == 2  # another time, another alert
    [first, *_] = [record for record in caplog.records if getattr(record, "action", "") == "audit"]
    assert first.getMessage() == "The audit finds: engine_stopped 1"


async def test_two_auditors_tell_once_and_a_restarted_one_ends_it(office: Department) -> None:
    await office.on_shift("w-1")
    found, told = (Finding(kind=FindingKind.ENGINE_STOPPED),), "select id from alert where kind = 'infrastructure'"
    first, second = AuditReport(), AuditReport()
    for report in (first, second, first, second):
        await report.tell(office.connection, found, office.clock.now())
        office.clock.advance(5)
    assert len(await office.rows(told)) == 1
    await AuditReport().tell(office.connection, (), office.clock.now())
    assert len(await office.rows("select from alert_event where kind = 'well_again'")) == 1


async def test_who_begins_a_shift_while_something_is_found_is_told_too(office: Department) -> None:
    found = (Finding(kind=FindingKind.ENGINE_STOPPED),)
    report = AuditReport()
    for _ in range(2):
        await report.tell(office.connection, found, office.clock.now())
        office.clock.advance(15)
    assert await office.rows("select from alert") == []
    await office.on_shift("w-1")
    for teller in (report, report, AuditReport()):
        await teller.tell(office.connection, found, office.clock.now())
        office.clock.advance(15)
    assert len(await office.rows("select from alert where kind = 'infrastructure'")) == 1
    await report.tell(office.connection, (), office.clock.now())
    assert len(await office.rows("select from alert_event where kind = 'well_again'")) == 1


# ------------------------------------------------------------------ the dead man's switch


class Switch:
    """The other machine; `status` is what it answers."""

    def __init__(self) -> None:
        self.pings = 0
        self.status = 200
        self.url = ""

    async def serve(self, _request: web.Request) -> web.Response:
        self.pings += 1
        return web.Response(status=self.status)


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    switch = Switch()
    app = web.Application()
    app.router.add_get("/ping/secret-word", switch.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    switch.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping/secret-word"
    yield switch
    await runner.cleanup()


async def _deaf(*_arguments: object) -> None:
    pass


async def test_switch_is_pinged_while_all_is_well_and_not_when_it_is_not(
    switch: Switch, department: Department, server: Server, database_url: str, clock: ManualClock
) -> None:
    registry = CollectorRegistry()
    deadman = DeadmanSwitch(switch.url, 60, clock, registry)
    statuses: list[str] = []
    auditor = Auditor(database_url, clock, registry, report=_deaf, well=deadman.ping, status=statuses.append)
    await server.tick()
    for _ in range(4):
        assert await auditor.look() == ()
    assert switch.pings == 1
    for _ in range(4):
        clock.advance(15)
        await server.tick()
        await auditor.look()
    assert switch.pings == 2

    clock.advance(60)
    assert await auditor.look() != ()
    assert switch.pings == 2
    assert registry.get_sample_value("gyrophare_audit_findings", {"kind": "engine_stopped"}) == 1
    assert registry.get_sample_value("gyrophare_audit_looks_total", {"result": "unwell"}) == 1
    await server.tick()
    await auditor.look()
    assert switch.pings == 3
    assert statuses == ["the audit finds: engine_stopped 1", "the audit finds nothing"]
    await deadman.aclose()


async def test_switch_that_fails_is_tried_again_counted_and_not_betrayed(
    switch: Switch, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="gyrophare")
    registry = CollectorRegistry()
    deadman = DeadmanSwitch(switch.url, 60, clock, registry)
    switch.status = 500
    await deadman.ping()
    await deadman.ping()
    assert switch.pings == 2
    switch.status = 200
    await deadman.ping()
    await deadman.ping()
    assert switch.pings == 3
    await deadman.aclose()
    nowhere = DeadmanSwitch("http://127.0.0.1:1/ping/secret-word", 60, clock, CollectorRegistry())
    await nowhere.ping()
    await nowhere.aclose()
    assert registry.get_sample_value("gyrophare_deadman_pings_total", {"result": "failed"}) == 2
    assert registry.get_sample_value("gyrophare_deadman_pings_total", {"result": "taken"}) == 1
    assert "secret-word" not in caplog.text


async def test_database_that_is_away_is_a_finding_and_nobody_is_pinged(
    mortal_database: PostgresServer, clock: ManualClock, switch: Switch
) -> None:
    registry = CollectorRegistry()
    deadman = DeadmanSwitch(switch.url, 60, clock, registry)
    auditor = Auditor(mortal_database.url, clock, registry, report=_deaf, well=deadman.ping, status=lambda _: None)
    await asyncio.to_thread(mortal_database.stop)
    assert await auditor.look() == (Finding(kind=FindingKind.DATABASE),)
    assert switch.pings == 0
    await deadman.aclose()


# ------------------------------------------------------------------ in a server


async def test_server_ends_loudly_when_the_auditor_dies(
    database_url: str, broker: MqttBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(connection: Connection, now: object) -> tuple[Finding, ...]:
        raise psycopg.errors.UndefinedColumn("no such column")

    monkeypatch.setattr(auditing, "AUDIT_S", 0)
    monkeypatch.setattr(auditing, "audit", broken)
    server = Server(
        Settings(
            instance="audited",
            data_dir=tmp_path,
            database=DatabaseSettings(url=SecretStr(database_url)),
            mqtt=MqttSettings(url=SecretStr(broker.url)),
            http=HttpSettings(port=0),
        )
    )
    await server.start()
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await server.run_until_stopped()
    await server.stop()


def test_finding_says_whose_alerts_it_is_about() -> None:
    finding = Finding(kind=FindingKind.STEP_OVERDUE, count=12, alert_ids=(17, 18))
    assert str(finding) == "step_overdue 12 (A17, A18)"
    assert json.loads(json.dumps(finding.kind)) == "step_overdue"
