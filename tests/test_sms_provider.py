"""The stand-in is judged by the official client of the provider it stands in for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from gyrophare.kernel.clock import ManualClock
from gyrophare.sim.sms_provider import CallbackFault, Fault, SmsProvider

ACCOUNT = "AC" + "0123456789abcdef" * 2
KEY, SECRET = "SK" + "f" * 32, "secret of the key"
FROM, TO, OTHER = "+33380000000", "+33612345678", "+33698765432"
START_AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_AT)


@pytest.fixture
async def provider(clock: ManualClock) -> AsyncIterator[SmsProvider]:
    provider = SmsProvider(account_sid=ACCOUNT, api_key=KEY, api_secret=SECRET, clock=clock)
    await provider.start()
    yield provider
    await provider.stop()


@pytest.fixture
def official(provider: SmsProvider) -> Iterator[Client]:
    client = official_client(provider)
    yield client
    client.http_client.session.close()


def official_client(provider: SmsProvider, secret: str = SECRET) -> Client:
    client = Client(KEY, secret, ACCOUNT, environment={"": ""})
    client.api.base_url = provider.base_url
    client.http_client.session.trust_env = False
    return client


def body_of(response: httpx.Response) -> Any:
    return response.json()


async def post(provider: SmsProvider, form: dict[str, str], auth: tuple[str, str] = (KEY, SECRET)) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, auth=auth) as http:
        return await http.post(f"{provider.base_url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", data=form)


async def get(provider: SmsProvider, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(provider.base_url + path)


async def test_create_as_the_official_client_sees_it(provider: SmsProvider, official: Client) -> None:
    message = await asyncio.to_thread(
        official.messages.create, to=TO, from_=FROM, body="Agent immobile #A17-1", validity_period=300
    )
    assert message.sid is not None
    assert message.sid.startswith("SM")
    assert len(message.sid) == 34
    assert (message.status, message.num_segments, message.direction) == ("queued", "1", "outbound-api")
    assert (message.to, message.from_, message.body) == (TO, FROM, "Agent immobile #A17-1")
    assert (message.date_created, message.date_updated, message.date_sent) == (START_AT, START_AT, None)
    assert (message.error_code, message.price, message.account_sid) == (None, None, ACCOUNT)


async def test_create_gives_every_property_that_the_official_client_reads(
    provider: SmsProvider, official: Client
) -> None:
    instance = await asyncio.to_thread(official.messages.create, to=TO, from_=FROM, body="SOS")
    known = {name.rstrip("_") for name in vars(instance) if not name.startswith("_")}
    given = (await post(provider, {"To": TO, "From": FROM, "Body": "SOS"})).json()
    assert set(given) == known


async def test_status_moves_with_the_clock(provider: SmsProvider, official: Client, clock: ManualClock) -> None:
    message = await asyncio.to_thread(official.messages.create, to=TO, from_=FROM, body="SOS")
    seen = []
    for _ in range(8):
        clock.advance(0.5)
        fetched = await asyncio.to_thread(message.fetch)
        seen.append(fetched.status)
    assert seen == ["sending", "sent", "sent", "sent", "sent", "delivered", "delivered", "delivered"]
    assert fetched.date_sent == START_AT + timedelta(seconds=1)

    clock.set(START_AT - timedelta(hours=1))  # an administrator sets the clock back
    assert (await asyncio.to_thread(message.fetch)).status == "delivered"


async def test_list_when_filtered_and_paged(provider: SmsProvider, official: Client, clock: ManualClock) -> None:
    for number in range(5):
        await asyncio.to_thread(official.messages.create, to=TO, from_=FROM, body=f"#A{number}-1")
        await asyncio.to_thread(official.messages.create, to=OTHER, from_=FROM, body=f"#B{number}-1")
        clock.advance(86_400)

    async def bodies(**filters: Any) -> list[str | None]:
        return [found.body for found in await asyncio.to_thread(official.messages.list, **filters)]

    assert await bodies(to=TO, page_size=2) == ["#A4-1", "#A3-1", "#A2-1", "#A1-1", "#A0-1"]
    assert len(await bodies(from_=FROM)) == 10
    assert await bodies(from_=OTHER) == []
    third_day = START_AT + timedelta(days=2, hours=5)
    assert await bodies(to=TO, date_sent=third_day) == ["#A2-1"]
    assert await bodies(to=TO, date_sent_after=third_day) == ["#A4-1", "#A3-1", "#A2-1"]
    assert await bodies(to=TO, date_sent_before=third_day) == ["#A2-1", "#A1-1", "#A0-1"]

    await asyncio.to_thread(official.messages.create, to=TO, from_=FROM, body="still queued")
    assert "still queued" not in await bodies(to=TO, date_sent_after=START_AT)  # it has no date of sending yet
    assert "still queued" in await bodies(to=TO)


async def test_list_has_the_paging_envelope(provider: SmsProvider) -> None:
    for _ in range(3):
        await post(provider, {"To": TO, "From": FROM, "Body": "SOS"})
    root = f"{provider.base_url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    async with httpx.AsyncClient(trust_env=False, auth=(KEY, SECRET)) as http:
        first = body_of(await http.get(root, params={"To": TO, "PageSize": "2"}))
        second = body_of(await http.get(provider.base_url + first["next_page_uri"]))
        refused = await http.get(root, params={"DateSent>": "yesterday"})
    assert set(first) - {"messages"} == {
        "page", "page_size", "start", "end", "uri", "first_page_uri", "previous_page_uri", "next_page_uri"
    }  # fmt: skip
    assert (first["page"], first["page_size"], first["start"], first["end"]) == (0, 2, 0, 1)
    assert (second["page"], second["start"], second["end"]) == (1, 2, 2)
    assert (first["previous_page_uri"], second["next_page_uri"]) == (None, None)
    assert second["previous_page_uri"] == first["first_page_uri"] == first["uri"]
    assert (refused.status_code, refused.json()["code"]) == (400, 20001)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "0612345678"}, 21211),
        ({"To": "+33 6 12 34 56 78"}, 21211),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "a" * 1601}, 21617),
    ],
)
async def test_create_when_the_form_is_wrong(provider: SmsProvider, changed: dict[str, str], code: int) -> None:
    answer = await post(provider, {"To": TO, "From": FROM, "Body": "SOS"} | changed)
    assert answer.status_code == 400
    body = answer.json()
    assert set(body) == {"code", "message", "more_info", "status"}
    assert (body["code"], body["status"]) == (code, 400)
    assert (await get(provider, "/outbox.json")).json() == []


@pytest.mark.parametrize(
    ("to", "sender", "code"),
    [
        ("+15005550001", FROM, 21211),
        ("+15005550002", FROM, 21612),
        ("+15005550003", FROM, 21408),
        ("+15005550004", FROM, 21610),
        ("+15005550009", FROM, 21614),
        (TO, "+15005550001", 21212),
        (TO, "+15005550007", 21606),
        (TO, "+15005550008", 21611),
        (TO, "+15005550006", None),
    ],
)
async def test_numbers_for_trying_out_refusals(
    provider: SmsProvider, official: Client, to: str, sender: str, code: int | None
) -> None:
    if code is None:
        assert (await asyncio.to_thread(official.messages.create, to=to, from_=sender, body="SOS")).sid
        return
    with pytest.raises(TwilioRestException) as refusal:
        await asyncio.to_thread(official.messages.create, to=to, from_=sender, body="SOS")
    assert (refusal.value.status, refusal.value.code) == (400, code)
    assert provider.received == 0


async def test_retry_after_is_said(provider: SmsProvider) -> None:
    provider.faults.append(Fault(http_status=429, code=20429, retry_after_s=7))
    answer = await post(provider, {"To": TO, "From": FROM, "Body": "SOS"})
    assert (answer.status_code, answer.headers["Retry-After"], answer.json()["code"]) == (429, "7", 20429)


@pytest.mark.parametrize(
    ("end", "states"),
    [
        ("delivered", ["queued", "sending", "sent", "delivered"]),
        ("undelivered", ["queued", "sending", "sent", "undelivered"]),
        ("failed", ["queued", "sending", "failed", "failed"]),
        ("sent", ["queued", "sending", "sent", "sent"]),
    ],
)
async def test_life_of_a_message_ends_as_it_is_meant_to(
    provider: SmsProvider, official: Client, clock: ManualClock, end: str, states: list[str]
) -> None:
    provider.faults.append(Fault(ends_as=end))
    message = await asyncio.to_thread(official.messages.create, to=TO, from_=FROM, body="SOS")
    seen = []
    for seconds in (0, 0.5, 0.5, 2):
        clock.advance(seconds)
        seen.append(await asyncio.to_thread(message.fetch))
    assert [one.status for one in seen] == states
    assert seen[-1].error_code == (30008 if end in {"failed", "undelivered"} else None)


class Hearing:
    """Whoever is called back: answers as it is told, and checks every signature with the official library."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.heard: list[tuple[str, str, bool]] = []

    def transport(self) -> httpx.MockTransport:
        def hear(request: httpx.Request) -> httpx.Response:
            form = dict(httpx.QueryParams(request.content.decode()))
            signature = request.headers.get("X-Twilio-Signature", "")
            signed = RequestValidator(TOKEN).validate(str(request.url), form, signature)
            self.heard.append((form.get("MessageStatus") or form["SmsStatus"], form["MessageSid"], signed))
            status = self.statuses.pop(0) if self.statuses else 204
            if status == 0:
                raise httpx.ConnectError("")
            return httpx.Response(status)

        return httpx.MockTransport(hear)


