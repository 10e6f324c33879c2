"""What the machine could do at most, and what the plain program would do that a user would write."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import paho.mqtt.client as paho
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from bench.servers import CLOCK
from gyrophare.platform import sql
from gyrophare.platform.mqtt import MqttSession
from gyrophare.platform.mqtt_address import BrokerAddress

QUERIES = sql.load(__file__)
_COPY_AT_ONCE = 1_000


class Waiting:
    """A durable subscription of a plain paho client, which collects while the load is laid ready."""

    def __init__(self, url: str, name: str, topic: str) -> None:
        self._address, self._name, self._topic = BrokerAddress.parse(url), name, topic

    def _client(self) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self._name, protocol=paho.MQTTv5, manual_ack=True)
        self._properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
        self._properties.SessionExpiryInterval = 3600
        self._properties.ReceiveMaximum = 500
        return client

    def _connect(self, client: paho.Client) -> None:
        client.connect(self._address.host, self._address.port, clean_start=False, properties=self._properties)

    def subscribe(self) -> None:
        """Begin to collect."""
        client, done = self._client(), threading.Event()

        def subscribe(client: paho.Client, *_: Any) -> None:
            client.subscribe(self._topic, options=SubscribeOptions(qos=1))

        client.on_connect = subscribe
        client.on_subscribe = lambda *_: done.set()
        self._connect(client)
        client.loop_start()
        if not done.wait(10):
            raise RuntimeError("the broker takes no subscription")
        client.disconnect()
        client.loop_stop()

    def per_s(self, count: int, work: Any = None) -> float:
        """Messages a second of `count` that were collected: handed to `work` if there is any, and acknowledged."""
        client = self._client()
        received = 0
        began_s = 0.0

        def on_message(client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
            nonlocal received, began_s
            if not received:
                began_s = CLOCK.monotonic_s()
            if work is not None:
                work(message)
            client.ack(message.mid, message.qos)
            received += 1
            if received == count:
                client.disconnect()

        client.on_message = on_message
        self._connect(client)
        client.loop_forever()
        return (count - 1) / (CLOCK.monotonic_s() - began_s)


async def session_limit_per_s(url: str, name: str, topic: str, count: int) -> float:
    """Messages a second that our own session receives and acknowledges when it does nothing else."""
    session = MqttSession(url, name, [topic], clock=CLOCK, receive_maximum=500)
    began_s = CLOCK.monotonic_s()
    await session.start()
    received = 0
    while received < count:
        messages = await session.receive(500)
        session.acknowledge(messages)
        received += len(messages)
    rate = count / (CLOCK.monotonic_s() - began_s)
    await session.stop()
    return rate


def copy_per_s(database_url: str, count: int) -> float:
    """Fixes a second that PostgreSQL stores by COPY in durable batches of 1 000, with the keys the product has."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(QUERIES["copy_target"])
        rows = list(_rows(CLOCK.now(), count))
        began_s = CLOCK.monotonic_s()
        for start in range(0, count, _COPY_AT_ONCE):
            with connection.cursor().copy(QUERIES["copy"]) as copy:
                for row in rows[start : start + _COPY_AT_ONCE]:
                    copy.write_row(row)
        return count / (CLOCK.monotonic_s() - began_s)


def naive_per_s(database_url: str, waiting: Waiting, count: int) -> float:
    """Messages a second of the plain alternative: paho's callback, one INSERT a message, autocommit."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(QUERIES["naive_target"])

        def insert(message: paho.MQTTMessage) -> None:
            said = json.loads(message.payload)
            fix = said["fix"]
            connection.execute(
                QUERIES["naive_insert"],
                (
                    message.topic.split("/")[3],
                    said["boot"],
                    said["seq"],
                    fix["fixed_at"],
                    fix["lat"],
                    fix["lon"],
                    fix["accuracy_m"],
                    fix["speed_mps"],
                    said["motion"]["steps"],
                    said["battery_pct"],
                ),
            )

        return waiting.per_s(count, insert)


def _rows(now: datetime, count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        at = now + timedelta(milliseconds=number)
        yield 1 + number % 1000, at, now, now, 47.32, 5.0415, 6.5, 1.2, 0, 245, 83, False, number
