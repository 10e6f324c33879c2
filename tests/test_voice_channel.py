"""A call as it is asked for; what becomes of every answer, `test_sms_channel` says of both."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from lxml import etree
from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]

from alerts.channels import Channel, Outcome, OutgoingText, twiml
from alerts.channels.voice import VoiceChannel
from gyrophare.kernel.clock import ManualClock
from gyrophare.sim.sms_provider import Act, Fault, SmsProvider
from gyrophare.sim.sms_provider.calls import words
from tests.test_sms_channel import ACCOUNT, FROM, KEY, SECRET, START_AT, TO

MESSAGE = OutgoingText(notification_id=23, reference="#A17-2", to=TO, text="Alerte A 17 : chute. Léa Durand & fils.")
HEARD = "https://alertes.example.fr/voice"


def channel_to(base_url: str, *, http: httpx.AsyncClient | None = None, heard: bool = True) -> VoiceChannel:
    return VoiceChannel(
        base_url=base_url,
        account_sid=ACCOUNT,
        api_key=KEY,
        api_secret=SECRET,
        from_number=FROM,
        status_callback=f"{HEARD}/status" if heard else None,
        key_url=f"{HEARD}/key" if heard else None,
        http=http,
        read_timeout_s=0.2,
    )


@pytest.fixture
async def provider(clock: ManualClock) -> AsyncIterator[SmsProvider]:
    provider = SmsProvider(account_sid=ACCOUNT, api_key=KEY, api_secret=SECRET, clock=clock)
    await provider.start()
    yield provider
    await provider.stop()


@pytest.fixture
async def channel(provider: SmsProvider) -> AsyncIterator[VoiceChannel]:
    channel = channel_to(provider.base_url)
    yield channel
    await channel.aclose()


async def test_call_names_its_notification_where_it_calls_back(provider: SmsProvider, channel: VoiceChannel) -> None:
    as_port: Channel = channel
    result = await as_port.send(MESSAGE)
    [call] = provider.exchange.calls
    assert (result.outcome, result.http_status, result.provider_id) == (Outcome.SENT, 201, call.sid)
    assert (call.to, call.sender, call.ring_s) == (TO, FROM, 20)
    assert words(call.twiml) == [f"{MESSAGE.text} Appuyez sur 1 pour prendre en charge."] * 2
    assert call.key_url == f"{HEARD}/key?n=23#rc=5&rp=all"
    assert call.status_callback == f"{HEARD}/status?n=23#rc=5&rp=all"
    assert call.events == {"initiated", "answered", "completed"}


async def test_call_that_nobody_can_answer_by_a_key_asks_for_none(provider: SmsProvider) -> None:
    channel = channel_to(provider.base_url, heard=False)
    await channel.send(MESSAGE)
    await channel.aclose()
    [call] = provider.exchange.calls
    assert (call.key_url, call.status_callback) == (None, None)
    assert words(call.twiml) == [MESSAGE.text] * 2


@pytest.mark.parametrize(
    ("fault", "outcome", "code", "kept"),
    [
        (Fault(http_status=429, code=20429), Outcome.TEMPORARY, "20429", 0),
        (Fault(http_status=503, stored=True), Outcome.AMBIGUOUS, None, 1),
        (Fault(act=Act.RESET, stored=True), Outcome.AMBIGUOUS, None, 1),
        (Fault(act=Act.HANG), Outcome.AMBIGUOUS, None, 0),
        (Fault(http_status=400, code=21214), Outcome.PERMANENT, "21214", 0),
        (Fault(message_status="busy"), Outcome.PERMANENT, None, 1),
        (Fault(message_status="no-answer"), Outcome.PERMANENT, None, 1),
        (Fault(message_status="canceled"), Outcome.PERMANENT, None, 1),
        (Fault(message_status="ringing"), Outcome.SENT, None, 1),
    ],
)
async def test_call_when_something_goes_wrong(
    provider: SmsProvider, channel: VoiceChannel, fault: Fault, outcome: Outcome, code: str | None, kept: int
) -> None:
    provider.faults.append(fault)
    result = await channel.send(MESSAGE)
    assert (result.outcome, result.error_code) == (outcome, code)
    assert len(provider.exchange.calls) == kept
    assert TO[1:] not in result.detail


async def test_call_when_nothing_listens_is_safe_to_make_again() -> None:
    with socket.socket() as bound:  # bound and not listening: every connection is refused
        bound.bind(("127.0.0.1", 0))
        channel = channel_to(f"http://127.0.0.1:{bound.getsockname()[1]}")
        assert (await channel.send(MESSAGE)).outcome is Outcome.TEMPORARY
        await channel.aclose()


async def test_a_call_is_never_found_in_a_list(provider: SmsProvider, channel: VoiceChannel) -> None:
    """It carries no reference: another alert's call to the same person would look the same, so it rings again."""
    await channel.send(MESSAGE)
    assert await channel.find_sent(MESSAGE, since=START_AT) is None


def test_document_is_what_the_official_library_writes() -> None:
    official = VoiceResponse()
    gather = official.gather(num_digits=1, timeout=10, method="POST", action=f"{HEARD}/key?n=23&x=1")
    for _ in range(2):
        gather.say(MESSAGE.text, language="fr-FR")
        gather.pause(length=1)
    ours = twiml.alarm(MESSAGE.text, key_url=f"{HEARD}/key?n=23&x=1")
    theirs = etree.fromstring(str(official).encode())
    theirs[0].remove(theirs[0][-1])  # no pause after the last
    assert etree.tostring(etree.fromstring(ours.encode()), method="c14n") == etree.tostring(theirs, method="c14n")
