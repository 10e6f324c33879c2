"""From an SOS to a voice on somebody's telephone, and back by the key that he presses."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from alerts import policy_store
from alerts.model import Step
from alerts.policy import Policy
from gyrophare.flows.provider_asked import FIRST_AFTER_S
from gyrophare.kernel.clock import ManualClock
from gyrophare.server import Server
from gyrophare.sim.sms_provider import Act, CallbackFault, Fault, SmsProvider
from gyrophare.sim.sms_provider.callbacks import signature
from gyrophare.sim.sms_provider.calls import words
from tests.callbacks import CALLBACKS, PUBLIC_URL, TOKEN, Proxy
from tests.conftest import StartServer
from tests.department import ORGANISATION, Department

FIRST, SECOND = "+33600000001", "+33600000002"
CALL_FIRST = Policy(
    name="urgence",
    kinds=None,
    steps=(
        Step(after_s=0, channel="voice", to="rank 1"),
        Step(after_s=90, channel="sms", to="rank 2"),
    ),
)


@pytest.fixture
async def server(start_server: StartServer, proxy: Proxy) -> Server:
    server = await start_server(callbacks=CALLBACKS, voice=True)
    proxy.port = server.callbacks.port
    return server


async def sos(department: Department) -> None:
    await department.with_contacts(FIRST, SECOND)
    await policy_store.replace_policies(department.connection, ORGANISATION, [CALL_FIRST])
    await department.on_shift("w-1")
    await department.press("w-1")


async def notified(department: Department, channel: str, state: str) -> dict[str, Any]:
    query = "select * from notification where channel = %(channel)s and state = %(state)s"
    [found] = await department.until_rows(1, query, channel=channel, state=state)
    return found


async def picked_up(department: Department, provider: SmsProvider, clock: ManualClock) -> str:
    """The provider's id of the call, once its voice speaks."""
    await sos(department)
    await notified(department, "voice", "sent")
    clock.advance(4)
    await provider.call_back()
    [call] = provider.exchange.calls
    assert call.status(clock.monotonic_s()) == "in-progress"
    return call.sid


async def audited(server: Server, department: Department) -> dict[tuple[str, str], int]:
    await server.callbacks.audit.write()
    rows = await department.rows("select route, reason, sum(times)::int as times from callback_audit group by 1, 2")
    return {(row["route"], row["reason"]): row["times"] for row in rows}


