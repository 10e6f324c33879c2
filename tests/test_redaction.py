"""What a text said is forgotten at the provider after its end, and never before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from alerts import redaction
from alerts.channels import Outcome, OutgoingText
from alerts.channels.sms import SmsChannel
from alerts.channels.twilio import classify_resource
from alerts.redaction import AGAIN_AFTER_S, AT_ONCE, FIRST_AFTER_S
from gyrophare.flows import provider_said
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Pool, connect
from gyrophare.server import Server
from gyrophare.sim.sms_provider import Act, Fault, SmsProvider
from tests.conftest import StartServer
from tests.department import SMS_KEY, SMS_SECRET, SMS_SID, Department
from tests.test_metrics import value
from tests.test_provider_said import FIRST, SECOND, alert, said, told


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    async with await connect(database_url) as connection:
        office = Department(connection, None, clock)
        await office.with_contacts(FIRST, SECOND)
        yield office


LEASED = """
update notification set state = %(state)s, lease_token = leased.token, leased_until = leased.until
from (select case when %(state)s = 'sending' then gen_random_uuid() end as token,
             case when %(state)s = 'sending' then now() end as until) leased
where id = %(id)s
"""


class Forgetting:
    """A provider that forgets, or does not."""

    def __init__(self, pool: Pool, clock: ManualClock, *, forgets: bool = True) -> None:
        self.asked: list[str] = []
        self._registry = CollectorRegistry()
        self.results = Counter("redactions", "", ["result"], registry=self._registry)
        self._pool = pool
        self._clock = clock
        self._forgets = forgets

    async def redact(self, provider_id: str) -> bool:
        self.asked.append(provider_id)
        return self._forgets

    async def turn(self, after_s: float = 0.0) -> list[str]:
        """Whose texts it was asked to forget then."""
        self._clock.advance(after_s)
        self.asked.clear()
        await redaction.redact_due(self._pool, self._clock, self.redact, self.results)
        return self.asked

    def count(self, result: str) -> float:
        return self._registry.get_sample_value("redactions_total", {"result": result}) or 0


@pytest.mark.parametrize("end", ["delivered", "undelivered", "failed"])
async def test_text_is_forgotten_after_its_end_once(
    pool: Pool, office: Department, clock: ManualClock, end: str
) -> None:
    await told(office, await alert(office), "SM1")
    provider = Forgetting(pool, clock)
    for word in ("queued", "sending", "sent"):
        await provider_said.status(pool, clock, said(word))
        assert await provider.turn(86_400) == []
    await provider_said.status(pool, clock, said(end))
    assert await provider.turn(FIRST_AFTER_S - 1) == []
    assert await provider.turn(1) == ["SM1"]
    assert await office.rows("select redacted_at from notification") == [{"redacted_at": clock.now()}]
    assert await provider.turn(86_400) == []
    assert (provider.count("redacted"), provider.count("refused")) == (1, 0)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        pytest.param(["sent"], ["SM1"], id="sent may be the last word"),
        pytest.param(["sending"], [], id="it may be sent yet"),
        pytest.param([], [], id="nothing was ever said"),
    ],
)
async def test_text_whose_end_nobody_knows_is_forgotten_only_when_it_was_sent(
    pool: Pool, office: Department, clock: ManualClock, words: Sequence[str], asked: Sequence[str]
) -> None:
    await told(office, await alert(office), "SM1")
    for word in words:
        await provider_said.status(pool, clock, said(word))
    await office.connection.execute("update notification set provider_final_at = %s", [clock.now()])
    assert await Forgetting(pool, clock).turn(86_400) == asked


@pytest.mark.parametrize("state", ["ambiguous", "sending", "pending"])
async def test_text_is_kept_while_another_alert_may_be_looked_for_in_it(
    pool: Pool, office: Department, clock: ManualClock, state: str
) -> None:
    """One text told of both, its answer was lost, and so far only one was found in the provider's list."""
    await told(office, await alert(office), "SM1")
    doubtful = await told(office, await alert(office), None, state="ambiguous")
    await office.connection.execute(LEASED, {"state": state, "id": doubtful})
    await told(office, await alert(office), None, to=SECOND, state="ambiguous")
    await provider_said.status(pool, clock, said("delivered"))
    provider = Forgetting(pool, clock)
    assert await provider.turn(86_400) == []
    await office.connection.execute(LEASED, {"state": "sent", "id": doubtful})
    assert await provider.turn() == ["SM1"]


async def test_provider_that_cannot_forget_is_asked_twice(pool: Pool, office: Department, clock: ManualClock) -> None:
    await told(office, await alert(office), "SM1")
    await provider_said.status(pool, clock, said("delivered"))
    provider = Forgetting(pool, clock, forgets=False)
    assert await provider.turn(FIRST_AFTER_S) == ["SM1"]
    assert await provider.turn(FIRST_AFTER_S) == []
    assert await provider.turn(AGAIN_AFTER_S) == ["SM1"]
    assert await provider.turn(30 * 86_400) == []
    assert (provider.count("redacted"), provider.count("refused")) == (0, 2)
    assert await office.rows("select redacted_at from notification") == [{"redacted_at": None}]


