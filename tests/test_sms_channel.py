"""What the SMS channel makes of every answer, and of no answer, that a provider and a network can give."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import Channel, Outcome, OutgoingText
from alerts.channels.sms import SmsChannel
from alerts.channels.twilio import classify
from gyrophare.kernel.clock import ManualClock
from gyrophare.sim.sms_provider import Act, Fault, SmsProvider

ACCOUNT = "AC" + "0123456789abcdef" * 2
KEY, SECRET = "SK" + "f" * 32, "secret of the key"
FROM, TO = "+33380000000", "+33612345678"
START_AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
MESSAGE = OutgoingText(notification_id=2, reference="#A17-2", to=TO, text="Agent immobile depuis 3 min à Châtillon")
READ_TIMEOUT_S = 0.2


def channel_to(
    base_url: str, *, secret: str = SECRET, http: httpx.AsyncClient | None = None, status_callback: str | None = None
) -> SmsChannel:
    return SmsChannel(
        base_url=base_url,
        account_sid=ACCOUNT,
        api_key=KEY,
        api_secret=secret,
        from_number=FROM,
        status_callback=status_callback,
        http=http,
        connect_timeout_s=2.0,
        read_timeout_s=READ_TIMEOUT_S,
    )


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
async def channel(provider: SmsProvider) -> AsyncIterator[SmsChannel]:
    channel = channel_to(provider.base_url)
    yield channel
    await channel.aclose()


async def outbox(provider: SmsProvider) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as http:
        messages: list[dict[str, Any]] = (await http.get(f"{provider.base_url}/outbox.json")).json()
        return messages


async def test_send_when_all_is_well(provider: SmsProvider, channel: SmsChannel) -> None:
    as_port: Channel = channel
    result = await as_port.send(MESSAGE)
    [kept] = await outbox(provider)
    assert (result.outcome, result.http_status, result.error_code) == (Outcome.SENT, 201, None)
    assert result.provider_id == kept["sid"]
    assert (kept["to"], kept["from"], kept["num_segments"]) == (TO, FROM, "1")
    assert kept["body"] == "Agent immobile depuis 3 min à Chatillon #A17-2"  # GSM-7, the reference at its end


async def test_send_when_the_text_is_long_stays_one_part(provider: SmsProvider, channel: SmsChannel) -> None:
    text = "Hélène Bœuf-Garçon, commune de Saint-Léger-d’Été, n’a pas bougé… " * 5
    await channel.send(OutgoingText(notification_id=2, reference="#A17-2", to=TO, text=text))
    [kept] = await outbox(provider)
    assert kept["num_segments"] == "1"
    assert kept["body"].endswith("... #A17-2")


# Each row: what goes wrong, what became of the message, the provider's code, and whether the provider kept it.
FAULTS = [
    pytest.param(Fault(http_status=429, code=20429), Outcome.TEMPORARY, "20429", 0, id="too many requests"),
    pytest.param(Fault(http_status=429, retry_after_s=1), Outcome.TEMPORARY, None, 0, id="too many requests, no code"),
    pytest.param(Fault(http_status=400, code=21611), Outcome.TEMPORARY, "21611", 0, id="sender queue full"),
    pytest.param(Fault(http_status=500), Outcome.AMBIGUOUS, None, 0, id="500 before"),
    pytest.param(Fault(http_status=503, stored=True), Outcome.AMBIGUOUS, None, 1, id="503 after"),
    pytest.param(Fault(http_status=502, raw_body="<html>"), Outcome.AMBIGUOUS, None, 0, id="502 of a proxy"),
    pytest.param(Fault(http_status=408), Outcome.AMBIGUOUS, None, 0, id="408"),
    pytest.param(Fault(http_status=302, raw_body=""), Outcome.AMBIGUOUS, None, 0, id="redirect, never followed"),
    pytest.param(Fault(act=Act.RESET), Outcome.AMBIGUOUS, None, 0, id="reset before"),
    pytest.param(Fault(act=Act.RESET, stored=True), Outcome.AMBIGUOUS, None, 1, id="reset after"),
    pytest.param(Fault(act=Act.HANG), Outcome.AMBIGUOUS, None, 0, id="silence before"),
    pytest.param(Fault(act=Act.HANG, stored=True), Outcome.AMBIGUOUS, None, 1, id="silence after"),
    pytest.param(Fault(act=Act.DRIP), Outcome.AMBIGUOUS, None, 0, id="slow before"),
    pytest.param(Fault(act=Act.DRIP, stored=True), Outcome.AMBIGUOUS, None, 1, id="slow after"),
    pytest.param(Fault(ends_as="undelivered"), Outcome.SENT, None, 1, id="undelivered later"),
    pytest.param(Fault(http_status=201, raw_body="<html>", stored=True), Outcome.AMBIGUOUS, None, 1, id="201, no JSON"),
    pytest.param(Fault(http_status=200, raw_body="Login"), Outcome.AMBIGUOUS, None, 0, id="captive portal"),
    pytest.param(Fault(http_status=400, code=21211), Outcome.PERMANENT, "21211", 0, id="invalid number"),
    pytest.param(Fault(http_status=400, code=21610), Outcome.PERMANENT, "21610", 0, id="unsubscribed"),
    pytest.param(Fault(http_status=400, code=99999), Outcome.PERMANENT, "99999", 0, id="code not known"),
    pytest.param(Fault(http_status=403, raw_body="no"), Outcome.PERMANENT, None, 0, id="403 without JSON"),
    pytest.param(Fault(message_status="failed"), Outcome.PERMANENT, "30008", 1, id="failed at once"),
    pytest.param(Fault(message_status="undelivered"), Outcome.PERMANENT, "30008", 1, id="undelivered at once"),
    pytest.param(Fault(message_status="accepted"), Outcome.SENT, None, 1, id="another known status"),
    pytest.param(Fault(message_status="teleported"), Outcome.SENT, None, 1, id="status not known"),
]


@pytest.mark.parametrize(("fault", "outcome", "code", "kept"), FAULTS)
async def test_send_when_something_goes_wrong(
    provider: SmsProvider, channel: SmsChannel, fault: Fault, outcome: Outcome, code: str | None, kept: int
) -> None:
    provider.faults.append(fault)
    result = await channel.send(MESSAGE)
    assert (result.outcome, result.error_code) == (outcome, code)
    assert len(await outbox(provider)) == kept
    assert TO[1:] not in result.detail  # the provider's own words do hold it

    again = await channel.send(MESSAGE)
    assert again.outcome is Outcome.SENT  # no fault leaves the channel broken


async def test_send_when_the_credentials_are_wrong(provider: SmsProvider) -> None:
    channel = channel_to(provider.base_url, secret="wrong")
    result = await channel.send(MESSAGE)
    await channel.aclose()
    assert (result.outcome, result.http_status, result.error_code) == (Outcome.PERMANENT, 401, "20003")
    assert await outbox(provider) == []


async def test_send_when_nothing_listens() -> None:
    with socket.socket() as bound:  # bound and not listening: every connection is refused
        bound.bind(("127.0.0.1", 0))
        channel = channel_to(f"http://127.0.0.1:{bound.getsockname()[1]}")
        result = await channel.send(MESSAGE)
        await channel.aclose()
    assert (result.outcome, result.http_status) == (Outcome.TEMPORARY, None)


async def test_send_when_the_name_does_not_resolve() -> None:
    channel = channel_to("http://sms.invalid")
    assert (await channel.send(MESSAGE)).outcome is Outcome.TEMPORARY
    await channel.aclose()


async def test_send_when_the_answer_drips_for_ever() -> None:
    """A byte a moment keeps every single read short of its limit: only their sum can stop it."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(READ_TIMEOUT_S / 10)
        writer.close()
        gone.set()

    gone = asyncio.Event()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    channel = SmsChannel(
        base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        account_sid=ACCOUNT,
        api_key=KEY,
        api_secret=SECRET,
        from_number=FROM,
        connect_timeout_s=READ_TIMEOUT_S,
        read_timeout_s=READ_TIMEOUT_S,
    )
    result = await channel.send(MESSAGE)
    await channel.aclose()
    await gone.wait()
    server.close()
    assert result.outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectTimeout(""), Outcome.TEMPORARY),
        (httpx.PoolTimeout(""), Outcome.TEMPORARY),
        (httpx.ProxyError(""), Outcome.TEMPORARY),
        (httpx.WriteTimeout(""), Outcome.AMBIGUOUS),
        (httpx.WriteError(""), Outcome.AMBIGUOUS),
        (httpx.ReadError(""), Outcome.AMBIGUOUS),
        (httpx.RemoteProtocolError(""), Outcome.AMBIGUOUS),
        (httpx.DecodingError(""), Outcome.AMBIGUOUS),
        (httpx.HTTPError("a kind we never met"), Outcome.AMBIGUOUS),
        (TimeoutError(), Outcome.AMBIGUOUS),
    ],
)
def test_classify_when_there_is_no_answer(error: httpx.HTTPError | TimeoutError, outcome: Outcome) -> None:
    assert classify(error).outcome is outcome


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
strange_messages = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("sid", "status", "error_code", "code", "body"), json_values)
)


