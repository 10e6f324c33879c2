"""The channel to an alarm receiving centre, against one that others wrote and one that plays bad answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysiaalarm.account import SIAAccount
from pysiaalarm.aio.server import SIAServerTCP, SIAServerUDP
from pysiaalarm.event import SIAEvent
from pysiaalarm.utils.counter import Counter
from pysiaalarm.utils.enums import MessageTypes

from alerts.channels import Channel, Outcome, OutgoingText
from alerts.channels import dc09_frame as frames
from alerts.channels.dc09 import Dc09Channel, Language
from alerts.channels.dc09_frame import Account
from alerts.channels.dc09_link import NotTakenError, TcpLink
from gyrophare.kernel.clock import Clock, ManualClock, SystemClock
from tests.alarm_receiver import Answer, Receiver, ack, duh, framed, nak, nothing, plainly, sequence_of
from tests.department import until
from tests.test_alert_documents import RAISED

Protocol = Literal["tcp", "udp"]
AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
KEY = b"0123456789abcdef"
both = pytest.mark.parametrize("protocol", ["tcp", "udp"])


def message(number: int = 7, **changed: Any) -> OutgoingText:
    return OutgoingText(
        notification_id=number, reference="#A17-1", to="télésurveilleur", text=json.dumps(RAISED | changed)
    )


def channel_to(
    port: int,
    protocol: Protocol = "tcp",
    *,
    key: bytes | None = None,
    language: Language = "SIA-DCS",
    clock: Clock | None = None,
    answer_s: float = 5.0,
) -> Dc09Channel:
    return Dc09Channel(
        host="127.0.0.1",
        port=port,
        protocol=protocol,
        account=Account(number="1234", key=key),
        language=language,
        clock=clock or ManualClock(AT),
        answer_s=answer_s,
    )


class _Udp(SIAServerUDP):
    """pysiaalarm expects a class of transport that asyncio's own is not before Python 3.12."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport


@asynccontextmanager
async def central(protocol: Protocol, key: bytes | None = None) -> AsyncIterator[tuple[int, list[SIAEvent]]]:
    """pysiaalarm's receiver: its port, and what it understood."""
    heard: list[SIAEvent] = []

    async def hear(event: SIAEvent) -> None:
        heard.append(event)

    accounts = {"1234": SIAAccount("1234", key.decode() if key else None)}
    if protocol == "tcp":
        server = await asyncio.start_server(SIAServerTCP(accounts, hear, Counter()).handle_line, "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1], heard
        server.close()
        await server.wait_closed()
    else:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Udp(accounts, hear, Counter()), local_addr=("127.0.0.1", 0)
        )
        yield transport.get_extra_info("sockname")[1], heard
        transport.close()


async def heard_one(heard: list[SIAEvent]) -> SIAEvent:
    async def look() -> SIAEvent | None:
        return heard[0] if heard else None

    return await until(look)


@both
@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
async def test_foreign_receiver_understands_an_alarm(protocol: Protocol, key: bytes | None) -> None:
    async with central(protocol, key) as (port, heard):
        channel: Channel = channel_to(port, protocol, key=key, clock=SystemClock())
        result = await channel.send(message())
        event = await heard_one(heard)
    assert (result.outcome, result.provider_id) == (Outcome.SENT, "0007")
    assert (event.account, event.sequence, event.code, event.encrypted) == ("1234", "0007", "QA", key is not None)
    assert event.message == "017^A17^"
    found = {part.identifier: part.value for part in event.extended_data or []}
    assert found["H"] == "07:39:03,01-14-2026"
    # Where somebody is does not travel in clear.
    assert (found.get("X"), found.get("Y")) == (("005E02.490", "47N19.290") if key else (None, None))


@both
async def test_foreign_receiver_understands_contact_id(protocol: Protocol) -> None:
    async with central(protocol) as (port, heard):
        channel = channel_to(port, protocol, language="ADM-CID", clock=SystemClock())
        result = await channel.send(message(kind="sos", occasion="closed"))
        event = await heard_one(heard)
    assert result.outcome is Outcome.SENT
    assert (event.event_qualifier, event.event_type, event.partition, event.ri) == ("3", "120", "00", "017")
    assert event.code == "PH"


@both
@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
async def test_foreign_receiver_hears_that_we_are_alive(protocol: Protocol, key: bytes | None) -> None:
    async with central(protocol, key) as (port, heard):
        result = await channel_to(port, protocol, key=key, clock=SystemClock()).supervise()
        event = await heard_one(heard)
    assert result.outcome is Outcome.SENT
    assert (event.message_type, event.sequence) == (MessageTypes.NULL, "0000")


@both
async def test_receiver_with_another_time_is_followed(protocol: Protocol) -> None:
    clock = ManualClock(SystemClock().now() - timedelta(hours=2))
    async with central(protocol) as (port, heard):
        channel = channel_to(port, protocol, clock=clock)
        assert (await channel.send(message())).outcome is Outcome.SENT  # refused once, then in its own time
        assert (await channel.send(message(8))).outcome is Outcome.SENT
        await heard_one(heard)


@both
async def test_same_notification_has_the_same_sequence_again(protocol: Protocol) -> None:
    async with Receiver.open(protocol, nothing, ack) as receiver:
        for _ in range(2):
            channel = channel_to(receiver.port, protocol, answer_s=0.2)  # as after a crash: another one
            assert (await channel.send(message(10_006))).outcome is Outcome.SENT
    assert [sequence_of(frame) for frame in receiver.frames] == ["0007"] * 3


@both
async def test_silence_is_ambiguous_after_three_tries(protocol: Protocol) -> None:
    async with Receiver.open(protocol, nothing) as receiver:
        result = await channel_to(receiver.port, protocol, answer_s=0.05).send(message())
    assert result.outcome is Outcome.AMBIGUOUS
    assert len(receiver.frames) == 3
    assert len({sequence_of(frame) for frame in receiver.frames}) == 1


