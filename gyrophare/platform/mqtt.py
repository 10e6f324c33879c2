"""MQTT 5 sessions over paho: the only place where paho's thread meets the event loop.

A session is durable at the broker (fixed client id, clean_start=0, 7 days). Messages are acknowledged by hand, after
the commit, in the order they came; what is not acknowledged comes again at the next connection. The broker never hands
over more than `receive_maximum` unacknowledged messages, so the queue between thread and loop is bounded by it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gyrophare.kernel.clock import Clock
from gyrophare.kernel.errors import NotReadyError

log = logging.getLogger(__name__)

SESSION_EXPIRY_S = 7 * 24 * 3600
KEEPALIVE_S = 20
_SESSION_TAKEN_OVER = 0x8E
_RECONNECT_MIN_S, _RECONNECT_MAX_S = 1, 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as it came.

    `epoch` names the connection it came by: an acknowledgement is worth nothing on another.
    """

    topic: str
    payload: bytes
    received_at: datetime
    qos: int
    packet_id: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class BrokerAddress:
    """Where the broker is and who we are there."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> BrokerAddress:
        parts = urlsplit(url)
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or (8883 if tls else 1883),
            tls=tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class MqttSession:
    """One client at the broker, used from one event loop."""

    def __init__(
        self, url: str, client_id: str, topics: Sequence[str], *, clock: Clock, receive_maximum: int = 200
    ) -> None:
        self._address = BrokerAddress.parse(url)
        self._topics = tuple(topics)
        self._clock = clock
        self._receive_maximum = receive_maximum
        self._epoch = 0
        self._queue: deque[Received] = deque()
        self._overrun = False
        self._lock = threading.Lock()
        self._awaited = 0
        self._publishing: dict[int, asyncio.Future[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()
        self._ready = asyncio.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5, manual_ack=True
        )
        self._client.max_inflight_messages_set(receive_maximum)
        self._client.reconnect_delay_set(_RECONNECT_MIN_S, _RECONNECT_MAX_S)
        self._client.enable_logger(logging.getLogger("paho"))
        self._client.suppress_exceptions = True  # logged, and the thread lives on
        if self._address.username is not None:
            self._client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            self._client.tls_set()
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish

    @property
    def connected(self) -> bool:
        """Whether the broker is there and has taken our subscriptions."""
        return self._ready.is_set()

    async def start(self, timeout_s: float = 10.0) -> None:
        """Connect and subscribe. Raise NotReadyError when that takes longer than `timeout_s`."""
        self._loop = asyncio.get_running_loop()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = self._receive_maximum
        self._client.connect_async(
            self._address.host, self._address.port, keepalive=KEEPALIVE_S, clean_start=False, properties=properties
        )
        self._client.loop_start()
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            await self.stop()
            raise NotReadyError(
                f"The broker at {self._address.host}:{self._address.port} does not take our subscriptions "
                f"within {timeout_s:g} s. Check GYROPHARE_MQTT_URL, its user and its password."
            ) from None

    async def stop(self) -> None:
        """Leave; the broker keeps the session and what comes meanwhile."""
        self._client.disable_logger()  # it calls a wanted end an error
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)
        self._fail_publishing()

    async def receive(self, most: int) -> list[Received]:
        """At least one message, at most `most`: what has come while the previous ones were being stored."""
        while True:
            with self._lock:  # one look decides: a lost connection may empty the queue between two
                if self._queue:
                    return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
                self._arrived.clear()
            await self._arrived.wait()

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Tell the broker, in the order they came, that these are stored.

        Those of a past connection are skipped: they come again, and there the same packet number names another message.
        """
        with self._lock:  # the connection, and so the epoch, must not change in between
            for message in messages:
                if message.qos > 0 and message.epoch == self._epoch:
                    self._client.ack(message.packet_id, message.qos)

    def publish_soon(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 without waiting: for what will be said again anyway, such as receipts."""
        self._client.publish(topic, payload, qos=1)

    async def publish(self, topic: str, payload: bytes, timeout_s: float = 5.0) -> None:
        """Publish at QoS 1 and wait for the broker's acknowledgement. Raise TimeoutError when none comes."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Without our lock: paho calls _on_publish while it holds one that publish waits for. None is needed, since
        # _taken runs in this loop, so not before the number is noted.
        self._awaited += 1
        number = self._client.publish(topic, payload, qos=1).mid
        self._publishing[number] = taken
        try:
            async with asyncio.timeout(timeout_s):
                await taken
        finally:
            self._awaited -= 1
            del self._publishing[number]

    def _taken(self, number: int) -> None:
        taken = self._publishing.get(number)
        if taken is not None and not taken.done():
            taken.set_result(None)

    # ------------------------------------------------------------------ paho's thread from here on

    def _on_connect(
        self,
        client: paho.Client,
        _data: Any,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error("The broker refused us: %s", reason, extra={"action": "mqtt_refused"})
            return
        log.info("Connected to the broker", extra={"action": "mqtt_connected", "epoch": self._epoch})
        # A session that the broker kept has its subscriptions. Its backlog comes before the answer to ours, and no more
        # than a window of it before we acknowledge: who waited for that answer first would wait for ever.
        if flags.session_present or not self._topics:
            self._say_ready()
        if not self._topics:
            return
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        client.subscribe([(topic, options) for topic in self._topics])

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [topic for topic, reason in zip(self._topics, reasons, strict=True) if reason.is_failure]
        if refused:
            log.error("The broker refused subscriptions: %s", refused, extra={"action": "mqtt_refused"})
            return
        self._say_ready()

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        with self._lock:
            self._epoch += 1  # here already: the next connection numbers its messages anew
            self._queue.clear()  # unacknowledged, so they come again
        self._in_loop(self._ready.clear)
        if reason.value == _SESSION_TAKEN_OVER:
            log.error(
                "Another process took our session at the broker. Give each server its own GYROPHARE_INSTANCE",
                extra={"action": "mqtt_taken_over"},
            )
        elif reason.is_failure:
            log.warning("The broker is gone: %s; connecting again", reason, extra={"action": "mqtt_lost"})

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        received = Received(
            topic=_topic_text(message),
            payload=bytes(message.payload),
            received_at=self._clock.now(),
            qos=message.qos,
            packet_id=message.mid,
            epoch=self._epoch,
        )
        with self._lock:
            # Only QoS 0, which promises nothing, can overrun the receive maximum.
            if message.qos == 0 and len(self._queue) >= 2 * self._receive_maximum:
                if not self._overrun:
                    log.warning("A flood at QoS 0 overran the queue and is dropped", extra={"action": "mqtt_overrun"})
                self._overrun = True
                return
            self._overrun = False
            self._queue.append(received)
            first = len(self._queue) == 1
        if first:
            self._in_loop(self._arrived.set)

    def _on_publish(
        self, _client: paho.Client, _data: Any, mid: int, _reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._awaited:
            self._in_loop(self._taken, mid)

    def _say_ready(self) -> None:
        self._in_loop(self._ready.set)

    def _fail_publishing(self) -> None:
        for taken in self._publishing.values():
            if not taken.done():
                taken.set_exception(TimeoutError("the session was stopped"))

    def _in_loop(self, call: Any, *arguments: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)


def _topic_text(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:  # a broker that lets it through must not kill paho's thread
        return bytes(message._topic).decode("utf-8", "replace")
