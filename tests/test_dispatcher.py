"""The outbox against a faulty provider: at least once, duplicates only where nobody can know, and then recognisable."""

from __future__ import annotations

import asyncio

import pytest

from alerts.dispatcher import LEASE_S
from alerts.model import Cause
from alerts.policy import TARGETED
from alerts.store import QUERIES
from gyrophare.flows.alert_desk import AlertDesk, Answer
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.server import Server
from gyrophare.sim.sms_provider import Act, Fault, SmsProvider
from tests.conftest import StartServer
from tests.department import Department, references, until


async def state_is(department: Department, state: str) -> dict[str, object]:
    """The first SMS, once it is in that state."""
    query = "select * from notification where channel = 'sms' and state = %(state)s order by id"
    return (await department.until_rows(1, query, state=state))[0]


async def press_sos(department: Department, provider: SmsProvider, fault: Fault, *phones_e164: str) -> None:
    """An SOS whose first SMS meets `fault`."""
    provider.faults.append(fault)
    await department.with_contacts(*phones_e164)
    await department.on_shift("w-1")
    await department.press("w-1")


async def test_sms_is_sent_once_when_the_answer_was_lost_but_the_provider_has_it(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await press_sos(department, provider, Fault(act=Act.RESET, stored=True), "+33600000001")
    await state_is(department, "ambiguous")
    clock.advance(5)
    server.dispatcher.wake()
    sent = await state_is(department, "sent")
    assert provider.received == 1
    assert str(sent["provider_id"]).startswith("SM")
    outcomes = await department.rows("select number, outcome from attempt order by number")
    assert outcomes == [{"number": 1, "outcome": "ambiguous"}, {"number": 2, "outcome": "sent"}]


async def test_sms_is_sent_again_when_the_answer_was_lost_and_the_provider_has_nothing(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await press_sos(department, provider, Fault(act=Act.RESET, stored=False), "+33600000001")
    await state_is(department, "ambiguous")
    clock.advance(5)
    server.dispatcher.wake()
    await state_is(department, "sent")
    assert provider.received == 1


async def test_sms_is_looked_for_again_when_the_list_lagged_and_the_provider_then_had_too_many_requests(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    provider.listed_after_s = 8
    await press_sos(department, provider, Fault(act=Act.RESET, stored=True), "+33600000001")
    await state_is(department, "ambiguous")
    provider.faults.append(Fault(http_status=429, code=20429))
    clock.advance(5)
    server.dispatcher.wake()
    await department.until_rows(1, "select from attempt where outcome = 'temporary'")
    clock.advance(5)
    server.dispatcher.wake()
    await state_is(department, "sent")
    assert provider.received == 1


async def test_sms_waits_and_is_sent_when_the_provider_has_too_many_requests(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await press_sos(department, provider, Fault(http_status=429, code=20429), "+33600000001")
    await department.until_rows(1, "select from attempt where outcome = 'temporary'")
    await state_is(department, "pending")
    assert provider.received == 0
    clock.advance(2.5)
    server.dispatcher.wake()
    await state_is(department, "sent")


async def test_next_contact_is_told_at_once_when_the_first_can_never_be_reached(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await press_sos(department, provider, Fault(http_status=400, code=21610), "+33600000001", "+33600000002")
    failed = await state_is(department, "failed")
    assert failed["address"] == "+33600000001"
    await server.tick()  # the same second: the step's own 60 s are not waited for
    sent = await state_is(department, "sent")
    assert sent["address"] == "+33600000002"


async def test_sms_is_found_at_the_provider_when_its_sender_died_after_the_call(
    start_server: StartServer, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await department.with_contacts("+33600000001")
    await department.on_shift("w-1")
    server = await start_server()
    # The provider takes it and its answer never comes: the claim stays as a dead process would leave it.
    provider.faults.append(Fault(act=Act.HANG, stored=True))
    await department.press("w-1")
    claimed = await state_is(department, "sending")

    async def taken() -> bool | None:
        return provider.received == 1 or None

    await until(taken)  # the claim is committed before the call
    await server.stop()

    clock.advance(LEASE_S)
    successor = await start_server()
    await state_is(department, "sent")
    assert provider.received == 1
    assert claimed["lease_token"] is not None
    assert successor.dispatcher is not server.dispatcher


async def test_late_result_changes_nothing_when_the_lease_was_lost(
    server: Server, department: Department, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from alert")
    [notification] = await department.rows("select id from notification where channel = 'console'")
    frozen, awake = [
        (
            await department.rows(
                "update notification set state = 'sending', lease_token = gen_random_uuid(), leased_until = %(until)s "
                "where id = %(id)s returning lease_token",
                id=notification["id"],
                until=clock.now(),
            )
        )[0]["lease_token"]
        for _ in range(2)
    ]
    for token, state, expected in ((frozen, "failed", "sending"), (awake, "sent", "sent")):
        await department.connection.execute(
            QUERIES["settle_notification"],
            {
                "ids": [notification["id"]],
                "lease_token": token,
                "state": state,
                "due_at": clock.now(),
                "outcome": state,
                "provider_id": None,
                "http_status": None,
                "error_code": None,
                "detail": "",
                "machines": list(TARGETED),
                "now": clock.now(),
            },
        )
        [row] = await department.rows("select state from notification where id = %(id)s", id=notification["id"])
        assert row["state"] == expected


async def test_each_sms_goes_out_once_when_several_servers_dispatch(
    start_server: StartServer, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    agents = 30
    await department.with_contacts("+33600000001")
    for number in range(agents):
        await department.on_shift(f"w-{number}")
    servers = [await start_server(), await start_server()]
    clock.advance(180)
    await servers[0].tick()
    await asyncio.gather(*(server.dispatcher.dispatch_due() for server in servers * 3))
    await department.until_rows(agents, "select from notification where channel = 'sms' and state = 'sent'")
    named = await references(provider)
    assert (len(named), len(set(named))) == (agents, agents)
    assert await department.rows("select max(attempts) as most from notification where channel = 'sms'") == [
        {"most": 1}
    ]


@pytest.mark.parametrize("taken_first", [True, False])
async def test_waiting_messages_are_cancelled_when_somebody_answers(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, taken_first: bool
) -> None:
    await press_sos(department, provider, Fault(http_status=429, code=20429), "+33600000001")
    await department.until_rows(1, "select from attempt where outcome = 'temporary'")
    [alert] = await department.rows("select id from alert")
    if taken_first:
        assert await AlertDesk(server.pool, clock).acknowledge(AlertId(alert["id"]), AccountId(1)) is Answer.YES
    clock.advance(60)
    server.dispatcher.wake()
    await state_is(department, "cancelled" if taken_first else "sent")
    assert provider.received == (0 if taken_first else 1)


async def test_alarm_in_doubt_is_not_sent_again_when_somebody_has_ended_the_alert(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await press_sos(department, provider, Fault(act=Act.RESET, stored=False), "+33600000001")
    await state_is(department, "ambiguous")
    [alert] = await department.rows("select id from alert")
    assert (
        await AlertDesk(server.pool, clock).close(AlertId(alert["id"]), AccountId(1), Cause.FALSE, "", reached=True)
        is Answer.YES
    )
    clock.advance(60)
    server.dispatcher.wake()
    await state_is(department, "cancelled")
    assert not [text for text in provider.messages if "SOS" in text.body]


@pytest.mark.parametrize(
    ("channel", "step", "result", "expected"),
    [
        ("sms", 1, "pending", "cancelled"),
        ("email", 1, "pending", "cancelled"),
        ("webhook", 1, "pending", "pending"),  # a machine is told in order, and calls nobody
        ("sms", None, "pending", "pending"),  # what became of the alert
        ("sms", 1, "ambiguous", "ambiguous"),  # whether it was sent must be found out
    ],
)
async def test_nobody_is_tried_again_when_somebody_takes_the_alert_meanwhile(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, channel: str, step: int | None,
    result: str, expected: str,
) -> None:  # fmt: skip
    """The accident: a mail that had met a busy server went out half a minute after somebody had taken the alert."""
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from alert")
    [held] = await department.rows(
        "insert into notification (alert_id, occasion, step, channel, address, text, due_at, state, attempts, "
        "lease_token, leased_until, changed_at) values (1, %(occasion)s, %(step)s, %(channel)s, 'any', 'SOS', %(now)s, "
        "'sending', 1, gen_random_uuid(), %(now)s::timestamptz + interval '1 h', %(now)s) returning id, lease_token",
        occasion="acknowledged" if step is None else "raised",
        step=step,
        channel=channel,
        now=clock.now(),
    )
    assert await server.desk.acknowledge(AlertId(1), AccountId(1)) is Answer.YES
    parameters: dict[str, object] = dict.fromkeys(("outcome", "provider_id", "http_status", "error_code", "detail"))
    parameters |= {"ids": [held["id"]], "lease_token": held["lease_token"], "machines": list(TARGETED)}
    parameters |= {"state": result, "due_at": clock.now(), "now": clock.now()}
    await department.connection.execute(QUERIES["settle_notification"], parameters)
    assert await department.rows("select state from notification where id = %(id)s", id=held["id"]) == [
        {"state": expected}
    ]
