"""From an alert to what the console shows: the same statements on plain PostgreSQL and on TimescaleDB."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

import alerts.store
import lone_worker.store
from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.dispatcher import Dispatcher
from dashboards import read_models
from gyrophare.flows import escalation_tick
from gyrophare.flows.alert_desk import AlertDesk, Answer
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Connection, Pool
from tests.department import ORGANISATION, Department, OneConnection


class Postbox:
    """A channel that takes everything, or answers `outcome`."""

    name = "sms"

    def __init__(self) -> None:
        self.taken: list[OutgoingText] = []
        self.outcome = Outcome.SENT
        self.error_code: str | None = None

    async def send(self, message: OutgoingText) -> SendResult:
        self.taken.append(message)
        return SendResult(
            outcome=self.outcome,
            provider_id=f"p{len(self.taken)}",
            http_status=201,
            error_code=self.error_code,
            detail="",
        )

    async def find_sent(self, message: OutgoingText, since: datetime) -> SendResult | None:
        return None


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


@pytest.fixture
def pool(schema_connection: Connection) -> Pool:
    return OneConnection.pool(schema_connection)


async def one_alert(office: Department, pool: Pool) -> AlertId:
    """An agent who has not moved for three minutes."""
    await office.with_contacts("+33600000001", "+33600000002")
    await office.on_shift("w-1", agent="Zoé")
    office.clock.advance(180)
    assert await escalation_tick.tick(pool, office.clock, "test") == escalation_tick.Ticked(raised=1, escalated=1)
    [alert] = await office.rows("select id from alert")
    return AlertId(alert["id"])


async def test_stillness_raises_one_alert_that_climbs_its_steps(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await one_alert(office, pool)
    assert await escalation_tick.tick(pool, clock, "test") == escalation_tick.Ticked(raised=0, escalated=0)
    for seconds, steps in ((60, 3), (60, 4), (3600, 4)):
        clock.advance(seconds)
        await escalation_tick.tick(pool, clock, "test")
        assert len(await office.rows("select from notification")) == steps
    assert await office.rows("select next_step_at from alert") == [{"next_step_at": None}]
    assert await read_models.tick_age_s(office.connection, clock.now()) == 0


async def test_message_is_claimed_sent_and_settled_once(office: Department, pool: Pool, clock: ManualClock) -> None:
    alert_id = await one_alert(office, pool)
    postbox = Postbox()
    dispatcher = Dispatcher(pool, clock, [postbox])
    assert (await dispatcher.dispatch_due(), await dispatcher.dispatch_due()) == (1, 0)
    assert [message.to for message in postbox.taken] == ["+33600000001"]
    assert await office.rows("select state, provider_id, attempts from notification where channel = 'sms'") == [
        {"state": "sent", "provider_id": "p1", "attempts": 1}
    ]
    assert await office.rows("select number, outcome, http_status from attempt") == [
        {"number": 1, "outcome": "sent", "http_status": 201}
    ]
    [shown] = await read_models.alerts(office.connection, ORGANISATION)
    assert (shown["id"], [item["state"] for item in shown["notifications"]]) == (alert_id, ["pending", "sent"])


async def test_message_that_can_never_arrive_brings_the_next_step_forward(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await one_alert(office, pool)
    postbox = Postbox()
    postbox.outcome = Outcome.PERMANENT
    await Dispatcher(pool, clock, [postbox]).dispatch_due()
    assert await office.rows("select next_step_at from alert") == [{"next_step_at": clock.now()}]


async def test_alert_is_taken_once_and_its_wearer_is_told(office: Department, pool: Pool, clock: ManualClock) -> None:
    alert_id = await one_alert(office, pool)
    viewer = await read_models.viewer(office.connection, "supervision")
    await AlertDesk(pool, clock).present(alert_id, viewer.account_id)
    for taken in (Answer.YES, Answer.ALREADY):
        assert await AlertDesk(pool, clock).acknowledge(alert_id, viewer.account_id) is taken
    assert await AlertDesk(pool, clock).acknowledge(AlertId(alert_id + 1), viewer.account_id) is Answer.UNKNOWN
    states = await office.rows("select channel, state from notification order by id")
    assert [(row["channel"], row["state"]) for row in states] == [
        ("console", "sent"),
        ("sms", "cancelled"),
        ("watch", "pending"),
    ]
    shown = await read_models.alert(office.connection, ORGANISATION, alert_id)
    assert shown is not None
    assert (shown["state"], shown["acknowledged_by"]) == ("acknowledged", "Poste de supervision")
    assert [row["kind"] for row in await office.rows("select kind from alert_event order by id")] == [
        "raised",
        "presented",
        "acknowledged",
    ]


async def test_watch_of_a_discreet_sos_is_not_told_that_somebody_comes(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    """It would light up and ring beside whoever must not know."""
    alert_id = await one_alert(office, pool)
    await office.connection.execute("update alert set kind = 'duress'")
    viewer = await read_models.viewer(office.connection, "supervision")
    assert await AlertDesk(pool, clock).acknowledge(alert_id, viewer.account_id) is Answer.YES
    assert await office.rows("select from notification where channel = 'watch'") == []


async def test_same_danger_is_raised_once(office: Department, pool: Pool, clock: ManualClock) -> None:
    await one_alert(office, pool)
    await office.rows("update watch_state set stillness_due_at = %(now)s returning device_id", now=clock.now())
    assert (await escalation_tick.tick(pool, clock, "test")).raised == 0
    assert len(await office.rows("select from alert")) == 1


async def test_contact_of_a_rank_is_replaced(office: Department) -> None:
    await office.with_contacts("+33600000001")
    await office.with_contacts("+33600000009")
    assert await office.rows("select phone_e164 from contact") == [{"phone_e164": "+33600000009"}]


async def test_console_sees_who_is_on_shift_in_what_state(office: Department, pool: Pool, clock: ManualClock) -> None:
    alert_id = await one_alert(office, pool)
    await office.on_shift("w-2", agent="Martin Lefèvre", mission="Fauchage RD 70")
    await lone_worker.store.insert_van(office.connection, ORGANISATION, "Fourgon 12", await office.register("van"))
    shown = await read_models.devices(office.connection, ORGANISATION, clock.now())
    assert [(device["label"], device["state"]) for device in shown] == [("Zoé", "alarm"), ("Martin Lefèvre", "unknown")]
    later = clock.now() + timedelta(seconds=1)
    assert await read_models.devices(office.connection, ORGANISATION, clock.now(), since=later) == []
    [changed] = await read_models.devices(office.connection, ORGANISATION, clock.now(), since=clock.now())
    assert changed["label"] == "Zoé"
    for since, ids in ((clock.now(), [alert_id]), (clock.now() + timedelta(seconds=1), [])):
        alerts_since = await read_models.alerts(office.connection, ORGANISATION, since=since)
        assert [alert["id"] for alert in alerts_since] == ids


async def test_every_look_is_written_down(office: Department, clock: ManualClock) -> None:
    viewer = await read_models.viewer(office.connection, "supervision")
    await read_models.log_access(office.connection, viewer, clock.now(), "trail", device_id=7)
    assert await office.rows("select account_id, at, what, detail from access_log") == [
        {"account_id": viewer.account_id, "at": clock.now(), "what": "trail", "detail": {"device_id": 7}}
    ]
    with pytest.raises(LookupError, match="nobody"):
        await read_models.viewer(office.connection, "nobody")


async def test_organisation_without_contacts_has_that_written_down(
    office: Department, pool: Pool, clock: ManualClock
) -> None:
    await office.on_shift("w-1")
    clock.advance(180)
    await escalation_tick.tick(pool, clock, "test")
    said = await office.rows("select detail from alert_event where kind = 'step_reaches_nobody' order by id")
    assert said[0] == {"detail": {"step": 2, "channel": "sms", "to": "rank 1"}}
    for _ in range(2):  # whoever could not be told is not waited for
        await escalation_tick.tick(pool, clock, "test")
    said = await office.rows(
        "select detail ->> 'to' as who from alert_event where kind = 'step_reaches_nobody' order by id"
    )
    assert [row["who"] for row in said] == ["rank 1", "rank 2", "rank 1"]


async def test_beat_of_an_engine_is_its_newest(office: Department, clock: ManualClock) -> None:
    assert await read_models.tick_age_s(office.connection, clock.now()) is None
    for _ in range(2):
        await alerts.store.beat(office.connection, "test", clock.now())
        clock.advance(7)
    assert await read_models.tick_age_s(office.connection, clock.now()) == 7


@pytest.mark.parametrize(("after_s", "beats"), [(0.25, False), (0.999, False), (1, True), (60, True), (-60, True)])
async def test_engine_beats_at_most_once_a_second(
    office: Department, clock: ManualClock, after_s: float, beats: bool
) -> None:
    before_at = clock.now()
    await alerts.store.beat(office.connection, "test", before_at)
    clock.advance(after_s)
    await alerts.store.beat(office.connection, "test", clock.now())
    [row] = await office.rows("select ticked_at from engine_tick")
    assert row["ticked_at"] == (clock.now() if beats else before_at)
