"""Our MQTT session against the real broker: what must hold whatever paho's thread does at the same time."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.platform import mqtt, mqtt_socket
from gyrophare.platform.mqtt import MqttSession, Received
from tests.mosquitto import Mosquitto, needs_mosquitto

_number = itertools.count()


def session(broker: MqttBroker, *topics: str, name: str | None = None) -> MqttSession:
    name = name or f"session-{os.getpid()}-{next(_number)}"
    return MqttSession(broker.url, name, topics, clock=SystemClock())


async def receive(one: MqttSession, count: int, *, acknowledge: bool = True) -> list[bytes]:
    """The payloads of the next `count` messages."""
    payloads: list[bytes] = []
    async with asyncio.timeout(30):
        while len(payloads) < count:
            messages = await one.receive(50)
            if acknowledge:
                one.acknowledge(messages)
            payloads += [message.payload for message in messages]
    return payloads


@pytest.fixture
def threads_change_often() -> Iterator[None]:
    """What happens once a month happens in each run."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before_s)


@pytest.mark.timeout(60)
async def test_many_publish_and_receive_at_once_and_nobody_waits_for_ever(
    broker: MqttBroker, threads_change_often: None
) -> None:
    """Our lock, held while asking paho to publish, and paho's, held while telling us of a PUBACK, froze the server."""
    topic = f"crowd/{os.getpid()}/{next(_number)}"
    hears, speaks = session(broker, topic), session(broker)
    await hears.start()
    await speaks.start()
    count = 3000
    publishing = [speaks.publish(topic, str(number).encode(), timeout_s=50) for number in range(count)]
    receiving = asyncio.create_task(receive(hears, count))
    await asyncio.gather(*publishing)
    assert sorted(await receiving) == sorted(str(number).encode() for number in range(count))
    await hears.stop()
    await speaks.stop()


async def test_unacknowledged_messages_come_again_at_the_next_connection_in_order(broker: MqttBroker) -> None:
    topic, name = f"again/{os.getpid()}/{next(_number)}", f"again-{os.getpid()}"
    first, speaks = session(broker, topic, name=name), session(broker)
    await first.start()
    await speaks.start()
    for number in range(6):
        await speaks.publish(topic, str(number).encode())
    early = await first.receive(50)
    while len(early) < 6:
        early += await first.receive(50)
    first.acknowledge(early[:2])
    await speaks.publish(topic, b"6")
    await receive(first, 1, acknowledge=False)
    await first.stop()

    second = session(broker, topic, name=name)
    await second.start()
    assert await receive(second, 5) == [b"2", b"3", b"4", b"5", b"6"]
    await second.stop()
    await speaks.stop()


async def test_acknowledgement_of_a_past_connection_is_not_sent_on_the_next(broker: MqttBroker) -> None:
    """On the next connection the same packet number names another message."""
    topic, name = f"past/{os.getpid()}/{next(_number)}", f"past-{os.getpid()}"
    taken, speaks = session(broker, topic, name=name), session(broker)
    await taken.start()
    await speaks.start()
    await speaks.publish(topic, b"one")
    [one] = await taken.receive(1)
    rival = session(broker, topic, name=name)  # takes the session over, and gives it back
    await rival.start()
    await rival.stop()
    await speaks.publish(topic, b"two")
    again: list[bytes] = []
    async with asyncio.timeout(30):
        while again[-2:] != [b"one", b"two"]:
            messages = await taken.receive(1)
            taken.acknowledge([one])  # a straggler of the first connection, sent before each new message
            taken.acknowledge(messages)
            again += [message.payload for message in messages]
    await taken.stop()
    await speaks.stop()


async def test_more_than_is_gathered_at_once_is_published(broker: MqttBroker) -> None:
    """What paho could not hand over stayed there until something else was written: not even the pings went out."""
    topic = f"large/{os.getpid()}/{next(_number)}"
    hears, speaks = session(broker, topic), session(broker)
    await hears.start()
    await speaks.start()
    bodies = [bytes([number]) * 900_000 for number in range(8)]
    await asyncio.gather(*(speaks.publish(topic, body, timeout_s=20) for body in bodies))
    assert await receive(hears, len(bodies)) == bodies
    await hears.stop()
    await speaks.stop()


async def test_reading_pauses_while_too_much_is_unacknowledged(
    broker: MqttBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is gone, a window of large messages must not fill the memory."""
    monkeypatch.setattr(mqtt, "_UNACKNOWLEDGED_MAX_BYTES", 20_000)
    monkeypatch.setattr(mqtt_socket, "_READ_AHEAD_BYTES", 5_000)
    topic = f"pause/{os.getpid()}/{next(_number)}"
    hears, speaks = session(broker, topic), session(broker)
    await hears.start()
    await speaks.start()
    bodies = [b"%04d" % number + b"x" * 1_000 for number in range(90)]
    for body in bodies:
        await speaks.publish(topic, body)
    await speaks.publish(topic, b"end")
    held: list[Received] = []
    while sum(len(message.payload) for message in held) <= 20_000:
        held += await hears.receive(500)
    assert sum(len(message.payload) for message in held) < 20_000 + 5_000 + 1_004
    hears.acknowledge(held)
    rest = await receive(hears, len(bodies) + 1 - len(held))
    assert [message.payload for message in held] + rest == [*bodies, b"end"]
    await hears.stop()
    await speaks.stop()


@needs_mosquitto
async def test_queue_stays_bounded_when_the_broker_forgets_the_window(tmp_path: Path) -> None:
    """Mosquitto 2.0.11 keeps to the receive maximum until the first acknowledgement, and then sends all that waits."""
    with Mosquitto(tmp_path) as mosquitto:
        slow = MqttSession(mosquitto.url, "slow", ["backlog"], clock=SystemClock(), receive_maximum=50)
        speaks = MqttSession(mosquitto.url, "speaks", ["elsewhere"], clock=SystemClock())
        await slow.start()
        await speaks.start()
        await asyncio.gather(*(speaks.publish("backlog", b"x" * 1_000, timeout_s=30) for _ in range(1_000)))
        slow.acknowledge(await slow.receive(10))
        for _ in range(20):  # what others hear of it the broker has read after its acknowledgements
            slow.publish_soon("elsewhere", b"")
            await receive(speaks, 1)
        waiting = await slow.receive(1_000)
        assert len(waiting) <= 50
        slow.acknowledge(waiting)
        assert len(await receive(slow, 1_000 - 10 - len(waiting))) == 1_000 - 10 - len(waiting)
        await slow.stop()
        await speaks.stop()


async def test_what_is_told_reaches_who_listens_and_waits_for_nobody(broker: MqttBroker) -> None:
    topic = f"told/{os.getpid()}/{next(_number)}"
    hears, speaks = session(broker, topic), session(broker)
    speaks.tell(topic, b"nobody is connected yet")
    await hears.start()
    await speaks.start()
    for number in range(100):
        speaks.tell(topic, b"%d" % number)
    await speaks.publish(topic, b"and then at QoS 1")
    assert await receive(hears, 101) == [*(b"%d" % number for number in range(100)), b"and then at QoS 1"]
    await hears.stop()
    await speaks.stop()
    speaks.tell(topic, b"nobody is connected any more")


async def test_broker_that_is_not_there_is_an_error_for_people() -> None:
    alone = MqttSession("mqtt://127.0.0.1:1", "alone", (), clock=SystemClock())
    with pytest.raises(NotReadyError, match="GYROPHARE_MQTT_URL"):
        await alone.start(timeout_s=0.5)
