"""A storm: so many alerts that a telephone would ring without end. They go together, and none is lost for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

import alerts.store
from alerts.bundle import TOGETHER
from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.channels.sms import SmsChannel
from alerts.dispatcher import _FEW, _PAUSE_S, LEASE_S, Dispatcher
from alerts.model import AlertKind, NewAlert
from gyrophare.flows import escalation_tick, provider_said
from gyrophare.flows.alert_desk import AlertDesk
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Connection, Pool, connect
from gyrophare.sim.sms_provider import Act, Fault, SmsProvider
from tests.department import ORGANISATION, SMS_KEY, SMS_SECRET, SMS_SID, Department, references
from tests.test_provider_said import answered, said

PHONE = "+33600000001"


class Postbox:
    """A provider that answers `outcome`, and gives each message a number."""

    name = "sms"

    def __init__(self) -> None:
        self.taken: list[OutgoingText] = []
        self.outcome = Outcome.SENT

    async def send(self, message: OutgoingText) -> SendResult:
        self.taken.append(message)
        number = f"SM{len(self.taken)}"
        return SendResult(outcome=self.outcome, provider_id=number, http_status=201, error_code=None, detail="")

    async def find_sent(self, message: OutgoingText, *, since: object) -> SendResult | None:
        return None

    @property
    def told(self) -> list[int]:
        """How many alerts each message told of."""
        return [message.text.count("#A") for message in self.taken]


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    async with await connect(database_url) as connection:
        office = Department(connection, None, clock)
        await office.with_contacts(PHONE)
        yield office


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def dispatcher(pool: Pool, clock: ManualClock, postbox: Postbox) -> Dispatcher:
    return Dispatcher(pool, clock, [postbox])


@pytest.fixture
async def channel(provider: SmsProvider) -> AsyncIterator[SmsChannel]:
    channel = SmsChannel(
        base_url=provider.base_url,
        account_sid=SMS_SID,
        api_key=SMS_KEY,
        api_secret=SMS_SECRET,
        from_number="+33380000000",
    )
    yield channel
    await channel.aclose()


async def storm(office: Department, pool: Pool, count: int, kind: AlertKind = AlertKind.SOS) -> list[AlertId]:
    """So many alerts at this instant, whose first steps are due."""
    now = office.clock.now()
    [row] = await office.rows("select count(*) as n from alert")
    new = [
        NewAlert(
            organisation_id=ORGANISATION,
            kind=kind,
            device_id=None,
            shift_id=None,
            subject=f"Agent {number}",
            mission=None,
            reply_topic=None,
            episode=str(number),
            episode_at=now,
            triggered_at=now,
        )
        for number in range(row["n"], row["n"] + count)
    ]
    raised = await alerts.store.raise_alerts(office.connection, new, now)
    await escalation_tick.tick(pool, office.clock, "test")
    return raised


async def states(connection: Connection) -> set[tuple[str, str | None]]:
    rows = await (
        await connection.execute("select state, provider_id from notification where channel = 'sms'")
    ).fetchall()
    return {(row["state"], row["provider_id"]) for row in rows}


async def test_few_alerts_go_each_by_itself_and_at_once(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox
) -> None:
    await storm(office, pool, _FEW)
    assert await dispatcher.dispatch_due() == _FEW
    assert postbox.told == [1] * _FEW


async def test_alerts_that_come_close_behind_many_go_together_and_a_lone_one_is_not_held_up(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox, clock: ManualClock
) -> None:
    await storm(office, pool, _FEW)
    await dispatcher.dispatch_due()
    await storm(office, pool, 3)
    assert await dispatcher.dispatch_due() == 0
    clock.advance(_PAUSE_S)
    assert await dispatcher.dispatch_due() == 1
    assert postbox.told[_FEW:] == [3]
    clock.advance(_PAUSE_S)
    await storm(office, pool, 1)
    assert await dispatcher.dispatch_due() == 1
    assert postbox.taken[-1].parts == 1


async def test_many_at_once_are_all_named_in_as_few_texts_as_hold_them_the_most_urgent_first(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox
) -> None:
    still = await storm(office, pool, TOGETHER, AlertKind.STILLNESS)
    pressed = await storm(office, pool, TOGETHER + 5)
    await dispatcher.dispatch_due()
    assert postbox.told == [TOGETHER, TOGETHER, 5]
    named = [f"A{number}" for number in (*pressed, *still)]
    lines = [line for message in postbox.taken for line in message.text.split("\n")[1:]]
    assert [line.rsplit("#", 1)[1].removesuffix("-2") for line in lines] == named
    assert await office.rows("select max(attempts) as n from notification where channel = 'sms'") == [{"n": 1}]


async def test_storm_at_one_number_holds_up_no_other(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox
) -> None:
    await storm(office, pool, 2 * TOGETHER)
    await dispatcher.dispatch_due()
    await office.with_contacts("+33600000009")
    await storm(office, pool, 1)
    assert await dispatcher.dispatch_due() == 1
    assert postbox.taken[-1].to == "+33600000009"


@pytest.mark.parametrize(
    ("outcome", "state"), [(Outcome.PERMANENT, "failed"), (Outcome.TEMPORARY, "pending"), (Outcome.SENT, "sent")]
)
async def test_what_becomes_of_a_text_becomes_of_all_it_tells(
    office: Department, pool: Pool, dispatcher: Dispatcher, postbox: Postbox, clock: ManualClock,
    outcome: Outcome, state: str,
) -> None:  # fmt: skip
    await storm(office, pool, 8)
    postbox.outcome = outcome
    assert await dispatcher.dispatch_due() == 1
    assert await states(office.connection) == {(state, "SM1")}
    due = await office.rows("select next_step_at = %(now)s as now from alert", now=clock.now())
    assert {row["now"] for row in due} == {outcome is Outcome.PERMANENT}
    attempts = await office.rows("select outcome from attempt")
    assert [row["outcome"] for row in attempts] == [str(outcome)] * 8


async def test_text_that_never_arrives_fails_for_all_it_tells(
    office: Department, pool: Pool, dispatcher: Dispatcher, clock: ManualClock
) -> None:
    raised = await storm(office, pool, 8)
    await dispatcher.dispatch_due()
    assert await provider_said.status(pool, clock, said("undelivered")) == "applied"
    assert await provider_said.status(pool, clock, said("undelivered")) == "applied"
    assert await states(office.connection) == {("failed", "SM1")}
    events = await office.rows("select alert_id from alert_event where kind = 'delivery_failed' order by alert_id")
    assert [row["alert_id"] for row in events] == raised
    assert await office.rows("select distinct next_step_at from alert") == [{"next_step_at": clock.now()}]


async def test_one_alone_takes_none_of_several_and_a_number_takes_its_own(
    office: Department, pool: Pool, dispatcher: Dispatcher, clock: ManualClock
) -> None:
    raised = await storm(office, pool, 8)
    await dispatcher.dispatch_due()
    take = AlertDesk(pool, clock).acknowledge_as_contact
    assert await provider_said.reply(pool, clock, take, answered("1")) == "not_told"
    assert await office.rows("select from alert where state <> 'triggered'") == []
    assert await provider_said.reply(pool, clock, take, answered(f"1 A{raised[3]}", "SM10")) == "acknowledged"
    assert await office.rows("select id from alert where state <> 'triggered'") == [{"id": raised[3]}]


async def test_one_takes_the_lone_alert_that_came_after_several(
    office: Department, pool: Pool, dispatcher: Dispatcher, clock: ManualClock
) -> None:
    await storm(office, pool, 8)
    await dispatcher.dispatch_due()
    clock.advance(_PAUSE_S)
    [alone] = await storm(office, pool, 1)
    await dispatcher.dispatch_due()
    take = AlertDesk(pool, clock).acknowledge_as_contact
    assert await provider_said.reply(pool, clock, take, answered("1")) == "acknowledged"
    assert await office.rows("select id from alert where state <> 'triggered'") == [{"id": alone}]


def _hang(provider: SmsProvider) -> None:
    provider.faults.append(Fault(act=Act.RESET, stored=True))


def _lose(provider: SmsProvider) -> None:
    provider.faults.append(Fault(act=Act.RESET))


@pytest.mark.parametrize(("breaks", "texts"), [(_hang, 1), (_lose, 1)])
async def test_text_whose_answer_was_lost_is_found_by_each_reference_or_sent_again_with_it(
    office: Department, pool: Pool, channel: SmsChannel, provider: SmsProvider, clock: ManualClock,
    breaks: Callable[[SmsProvider], None], texts: int,
) -> None:  # fmt: skip
    raised = await storm(office, pool, 8)
    breaks(provider)
    dispatcher = Dispatcher(pool, clock, [channel])
    await dispatcher.dispatch_due()
    assert await states(office.connection) == {("ambiguous", None)}
    clock.advance(5)
    await dispatcher.dispatch_due()
    assert provider.received == texts
    assert await references(provider) == [f"#A{number}-2" for number in raised]
    assert {state for state, _ in await states(office.connection)} == {"sent"}


async def test_text_whose_sender_died_is_found_although_others_have_come_since(
    office: Department, pool: Pool, channel: SmsChannel, provider: SmsProvider, clock: ManualClock
) -> None:
    first = await storm(office, pool, 8)
    await Dispatcher(pool, clock, [channel]).dispatch_due()
    # As who died after the call and before its result left it.
    await office.connection.execute(
        "update notification set state = 'sending', lease_token = gen_random_uuid(), leased_until = %(until)s,"
        " provider_id = null, sent_at = null where channel = 'sms'",
        {"until": clock.now()},
    )
    clock.advance(LEASE_S)
    second = await storm(office, pool, 8)
    await Dispatcher(pool, clock, [channel]).dispatch_due()
    assert provider.received == 2
    assert sorted(await references(provider)) == sorted(f"#A{number}-2" for number in (*first, *second))
    assert len(await states(office.connection)) == 2