TOKEN = "12345"
CALLBACK = "https://alertes.example.fr/sms/status?n=1"


@pytest.fixture
def hearing() -> Hearing:
    return Hearing()


@pytest.fixture
async def calling(clock: ManualClock, hearing: Hearing) -> AsyncIterator[SmsProvider]:
    http = httpx.AsyncClient(transport=hearing.transport())
    calling = SmsProvider(account_sid=ACCOUNT, api_key=KEY, api_secret=SECRET, clock=clock, auth_token=TOKEN, http=http)
    await calling.start()
    yield calling
    await calling.stop()


async def send(calling: SmsProvider, callback: str = CALLBACK) -> None:
    answer = await post(calling, {"To": TO, "From": FROM, "Body": "SOS", "StatusCallback": callback})
    assert answer.status_code == 201


async def test_each_state_after_the_first_is_called_back_and_signed(
    calling: SmsProvider, hearing: Hearing, clock: ManualClock
) -> None:
    await send(calling, CALLBACK + "#rc=2&rp=all")
    counts = []
    for seconds in (0, 0.5, 0.4, 0.1, 2, 60):
        clock.advance(seconds)
        await calling.call_back()
        counts.append(len(hearing.heard))
    assert counts == [0, 1, 1, 2, 3, 3]
    assert [(status, signed) for status, _, signed in hearing.heard] == [
        ("sending", True), ("sent", True), ("delivered", True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fragment", "met", "tries"),
    [
        ("", [0, 204], 2),
        ("", [0, 0, 204], 2),  # once again, then it is lost
        ("", [500], 1),
        ("#rc=5&rp=all", [500, 404, 0, 403, 503, 500, 204], 6),
        ("#rc=9&rp=all", [500] * 9, 6),
        ("#rc=0", [0], 1),
        ("#rc=3&rp=ct", [0, 500, 204], 2),
        ("#rc=x&rp=all", [500, 500, 204], 2),
    ],
)
async def test_callback_is_said_again_as_its_address_asks(
    calling: SmsProvider, hearing: Hearing, clock: ManualClock, fragment: str, met: list[int], tries: int
) -> None:
    await send(calling, CALLBACK + fragment)
    hearing.statuses = list(met)
    clock.advance(0.5)
    await calling.call_back()
    assert [status or 0 for status in calling.callbacks.made[0].http_statuses] == met[:tries]


async def test_callbacks_go_wrong_as_they_are_told(calling: SmsProvider, hearing: Hearing, clock: ManualClock) -> None:
    faults = [
        CallbackFault.HELD,
        CallbackFault.DOUBLED,
        CallbackFault.LOST,
        CallbackFault.FORGED,
        CallbackFault.UNSIGNED,
    ]
    calling.callbacks.faults.extend(faults)
    await send(calling)
    clock.advance(3)
    await calling.call_back()
    await send(calling)
    clock.advance(3)
    await calling.call_back()
    assert [(status, signed) for status, _, signed in hearing.heard] == [
        ("sent", True), ("sent", True), ("sending", True),  # the delivered is lost
        ("sending", False), ("sent", False), ("delivered", True),
    ]  # fmt: skip
    hearing.heard.clear()
    await calling.callbacks.replay()
    assert [status for status, _, _ in hearing.heard] == ["delivered", "sent", "sending", "sending", "sent", "sent"]


@pytest.mark.parametrize("url", ["ftp://h/x", "/sms/status", "https://under_score.fr/x", "https://", "http://[x"])
async def test_callback_address_that_cannot_be_called_is_refused(provider: SmsProvider, url: str) -> None:
    answer = await post(provider, {"To": TO, "From": FROM, "Body": "SOS", "StatusCallback": url})
    assert (answer.status_code, answer.json()["code"]) == (400, 21609)


async def test_telephone_answers_by_the_page(calling: SmsProvider, hearing: Hearing) -> None:
    await send(calling)
    assert "/reply" not in (await get(calling, "/outbox")).text  # nobody would hear it
    calling.reply_url = "https://alertes.example.fr/sms/reply"
    page = (await get(calling, "/outbox")).text
    sid = (await get(calling, "/outbox.json")).json()[0]["sid"]
    assert f'value="{sid}"' in page
    async with httpx.AsyncClient(trust_env=False) as http:
        answers = [
            await http.post(f"{calling.base_url}/reply", data={"MessageSid": sid, "Body": "1"}),
            await http.post(f"{calling.base_url}/reply", data={"From": OTHER, "Body": "1"}),
            await http.post(f"{calling.base_url}/reply", data={"Body": "1"}),
        ]
    assert [answer.status_code for answer in answers] == [303, 303, 502]
    assert [(status, signed) for status, _, signed in hearing.heard] == [("received", True)] * 2
    assert [called.form["From"] for called in calling.callbacks.made] == [TO, OTHER]
    assert all(called.form["MessageSid"] != sid for called in calling.callbacks.made)  # an answer has an id of its own


async def test_wrong_credentials_are_refused(provider: SmsProvider) -> None:
    client = official_client(provider, secret="wrong")
    with pytest.raises(TwilioRestException) as refusal:
        await asyncio.to_thread(client.messages.create, to=TO, from_=FROM, body="SOS")
    assert (refusal.value.status, refusal.value.code) == (401, 20003)
    with pytest.raises(TwilioException, match="Unable to fetch page"):
        await asyncio.to_thread(client.messages.list)
    client.http_client.session.close()
    assert (await get(provider, f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")).status_code == 401


async def test_unknown_account_and_message_are_refused(provider: SmsProvider, official: Client) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        await asyncio.to_thread(official.messages("SM" + "0" * 32).fetch)
    assert (refusal.value.status, refusal.value.code) == (404, 20404)
    async with httpx.AsyncClient(trust_env=False, auth=(KEY, SECRET)) as http:
        answer = await http.get(f"{provider.base_url}/2010-04-01/Accounts/AC{'0' * 32}/Messages.json")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("a" * 160, "1"),
        ("a" * 161, "2"),
        ("€" * 80, "1"),
        ("€" * 81, "2"),
        ("ê" * 70, "1"),
        ("ê" * 71, "2"),
        ("🚨" * 36, "2"),  # two UTF-16 units each
    ],
)
async def test_parts_are_counted_as_networks_do(provider: SmsProvider, body: str, segments: str) -> None:
    assert (await post(provider, {"To": TO, "From": FROM, "Body": body})).json()["num_segments"] == segments


async def test_outbox_page_masks_numbers_and_escapes_texts(provider: SmsProvider, clock: ManualClock) -> None:
    await post(provider, {"To": TO, "From": FROM, "Body": "first"})
    await post(provider, {"To": TO, "From": FROM, "Body": "<img src=x onerror=alert(1)>"})
    clock.advance(10)
    answer = await get(provider, "/outbox")
    page = answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert TO not in page
    assert "+336••••••78" in page
    assert "<img" not in page
    assert page.index("&lt;img") < page.index("first")  # newest first
    assert "remis" in page
    assert 'http-equiv="refresh"' in page
    assert [message["status"] for message in (await get(provider, "/outbox.json")).json()] == ["delivered"] * 2


async def test_list_lags_behind_what_was_taken_by_as_much_as_it_is_told(
    provider: SmsProvider, clock: ManualClock
) -> None:
    provider.listed_after_s = 4
    root = f"{provider.base_url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    await post(provider, {"To": TO, "From": FROM, "Body": "SOS"})
    async with httpx.AsyncClient(trust_env=False, auth=(KEY, SECRET)) as http:
        clock.advance(3.9)
        assert body_of(await http.get(root))["messages"] == []
        clock.advance(0.2)
        assert len(body_of(await http.get(root))["messages"]) == 1
