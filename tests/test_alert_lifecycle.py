"""An alert from its beginning to its end: taken, lapsed, taken again, closed by a person who says what it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest

import alerts.store
from alerts import policy_store
from alerts.channels import Outcome
from alerts.dispatcher import Dispatcher, claim_parameters
from alerts.escalation import plan
from alerts.model import NEEDS_REACHED, AlertKind, Cause, NewAlert, Step, priority
from alerts.policy import Policy
from dashboards import read_models
from gyrophare.flows import due_steps, escalation_tick
from gyrophare.flows.alert_desk import AlertDesk, Answer
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId, ContactId
from gyrophare.platform.db import Connection, Pool
from tests.department import ORGANISATION, Department, OneConnection
from tests.test_storm import Postbox

DISPATCHER = AccountId(1)
LAPSE_S = 900


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


@pytest.fixture
def pool(schema_connection: Connection) -> Pool:
    return OneConnection.pool(schema_connection)


@pytest.fixture
def desk(pool: Pool, clock: ManualClock) -> AlertDesk:
    return AlertDesk(pool, clock)


async def raised(office: Department, kind: AlertKind = AlertKind.SOS, name: str = "w-1", episode: str = "1") -> AlertId:
    """An alert of that kind, of somebody on shift whose first step is due now."""
    [device] = await office.rows("select id from device where wire_name = %(name)s", name=name) or [
        {"id": await office.register(name)}
    ]
    now = office.clock.now()
    alert = NewAlert(
        organisation_id=ORGANISATION,
        kind=kind,
        device_id=device["id"],
        shift_id=None,
        subject=f"agent {name}",
        mission=None,
        reply_topic=f"gyrophare/v1/watches/{name}/commands",
        episode=episode,
        episode_at=now,
        triggered_at=now,
    )
    [alert_id] = await alerts.store.raise_alerts(office.connection, [alert], now)
    await due_steps.take(office.connection, now)
    return alert_id


async def alert_of(office: Department, alert_id: AlertId) -> dict[str, Any]:
    shown = await read_models.alert(office.connection, ORGANISATION, alert_id)
    assert shown is not None
    return shown


async def history(office: Department, alert_id: AlertId) -> Sequence[str]:
    rows = await office.rows("select kind from alert_event where alert_id = %(alert)s order by id", alert=alert_id)
    return [row["kind"] for row in rows]


async def send_all(office: Department) -> None:
    """As if the dispatcher had sent what is due."""
    await office.connection.execute(
        "update notification set state = 'sent', sent_at = %s where state = 'pending'", [office.clock.now()]
    )


async def test_whoever_takes_an_alert_and_does_nothing_is_not_left_alone_with_it(
    office: Department, pool: Pool, desk: AlertDesk, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001", "+33600000002")
    alert_id = await raised(office)
    assert await desk.acknowledge(alert_id, DISPATCHER) is Answer.YES
    steps = len(await office.rows("select from notification where step is not null"))
    clock.advance(LAPSE_S - 1)
    await escalation_tick.tick(pool, clock, "test")
    assert (await alert_of(office, alert_id))["state"] == "acknowledged"
    clock.advance(1)
    await escalation_tick.tick(pool, clock, "test")
    shown = await alert_of(office, alert_id)
    assert (shown["state"], shown["acknowledged_by"], shown["lapses_at"]) == ("triggered", None, None)
    assert len(await office.rows("select from notification where step is not null")) == steps + 1
    assert (await history(office, alert_id))[-1] == "lapsed"
    assert await desk.acknowledge(alert_id, DISPATCHER) is Answer.YES  # and may be taken again


async def test_steps_begin_anew_when_a_taken_alert_lapses_behind_the_last(
    office: Department, pool: Pool, desk: AlertDesk, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001", "+33600000002")
    alert_id = await raised(office)
    clock.advance(120)
    await escalation_tick.tick(pool, clock, "test")
    assert "steps_exhausted" in await history(office, alert_id)
    await desk.acknowledge(alert_id, DISPATCHER)
    clock.advance(LAPSE_S)
    await escalation_tick.tick(pool, clock, "test")
    await send_all(office)
    rows = await office.rows("select step, channel from notification where step is not null order by id")
    assert [(row["step"], row["channel"]) for row in rows] == [
        (0, "console"), (1, "sms"), (2, "sms"), (3, "sms"), (4, "console"), (5, "sms")
    ]  # fmt: skip
    clock.advance(120)
    await escalation_tick.tick(pool, clock, "test")
    assert [row["step"] for row in await office.rows("select step from notification where step > 5 order by step")] == [
        6,
        7,
    ]


@pytest.mark.parametrize("by", ["note", "message"])
async def test_whoever_acts_keeps_the_alert(
    office: Department, pool: Pool, desk: AlertDesk, clock: ManualClock, by: str
) -> None:
    alert_id = await raised(office)
    await desk.acknowledge(alert_id, DISPATCHER)
    clock.advance(LAPSE_S - 1)
    if by == "note":
        assert await desk.note(alert_id, DISPATCHER, "Appelé, ne répond pas") is Answer.YES
    else:
        [device] = await office.rows("select device_id from alert")
        await alerts.store.act_for_devices(office.connection, [device["device_id"]], clock.now())
    clock.advance(LAPSE_S - 1)
    await escalation_tick.tick(pool, clock, "test")
    assert (await alert_of(office, alert_id))["state"] == "acknowledged"
    clock.advance(1)
    await escalation_tick.tick(pool, clock, "test")
    assert (await alert_of(office, alert_id))["state"] == "triggered"


async def test_broken_protection_that_somebody_took_does_not_call_again(
    office: Department, pool: Pool, desk: AlertDesk, clock: ManualClock
) -> None:
    alert_id = await raised(office, AlertKind.LOW_BATTERY)
    await desk.acknowledge(alert_id, DISPATCHER)
    clock.advance(24 * 3600)
    await escalation_tick.tick(pool, clock, "test")
    assert (await alert_of(office, alert_id))["state"] == "acknowledged"


@pytest.mark.parametrize("kind", list(AlertKind))
async def test_alert_is_closed_by_a_person_where_a_life_is_at_stake_only_when_the_wearer_was_reached(
    office: Department, desk: AlertDesk, kind: AlertKind
) -> None:
    alert_id = await raised(office, kind)
    expected = Answer.NOT_REACHED if kind in NEEDS_REACHED else Answer.YES
    assert await desk.close(alert_id, DISPATCHER, Cause.FALSE, "", reached=False) is expected
    if expected is Answer.NOT_REACHED:
        assert (await alert_of(office, alert_id))["state"] == "triggered"
        assert await desk.close(alert_id, DISPATCHER, Cause.REAL, "Évacué", reached=True) is Answer.YES
    shown = await alert_of(office, alert_id)
    assert (shown["state"], shown["closed_by"]) == ("closed", "Poste de supervision")
    assert await desk.close(alert_id, DISPATCHER, Cause.TEST, "", reached=True) is Answer.ALREADY
    assert await desk.note(alert_id, DISPATCHER, "trop tard") is Answer.ALREADY
    assert await desk.acknowledge(alert_id, DISPATCHER) is Answer.ALREADY
    assert (await history(office, alert_id))[-2:] == ["acknowledged", "closed"]


async def test_console_hears_that_a_wearer_is_no_longer_in_alarm_when_the_alert_is_closed(
    office: Department, desk: AlertDesk, clock: ManualClock
) -> None:
    await office.on_shift("w-1")
    alert_id = await raised(office)
    clock.advance(60)
    now = clock.now()
    assert await read_models.devices(office.connection, ORGANISATION, now, since=now) == []
    await desk.close(alert_id, DISPATCHER, Cause.FALSE, "", reached=True)
    [device] = await read_models.devices(office.connection, ORGANISATION, now, since=now)
    assert device["state"] != "alarm"


async def test_alert_that_does_not_exist_is_unknown(desk: AlertDesk) -> None:
    nobody = AlertId(4711)
    assert await desk.acknowledge(nobody, DISPATCHER) is Answer.UNKNOWN
    assert await desk.note(nobody, DISPATCHER, "?") is Answer.UNKNOWN
    assert await desk.close(nobody, DISPATCHER, Cause.TEST, "", reached=True) is Answer.UNKNOWN


@pytest.mark.parametrize(
    "change",
    [
        "update alert set state = 'closed', next_step_at = null",
        "update alert set state = 'closed', closed_at = raised_at, closed_by = 1, cause = 'real', next_step_at = null",
        "update alert set state = 'closed', closed_at = raised_at, cause = 'real', reached = true",
        "update alert set lapses_at = raised_at",
        "update alert set acknowledged_at = raised_at, state = 'acknowledged'",
        "update alert set cause = 'real'",
    ],
)
async def test_database_itself_refuses_an_end_without_a_person_and_a_reason(office: Department, change: str) -> None:
    await raised(office)
    with pytest.raises(psycopg.errors.CheckViolation):
        async with office.connection.transaction():
            await office.connection.execute(change.encode())


async def test_contact_who_answers_takes_the_alert_and_all_who_were_called_are_told(
    office: Department, pool: Pool, desk: AlertDesk, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001", "+33600000002")
    alert_id = await raised(office)
    clock.advance(60)
    await escalation_tick.tick(pool, clock, "test")
    await send_all(office)
    [second] = await office.rows("select id from contact where rank = 2")
    assert await desk.acknowledge_as_contact(alert_id, ContactId(second["id"]))
    assert not await desk.acknowledge_as_contact(alert_id, ContactId(second["id"]))
    assert (await alert_of(office, alert_id))["acknowledged_by"] == "Astreinte 2"
    told = (
        "select occasion, channel, address, text from notification where step is null and channel = 'sms' order by id"
    )
    assert await office.rows(told) == [
        {
            "occasion": "acknowledged",
            "channel": "sms",
            "address": phone,
            "text": f"A{alert_id} prise en charge par Astreinte 2",
        }
        for phone in ("+33600000001", "+33600000002")  # the second learns which one he has taken
    ]
    await send_all(office)
    assert await desk.close(alert_id, DISPATCHER, Cause.FALSE, "", reached=True) is Answer.YES
    closed = [row for row in await office.rows(told) if row["occasion"] == "closed"]
    assert [(row["address"], row["text"]) for row in closed] == [
        (phone, f"A{alert_id} close: fausse alerte") for phone in ("+33600000001", "+33600000002")
    ]


async def test_telephone_that_is_off_uses_up_no_round_before_its_time(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001")
    steps = (Step(after_s=0, channel="sms", to="rank 1"), Step(after_s=60, channel="sms", to="rank 1"))
    policy = Policy(name="tous", kinds=None, steps=steps, repeat=2, repeat_after_s=300)
    await policy_store.replace_policies(office.connection, ORGANISATION, [policy])
    alert_id = await raised(office)
    postbox = Postbox()
    postbox.outcome = Outcome.PERMANENT
    for _ in range(10):
        await escalation_tick.tick(pool, clock, "test")
        await Dispatcher(pool, clock, [postbox]).dispatch_due()
        clock.advance(1)
    assert len(postbox.taken) == len(steps)  # within a round the next one comes at once
    assert "steps_exhausted" not in await history(office, alert_id)
    postbox.outcome = Outcome.SENT
    clock.advance(300)
    await escalation_tick.tick(pool, clock, "test")
    assert await Dispatcher(pool, clock, [postbox]).dispatch_due() == 1


async def test_alert_that_ran_through_its_steps_says_so(office: Department, pool: Pool, clock: ManualClock) -> None:
    await office.with_contacts("+33600000001", "+33600000002")
    alert_id = await raised(office)
    assert "steps_exhausted" not in await history(office, alert_id)
    clock.advance(120)
    await escalation_tick.tick(pool, clock, "test")
    shown = await alert_of(office, alert_id)
    assert [entry["kind"] for entry in shown["history"]] == ["steps_exhausted"]


async def test_alerts_of_one_wearer_that_are_open_together_are_one_incident(
    office: Department, desk: AlertDesk
) -> None:
    first = await raised(office, AlertKind.STILLNESS)
    battery = await raised(office, AlertKind.LOW_BATTERY)
    second = await raised(office, AlertKind.SOS, episode="2")
    third = await raised(office, AlertKind.FALL, episode="3")
    other = await raised(office, AlertKind.SOS, name="w-2")
    incidents = [(await alert_of(office, one))["incident"] for one in (first, battery, second, third, other)]
    assert incidents == [first, battery, first, first, other]
    for one in (first, second, third):
        await desk.close(one, DISPATCHER, Cause.REAL, "", reached=True)
    later = await raised(office, AlertKind.SOS, episode="4")
    assert (await alert_of(office, later))["incident"] == later


async def test_most_urgent_alert_is_told_of_first_however_many_wait(office: Department) -> None:
    for number in range(5):
        await raised(office, AlertKind.LOW_BATTERY, episode=f"b{number}")
    sos = await raised(office, AlertKind.SOS)
    claim = alerts.store.QUERIES["claim_notifications"]
    parameters = claim_parameters("console", office.clock.now(), 1)
    rows = await (await office.connection.execute(claim, parameters)).fetchall()
    assert [row["alert_id"] for row in rows] == [sos]


async def test_in_a_storm_nobody_s_second_message_goes_before_anybody_s_first(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.with_contacts("+33600000001", "+33600000002")
    await raised(office, AlertKind.LOW_BATTERY, "w-0")
    clock.advance(301 - 61)
    early = await raised(office, AlertKind.SOS, "w-1")
    clock.advance(61)
    late = [await raised(office, AlertKind.STILLNESS, f"w-{number}") for number in range(2, 5)]
    await escalation_tick.tick(pool, clock, "test")  # the second step of the first, and the battery's
    claim = claim_parameters("sms", clock.now(), 99) | {"capped": False}
    rows = await (await office.connection.execute(alerts.store.QUERIES["claim_notifications"], claim)).fetchall()
    order = await office.rows(
        "select alert_id, step from notification where channel = 'sms' order by priority, due_at, id"
    )
    assert [(row["alert_id"], row["step"]) for row in order][:4] == [(early, 1), *((one, 1) for one in late)]
    assert [(row["alert_id"], row["step"]) for row in order][4] == (early, 2)
    assert len(rows) == len(order) == 6


@pytest.mark.parametrize(
    ("kinds"),
    [
        [
            (AlertKind.SOS, None),
            (AlertKind.FALL, None),
            (AlertKind.STILLNESS, True),
            (AlertKind.INFRASTRUCTURE, None),
            (AlertKind.STILLNESS, False),
            (AlertKind.CHECK_MISSED, None),
            (AlertKind.TECHNICAL, None),
            (AlertKind.LOW_BATTERY, None),
        ]
    ],
)
def test_priorities_grow_from_the_surest_danger_to_what_only_breaks_a_protection(
    kinds: list[tuple[AlertKind, bool | None]],
) -> None:
    assert [priority(kind, heard) for kind, heard in kinds] == list(range(1, 9))
    assert priority(AlertKind.DURESS, None) == 1


def test_round_of_steps_ends_with_the_policy_and_keeps_its_distances(clock: ManualClock) -> None:
    policy = [Step(after_s=after_s, channel="sms", to="rank 1") for after_s in (0, 60, 120)]
    now = clock.now()
    planned = plan(policy, 3, now, now)
    assert [(number, step.after_s) for number, step in planned.due] == [(3, 0)]
    assert (planned.next_step, planned.next_step_at) == (4, now + timedelta(seconds=60))
    late = plan(policy, 4, now, now + timedelta(hours=1))
    assert [number for number, _ in late.due] == [4, 5]
    assert (late.next_step, late.next_step_at) == (6, None)