@both
async def test_event_that_the_receiver_cannot_handle_is_permanent(protocol: Protocol) -> None:
    async with Receiver.open(protocol, duh) as receiver:
        result = await channel_to(receiver.port, protocol).send(message())
    assert (result.outcome, result.error_code, len(receiver.frames)) == (Outcome.PERMANENT, "DUH", 1)


@both
async def test_refusal_with_a_time_is_tried_once_more_in_that_time(protocol: Protocol) -> None:
    async with Receiver.open(protocol, nak("09:42:03,01-14-2026"), ack) as receiver:
        result = await channel_to(receiver.port, protocol).send(message())
    assert result.outcome is Outcome.SENT
    assert [frame[-21:-1] for frame in receiver.frames] == [b"_07:42:03,01-14-2026", b"_09:42:03,01-14-2026"]


@pytest.mark.parametrize("at", ["09:42:03,01-14-2026", "09:42:03,01-14-2020", "99:99:99,99-99-9999"])
async def test_refusal_again_is_temporary(at: str) -> None:
    async with Receiver.open("tcp", nak(at)) as receiver:
        result = await channel_to(receiver.port).send(message())
    assert (result.outcome, result.error_code) == (Outcome.TEMPORARY, "NAK")
    assert len(receiver.frames) <= 2


@both
async def test_nobody_there_is_temporary(protocol: Protocol) -> None:
    async with Receiver.open(protocol, ack) as receiver:
        port = receiver.port
    assert (await channel_to(port, protocol).send(message())).outcome is Outcome.TEMPORARY


async def test_nobody_there_any_more_is_ambiguous_after_a_silent_try(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[bytes] = []

    async def ask(_link: TcpLink, frame: bytes, _read: object) -> None:
        tries.append(frame)
        if len(tries) > 1:
            raise NotTakenError("not connected")

    monkeypatch.setattr(TcpLink, "ask", ask)
    assert (await channel_to(9).send(message())).outcome is Outcome.AMBIGUOUS
    assert len(tries) == 2


@both
@pytest.mark.parametrize(
    "answer",
    [
        framed('"ACK"0008R0L0#1234[]'),
        framed('"ACK"0007R0L0#4321[]'),
        framed('"ACK"0007R0L0#1234[]')[:-3] + b"\r",
        b'"ACK"\r',
        b"\r" * 1000,
        b"x" * 5000,
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_answer_that_is_not_ours_is_no_answer(protocol: Protocol, answer: bytes) -> None:
    async with Receiver.open(protocol, plainly(answer)) as receiver:
        result = await channel_to(receiver.port, protocol, answer_s=0.05).send(message())
    assert result.outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize(
    ("age", "outcome"), [(timedelta(0), Outcome.SENT), (timedelta(days=27), Outcome.AMBIGUOUS)], ids=["now", "recorded"]
)
async def test_recorded_acknowledgement_does_not_count(age: timedelta, outcome: Outcome) -> None:
    account = Account(number="1234", key=KEY)

    def replay(_frame: bytes) -> bytes:
        return frames.write(account, "ACK", 7, "", (), AT - age)

    async with Receiver.open("tcp", replay) as receiver:
        result = await channel_to(receiver.port, key=KEY, answer_s=0.05).send(message())
    assert result.outcome is outcome


async def test_acknowledgement_in_clear_does_not_count_with_a_key() -> None:
    async with Receiver.open("tcp", ack) as receiver:
        result = await channel_to(receiver.port, key=KEY, answer_s=0.05).send(message())
    assert result.outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize("changed", [{"occasion": "acknowledged"}, {"occasion": "closed", "test": True}])
async def test_what_the_language_has_no_word_for_is_not_sent(changed: dict[str, Any]) -> None:
    async with Receiver.open("tcp", ack) as receiver:
        result = await channel_to(receiver.port).send(message(**changed))
    assert (result.outcome, receiver.frames) == (Outcome.SENT, [])


@pytest.mark.parametrize("changed", [{"version": 2}, {"reference": "B17"}])
async def test_document_that_cannot_be_told_is_permanent(changed: dict[str, Any]) -> None:
    result = await channel_to(9).send(message(**changed))
    assert result.outcome is Outcome.PERMANENT


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=300), st.sampled_from(["tcp", "udp"]))
async def test_no_bytes_as_an_answer_raise(answer: bytes, protocol: Protocol) -> None:
    script: Answer = plainly(answer + b"\r")
    async with Receiver.open(protocol, script) as receiver:
        result = await channel_to(receiver.port, protocol, answer_s=0.02).send(message())
    assert result.outcome is Outcome.AMBIGUOUS


async def test_supervision_tells_once_that_the_receiver_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    async with Receiver.open("tcp", ack) as receiver:
        channel = channel_to(receiver.port)
        caplog.set_level("INFO")
        for _ in range(2):
            assert (await channel.supervise()).outcome is Outcome.SENT
    for _ in range(2):
        assert (await channel.supervise()).outcome is Outcome.TEMPORARY
    said = [record.levelname for record in caplog.records if record.name == "alerts.channels.dc09"]
    assert said == ["INFO", "ERROR"]


async def test_nothing_personal_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with Receiver.open("tcp", nak("09:42:03,01-14-2026"), ack) as receiver:
        result = await channel_to(receiver.port, key=None).send(message())
    shown = caplog.text + repr(result) + repr(Account(number="1234", key=KEY)) + str(receiver.frames)
    for secret in ("Martin", "Fauchage", "47.3", "5.04", KEY.decode()):
        assert secret not in shown
