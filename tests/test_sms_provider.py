"""The stand-in is judged by the official client of the provider it stands in for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from gyrophare.kernel.clock import ManualClock
from gyrophare.sim.sms_provider import SmsProvider

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
