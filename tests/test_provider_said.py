"""What the provider says, applied to a real database: in any order, more than once, before its time, by anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from alerts.callbacks.forms import ReplySaid
from alerts.callbacks.status import StatusSaid
from alerts.callbacks.store import Verdict
from gyrophare.flows import provider_said
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AlertId, ContactId
from gyrophare.platform.db import Pool, connect
from tests.department import ORGANISATION, Department

FIRST, SECOND, STRANGER = "+33600000001", "+33600000002", "+33699999999"


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    async with await connect(database_url) as connection:
        office = Department(connection, None, clock)
        await office.with_contacts(FIRST, SECOND)
        yield office


async def alert(office: Department, *, next_step_after_s: float | None = 60, state: str = "triggered") -> AlertId:
    """An alert whose next step is due then."""
    [row] = await office.rows(
        "insert into alert (organisation_id, kind, subject, episode, state, episode_at, triggered_at, raised_at, vital,"
        " priority, policy, next_step, next_step_at, changed_at, acknowledged_at, acknowledged_by)"
        " select %(organisation)s, 'sos', 'Martin', gen_random_uuid()::text, %(state)s, %(now)s, %(now)s, %(now)s,"
        " true, 1, '[]', 1, %(next)s, %(now)s, %(taken)s, case when %(taken)s::timestamptz is not null then"
        " (select min(id) from account) end returning id",
        organisation=ORGANISATION,
        state=state,
        now=office.clock.now(),
        taken=office.clock.now() if state == "acknowledged" else None,
        next=None if next_step_after_s is None else office.clock.now() + timedelta(seconds=next_step_after_s),
    )
    return AlertId(row["id"])


async def told(office: Department, alert_id: AlertId, provider_id: str | None, to: str = FIRST, **more: Any) -> int:
    """The SMS that told it to one of the contacts."""
    row = {"state": "sent", "step": 0, "address": to, "occasion": "raised"} | more
    [kept] = await office.rows(
        "insert into notification (alert_id, occasion, step, channel, contact_id, address, text, due_at, state,"
        " attempts, provider_id, sent_at, changed_at)"
        " select %(alert_id)s, %(occasion)s, %(step)s, 'sms', c.id, %(address)s, 'SOS', %(now)s, %(state)s,"
        " 1, %(provider_id)s, %(now)s, %(now)s from contact c where phone_e164 = %(to)s returning id",
        alert_id=alert_id,
        provider_id=provider_id,
        to=to,
        now=office.clock.now(),
        **row,
    )
    return int(kept["id"])


def said(status: str, provider_id: str = "SM1", error_code: str | None = None) -> StatusSaid:
    return StatusSaid(channel="sms", provider_id=provider_id, status=status, error_code=error_code)


def answered(text: str = "1", provider_id: str = "SM9", by: str = FIRST) -> ReplySaid:
    return ReplySaid(channel="sms", provider_id=provider_id, from_e164=by, text=text)


class Taking:
    """Takes alerts as the console does, one after the other, and remembers whose."""

    def __init__(self, office: Department) -> None:
        self.taken: list[tuple[AlertId, ContactId]] = []
        self.fails: Exception | None = None
        self._office = office
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self, alert_id: AlertId, contact_id: ContactId) -> bool:
        async with self._one_at_a_time:
            if self.fails is not None:
                raise self.fails
            changed = await self._office.rows(
                "update alert set state = 'acknowledged', next_step_at = null, acknowledged_at = %(now)s,"
                " acknowledged_by = (select min(id) from account) where id = %(id)s and state = 'triggered'"
                " returning id",
                id=alert_id,
                now=self._office.clock.now(),
            )
        if changed:
            self.taken.append((alert_id, contact_id))
        return bool(changed)


@pytest.fixture
def taking(office: Department) -> Taking:
    return Taking(office)


async def contact(office: Department, phone_e164: str) -> int:
    [row] = await office.rows("select id from contact where phone_e164 = %(phone)s", phone=phone_e164)
    return int(row["id"])


@pytest.mark.parametrize(
    "order",
    [
        ("sending", "sent", "delivered"),
        ("delivered", "sent", "sending"),
        ("sent", "delivered", "delivered", "sent", "sending", "teleported", "delivered"),
    ],
)
async def test_delivered_is_noted_in_whatever_order_it_is_said(
    pool: Pool, office: Department, clock: ManualClock, order: tuple[str, ...]
) -> None:
    alert_id = await alert(office)
    await told(office, alert_id, "SM1")
    for status in order:
        await provider_said.status(pool, clock, said(status))
    at = clock.now()
    clock.advance(60)
    for status in order:  # replayed
        await provider_said.status(pool, clock, said(status))
    [kept] = await office.rows("select * from notification")
    assert (kept["state"], kept["provider_status"], kept["delivered_at"]) == ("sent", "delivered", at)
    assert kept["provider_status_at"] == at
    facts = await office.rows("select status, times from provider_callback order by status")
    assert facts == [{"status": one, "times": 2 * order.count(one)} for one in sorted(set(order))]
    assert await office.rows("select from alert_event") == []


@pytest.mark.parametrize("status", ["undelivered", "failed", "canceled"])
async def test_message_that_never_arrives_makes_the_next_step_due(
    pool: Pool, office: Department, clock: ManualClock, status: str
) -> None:
    alert_id, other = await alert(office), await alert(office)
    await told(office, alert_id, "SM1")
    await told(office, other, "SM2")
    clock.advance(5)
    for one in ("sending", status, "sent", status, "delivered"):
        await provider_said.status(pool, clock, said(one, error_code="30003"))
    [kept, untouched] = await office.rows("select * from notification order by id")
    assert (kept["state"], kept["provider_status"], kept["delivered_at"]) == ("failed", status, None)
    assert (untouched["state"], untouched["provider_status"]) == ("sent", None)
    [now_due, later] = await office.rows("select next_step_at from alert order by id")
    assert (now_due["next_step_at"], later["next_step_at"]) == (clock.now(), clock.now() + timedelta(seconds=55))
    assert await office.rows("select alert_id, kind, detail from alert_event") == [
        {
            "alert_id": alert_id,
            "kind": "delivery_failed",
            "detail": {"step": 0, "status": status, "error_code": "30003"},
        }
    ]


async def test_message_that_never_arrives_begins_no_round_before_its_time(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    alert_id = await alert(office)
    await office.connection.execute(
        """update alert set policy = '[{"after_s": 0, "channel": "sms", "to": "rank 1"}]', next_step = 1, repeat = 5"""
    )
    await told(office, alert_id, "SM1")
    await provider_said.status(pool, clock, said("undelivered"))
    [row] = await office.rows("select next_step_at from alert")
    assert row["next_step_at"] == clock.now() + timedelta(seconds=60)


async def test_message_that_never_arrives_wakes_nobody_where_the_alert_is_taken(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    alert_id = await alert(office, next_step_after_s=None, state="acknowledged")
    await told(office, alert_id, "SM1")
    assert await provider_said.status(pool, clock, said("undelivered")) is Verdict.APPLIED
    assert await office.rows("select next_step_at, state from alert") == [
        {"next_step_at": None, "state": "acknowledged"}
    ]


async def test_status_said_before_we_know_the_message_is_applied_later(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking
) -> None:
    alert_id = await alert(office)
    for _ in range(2):
        assert await provider_said.status(pool, clock, said("undelivered")) is Verdict.UNKNOWN
    notification_id = await told(office, alert_id, None, state="ambiguous")
    await provider_said.catch_up(pool, clock, taking)
    assert await office.rows("select provider_status from notification") == [{"provider_status": None}]

    await office.rows(
        "update notification set provider_id = 'SM1', state = 'sent' where id = %(id)s returning id", id=notification_id
    )
    await provider_said.catch_up(pool, clock, taking)
    assert await office.rows("select state, provider_status from notification") == [
        {"state": "failed", "provider_status": "undelivered"}
    ]
    assert await office.rows("select verdict, times from provider_callback") == [{"verdict": "applied", "times": 2}]


async def test_status_that_was_stored_and_not_applied_is_applied_later(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("the database is going down")

    await told(office, await alert(office), "SM1")
    with monkeypatch.context() as broken:
        broken.setattr("alerts.callbacks.store.set_status", fail)
        assert await provider_said.status(pool, clock, said("undelivered")) is Verdict.NEW
    assert await office.rows("select state from notification") == [{"state": "sent"}]
    await provider_said.catch_up(pool, clock, taking)
    assert await office.rows("select state from notification") == [{"state": "failed"}]
    assert await office.rows("select verdict from provider_callback") == [{"verdict": "applied"}]


async def test_status_said_again_once_we_know_the_message_is_applied_at_once(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    assert await provider_said.status(pool, clock, said("delivered")) is Verdict.UNKNOWN
    await told(office, await alert(office), "SM1")
    assert await provider_said.status(pool, clock, said("delivered")) is Verdict.APPLIED


async def test_message_that_had_failed_at_once_is_no_news_when_the_provider_says_so_again(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    await told(office, await alert(office), "SM1", state="failed")
    await provider_said.status(pool, clock, said("failed"))
    assert await office.rows("select from alert_event") == []
    assert await office.rows("select next_step_at from alert") == [
        {"next_step_at": clock.now() + timedelta(seconds=60)}
    ]


async def test_status_of_nobody_s_message_stays_unknown(pool: Pool, office: Department, clock: ManualClock) -> None:
    await told(office, await alert(office), "SM1")
    assert await provider_said.status(pool, clock, said("failed", "SM2")) is Verdict.UNKNOWN
    assert await office.rows("select state from notification") == [{"state": "sent"}]


async def test_many_callbacks_at_once_leave_one_event(pool: Pool, office: Department, clock: ManualClock) -> None:
    await told(office, await alert(office), "SM1")
    words = ["sending", "sent", "undelivered"] * 5
    await asyncio.gather(*(provider_said.status(pool, clock, said(word)) for word in words))
    assert await office.rows("select provider_status from notification") == [{"provider_status": "undelivered"}]
    assert len(await office.rows("select from alert_event")) == 1


async def test_answer_takes_the_newest_alert_he_was_told_of(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking
) -> None:
    older, newest, not_his, taken = [await alert(office) for _ in range(3)] + [
        await alert(office, state="acknowledged", next_step_after_s=None)
    ]
    for alert_id in (older, newest, taken):
        await told(office, alert_id, None)
    await told(office, not_his, None, SECOND)
    assert await provider_said.reply(pool, clock, taking, answered(" Oui ")) is Verdict.ACKNOWLEDGED
    assert taking.taken == [(newest, await contact(office, FIRST))]


async def test_answer_is_to_the_last_alarm_he_was_sent(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking
) -> None:
    older, newest = await alert(office), await alert(office)
    await told(office, older, "SM1")
    clock.advance(1)
    await told(office, newest, "SM2")
    clock.advance(60)
    await told(office, older, "SM3", step=1)
    clock.advance(1)
    await told(office, newest, "SM4", step=None, occasion="lapsed")  # what became of an alert is no alarm
    assert await provider_said.reply(pool, clock, taking, answered()) is Verdict.ACKNOWLEDGED
    assert [alert_id for alert_id, _ in taking.taken] == [older]


async def test_answer_to_a_lone_text_counts_although_the_first_told_of_others(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking
) -> None:
    one, other = await alert(office), await alert(office)
    for alert_id in (one, other):
        await told(office, alert_id, "SM1")
    assert await provider_said.reply(pool, clock, taking, answered()) is Verdict.NOT_TOLD
    clock.advance(60)
    await told(office, one, "SM2", step=1)
    assert await provider_said.reply(pool, clock, taking, answered(provider_id="SM10")) is Verdict.ACKNOWLEDGED
    assert [alert_id for alert_id, _ in taking.taken] == [one]


async def test_answer_heard_again_takes_no_second_alert(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking
) -> None:
    for _ in range(3):
        await told(office, await alert(office), None)
    verdicts = await asyncio.gather(*(provider_said.reply(pool, clock, taking, answered()) for _ in range(6)))
    verdicts += [await provider_said.reply(pool, clock, taking, answered("1 A1"))]  # replayed, and changed
    assert len(taking.taken) == 1
    assert set(verdicts) <= {Verdict.ACKNOWLEDGED, Verdict.TOO_LATE}
    assert await office.rows("select times from provider_callback") == [{"times": 7}]

    assert await provider_said.reply(pool, clock, taking, answered(provider_id="SM10")) is Verdict.ACKNOWLEDGED
    assert len(taking.taken) == 2  # another answer is for the next one


async def test_answer_takes_the_alert_it_names(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking
) -> None:
    named, newest = await alert(office), await alert(office)
    for alert_id in (named, newest):
        await told(office, alert_id, None)
    assert await provider_said.reply(pool, clock, taking, answered(f"1 A{named}")) is Verdict.ACKNOWLEDGED
    assert [alert_id for alert_id, _ in taking.taken] == [named]
    assert await provider_said.reply(pool, clock, taking, answered(f"a{named}", "SM10")) is Verdict.TOO_LATE
    assert len(taking.taken) == 1


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (answered(by=STRANGER), Verdict.NOT_A_CONTACT),
        (answered(by=""), Verdict.NOT_A_CONTACT),
        (answered(by="+33600000001 "), Verdict.NOT_A_CONTACT),
        (answered(by=SECOND), Verdict.NOT_TOLD),
        (answered("1 A{alert}", by=SECOND), Verdict.NOT_TOLD),
        (answered("A999999"), Verdict.NOT_TOLD),
        (answered("non"), Verdict.NOT_UNDERSTOOD),
        (answered("\x00"), Verdict.NOT_UNDERSTOOD),
    ],
)
async def test_answer_that_takes_nothing_changes_nothing(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking, answer: ReplySaid, verdict: Verdict
) -> None:
    alert_id = await alert(office)
    await told(office, alert_id, None)
    said_by_him = ReplySaid(
        channel="sms", provider_id="SM9", from_e164=answer.from_e164, text=answer.text.format(alert=alert_id)
    )
    for _ in range(2):
        assert await provider_said.reply(pool, clock, taking, said_by_him) is verdict
    assert taking.taken == []
    [kept] = await office.rows("select * from provider_callback")
    assert (kept["verdict"], kept["alert_id"], kept["contact_id"]) == (verdict, None, None)
    assert "336" not in repr(kept)


@pytest.mark.parametrize("state", ["pending", "sending", "ambiguous", "failed", "cancelled"])
async def test_yes_takes_only_what_was_sent_and_a_name_proves_that_it_was(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking, state: str
) -> None:
    alert_id = await alert(office)
    notification_id = await told(office, alert_id, None)
    await office.rows(
        "update notification set state = %(state)s, lease_token = case when %(state)s = 'sending' then"
        " gen_random_uuid() end, leased_until = case when %(state)s = 'sending' then due_at end"
        " where id = %(id)s returning id",
        state=state,
        id=notification_id,
    )
    assert await provider_said.reply(pool, clock, taking, answered()) is Verdict.NOT_TOLD
    assert await provider_said.reply(pool, clock, taking, answered(f"A{alert_id}", "SM10")) is Verdict.ACKNOWLEDGED


async def test_who_has_a_contact_s_place_now_answers_for_nobody_before_him(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking
) -> None:
    await told(office, await alert(office), None)
    await office.with_contacts(STRANGER)
    assert await provider_said.reply(pool, clock, taking, answered(by=STRANGER)) is Verdict.NOT_TOLD
    assert await provider_said.reply(pool, clock, taking, answered(provider_id="SM10")) is Verdict.NOT_A_CONTACT
    assert taking.taken == []


async def test_answer_cut_short_takes_its_alert_and_no_other(
    pool: Pool, office: Department, clock: ManualClock, taking: Taking
) -> None:
    alert_id = await alert(office)
    await told(office, alert_id, None)
    taking.fails = psycopg.OperationalError("gone")
    with pytest.raises(psycopg.OperationalError):
        await provider_said.reply(pool, clock, taking, answered())
    await told(office, await alert(office), None)  # he is told of another one meanwhile
    taking.fails = None
    await provider_said.catch_up(pool, clock, taking)
    assert taking.taken == []  # whoever works on it may still be there
    clock.advance(11)
    await provider_said.catch_up(pool, clock, taking)
    assert [taken for taken, _ in taking.taken] == [alert_id]
    assert await provider_said.reply(pool, clock, taking, answered()) is Verdict.ACKNOWLEDGED
    assert len(taking.taken) == 1
