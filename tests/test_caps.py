"""A cap never holds back the first alarm about anybody; what it holds back is seen, and goes when the window allows."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from psycopg.rows import dict_row

import alerts.store
from alerts import policy_store
from alerts.auditor import FindingKind, audit
from alerts.channels import Outcome
from alerts.dispatcher import Caps, Dispatcher
from alerts.measures import AlertMeasures
from alerts.model import Step
from alerts.policy import Policy
from dashboards import read_models
from gyrophare.doctor import _outbox
from gyrophare.flows import escalation_tick
from gyrophare.flows.alert_desk import AlertDesk, Answer
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.platform.db import Pool, connect
from tests.department import ORGANISATION, Department
from tests.test_storm import PHONE, Postbox, office, postbox, storm

__all__ = ["office", "postbox"]  # fixtures

OTHER = "+33600000002"
CAP = 5
HOUR = timedelta(hours=1)


@pytest.fixture
async def dispatcher(office: Department, pool: Pool, clock: ManualClock, postbox: Postbox) -> Dispatcher:
    """Of a department that calls again after a minute."""
    steps = (Step(after_s=0, channel="sms", to="rank 1"), Step(after_s=60, channel="sms", to="rank 1"))
    await policy_store.replace_policies(office.connection, ORGANISATION, [Policy(name="tous", kinds=None, steps=steps)])
    await office.carries("sms")
    return Dispatcher(pool, clock, [postbox], Caps(per_number_hour=CAP))


async def one_by_one(office: Department, pool: Pool, dispatcher: Dispatcher, count: int) -> list[AlertId]:
    """So many alerts, each in a text of its own."""
    raised = []
    for _ in range(count):
        raised += await storm(office, pool, 1)
        await dispatcher.dispatch_due()
        office.clock.advance(5)
    return raised


async def pass_on(office: Department, pool: Pool, dispatcher: Dispatcher, seconds: float) -> int:
    """How many texts go after so long."""
    office.clock.advance(seconds)
    await escalation_tick.tick(pool, office.clock, "test")
    return await dispatcher.dispatch_due()


async def test_first_alarms_all_go_beyond_the_cap_and_second_ones_when_the_window_allows(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox, clock: ManualClock
) -> None:
    raised = await one_by_one(office, pool, dispatcher, CAP + 3)
    assert postbox.told == [1] * (CAP + 3)
    assert await pass_on(office, pool, dispatcher, 60) == 0
    assert await storm(office, pool, 1) != []
    assert await dispatcher.dispatch_due() == 1  # one more first, while the others wait
    held = await office.rows("select alert_id, held_at from notification where held order by alert_id")
    assert [(row["alert_id"], row["held_at"]) for row in held] == [(number, clock.now()) for number in raised]
    assert await pass_on(office, pool, dispatcher, HOUR.total_seconds()) > 0
    assert await office.rows("select from notification where channel = 'sms' and state <> 'sent'") == []
    assert sum(postbox.told) == 2 * (CAP + 3) + 2


async def test_what_is_held_back_is_seen_in_its_history_by_the_doctor_and_as_a_number(
    office: Department, pool: Pool, dispatcher: Dispatcher, clock: ManualClock, database_url: str
) -> None:
    [first, *_] = await one_by_one(office, pool, dispatcher, CAP)
    await pass_on(office, pool, dispatcher, 60)
    await dispatcher.dispatch_due()
    shown = await read_models.alert(office.connection, ORGANISATION, first)
    assert shown is not None
    assert [(one["state"], one["held_at"] is not None) for one in shown["notifications"]] == [
        ("sent", False),
        ("pending", True),
    ]
    events = await office.rows(
        "select detail from alert_event where kind = 'held_back' and alert_id = %(id)s", id=first
    )
    assert events == [{"detail": {"channel": "sms", "messages": 1}}]
    measures = AlertMeasures(CollectorRegistry(), pool, clock)
    await measures.refresh()
    values = {metric.name: [sample.value for sample in metric.samples] for metric in measures.collect()}
    assert values["gyrophare_outbox_held_messages"] == [CAP]
    assert values["gyrophare_outbox_pending_messages"] == [0]
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        finding = _outbox(connection)
    assert (finding.verdict, finding.found[:24]) == ("warning", f"{CAP} second messages wait: ")


async def test_auditor_takes_what_is_held_back_for_well_for_a_day(
    office: Department, pool: Pool, dispatcher: Dispatcher, clock: ManualClock
) -> None:
    await one_by_one(office, pool, dispatcher, CAP)
    await pass_on(office, pool, dispatcher, 60)
    await office.connection.execute("update notification set provider_final_at = sent_at")  # what was sent has arrived
    for seconds, found in ((300, set()), (25 * 3600, {FindingKind.MESSAGE_HELD})):
        clock.advance(seconds)
        await escalation_tick.tick(pool, clock, "test")
        assert {finding.kind for finding in await audit(office.connection, clock.now())} == found


async def test_second_message_goes_where_the_first_never_arrived(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox
) -> None:
    await one_by_one(office, pool, dispatcher, CAP)
    postbox.outcome = Outcome.PERMANENT
    await storm(office, pool, 1)
    await dispatcher.dispatch_due()
    postbox.outcome = Outcome.SENT
    assert await pass_on(office, pool, dispatcher, 5) == 1
    assert postbox.told == [1] * (CAP + 2)


async def test_cap_of_the_day_counts_what_went_to_others(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox, clock: ManualClock
) -> None:
    [first] = await one_by_one(office, pool, dispatcher, 1)
    await office.with_contacts(OTHER)
    await one_by_one(office, pool, dispatcher, 2)
    clock.advance(45)
    await office.with_contacts(PHONE)
    of_the_day = Dispatcher(pool, clock, [postbox], Caps(per_day=3))
    assert await pass_on(office, pool, of_the_day, 0) == 0
    held = await office.rows("select alert_id from notification where held")
    assert held == [{"alert_id": first}]
    assert await pass_on(office, pool, Dispatcher(pool, clock, [postbox], Caps(per_day=4)), 0) == 1


async def test_nobody_is_untold_of_an_alarm_for_a_cap_because_somebody_else_knows(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox, clock: ManualClock
) -> None:
    await one_by_one(office, pool, dispatcher, CAP)
    await office.with_contacts(OTHER)  # whoever has that rank now has heard of none of them
    spent = Dispatcher(pool, clock, [postbox], Caps(per_number_hour=CAP, per_day=CAP))
    assert await pass_on(office, pool, spent, 60) == CAP
    assert {message.to for message in postbox.taken[CAP:]} == {OTHER}


async def test_text_about_several_counts_once(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox
) -> None:
    await storm(office, pool, 2 * CAP)
    await dispatcher.dispatch_due()
    assert len(postbox.taken) == 1
    assert await pass_on(office, pool, dispatcher, 60) == 1


async def test_what_is_held_back_is_dropped_when_somebody_takes_the_alert_and_others_hear_it_later(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox, clock: ManualClock
) -> None:
    [first, *_] = await one_by_one(office, pool, dispatcher, CAP)
    await pass_on(office, pool, dispatcher, 60)
    assert await AlertDesk(pool, clock).acknowledge(first, AccountId(1)) is Answer.YES
    assert await dispatcher.dispatch_due() == 0
    rows = await office.rows(
        "select occasion, state, held from notification where alert_id = %(id)s order by id", id=first
    )
    assert [(row["occasion"], row["state"], row["held"]) for row in rows] == [
        ("raised", "sent", None),
        ("raised", "cancelled", True),
        ("acknowledged", "pending", True),
    ]
    await pass_on(office, pool, dispatcher, HOUR.total_seconds())
    assert f"A{first} prise en charge" in " ".join(message.text for message in postbox.taken[CAP:])


async def test_nobody_who_has_an_alert_is_waited_for(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox, clock: ManualClock, database_url: str
) -> None:
    [first, second] = await one_by_one(office, pool, dispatcher, 2)
    clock.advance(60)
    await escalation_tick.tick(pool, clock, "test")
    async with await connect(database_url) as person, person.transaction():
        await alerts.store.lock_alert(person, first)
        async with asyncio.timeout(5):
            await dispatcher._hold_back("sms")
        rows = await office.rows("select alert_id, held from notification where state = 'pending' order by alert_id")
        assert rows == [{"alert_id": first, "held": None}, {"alert_id": second, "held": False}]
    assert await dispatcher.dispatch_due() == 2
