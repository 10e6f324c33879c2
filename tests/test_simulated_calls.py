"""The stand-in's calls, judged by the official client of the provider it stands in for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from gyrophare.kernel.clock import ManualClock
from gyrophare.sim.sms_provider import Fault, SmsProvider
from tests.test_sms_provider import ACCOUNT, FROM, KEY, SECRET, START_AT, TO, official_client

TOKEN = "12345"
HEARD = "https://alertes.example.fr/voice"
TWIML = f'<Response><Gather numDigits="1" action="{HEARD}/key?n=7"><Say>SOS</Say></Gather></Response>'
ANSWER = "<Response><Say>Merci.</Say><Say>Au revoir.</Say><Hangup/></Response>"


class Hearing:
    """Whoever is called back, with what it heard: the path, the state or the key, and whether it was signed."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bool]] = []

    def transport(self) -> httpx.MockTransport:
        def hear(request: httpx.Request) -> httpx.Response:
            form = dict(httpx.QueryParams(request.content.decode()))
            signature = request.headers.get("X-Twilio-Signature", "")
            signed = RequestValidator(TOKEN).validate(str(request.url), form, signature)
            self.heard.append((request.url.path, form.get("Digits") or form["CallStatus"], signed))
            return httpx.Response(200, text=ANSWER if "Digits" in form else "")

        return httpx.MockTransport(hear)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_AT)


@pytest.fixture
def hearing() -> Hearing:
    return Hearing()


@pytest.fixture
async def provider(clock: ManualClock, hearing: Hearing) -> AsyncIterator[SmsProvider]:
    http = httpx.AsyncClient(transport=hearing.transport())
    provider = SmsProvider(
        account_sid=ACCOUNT, api_key=KEY, api_secret=SECRET, clock=clock, auth_token=TOKEN, http=http
    )
    await provider.start()
    yield provider
    await provider.stop()


@pytest.fixture
def official(provider: SmsProvider) -> Iterator[Client]:
    client = official_client(provider)
    yield client
    client.http_client.session.close()


@pytest.mark.parametrize(
    ("end", "states"),
    [
        ("completed", ["queued", "queued", "ringing", "in-progress", "completed"]),
        ("busy", ["queued", "queued", "ringing", "busy", "busy"]),
        ("no-answer", ["queued", "queued", "ringing", "ringing", "no-answer"]),
        ("failed", ["queued", "queued", "failed", "failed", "failed"]),
    ],
)
async def test_life_of_a_call_ends_as_it_is_meant_to(
    provider: SmsProvider, official: Client, clock: ManualClock, end: str, states: list[str]
) -> None:
    provider.faults.append(Fault(ends_as=end))
    call = await asyncio.to_thread(official.calls.create, to=TO, from_=FROM, twiml=TWIML, timeout=20)
    assert call.sid.startswith("CA")
    seen = []
    for seconds in (0, 0.25, 0.25, 2.5, 60):
        clock.advance(seconds)
        seen.append((await asyncio.to_thread(call.fetch)).status)
    assert seen == states


@pytest.mark.parametrize(
    ("events", "heard"),
    [
        (None, ["completed"]),  # as the provider does when nothing else is asked for
        (["initiated", "answered", "completed"], ["initiated", "in-progress", "completed"]),
        (["initiated", "ringing"], ["initiated", "ringing"]),
    ],
)
async def test_states_that_were_asked_for_are_called_back_and_signed(
    provider: SmsProvider, official: Client, clock: ManualClock, hearing: Hearing, events: list[str] | None,
    heard: list[str],
) -> None:  # fmt: skip
    asked = {} if events is None else {"status_callback_event": events}
    await asyncio.to_thread(
        lambda: official.calls.create(to=TO, from_=FROM, twiml=TWIML, status_callback=f"{HEARD}/status?n=7", **asked)
    )
    for _ in range(2):
        clock.advance(50)
        await provider.call_back()
    assert hearing.heard == [("/voice/status", status, True) for status in heard]


async def test_pressed_key_is_said_signed_and_ends_the_call(
    provider: SmsProvider, official: Client, clock: ManualClock, hearing: Hearing
) -> None:
    call = await asyncio.to_thread(official.calls.create, to=TO, from_=FROM, twiml=TWIML)
    assert await provider.exchange.press(call.sid, "1") is None  # nobody has picked up
    clock.advance(4)
    assert await provider.exchange.press(call.sid, "1") == 200
    assert hearing.heard == [("/voice/key", "1", True)]
    assert provider.exchange.calls[0].answers == ("Merci. Au revoir.",)
    assert (await asyncio.to_thread(call.fetch)).status == "completed"
    assert await provider.exchange.press(call.sid, "1") is None
    assert await provider.exchange.press("CA" + "0" * 32, "1") is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "0612345678"}, 21211),
        ({"From": ""}, 21213),
        ({"Twiml": ""}, 21205),
        ({"Twiml": "<Response><Say>"}, 21205),
        ({"Twiml": "<Response/>"}, 21205),
        ({"Twiml": f"<Response><Say>{'x' * 4000}</Say></Response>"}, 21205),
        ({"Timeout": "long"}, 20001),
        ({"StatusCallback": "https://a_b.example.fr"}, 21609),
        ({"To": "+15005550003"}, 21215),
        ({"From": "+15005550001"}, 21212),
    ],
)
async def test_call_that_cannot_be_made_is_refused(provider: SmsProvider, changed: dict[str, str], code: int) -> None:
    form = {"To": TO, "From": FROM, "Twiml": TWIML} | changed
    async with httpx.AsyncClient(trust_env=False, auth=(KEY, SECRET)) as http:
        answer = await http.post(f"{provider.base_url}/2010-04-01/Accounts/{ACCOUNT}/Calls.json", data=form)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not provider.exchange.calls


async def test_refusals_are_those_that_the_official_client_reads(provider: SmsProvider, official: Client) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        await asyncio.to_thread(official.calls.create, to="+15005550002", from_=FROM, twiml=TWIML)
    assert (refusal.value.status, refusal.value.code) == (400, 21214)
    stranger = official_client(provider, secret="wrong")
    with pytest.raises(TwilioException):
        await asyncio.to_thread(stranger.calls.create, to=TO, from_=FROM, twiml=TWIML)
    stranger.http_client.session.close()
    with pytest.raises(TwilioRestException) as unknown:
        await asyncio.to_thread(official.calls("CA" + "0" * 32).fetch)
    assert unknown.value.code == 20404