@given(st.integers(200, 599), strange_messages | json_values)
def test_classify_when_the_answer_is_strange_still_decides(status: int, body: Any) -> None:
    result = classify(httpx.Response(status, text=json.dumps(body)))
    assert result.http_status == status
    if result.outcome is Outcome.SENT:
        assert result.provider_id
    if not 400 <= status < 500 and not result.provider_id and result.error_code is None:
        assert result.outcome is Outcome.AMBIGUOUS


async def test_requests_keep_the_path_prefix_and_name_known_fields_only() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json={"sid": "6b1c8b8e-5f0a-4a53-9d3a-0d7c7d2d4f11", "status": "queued"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        channel = channel_to("https://space.example.fr/api/laml/", http=http)
        result = await channel.send(MESSAGE)
        await channel.find_sent(MESSAGE, since=datetime(2026, 1, 14, 0, 2, tzinfo=UTC))
        await channel.aclose()
        assert not http.is_closed  # it is not ours
    assert result.provider_id == "6b1c8b8e-5f0a-4a53-9d3a-0d7c7d2d4f11"
    sending, listing = requests
    assert sending.url == f"https://space.example.fr/api/laml/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert sending.headers["Authorization"].startswith("Basic ")
    form = httpx.QueryParams(sending.content.decode())
    assert dict(form) == {
        "To": TO,
        "From": FROM,
        "Body": "Agent immobile depuis 3 min à Chatillon #A17-2",
        "ValidityPeriod": "300",
    }
    assert listing.url.params["DateSent>"] == "2026-01-13"  # the clocks may differ by minutes, around midnight too


async def test_provider_is_told_where_to_call_back(provider: SmsProvider) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json={"sid": "SM1", "status": "queued"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        url = "https://alertes.example.fr/sms/status"
        await channel_to("https://sms.example.fr", http=http, status_callback=url).send(MESSAGE)
    form = httpx.QueryParams(requests[0].content.decode())
    assert form["StatusCallback"] == "https://alertes.example.fr/sms/status#rc=5&rp=all"


async def test_fetch_status_follows_a_message(provider: SmsProvider, channel: SmsChannel, clock: ManualClock) -> None:
    provider.faults.append(Fault(ends_as="undelivered"))
    sent = await channel.send(MESSAGE)
    assert sent.provider_id is not None
    said = []
    for seconds in (0, 0.5, 0.5, 2):
        clock.advance(seconds)
        said.append(await channel.fetch_status(sent.provider_id))
    assert [(one.status, one.error_code) for one in said if one is not None] == [
        ("queued", None), ("sending", None), ("sent", None), ("undelivered", "30008")
    ]  # fmt: skip
    assert {one.provider_id for one in said if one is not None} == {sent.provider_id}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError(""),
        httpx.ReadTimeout(""),
        httpx.Response(404, json={"code": 20404}),
        httpx.Response(503),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"sid": "SM1"}),
        httpx.Response(200, json={"sid": "SM1", "status": 7}),
        httpx.Response(200, json={"sid": "SM2", "status": "delivered"}),  # of another message
        httpx.Response(200, json=["delivered"]),
    ],
)
async def test_fetch_status_when_the_answer_is_not_clear_knows_nothing(
    answer: httpx.Response | httpx.HTTPError,
) -> None:
    def give(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(give)) as http:
        assert await channel_to("http://sms.test", http=http).fetch_status("SM1") is None


async def test_nothing_personal_is_logged(
    provider: SmsProvider, channel: SmsChannel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await channel.send(MESSAGE)
    await channel.find_sent(MESSAGE, since=START_AT)
    written = caplog.text + repr(MESSAGE)
    assert TO[1:] not in written
    assert "Agent immobile" not in written
    assert SECRET not in written


@pytest.mark.parametrize(
    ("header", "status", "asked_s"),
    [("7", 429, 7.0), ("0", 429, 0.0), (None, 429, None), ("soon", 429, None), ("-1", 429, None), ("7", 400, None)],
)
def test_provider_that_asks_to_be_left_alone_is(header: str | None, status: int, asked_s: float | None) -> None:
    headers = {} if header is None else {"Retry-After": header}
    assert classify(httpx.Response(status, headers=headers, json={})).retry_after_s == asked_s