async def test_only_some_are_forgotten_at_a_time_the_longest_ended_first(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    for number in range(AT_ONCE + 1):
        await told(office, await alert(office), f"SM{number}")
        await provider_said.status(pool, clock, said("delivered", f"SM{number}"))
        clock.advance(1)
    provider = Forgetting(pool, clock)
    assert sorted(await provider.turn(FIRST_AFTER_S)) == sorted(f"SM{number}" for number in range(AT_ONCE))
    assert await provider.turn() == [f"SM{AT_ONCE}"]


async def test_message_that_failed_at_once_is_forgotten_too(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    provider.faults.append(Fault(message_status="failed"))
    await one_text(department, "failed")
    clock.advance(FIRST_AFTER_S)
    await server.redact()
    assert provider.messages[-1].redacted


# ------------------------------------------------------------------ at the stand-in


async def one_text(department: Department, state: str = "sent") -> None:
    await department.with_contacts(FIRST)
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = %(state)s", state=state)


async def test_stand_in_forgets_the_text_and_the_telephone_does_not(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    await one_text(department)
    clock.advance(60)
    await server.callbacks.ask()
    await server.redact()
    [message] = provider.messages
    assert message.resource(SMS_SID, clock.monotonic_s())["body"].startswith("SOS")
    clock.advance(FIRST_AFTER_S)
    await server.redact()
    assert message.resource(SMS_SID, clock.monotonic_s())["body"] == ""
    assert message.body.startswith("SOS")
    assert await value(server, "sms_redactions_total", result="redacted") == 1
    assert await value(server, "sms_redactions_total", result="refused") == 0


async def test_provider_without_it_is_no_error(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    provider.redacts = False
    await one_text(department)
    clock.advance(60)
    await server.callbacks.ask()
    for after_s in (FIRST_AFTER_S, AGAIN_AFTER_S, AGAIN_AFTER_S):
        clock.advance(after_s)
        await server.redact()
    assert await value(server, "sms_redactions_total", result="refused") == 2
    assert [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


async def test_nothing_is_forgotten_where_the_settings_say_so(
    start_server: StartServer, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    server = await start_server(redact=False)
    await one_text(department)
    clock.advance(60)
    await server.callbacks.ask()
    clock.advance(FIRST_AFTER_S)
    await server.redact()
    assert not provider.messages[0].redacted


async def test_message_whose_answer_was_lost_is_still_found_by_its_text(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    """Its end comes only after we know whose it is: nothing is forgotten that is still looked for."""
    provider.faults.append(Fault(act=Act.RESET, stored=True))
    await one_text(department, "ambiguous")
    clock.advance(FIRST_AFTER_S)
    await server.redact()
    server.dispatcher.wake()
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    assert provider.received == 1
    assert await value(server, "sms_segments_total") == 1


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


async def test_message_under_way_is_not_emptied(provider: SmsProvider, channel: SmsChannel, clock: ManualClock) -> None:
    sent = await channel.send(OutgoingText(notification_id=1, reference="#A1-1", to=FIRST, text="SOS"))
    assert (sent.outcome, sent.segments) == (Outcome.SENT, 1)
    assert sent.provider_id is not None
    assert not await channel.redact(sent.provider_id)
    assert not provider.messages[0].redacted
    clock.advance(3)
    assert await channel.redact(sent.provider_id)
    assert not await channel.redact("SM" + "0" * 32)


@pytest.mark.parametrize(
    ("answer", "forgotten"),
    [
        (httpx.Response(200, json={"sid": "SM1", "body": ""}), True),
        (httpx.Response(200, json={"sid": "SM1", "body": None}), True),
        (httpx.Response(200, json={"sid": "SM1", "body": "SOS Martin #A1-1"}), False),
        (httpx.Response(200, json={"sid": "SM1"}), False),
        (httpx.Response(200, json={"sid": "SM2", "body": ""}), False),
        (httpx.Response(200, text="<html>"), False),
        (httpx.Response(404, json={"sid": "SM1", "body": ""}), False),
        (httpx.ConnectError("away"), False),
    ],
)
async def test_text_is_forgotten_only_where_the_provider_shows_it(
    answer: httpx.Response | httpx.HTTPError, forgotten: bool
) -> None:
    requests: list[httpx.Request] = []

    def give(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(give)) as http:
        channel = SmsChannel(
            base_url="http://sms.test",
            account_sid=SMS_SID,
            api_key=SMS_KEY,
            api_secret=SMS_SECRET,
            from_number="+33380000000",
            http=http,
        )
        assert await channel.redact("SM1") is forgotten
    [request] = requests
    assert (request.method, request.url.path) == ("POST", f"/2010-04-01/Accounts/{SMS_SID}/Messages/SM1.json")
    assert request.content == b"Body="


@pytest.mark.parametrize(
    ("counted", "segments"), [("1", 1), ("2", 2), ("0", None), (None, None), (3, None), ("-1", None), ("many", None)]
)
def test_segments_are_digits_in_a_text_or_not_known_yet(counted: object, segments: int | None) -> None:
    resource = {"sid": "SM1", "status": "queued", "num_segments": counted}
    assert classify_resource(resource, 201).segments == segments