async def test_key_1_takes_the_alert_for_whoever_was_called(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    sid = await picked_up(department, provider, clock)
    assert await provider.exchange.press(sid, "1") == 200
    [alert] = await department.rows("select * from alert")
    call = await notified(department, "voice", "sent")
    assert (alert["state"], alert["acknowledged_by_contact"]) == ("acknowledged", call["contact_id"])
    assert alert["next_step_at"] is None
    [said] = provider.exchange.calls
    assert said.answers == (f"Vous avez pris en charge l'alerte A {alert['id']}.",)
    [fact] = await department.rows("select * from provider_callback where status like '(%%'")
    assert (fact["status"], fact["verdict"], fact["provider_id"]) == ("(key 1)", "acknowledged", sid)
    assert await audited(server, department) == {}


async def test_voice_says_who_is_in_danger_twice_and_how_to_take_it(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await picked_up(department, provider, clock)
    [call] = provider.exchange.calls
    said = words(call.twiml)
    assert len(said) == 2
    assert said[0] == said[1]
    assert "SOS. Martin Lefèvre. Mission : Fauchage RD 70. Depuis " in said[0]
    assert said[0].endswith("Appuyez sur 1 pour prendre en charge.")
    assert "47." not in said[0]  # where he is nobody could write down


async def test_key_that_is_said_again_takes_nothing_more(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    sid = await picked_up(department, provider, clock)
    provider.callbacks.faults.append(CallbackFault.DOUBLED)
    assert await provider.exchange.press(sid, "1") == 200
    await provider.callbacks.replay()
    assert await department.rows("select kind from alert_event where kind = 'acknowledged'") == [
        {"kind": "acknowledged"}
    ]
    assert {called.answer.count("Vous avez pris") for called in provider.callbacks.made if "Digits" in called.form} == {
        1
    }


async def test_key_after_somebody_else_has_it_says_so(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    sid = await picked_up(department, provider, clock)
    [alert] = await department.rows("select id from alert")
    contacts = await department.rows("select id from contact order by rank")
    assert await server.desk.acknowledge_as_contact(alert["id"], contacts[1]["id"])
    assert await provider.exchange.press(sid, "1") == 200
    assert provider.exchange.calls[0].answers == ("Cette alerte est déjà prise en charge.",)
    [taken] = await department.rows("select acknowledged_by_contact from alert")
    assert taken["acknowledged_by_contact"] == contacts[1]["id"]


async def test_another_key_takes_nothing_and_is_counted(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    sid = await picked_up(department, provider, clock)
    assert await provider.exchange.press(sid, "5") == 200
    assert provider.exchange.calls[0].answers == ("Touche non reconnue. L'alerte continue.",)
    assert await department.rows("select state from alert") == [{"state": "triggered"}]
    assert await audited(server, department) == {("key", "not_understood"): 1}


@pytest.mark.parametrize("fault", [CallbackFault.FORGED, CallbackFault.UNSIGNED])
async def test_forged_key_changes_nothing(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, fault: CallbackFault
) -> None:
    sid = await picked_up(department, provider, clock)
    provider.callbacks.faults.append(fault)
    assert await provider.exchange.press(sid, "1") == 403
    assert await department.rows("select state from alert") == [{"state": "triggered"}]
    assert await department.rows("select from provider_callback where status like '(%%'") == []


async def test_key_of_one_call_is_no_key_of_another(
    server: Server, department: Department, provider: SmsProvider, proxy: Proxy, clock: ManualClock
) -> None:
    """Which call it is stands in the URL, and the URL is signed: nobody moves a key to another alert."""
    sid = await picked_up(department, provider, clock)
    form = {"CallSid": sid, "Digits": "1"}
    [own] = await department.rows("select id from notification")
    signed = signature(TOKEN, f"{PUBLIC_URL}/voice/key?n={own['id'] + 1}", form)
    async with httpx.AsyncClient(transport=proxy) as http:
        answer = await http.post(
            f"{PUBLIC_URL}/voice/key?n={own['id']}", data=form, headers={"X-Twilio-Signature": signed}
        )
    assert answer.status_code == 403
    assert await department.rows("select state from alert") == [{"state": "triggered"}]


async def test_contact_whose_place_was_given_away_takes_nothing(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    sid = await picked_up(department, provider, clock)
    await department.with_contacts("+33600000009", SECOND)
    assert await provider.exchange.press(sid, "1") == 200
    assert provider.exchange.calls[0].answers[0].startswith("Votre réponse n'a pas pu être prise en compte.")
    assert await department.rows("select state from alert") == [{"state": "triggered"}]
    assert await audited(server, department) == {("key", "not_told"): 1}


@pytest.mark.parametrize("end", ["busy", "no-answer", "failed"])
async def test_next_step_comes_at_once_when_nobody_picks_up(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, end: str
) -> None:
    provider.faults.append(Fault(ends_as=end))
    await sos(department)
    await notified(department, "voice", "sent")
    clock.advance(25)
    await provider.call_back()
    await server.tick()  # not the step's own 90 s later
    failed = await notified(department, "voice", "failed")
    texted = await notified(department, "sms", "sent")
    assert (failed["provider_status"], texted["address"]) == (end, SECOND)


async def test_mailbox_that_picks_up_stops_nothing_and_hurries_nothing(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await picked_up(department, provider, clock)
    clock.advance(45)
    await provider.call_back()
    call = await notified(department, "voice", "sent")
    assert (call["provider_status"], call["delivered_at"]) == ("completed", None)
    await server.tick()
    assert await department.rows("select from notification where channel = 'sms'") == []
    clock.advance(FIRST_AFTER_S["voice"])
    await server.callbacks.ask()  # the provider has told the end: it is not asked
    asked = await department.rows("select provider_asks from notification where channel = 'voice'")
    assert asked == [{"provider_asks": 0}]
    await server.tick()
    assert (await notified(department, "sms", "sent"))["address"] == SECOND


async def test_nobody_is_called_to_hear_that_the_alert_was_taken(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await picked_up(department, provider, clock)
    [alert] = await department.rows("select id from alert")
    contacts = await department.rows("select id from contact order by rank")
    assert await server.desk.acknowledge_as_contact(alert["id"], contacts[1]["id"])
    rows = await department.rows("select occasion from notification where channel = 'voice'")
    assert rows == [{"occasion": "raised"}]


async def test_call_whose_answer_was_lost_is_known_by_what_is_called_back(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    provider.faults.append(Fault(act=Act.RESET, stored=True))
    await sos(department)
    await notified(department, "voice", "ambiguous")
    clock.advance(1)
    await provider.call_back()
    call = await notified(department, "voice", "sent")
    assert (call["provider_id"], call["provider_status"]) == (provider.exchange.calls[0].sid, "initiated")
    clock.advance(30)
    server.dispatcher.wake()
    await server.dispatcher.dispatch_due()
    assert len(provider.exchange.calls) == 1  # it does not ring again


async def test_call_that_is_called_back_before_its_answer_comes_does_not_ring_again(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    """The request hangs; meanwhile the provider says that nobody picks up."""
    provider.faults.append(Fault(act=Act.HANG, stored=True, ends_as="busy"))
    await sos(department)
    await notified(department, "voice", "sending")
    await department.until_rows(1, "select from notification where attempts = 1 and channel = 'voice'")
    while not provider.exchange.calls:
        await department.rows("select")
    clock.advance(25)
    await provider.call_back()
    [call] = await department.rows("select state, provider_id, provider_status from notification")
    assert call == {"state": "sending", "provider_id": provider.exchange.calls[0].sid, "provider_status": None}
    provider._released.set()
    await notified(department, "voice", "sent")
    await server.callbacks.follow_up()  # what was said is applied as soon as it can be
    await notified(department, "voice", "failed")
    assert len(provider.exchange.calls) == 1


async def test_call_whose_answer_was_lost_rings_again_when_nothing_is_called_back(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    provider.faults.append(Fault(act=Act.RESET, stored=True))
    await sos(department)
    await notified(department, "voice", "ambiguous")
    clock.advance(6)
    server.dispatcher.wake()
    call = await notified(department, "voice", "sent")
    again, first = provider.exchange.calls
    assert again.sid == call["provider_id"]
    clock.advance(4)
    assert await provider.exchange.press(first.sid, "1") == 200  # it counts all the same
    assert await department.rows("select state from alert") == [{"state": "acknowledged"}]


async def test_provider_is_asked_what_became_of_a_call_when_it_says_nothing(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    provider.faults.append(Fault(ends_as="no-answer"))
    await sos(department)
    await notified(department, "voice", "sent")
    clock.advance(FIRST_AFTER_S["voice"])
    await server.callbacks.ask()
    assert (await notified(department, "voice", "failed"))["provider_status"] == "no-answer"


async def test_without_callbacks_a_call_speaks_and_asks_for_no_key(
    start_server: StartServer, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await start_server(voice=True)
    await sos(department)
    await notified(department, "voice", "sent")
    [call] = provider.exchange.calls
    assert (call.key_url, call.status_callback) == (None, None)
    assert "Appuyez" not in call.twiml
    assert "Martin Lefèvre" in call.body


async def test_nothing_personal_of_a_call_is_logged(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpcore").setLevel(logging.WARNING)  # the stand-in's own
    sid = await picked_up(department, provider, clock)
    await provider.exchange.press(sid, "1")
    kept = await department.rows("select * from provider_callback")
    for secret in (FIRST[3:], "Martin", "Lefèvre", TOKEN):
        assert secret not in caplog.text
        assert secret not in repr(kept)


async def test_page_has_a_key_while_somebody_is_on_the_telephone(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    sid = await picked_up(department, provider, clock)
    async with httpx.AsyncClient(base_url=provider.base_url, trust_env=False) as http:
        assert "Touche 1" in (await http.get("/outbox")).text
        pressed = await http.post("/reply", data={"CallSid": sid, "Digits": "1"})
        page = (await http.get("/outbox")).text
        again = await http.post("/reply", data={"CallSid": sid, "Digits": "1"})
    assert (pressed.status_code, again.status_code) == (303, 502)
    assert "Touche 1" not in page  # it has hung up
    assert "Vous avez pris en charge" in page
    assert FIRST not in page
