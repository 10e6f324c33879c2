"""The simulator's connections: shared or own, and nothing left behind at the broker."""

from __future__ import annotations

import asyncio
import itertools
import os
from datetime import datetime

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.errors import NotReadyError, SettingsError
from gyrophare.platform.mqtt import MqttSession
from gyrophare.platform.mqtt_address import BrokerAddress
from gyrophare.sim.lines import Lines
from gyrophare.sim.reporter import Speaks
from gyrophare.sim.watch import Publication

_number = itertools.count()


@pytest.fixture
def prefix() -> str:
    return f"l{os.getpid()}x{next(_number)}"


def kept_by_broker(url: str, name: str) -> bool:
    """Whether the broker knows a session of that name."""
    present: list[bool] = []
    address = BrokerAddress.parse(url)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    client.on_connect = lambda _client, _data, flags, _reason, _properties: present.append(flags.session_present)
    client.connect(address.host, address.port, clean_start=False)
    while not present:
        client.loop(0.1)
    client.disconnect()
    client.loop(0.1)
    return present[0]


def members(prefix: str, count: int) -> list[tuple[str, Speaks]]:
    return [(f"{prefix}-{number}", "native") for number in range(count)]


async def through(lines: Lines, broker: MqttBroker, prefix: str, count: int) -> tuple[list[str], list[str]]:
    """The topics that each device published to, as a server got them, and those on which it heard its receipt."""
    server = MqttSession(broker.url, f"server-{prefix}", ["gyrophare/v1/watches/+/+"], clock=SystemClock())
    await server.start()
    heard: list[str] = []
    all_heard = asyncio.Event()

    def hear(topic: str, payload: bytes, now: datetime) -> None:
        if prefix in topic:
            heard.append(topic)
        if len(heard) == count:
            all_heard.set()

    await lines.open(hear)
    publications = [
        Publication(name, f"gyrophare/v1/watches/{name}/{kind}", b"{}", kind == "events", 1)
        for name, _ in members(prefix, count)
        for kind in ("events", "fixes")
    ]
    assert all(lines.online(name) for name, _ in members(prefix, count))
    await lines.publish(publications)
    got: list[str] = []
    async with asyncio.timeout(15):
        while len(got) < len(publications):
            messages = await server.receive(100)
            got += [message.topic for message in messages if prefix in message.topic]
            server.acknowledge(messages)
        for name, _ in members(prefix, count):
            await server.publish(f"gyrophare/v1/watches/{name}/receipts", b"{}")
        await all_heard.wait()
    await lines.close()
    await server.stop()
    assert sorted(got) == sorted(publication.topic for publication in publications)
    return got, heard


async def test_shared_sessions_carry_everybody_and_are_forgotten(broker: MqttBroker, prefix: str) -> None:
    lines = Lines.shared(broker.url, prefix, members(prefix, 30), SystemClock())
    _, heard = await through(lines, broker, prefix, 30)
    assert sorted(heard) == sorted(f"gyrophare/v1/watches/{name}/receipts" for name, _ in members(prefix, 30))
    for name in (f"simulator-{prefix}", f"simulator-{prefix}-events"):
        assert not await asyncio.to_thread(kept_by_broker, broker.url, name)


async def test_own_sessions_are_kept_as_those_of_devices_are(broker: MqttBroker, prefix: str) -> None:
    lines = Lines.own(broker.url, members(prefix, 5), SystemClock())
    _, heard = await through(lines, broker, prefix, 5)
    assert sorted(heard) == sorted(f"gyrophare/v1/watches/{name}/receipts" for name, _ in members(prefix, 5))
    assert await asyncio.to_thread(kept_by_broker, broker.url, f"{prefix}-0")


async def test_broker_that_is_not_there_is_a_sentence(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def soon(session: MqttSession, timeout_s: float = 10.0) -> None:
        del timeout_s
        await started(session, 0.1)

    started = MqttSession.start
    monkeypatch.setattr(MqttSession, "start", soon)
    lines = Lines.own("mqtt://127.0.0.1:9", members(prefix, 3), SystemClock())
    with pytest.raises(NotReadyError, match=r"127\.0\.0\.1:9"):
        await lines.open(lambda _topic, _payload, _now: None)


def test_each_logs_in_with_its_own_name_and_password(prefix: str) -> None:
    passwords = {f"{prefix}-0": "p@ss/word", f"{prefix}-1": "é:#"}
    lines = Lines.own("mqtts://admin:secret@broker:8884", members(prefix, 2), SystemClock(), passwords)
    addresses = [session._address for session in lines._sessions]
    assert {address.username: address.password for address in addresses} == passwords
    assert {(address.host, address.port, address.tls) for address in addresses} == {("broker", 8884, True)}


def test_device_without_a_password_is_named(prefix: str) -> None:
    with pytest.raises(SettingsError, match=f"No password for {prefix}-1"):
        Lines.own("mqtt://broker", members(prefix, 2), SystemClock(), {f"{prefix}-0": "x"})
