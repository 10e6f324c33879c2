"""From the provider to the database: statuses, answers, and whoever pretends to be the provider."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
import pytest

from alerts.callbacks import store
from alerts.channels.twilio import HOW_OFTEN
from gyrophare.flows import retention
from gyrophare.flows.provider_asked import FIRST_AFTER_S
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.server import Server
from gyrophare.sim.sms_provider import Act, CallbackFault, Fault, SmsProvider
from tests.callbacks import CALLBACKS, OLD_TOKEN, PUBLIC_URL, TOKEN, Proxy
from tests.conftest import StartServer
from tests.department import Department

FIRST, SECOND = "+33600000001", "+33600000002"


@pytest.fixture
async def server(start_server: StartServer, proxy: Proxy) -> Server:
    server = await start_server(callbacks=CALLBACKS)
    proxy.port = server.callbacks.port
    return server


async def sms(department: Department, state: str, count: int = 1) -> list[dict[str, Any]]:
    """The messages, once `count` of them are in that state."""
    query = "select * from notification where channel = 'sms' and state = %(state)s order by id"
    return await department.until_rows(count, query, state=state)


async def sos(department: Department, *phones_e164: str) -> None:
    await department.with_contacts(*phones_e164)
    await department.on_shift("w-1")
    await department.press("w-1")


async def audited(server: Server, department: Department) -> dict[tuple[str, str], int]:
    await server.callbacks.audit.write()
    rows = await department.rows("select route, reason, sum(times)::int as times from callback_audit group by 1, 2")
    return {(row["route"], row["reason"]): row["times"] for row in rows}


async def test_message_is_followed_until_it_is_delivered(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await sos(department, FIRST)
    [sent] = await sms(department, "sent")
    seen = []
    for seconds in (0, 0.5, 0.5, 2):
        clock.advance(seconds)
        await provider.call_back()
        seen += await department.rows("select provider_status, delivered_at is not null as delivered from notification"
                                      " where id = %(id)s", id=sent["id"])  # fmt: skip
    assert [(row["provider_status"], row["delivered"]) for row in seen] == [
        (None, False), ("sending", False), ("sent", False), ("delivered", True)
    ]  # fmt: skip
    assert {called.url for called in provider.callbacks.made} == {f"{PUBLIC_URL}/sms/status{HOW_OFTEN}"}
    assert {called.http_statuses for called in provider.callbacks.made} == {(204,)}
    assert await audited(server, department) == {}


@pytest.mark.parametrize("end", ["undelivered", "failed"])
async def test_next_contact_is_told_at_once_when_the_message_never_arrives(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, end: str
) -> None:
    provider.faults.append(Fault(ends_as=end))
    await sos(department, FIRST, SECOND)
    await sms(department, "sent")
    clock.advance(4)
    await provider.call_back()
    await server.tick()  # not the step's own 60 s later
    [failed] = await sms(department, "failed")
    [sent] = await sms(department, "sent")
    assert (failed["address"], failed["provider_status"]) == (FIRST, end)
    assert sent["address"] == SECOND
    [event] = await department.rows("select detail from alert_event where kind = 'delivery_failed'")
    assert event["detail"] == {"step": failed["step"], "status": end, "error_code": "30008"}


@pytest.mark.parametrize(("fault", "reason"), [(CallbackFault.FORGED, "forged"), (CallbackFault.UNSIGNED, "unsigned")])
async def test_forged_callback_changes_nothing(
    server: Server,
    department: Department,
    provider: SmsProvider,
    clock: ManualClock,
    fault: CallbackFault,
    reason: str,
) -> None:
    provider.faults.append(Fault(ends_as="undelivered"))
    await sos(department, FIRST, SECOND)
    await sms(department, "sent")
    clock.advance(4)
    provider.callbacks.faults.extend([fault] * 4)
    await provider.call_back()
    assert await provider.answer(FIRST, "1") == 403
    [untouched] = await department.rows("select * from notification where channel = 'sms'")
    assert (untouched["state"], untouched["provider_status"]) == ("sent", None)
    assert await department.rows("select state from alert") == [{"state": "triggered"}]
    assert await department.rows("select from provider_callback") == []
    # Three statuses and an answer, each said six times: whoever is refused with rp=all says it again.
    assert await audited(server, department) == {("status", reason): 18, ("reply", reason): 6}


async def test_replayed_doubled_and_reordered_callbacks_change_nothing(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await sos(department, FIRST)
    [sent] = await sms(department, "sent")
    provider.callbacks.faults.extend([CallbackFault.HELD, CallbackFault.HELD, CallbackFault.DOUBLED])
    clock.advance(3)
    await provider.call_back()
    query = "select provider_status, provider_status_at, delivered_at, state from notification where id = %(id)s"
    before = await department.rows(query, id=sent["id"])
    assert [called.form["MessageStatus"] for called in provider.callbacks.made] == [
        "delivered", "delivered", "sending", "sent"
    ]  # fmt: skip
    assert before[0]["provider_status"] == "delivered"

    clock.advance(3 * 86_400)
    await provider.callbacks.replay()
    assert await department.rows(query, id=sent["id"]) == before
    assert await department.rows("select status, times from provider_callback order by status") == [
        {"status": "delivered", "times": 4}, {"status": "sending", "times": 2}, {"status": "sent", "times": 2}
    ]  # fmt: skip


async def test_token_can_be_changed_without_a_gap(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    provider.callbacks._auth_token = OLD_TOKEN
    await sos(department, FIRST)
    await sms(department, "sent")
    clock.advance(3)
    await provider.call_back()
    assert {called.http_statuses for called in provider.callbacks.made} == {(204,)}


async def test_provider_is_asked_when_its_callbacks_are_lost(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    provider.faults.append(Fault(ends_as="undelivered"))
    await sos(department, FIRST)
    await sms(department, "sent")
    provider.callbacks.faults.extend([CallbackFault.LOST] * 3)
    clock.advance(4)
    await provider.call_back()
    assert provider.callbacks.made == []
    await server.callbacks.ask()
    assert len(await sms(department, "sent")) == 1  # it may still be said
    clock.advance(FIRST_AFTER_S["sms"] - 4)
    await server.callbacks.ask()
    [failed] = await sms(department, "failed")
    assert failed["provider_status"] == "undelivered"


async def test_status_that_overtakes_the_answer_to_its_message_is_not_lost(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    """The answer is cut off, so the message has no id with us yet; its status is there already."""
    provider.faults.append(Fault(act=Act.RESET, ends_as="undelivered"))
    await sos(department, FIRST, SECOND)
    await sms(department, "ambiguous")
    clock.advance(2)
    await provider.call_back()
    assert await audited(server, department) == {("status", "unknown"): 12}
    clock.advance(3)
    await provider.call_back()
    server.dispatcher.wake()
    await sms(department, "failed")  # found in the provider's list


async def test_contact_takes_the_alert_by_answering(
    server: Server, department: Department, provider: SmsProvider
) -> None:
    await sos(department, FIRST, SECOND)
    [sent] = await sms(department, "sent")
    assert f"1=je prends #A{sent['alert_id']}-2" in sent["text"]
    assert await provider.answer(FIRST, " 1 ") == 200
    [alert] = await department.rows("select * from alert")
    assert (alert["state"], alert["next_step_at"]) == ("acknowledged", None)
    assert (alert["acknowledged_by"], alert["acknowledged_by_contact"]) == (None, sent["contact_id"])
    [fact] = await department.rows("select * from provider_callback")
    assert (fact["verdict"], fact["alert_id"], fact["contact_id"]) == ("acknowledged", alert["id"], sent["contact_id"])


async def test_answer_that_could_not_be_stored_is_said_again(
    server: Server, department: Department, provider: SmsProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sos(department, FIRST)
    await sms(department, "sent")
    note = store.note

    async def away(*_arguments: object) -> store.Noted:
        monkeypatch.setattr(store, "note", note)
        raise psycopg.OperationalError

    monkeypatch.setattr(store, "note", away)
    assert await provider.answer(FIRST, "1") == 200
    assert provider.callbacks.made[-1].http_statuses == (503, 200)
    assert await department.rows("select state from alert") == [{"state": "acknowledged"}]


async def test_answer_said_twice_takes_one_alert(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await sos(department, FIRST)
    await department.on_shift("w-2", agent="Hélène Bœuf")
    await department.press("w-2")
    await sms(department, "sent", 2)
    provider.callbacks.faults.append(CallbackFault.DOUBLED)
    assert await provider.answer(FIRST, "1") == 200
    await provider.callbacks.replay()
    states = await department.rows("select state from alert order by id")
    assert [row["state"] for row in states] == ["triggered", "acknowledged"]


async def test_only_who_was_told_can_answer(server: Server, department: Department, provider: SmsProvider) -> None:
    await sos(department, FIRST, SECOND)
    await sms(department, "sent")
    for phone in (SECOND, "+33699999999"):
        assert await provider.answer(phone, "1") == 200
    assert await department.rows("select state from alert") == [{"state": "triggered"}]
    assert await audited(server, department) == {("reply", "not_told"): 1, ("reply", "not_a_contact"): 1}


async def test_what_was_refused_is_forgotten_after_two_months(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    for days in (0, 1):
        clock.advance(days * 86_400)
        await server.callbacks.audit.note("status", "forged")
    clock.advance(59.5 * 86_400)
    await retention.forget(server.pool, clock)
    assert len(await department.rows("select from callback_audit")) == 1


async def test_server_whose_callback_port_is_taken_says_so_and_ends(
    server: Server, start_server: StartServer, proxy: Proxy
) -> None:
    taken = CALLBACKS.model_copy(update={"port": proxy.port})
    with pytest.raises(NotReadyError, match=f"127.0.0.1:{proxy.port}"):
        await start_server(callbacks=taken)


async def test_nothing_personal_is_logged_or_stored(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpcore").setLevel(logging.WARNING)  # the stand-in's own
    await sos(department, FIRST)
    await sms(department, "sent")
    clock.advance(3)
    await provider.call_back()
    await provider.answer(FIRST, "Je viens, Martin")
    await provider.answer("+33699999999", "1")
    kept = await department.rows("select * from provider_callback") + await department.rows(
        "select * from callback_audit"
    )
    assert len(kept) >= 5
    for secret in (FIRST[3:], "699999999", "Je viens", TOKEN):
        assert secret not in repr(kept)
        assert secret not in caplog.text
