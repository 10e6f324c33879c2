"""Our channels for texts and calls, and the stand-in, held against the provider's own OpenAPI description of its API.

Of errors that description says nothing; those the provider's official client reads, in test_sms_provider.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

import alerts.channels.sms
from alerts.channels import OutgoingText
from alerts.channels.sms import SmsChannel
from alerts.channels.voice import VoiceChannel
from gyrophare.kernel.clock import ManualClock
from gyrophare.sim.sms_provider import Fault, SmsProvider

SPEC = Path(__file__).parent / "twilio/node_modules/@twilio-alpha/mcp/twilio-oai/spec/json/twilio_api_v2010.json"
ROOT, CALLS = "/2010-04-01/Accounts/{AccountSid}/Messages", "/2010-04-01/Accounts/{AccountSid}/Calls"
PATHS = (f"{ROOT}.json", f"{ROOT}/{{Sid}}.json", f"{CALLS}.json", f"{CALLS}/{{Sid}}.json")
PUBLIC_API = "https://api.twilio.com"
ACCOUNT, KEY, SECRET = "AC" + "0123456789abcdef" * 2, "SK" + "f" * 32, "secret of the key"
FROM, TO = "+33380000000", "+33612345678"
MESSAGE = OutgoingText(notification_id=2, reference="#A17-2", to=TO, text="Agent immobile à Châtillon")
SINCE = datetime(2026, 1, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def cut() -> dict[str, Any]:
    """The description, without all that is not about messages and calls."""
    if not SPEC.is_file():
        pytest.skip("the provider's API description is not installed: run `make test`, which installs it")
    spec: dict[str, Any] = json.loads(SPEC.read_text(encoding="utf-8"))
    spec["paths"] = {path: spec["paths"][path] for path in PATHS}
    schemas = spec["components"]["schemas"]
    wanted, kept = [json.dumps(spec["paths"])], {}
    while wanted:
        text = wanted.pop()
        for name in schemas:
            if name not in kept and f'"#/components/schemas/{name}"' in text:
                kept[name] = schemas[name]
                wanted.append(json.dumps(schemas[name]))
    spec["components"]["schemas"] = kept
    for parameter in spec["paths"][PATHS[0]]["get"]["parameters"]:
        if parameter["name"].startswith("DateSent"):  # a date by its text and its examples, an instant by its schema
            assert "YYYY-MM-DD" in parameter["description"]
            parameter["schema"]["format"] = "date"
    return spec


@pytest.fixture(scope="module")
def api(cut: dict[str, Any]) -> OpenAPI:
    return OpenAPI.from_dict(cut)


@pytest.fixture
async def provider(clock: ManualClock) -> AsyncIterator[SmsProvider]:
    provider = SmsProvider(account_sid=ACCOUNT, api_key=KEY, api_secret=SECRET, clock=clock)
    await provider.start()
    yield provider
    await provider.stop()


class Exchanges:
    """A client that remembers what passed through it."""

    def __init__(self) -> None:
        self.seen: list[httpx.Response] = []
        self.http = httpx.AsyncClient(trust_env=False, event_hooks={"response": [self._remember]})

    async def _remember(self, response: httpx.Response) -> None:
        await response.aread()
        self.seen.append(response)


@pytest.fixture
async def exchanges() -> AsyncIterator[Exchanges]:
    exchanges = Exchanges()
    yield exchanges
    await exchanges.http.aclose()


@pytest.fixture
def channel(provider: SmsProvider, exchanges: Exchanges) -> SmsChannel:
    return SmsChannel(
        base_url=provider.base_url,
        account_sid=ACCOUNT,
        api_key=KEY,
        api_secret=SECRET,
        from_number=FROM,
        status_callback="https://alertes.example.fr/sms/status",
        http=exchanges.http,
    )


@pytest.fixture(params=[None, "https://alertes.example.fr"])
def voice(provider: SmsProvider, exchanges: Exchanges, request: pytest.FixtureRequest) -> VoiceChannel:
    heard = request.param
    return VoiceChannel(
        base_url=provider.base_url,
        account_sid=ACCOUNT,
        api_key=KEY,
        api_secret=SECRET,
        from_number=FROM,
        status_callback=f"{heard}/voice/status" if heard else None,
        key_url=f"{heard}/voice/key" if heard else None,
        http=exchanges.http,
    )


def as_request(request: httpx.Request) -> MockRequest:
    return MockRequest(
        PUBLIC_API,
        request.method.lower(),
        request.url.path,
        args=dict(request.url.params.multi_items()),
        headers=dict(request.headers),
        data=request.content,
        content_type=request.headers.get("Content-Type", ""),
    )


def check(api: OpenAPI, answered: httpx.Response) -> None:
    """Raise OpenAPIError unless both the request and its answer are as the description has them."""
    request = as_request(answered.request)
    api.validate_request(request)
    answer = MockResponse(
        answered.content, status_code=answered.status_code, content_type=answered.headers["Content-Type"].split(";")[0]
    )
    api.validate_response(request, answer)


def names(cut: dict[str, Any], path: str, method: str) -> set[str]:
    """The names of the fields and of the query that an operation knows."""
    operation = cut["paths"][path][method]
    body = operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
    query = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    return query | set(body.get("schema", {}).get("properties", {}))


@pytest.mark.parametrize("fault", [None, Fault(message_status="failed"), Fault(ends_as="undelivered")])
async def test_each_request_and_each_answer_is_as_described(
    api: OpenAPI, cut: dict[str, Any], channel: SmsChannel, exchanges: Exchanges, provider: SmsProvider,
    clock: ManualClock, fault: Fault | None,
) -> None:  # fmt: skip
    if fault is not None:
        provider.faults.append(fault)
    sent = await channel.send(MESSAGE)
    assert sent.provider_id is not None
    for seconds in (0, 0.5, 0.5, 2):  # in each of its states
        clock.advance(seconds)
        assert await channel.fetch_status(sent.provider_id) is not None
        assert await channel.find_sent(MESSAGE, since=clock.now()) is not None
    assert await channel.redact(sent.provider_id)
    assert {(answered.request.method, answered.status_code) for answered in exchanges.seen} == {
        ("POST", 201),
        ("GET", 200),
        ("POST", 200),
    }
    for answered in exchanges.seen:
        check(api, answered)
        request = answered.request
        path = PATHS[0] if request.url.path.endswith("/Messages.json") else PATHS[1]
        given = set(httpx.QueryParams(request.content.decode())) | set(request.url.params)
        # The description itself lets unknown fields pass, and a misspelt one would be ignored by the provider.
        assert given <= names(cut, path, request.method.lower())


@pytest.mark.parametrize("end", [None, "busy", "no-answer", "failed"])
async def test_each_request_for_a_call_and_each_answer_is_as_described(
    api: OpenAPI, cut: dict[str, Any], voice: VoiceChannel, exchanges: Exchanges, provider: SmsProvider,
    clock: ManualClock, end: str | None,
) -> None:  # fmt: skip
    if end is not None:
        provider.faults.append(Fault(ends_as=end))
    sent = await voice.send(MESSAGE)
    assert sent.provider_id is not None
    states = set()
    for seconds in (0, 0.25, 0.25, 2.5, 60):  # in each of its states
        clock.advance(seconds)
        said = await voice.fetch_status(sent.provider_id)
        assert said is not None
        states.add(said.status)
    assert (end or "completed") in states
    for answered in exchanges.seen:
        check(api, answered)
        request = answered.request
        path = PATHS[2] if request.url.path.endswith("/Calls.json") else PATHS[3]
        given = set(httpx.QueryParams(request.content.decode())) | set(request.url.params)
        assert given <= names(cut, path, request.method.lower())


async def test_whole_list_of_every_state_is_as_described(
    api: OpenAPI, channel: SmsChannel, exchanges: Exchanges, provider: SmsProvider, clock: ManualClock
) -> None:
    for status in (None, "queued", "accepted", "failed", "undelivered", "partially_delivered", "canceled", "read"):
        provider.faults.append(Fault(stored=True, http_status=201, message_status=status))
        await channel.send(MESSAGE)
    clock.advance(5)
    await exchanges.http.get(provider.base_url + PATHS[0].format(AccountSid=ACCOUNT), auth=(KEY, SECRET))
    assert len(exchanges.seen[-1].json()["messages"]) == 8
    check(api, exchanges.seen[-1])


async def test_each_page_is_asked_for_and_answered_as_described(
    api: OpenAPI, cut: dict[str, Any], channel: SmsChannel, exchanges: Exchanges, monkeypatch: pytest.MonkeyPatch,
    clock: ManualClock,
) -> None:  # fmt: skip
    monkeypatch.setattr(alerts.channels.sms, "LIST_SIZE", 1)
    for number in (2, 3, 4):
        await channel.send(replace(MESSAGE, reference=f"#A17-{number}"))
    clock.advance(5)
    exchanges.seen.clear()
    assert await channel.find_sent(MESSAGE, since=clock.now()) is not None
    assert [answered.request.url.params.get("Page") for answered in exchanges.seen] == [None, "1", "2"]
    for answered in exchanges.seen:
        check(api, answered)
        assert set(answered.request.url.params) <= names(cut, PATHS[0], "get")


@pytest.mark.parametrize(
    "changes",
    [
        {"remove": "To"},
        {"ValidityPeriod": "abc"},
        {"path": "/2010-04-01/Accounts/AC12/Messages.json"},
        {"header": "Authorization"},
    ],
)
async def test_the_description_finds_a_wrong_request(
    api: OpenAPI, channel: SmsChannel, exchanges: Exchanges, changes: dict[str, str]
) -> None:
    """Else the tests above could not fail."""
    await channel.send(MESSAGE)
    request = exchanges.seen[0].request
    form = dict(httpx.QueryParams(request.content.decode())) | {
        name: value for name, value in changes.items() if name[0].isupper()
    }
    form.pop(changes.get("remove", ""), None)
    url = request.url.copy_with(path=changes.get("path", request.url.path))
    headers = {name: value for name, value in request.headers.items() if name != changes.get("header", "").lower()}
    headers.pop("content-length")
    wrong = httpx.Request("POST", url, headers=headers, data=form)
    api.validate_request(as_request(request))
    with pytest.raises(OpenAPIError):
        api.validate_request(as_request(wrong))


async def test_the_description_finds_a_wrong_call(
    api: OpenAPI, voice: VoiceChannel, exchanges: Exchanges, provider: SmsProvider
) -> None:
    await voice.send(MESSAGE)
    [answered] = exchanges.seen
    form = dict(httpx.QueryParams(answered.request.content.decode()))
    for wrong in ({"Timeout": "long"}, {"To": None}):
        data = {name: value for name, value in (form | wrong).items() if value is not None}
        headers = {"Authorization": answered.request.headers["Authorization"]}
        with pytest.raises(OpenAPIError):
            api.validate_request(as_request(httpx.Request("POST", answered.request.url, headers=headers, data=data)))
    for name, value in (("sid", "SM" + "0" * 32), ("status", "initiated")):  # a word of callbacks only
        body = httpx.Response(201, json=answered.json() | {name: value}, request=answered.request)
        with pytest.raises(OpenAPIError):
            check(api, body)


async def test_the_description_finds_a_wrong_answer(api: OpenAPI, channel: SmsChannel, exchanges: Exchanges) -> None:
    await channel.send(MESSAGE)
    [answered] = exchanges.seen
    for name, value in (("sid", "1"), ("status", "teleported"), ("error_code", "none"), ("num_segments", 1)):
        body = answered.json() | {name: value}
        wrong = httpx.Response(201, json=body, request=answered.request)
        with pytest.raises(OpenAPIError):
            check(api, wrong)
