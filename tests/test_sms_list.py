"""How a message whose answer was lost is found in the provider's list, which has pages, lags and may be unreadable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

import alerts.channels.sms
from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.channels.sms import PAGES_MAX, SmsChannel
from alerts.channels.twilio import CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from alerts.dispatcher import LEASE_S
from gyrophare.kernel.clock import ManualClock
from gyrophare.sim.sms_provider import Act, Fault, SmsProvider
from tests.conftest import START_AT
from tests.department import SMS_KEY, SMS_SECRET, SMS_SID

TO = "+33612345678"
MESSAGE = OutgoingText(notification_id=2, reference="#A17-2", to=TO, text="Agent immobile depuis 3 min à Châtillon")


def channel_to(base_url: str, http: httpx.AsyncClient | None = None) -> SmsChannel:
    return SmsChannel(
        base_url=base_url,
        account_sid=SMS_SID,
        api_key=SMS_KEY,
        api_secret=SMS_SECRET,
        from_number="+33380000000",
        http=http,
        read_timeout_s=0.2,
    )


@pytest.fixture
async def channel(provider: SmsProvider) -> AsyncIterator[SmsChannel]:
    channel = channel_to(provider.base_url)
    yield channel
    await channel.aclose()


async def test_find_sent_when_the_connection_was_cut_after_the_message_was_taken(
    provider: SmsProvider, channel: SmsChannel, clock: ManualClock
) -> None:
    provider.faults.append(Fault(act=Act.RESET, stored=True))
    assert (await channel.send(MESSAGE)).outcome is Outcome.AMBIGUOUS
    for seconds in (0, 5, 86_400):  # still queued, delivered, found the day after
        clock.advance(seconds)
        found = await channel.find_sent(MESSAGE, since=START_AT)
        assert found is not None
        assert found.outcome is Outcome.SENT
        assert found.provider_id == provider.messages[0].sid
    assert provider.received == 1


async def test_find_sent_when_the_connection_was_cut_before(provider: SmsProvider, channel: SmsChannel) -> None:
    provider.faults.append(Fault(act=Act.RESET))
    assert (await channel.send(MESSAGE)).outcome is Outcome.AMBIGUOUS
    assert await channel.find_sent(MESSAGE, since=START_AT) is None


async def test_find_sent_when_it_has_failed_since(provider: SmsProvider, channel: SmsChannel) -> None:
    provider.faults.append(Fault(act=Act.HANG, message_status="undelivered"))
    await channel.send(MESSAGE)
    found = await channel.find_sent(MESSAGE, since=START_AT)
    assert found is not None
    assert (found.outcome, found.error_code) == (Outcome.PERMANENT, "30008")

    await channel.send(MESSAGE)  # sent again, and this one is on its way
    found = await channel.find_sent(MESSAGE, since=START_AT)
    assert found is not None
    assert found.outcome is Outcome.SENT


@pytest.mark.parametrize(
    ("reference", "to", "later"),
    [
        ("#A17-20", TO, timedelta()),  # the reference is only the beginning of theirs
        ("#A17-2-1", TO, timedelta()),
        ("#A17-2", "+33698765432", timedelta()),  # another contact
        ("#A17-2", TO, timedelta(hours=1)),  # the same reference before this installation began to count
    ],
)
async def test_find_sent_does_not_take_another_message_for_ours(
    provider: SmsProvider, channel: SmsChannel, clock: ManualClock, reference: str, to: str, later: timedelta
) -> None:
    await channel.send(OutgoingText(notification_id=3, reference=reference, to=to, text="SOS"))
    clock.advance(later.total_seconds() + 5)
    assert await channel.find_sent(MESSAGE, since=START_AT + later) is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(401, json={"code": 20003}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"messages": None}),
        httpx.Response(200, json=["messages"]),
    ],
)
async def test_find_sent_when_the_list_cannot_be_read_knows_nothing(answer: httpx.Response) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        found = await channel_to("http://sms.test", http).find_sent(MESSAGE, since=START_AT)
    assert found is not None
    assert (found.outcome, found.http_status) == (Outcome.AMBIGUOUS, answer.status_code)


@pytest.mark.parametrize("created", [None, "yesterday", "Wed, 14 Jan 2026 06:00:00 +0000", 7, [], "1 Jan 2026 00:00 x"])
async def test_find_sent_when_the_date_is_old_or_unreadable_sends_again(created: object) -> None:
    entry = {"sid": "SM1", "status": "sent", "body": "SOS #A17-2", "date_created": created}
    answer = httpx.Response(200, json={"messages": [entry, None, 3]})
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as http:
        assert await channel_to("http://sms.test", http).find_sent(MESSAGE, since=START_AT) is None


async def send_others(channel: SmsChannel, count: int) -> None:
    for number in range(count):
        other = OutgoingText(
            notification_id=3 + number, reference=f"#A18-{number + 1}", to=TO, text=f"SOS #A18-{number + 1}"
        )
        await channel.send(other)


@pytest.mark.parametrize("seconds", [0, 5])  # still queued, delivered
async def test_find_sent_when_the_message_is_on_a_later_page(
    provider: SmsProvider, channel: SmsChannel, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(alerts.channels.sms, "LIST_SIZE", 2)
    await channel.send(MESSAGE)
    await send_others(channel, 5)
    clock.advance(seconds)
    found = await channel.find_sent(MESSAGE, since=START_AT)
    assert found is not None
    assert (found.outcome, found.provider_id) == (Outcome.SENT, provider.messages[-1].sid)


class Pages:
    """A provider whose list has no end: each page holds one message, created its age before START_AT."""

    def __init__(self, *ages: timedelta, elsewhere: str = "") -> None:
        self.asked: list[httpx.URL] = []
        self._ages = ages
        self._elsewhere = elsewhere

    async def find(self) -> SendResult | None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._answer)) as http:
            return await channel_to("http://sms.test/api/laml", http).find_sent(MESSAGE, since=START_AT)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("Page", 0))
        created = format_datetime(START_AT - self._ages[min(page, len(self._ages) - 1)])
        entry = {"sid": "SM1", "status": "sent", "body": "SOS #A18-1", "date_created": created}
        self.asked.append(request.url)
        uri = f"{self._elsewhere}/2010-04-01/any.json?Page={page + 1}&PageToken=PASM1"
        return httpx.Response(200, json={"messages": [entry], "next_page_uri": uri})


async def test_find_sent_looks_at_a_bounded_number_of_pages() -> None:
    """And then sends again: the other way round a message would wait for ever."""
    pages = Pages(timedelta())
    assert await pages.find() is None
    assert len(pages.asked) == 2 * PAGES_MAX


async def test_find_sent_looks_no_further_back_than_when_it_was_first_tried() -> None:
    pages = Pages(timedelta(), timedelta(days=1))
    assert await pages.find() is None
    assert [url.params.get("Page") for url in pages.asked] == [None, "1"] * 2


@pytest.mark.parametrize("elsewhere", ["", "/api/laml", "https://elsewhere.test"])
async def test_find_sent_takes_only_the_query_from_what_names_the_next_page(elsewhere: str) -> None:
    """Our credentials go with it, and what stands before the path is not the same at every provider."""
    pages = Pages(timedelta(), timedelta(days=1), elsewhere=elsewhere)
    await pages.find()
    assert {(url.host, url.path) for url in pages.asked} == {
        ("sms.test", f"/api/laml/2010-04-01/Accounts/{SMS_SID}/Messages.json")
    }
    assert pages.asked[1].params.get("PageToken") == "PASM1"


@pytest.mark.parametrize("uri", [7, "", "/2010-04-01/any.json", ["?Page=1"], None])
async def test_find_sent_when_nothing_names_the_next_page_stops(uri: object) -> None:
    entry = {"sid": "SM1", "status": "sent", "body": "SOS #A18-1", "date_created": format_datetime(START_AT)}
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"messages": [entry], "next_page_uri": uri})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        assert await channel_to("http://sms.test", http).find_sent(MESSAGE, since=START_AT) is None
    assert len(asked) == 2


async def test_find_sent_leaves_time_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than a lease, and another server would look and send beside us."""
    monkeypatch.setattr(alerts.channels.sms, "LOOK_S", 0.05)

    async def hang(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as http:
        found = await channel_to("http://sms.test", http).find_sent(MESSAGE, since=START_AT)
    assert found is not None
    assert (found.outcome, found.detail) == (Outcome.AMBIGUOUS, "the provider's list could not be read in time")


def test_looking_and_sending_end_within_a_lease() -> None:
    assert alerts.channels.sms.LOOK_S + CONNECT_TIMEOUT_S + READ_TIMEOUT_S < LEASE_S


async def test_message_that_comes_meanwhile_moves_no_page(provider: SmsProvider, channel: SmsChannel) -> None:
    """The stand-in pages as the provider does: by its token, while the number is only the caller's."""
    await send_others(channel, 3)
    async with httpx.AsyncClient(base_url=provider.base_url, trust_env=False, auth=(SMS_KEY, SMS_SECRET)) as http:
        root = f"/2010-04-01/Accounts/{SMS_SID}/Messages.json"
        first = (await http.get(root, params={"PageSize": "2"})).json()
        await channel.send(MESSAGE)
        second = (await http.get(first["next_page_uri"])).json()
        by_number = (await http.get(root, params={"PageSize": "2", "Page": "1"})).json()
        refused = await http.get(root, params={"PageToken": "PASM1"})
    assert [message["body"] for message in second["messages"]] == ["SOS #A18-1"]
    assert MESSAGE.reference in by_number["messages"][0]["body"]
    assert refused.status_code == 400
