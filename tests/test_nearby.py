"""Colleagues near an alert: asked by their watches, heard, never taken for a dispatcher, and told how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

import alerts.store
from alerts import policy_store
from alerts.audit import erasure
from alerts.auditor import audit
from alerts.model import AlertKind, Cause, Colleague, Step
from alerts.policy import Policy
from alerts.rota import Duty
from alerts.store import Reached
from dashboards import read_models
from gyrophare.flows import due_steps, escalation_tick
from gyrophare.flows.alert_desk import AlertDesk
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId, ContactId, DeviceId
from gyrophare.platform.db import Connection, Pool
from tests.department import ORGANISATION, Department, OneConnection
from tests.test_nearest import colleague, raised

DISPATCHER = AccountId(1)
CONSOLE = Step(after_s=0, channel="console", to="console")
NEARBY = Step(after_s=0, channel="watch", to="nearby 2")
SMS = Step(after_s=120, channel="sms", to="rank 1")


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


@pytest.fixture
def pool(schema_connection: Connection) -> Pool:
    return OneConnection.pool(schema_connection)


@pytest.fixture
def desk(pool: Pool, clock: ManualClock) -> AlertDesk:
    return AlertDesk(pool, clock)


async def in_danger(
    office: Department, *steps: Step, kind: AlertKind = AlertKind.SOS, **more: Any
) -> tuple[AlertId, DeviceId]:
    """Somebody whose alert goes by these steps, the first of which have been taken; and his watch."""
    policy = Policy(name="urgence", kinds=None, steps=steps or (CONSOLE, NEARBY, SMS))
    await policy_store.replace_policies(office.connection, ORGANISATION, [policy])
    device_id = await office.on_shift("w-1")
    alert_id = await raised(office, device_id, kind, **more)
    await due_steps.take(office.connection, office.clock.now())
    return alert_id, device_id


async def asked(office: Department) -> list[dict[str, Any]]:
    """What watches of colleagues are to be told."""
    return await office.rows(
        "select id, device_id, occasion, recipient, distance_m, address, text, state, delivered_at, answered_at, "
        "answer from notification where device_id is not null order by id"
    )


async def happened(office: Department, kind: str) -> list[dict[str, Any]]:
    rows = await office.rows("select detail from alert_event where kind = %(kind)s order by id", kind=kind)
    return [row["detail"] for row in rows]


async def hears(office: Department, number: int, device_id: DeviceId, answer: str | None = None) -> None:
    at = office.clock.now()
    said = Reached(notification_id=number, device_id=device_id, at=at, answer=answer)
    await alerts.store.note_reached(office.connection, [said], at)


async def test_the_nearest_are_asked_each_in_words_of_his_own(office: Department, clock: ManualClock) -> None:
    for name, north_m in (("Zoé", -400), ("Luc", 2100), ("Ali", 3000)):
        await colleague(office, name, north_m)
    alert_id, _ = await in_danger(office)
    zoe, luc = await asked(office)
    assert (zoe["recipient"], zoe["distance_m"], zoe["address"]) == ("Zoé", 400, "gyrophare/v1/watches/w-Zoé/commands")
    assert json.loads(zoe["text"]) == {
        "command": "message",
        "alert": f"A{alert_id}",
        "vibrate_s": 3,
        "text": f"SOS: Martin Lefèvre, Fauchage RD 70 à 400 m au nord, A{alert_id}. Y allez-vous ?",
        "replies": ["Oui", "Non"],
        "kind": "sos",
        "who": "Martin Lefèvre",
        "distance_m": 400,
        "bearing_deg": 0,
        "position": {"lat": 47.3215, "lon": 5.0415, "accuracy_m": 6.5},
        "expires_at": "2026-01-14T07:52:03.000Z",
    }
    assert (luc["recipient"], "à 2,1 km au sud" in luc["text"]) == ("Luc", True)


async def test_alert_without_a_position_or_anybody_near_says_so_and_goes_on_at_once(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001")
    await colleague(office, "Zoé", 400)
    await in_danger(office, place=None)
    assert await happened(office, "step_reaches_nobody") == [{"step": 2, "channel": "watch", "to": "nearby 2"}]
    await escalation_tick.tick(pool, clock, "test")
    assert [row["channel"] for row in await office.rows("select channel from notification order by id")] == [
        "console",
        "sms",
    ]


async def test_colleagues_who_are_asked_hold_up_no_step_when_nobody_else_could_be_told(
    office: Department, clock: ManualClock
) -> None:
    await colleague(office, "Zoé", 400)
    nobody, later = Step(after_s=0, channel="sms", to="rank 1"), Step(after_s=600, channel="sms", to="rank 2")
    await in_danger(office, NEARBY, nobody, later)
    assert await office.rows("select next_step_at from alert") == [{"next_step_at": clock.now()}]


@pytest.mark.parametrize("first", [AlertKind.DURESS, AlertKind.STILLNESS])
async def test_no_colleague_hears_of_whoever_has_pressed_a_discreet_sos(
    office: Department, clock: ManualClock, first: AlertKind
) -> None:
    """Whatever else is raised of him meanwhile: the nearest may stand beside him."""
    await colleague(office, "Zoé", 400)
    await policy_store.replace_policies(
        office.connection, ORGANISATION, [Policy(name="urgence", kinds=None, steps=(CONSOLE, NEARBY))]
    )
    device_id = await office.on_shift("w-1")
    for kind in {AlertKind.DURESS, first}:
        await raised(office, device_id, kind)
    await due_steps.take(office.connection, clock.now())
    assert await asked(office) == []
    withheld = {"step": 2, "channel": "watch", "to": "nearby 2"}
    assert await happened(office, "step_withheld") == [withheld] * len({AlertKind.DURESS, first})
    [shown] = [one for one in await read_models.alerts(office.connection, ORGANISATION) if one["kind"] == "duress"]
    assert {news["kind"] for news in shown["history"]} == {"steps_exhausted", "step_withheld"}
    clock.advance(60)
    assert "step_without_message" not in {str(found.kind) for found in await audit(office.connection, clock.now())}


async def test_colleague_who_goes_is_written_down_and_stops_nothing(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001")
    zoe = await colleague(office, "Zoé", 400)
    luc = await colleague(office, "Luc", 2100)
    alert_id, wearer = await in_danger(office)
    to_zoe, _ = await asked(office)
    for stranger in (luc, wearer):
        await hears(office, to_zoe["id"], stranger, "Oui")
    assert (await asked(office))[0] == to_zoe
    clock.advance(5)
    await hears(office, to_zoe["id"], zoe)
    clock.advance(5)
    for answer in ("Oui", "Non"):  # the first counts
        await hears(office, to_zoe["id"], zoe, answer)
    heard = (await asked(office))[0]
    assert heard["delivered_at"] == clock.now() - timedelta(seconds=5)
    assert (heard["answer"], heard["answered_at"]) == ("Oui", clock.now())
    assert await happened(office, "colleague_answered") == [{"by": "Zoé", "distance_m": 400, "answer": "Oui"}]

    shown = await read_models.alert(office.connection, ORGANISATION, alert_id)
    assert shown is not None
    assert shown["state"] == "triggered"
    assert [(one["contact"], one["distance_m"], one["answer"]) for one in shown["notifications"]] == [
        (None, None, None),
        ("Zoé", 400, "Oui"),
        ("Luc", 2100, None),
    ]
    assert "commands" not in json.dumps(shown["notifications"])
    clock.advance(110)
    await escalation_tick.tick(pool, clock, "test")
    assert [row["address"] for row in await office.rows("select address from notification where channel = 'sms'")] == [
        "+33600000001"
    ]


async def sent(office: Department) -> None:
    await office.connection.execute(
        "update notification set state = 'sent', sent_at = %s where state = 'pending'", [office.clock.now()]
    )


async def test_who_was_asked_hears_who_took_it_and_how_it_ended(office: Department, desk: AlertDesk) -> None:
    zoe = await colleague(office, "Zoé", 400)
    await colleague(office, "Luc", 2100)
    alert_id, _ = await in_danger(office)
    await sent(office)
    await desk.acknowledge(alert_id, DISPATCHER)
    await desk.close(alert_id, DISPATCHER, Cause.FALSE, "", reached=True)
    told = (await asked(office))[2:]
    assert [(one["occasion"], one["recipient"], json.loads(one["text"])["text"]) for one in told] == [
        (occasion, name, f"A{alert_id} {text}")
        for occasion, text in (
            ("acknowledged", "prise en charge par Poste de supervision"),
            ("closed", "close: fausse alerte"),
        )
        for name in ("Luc", "Zoé")
    ]
    assert {json.dumps(json.loads(one["text"])["replies"]) for one in told} == {"[]"}
    assert "expires_at" not in told[0]["text"]
    await hears(office, told[1]["id"], zoe, "Oui")  # to what was no question
    assert (await asked(office))[3]["delivered_at"] is not None
    assert await happened(office, "colleague_answered") == []


async def test_watch_of_a_colleague_who_presses_a_discreet_sos_himself_stays_silent(
    office: Department, desk: AlertDesk, clock: ManualClock
) -> None:
    zoe = await colleague(office, "Zoé", 400)
    await colleague(office, "Luc", 2100)
    alert_id, _ = await in_danger(office)
    await raised(office, zoe, AlertKind.DURESS)
    await alerts.store.hush(office.connection, [zoe], clock.now())
    assert [(one["recipient"], one["state"]) for one in await asked(office)] == [
        ("Zoé", "cancelled"),
        ("Luc", "pending"),
    ]
    await office.connection.execute("update notification set state = 'sent', sent_at = now() where channel = 'watch'")
    await desk.acknowledge(alert_id, DISPATCHER)
    assert [one["recipient"] for one in (await asked(office))[2:]] == ["Luc"]


async def test_question_that_still_waits_is_not_put_when_its_wearer_presses_a_discreet_sos(
    office: Department, clock: ManualClock
) -> None:
    await colleague(office, "Zoé", 400)
    await colleague(office, "Luc", 2100)
    _, wearer = await in_danger(office)
    await office.connection.execute("update notification set state = 'ambiguous' where recipient = 'Luc'")
    await alerts.store.hush(office.connection, [wearer], clock.now())
    assert [one["state"] for one in await asked(office)] == ["cancelled", "cancelled"]


async def test_alert_of_which_several_were_told_in_one_step_can_be_erased(
    office: Department, desk: AlertDesk, clock: ManualClock
) -> None:
    now = clock.now()
    await office.with_contacts("+33600000001", "+33600000002")
    on_call = [
        Duty(role="nuit", contact_id=ContactId(row["id"]), starts_at=now, ends_at=now + timedelta(hours=1))
        for row in await office.rows("select id from contact")
    ]
    await policy_store.add_duties(office.connection, ORGANISATION, on_call)
    zoe = await colleague(office, "Zoé", 400)
    await colleague(office, "Luc", 2100)
    alert_id, _ = await in_danger(office, NEARBY, Step(after_s=0, channel="sms", to="duty nuit"))
    assert len(await office.rows("select from notification")) == 4
    [to_zoe, _] = await asked(office)
    await hears(office, to_zoe["id"], zoe, "Oui")
    await desk.close(alert_id, DISPATCHER, Cause.FALSE, "", reached=True)
    assert await erasure.erase(office.connection, [alert_id], now) == [alert_id]
    assert await asked(office) == []
    left = await office.rows("select distinct address, text, recipient, distance_m, answer from notification")
    assert left == [{"address": "", "text": "", "recipient": None, "distance_m": None, "answer": None}]
    await hears(office, to_zoe["id"], zoe, "Non")  # out of a buffer, days later
    assert await office.rows("select from notification where answer is not null or delivered_at > now()") == []
    assert "Zoé" not in json.dumps(await happened(office, "colleague_answered"))


async def test_steps_that_are_due_together_ask_once_for_all(office: Department, clock: ManualClock) -> None:
    """After an outage both are due; the second asks more colleagues than the first, of each alert."""
    for number in range(5):
        await colleague(office, f"agent {number}", 100 + number)
    steps = (NEARBY, Step(after_s=60, channel="watch", to="nearby 4"))
    policy = Policy(name="urgence", kinds=None, steps=steps)
    await policy_store.replace_policies(office.connection, ORGANISATION, [policy])
    for name in ("w-1", "w-2"):
        await raised(office, await office.register(name))
    looked: list[object] = []

    async def nearest(
        connection: Connection, asked: Mapping[AlertId, int], now: datetime
    ) -> Mapping[AlertId, Sequence[Colleague]]:
        looked.append(list(asked.values()))
        return await due_steps.find_nearest(connection, asked, now)

    clock.advance(60)
    await office.connection.execute("update device_latest set heard_at = %s", [clock.now()])
    assert await alerts.store.take_due_steps(office.connection, clock.now(), 10, nearest) == 2
    assert looked == [[4, 4]]
    assert len(await asked(office)) == 2 * (2 + 4)


async def test_alert_that_was_raised_before_the_update_keeps_its_steps(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001")
    alert_id = await raised(office, await office.on_shift("w-1"))
    await office.connection.execute(
        """update alert set policy = '[{"after_s": 0, "channel": "console", "rank": null},
                                       {"after_s": 0, "channel": "sms", "rank": 1}]'"""
    )
    await due_steps.take(office.connection, clock.now())
    told = await office.rows("select channel, address, device_id from notification order by id")
    assert [tuple(row.values()) for row in told] == [("console", "", None), ("sms", "+33600000001", None)]
    assert await office.rows("select id from alert where next_step_at is null") == [{"id": alert_id}]
