"""MQTT 5 sessions over paho, read and written by the event loop itself; messages pass beside paho (ADR 8).

A session is durable at the broker (fixed client id, clean_start=0, 7 days). Messages are acknowledged by hand, after
the commit, in the order they came; what is not acknowledged comes again at the next connection. No more than
`receive_maximum` unacknowledged messages are read, nor 64 MiB of them: so what waits to be stored is bounded, whatever
the broker does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gyrophare.kernel.clock import Clock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.platform.mqtt_address import BrokerAddress
from gyrophare.platform.mqtt_socket import BufferedClient, BufferedSocket, Publish

log = logging.getLogger(__name__)

SESSION_EXPIRY_S = 7 * 24 * 3600
KEEPALIVE_S = 20
_SESSION_TAKEN_OVER = 0x8E
_RECONNECT_MIN_S, _RECONNECT_MAX_S = 1.0, 15.0
_PINGREQ = b"\xc0\x00"
_MISC_S = 1.0  # how often paho looks at its keepalive
_PACKET_MAX_BYTES = 4 * 1024 * 1024 + 65_536  # the embedded broker takes bodies of 4 MiB
_UNACKNOWLEDGED_MAX_BYTES = 64 * 1024 * 1024
_UNSENT_MAX = 20_000  # messages that wait for a broker


class Received(NamedTuple):
    """One message as it came: a named tuple, which is made in a quarter of the time of a frozen dataclass.

    `epoch` names the connection it came by: an acknowledgement is worth nothing on another.
    """

    topic: str
    payload: bytes
    received_at: datetime
    qos: int
    packet_id: int
    epoch: int


class MqttSession:
    """One client at the broker, used from one event loop."""

    def __init__(
        self,
        url: str,
        client_id: str,
        topics: Sequence[str],
        *,
        clock: Clock,
        receive_maximum: int = 200,
        published_at_once: int = 20,
        without: Sequence[str] = (),
    ) -> None:
        """`published_at_once` may be unacknowledged: at each acknowledgement paho looks through them all.

        `without` are subscriptions that an earlier process of another configuration may have left at the broker.
        """
        self._address = BrokerAddress.parse(url)
        self._topics = tuple(topics)
        self._without = tuple(without)
        self._clock = clock
        self._receive_maximum = receive_maximum
        self._epoch = 0
        self._queue: deque[Received] = deque()
        self._overrun = False
        self._unacknowledged = 0
        self._unacknowledged_bytes = 0
        self._paused = False
        self._heard = False
        self._publishing: dict[int, asyncio.Future[None]] = {}
        self._arrived = asyncio.Event()
        self._ready = asyncio.Event()
        self._lost = asyncio.Event()
        self._connecting = False
        self._socket: BufferedSocket | None = None
        self._write_soon: asyncio.Handle | None = None
        self._misc_soon: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._client = BufferedClient(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5, manual_ack=True
        )
        self._client.max_inflight_messages_set(published_at_once)
        self._client.max_queued_messages_set(_UNSENT_MAX)
        self._client.enable_logger(logging.getLogger("paho"))
        self._client.suppress_exceptions = True  # logged, and the session lives on
        if self._address.username is not None:
            self._client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            self._client.tls_set()
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_socket_close = self._on_socket_close
        self._client.on_socket_register_write = self._on_want_write

    @property
    def connected(self) -> bool:
        """Whether the broker is there and has taken our subscriptions."""
        return self._ready.is_set()

    @property
    def connections_lost(self) -> int:
        """How many connections have ended."""
        return self._epoch

    @property
    def unacknowledged(self) -> int:
        """How many messages are read and not yet acknowledged."""
        return self._unacknowledged

    async def start(self, timeout_s: float = 10.0) -> None:
        """Connect and subscribe. Raise NotReadyError when that takes longer than `timeout_s`."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = self._receive_maximum
        properties.MaximumPacketSize = _PACKET_MAX_BYTES
        self._client.connect_async(
            self._address.host, self._address.port, keepalive=KEEPALIVE_S, clean_start=False, properties=properties
        )
        self._keeping = asyncio.create_task(self._keep_connected(), name="mqtt session")
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
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        self._client.disconnect()
        self._client.loop_write()  # also where a cancelled start had just connected
        for handle in (self._write_soon, self._misc_soon):
            if handle is not None:
                handle.cancel()
        for taken in self._publishing.values():
            if not taken.done():
                taken.set_exception(TimeoutError("the session was stopped"))

    async def receive(self, most: int) -> list[Received]:
        """At least one message, at most `most`: what has come while the previous ones were being stored."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Tell the broker, in the order they came, that these are stored.

        Those of a past connection are skipped: they come again, and there the same packet number names another message.
        """
        wrapped = self._socket
        if wrapped is None:
            return
        for message in messages:
            if message.qos > 0 and message.epoch == self._epoch:
                wrapped.puback(message.packet_id)
                self._unacknowledged -= 1
                self._unacknowledged_bytes -= len(message.payload)
        self._want_write()
        if self._paused and self._room:
            self._paused = False
            asyncio.get_running_loop().add_reader(wrapped.fileno(), self._read)
            asyncio.get_running_loop().call_soon(self._read)

    def tell(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 0, now or never: for what will be said again anyway, such as receipts (ADR 15)."""
        wrapped = self._socket
        if wrapped is not None and self._ready.is_set() and wrapped.publish(topic.encode(), payload):
            self._want_write()

    def publish_soon(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1 without waiting for the broker's acknowledgement."""
        self._client.publish(topic, payload, qos=1)

    async def publish(
        self, topic: str, payload: bytes, timeout_s: float = 5.0, *, expires_at: datetime | None = None
    ) -> None:
        """Publish at QoS 1 and wait for the broker's acknowledgement. Raise TimeoutError when none comes.

        From `expires_at` on the broker forgets it, if whom it is for has not fetched it.
        """
        properties = None
        if expires_at is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho
            properties.MessageExpiryInterval = _left_s(expires_at, self._clock.now())
        sent = self._client.publish(topic, payload, qos=1, properties=properties)
        if sent.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            raise TimeoutError(f"{_UNSENT_MAX} messages already wait for the broker")
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._publishing[sent.mid] = taken
        try:
            async with asyncio.timeout(timeout_s):
                await taken
        finally:
            del self._publishing[sent.mid]

    # ------------------------------------------------------------------ the connection

    async def _keep_connected(self) -> None:
        retry_s = _RECONNECT_MIN_S
        while True:
            self._lost.clear()
            try:
                await self._connect()
            except OSError as error:
                log.warning("The broker does not answer: %s", error, extra={"action": "mqtt_unreachable"})
            else:
                await self._lost.wait()
                if self._ready.is_set():
                    retry_s = _RECONNECT_MIN_S
            self._ready.clear()
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, _RECONNECT_MAX_S)

    async def _connect(self) -> None:
        """Raise OSError when there is no connection. It blocks (names, TLS), so it has a thread; nobody else touches
        the client meanwhile."""
        self._connecting = True
        connecting = asyncio.ensure_future(asyncio.to_thread(self._client.reconnect))
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                await connecting  # a thread cannot be cancelled, and its socket must not be left open
            raise
        finally:
            self._connecting = False
        self._socket = self._client.socket()  # type: ignore[assignment]  # ours, see BufferedClient
        if self._socket is None:
            raise ConnectionError("closed at once")
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)
        self._write()
        self._misc()

    def _read(self) -> None:
        """Take what has come, but no more than may be unacknowledged: the network then holds back the rest."""
        wrapped = self._socket
        if wrapped is None:
            return
        filled = False  # once, then others have their turn
        while room := self._room:
            messages, for_paho = wrapped.take(room)
            if messages:
                self._arrive(messages)
            if for_paho:
                self._client.loop_read()
                if self._socket is not wrapped:
                    return  # that was the end of the connection
            elif len(messages) < room:
                if filled or not wrapped.fill():
                    break
                filled = True
        loop = asyncio.get_running_loop()
        if not self._room:
            self._paused = True
            loop.remove_reader(wrapped.fileno())
        elif wrapped.pending():
            loop.call_soon(self._read)

    @property
    def _room(self) -> int:
        """How many more messages may come: Mosquitto 2.0.11 forgets our maximum at the first acknowledgement."""
        if self._unacknowledged_bytes > _UNACKNOWLEDGED_MAX_BYTES:
            return 0
        return max(0, self._receive_maximum - self._unacknowledged)

    def _arrive(self, messages: list[Publish]) -> None:
        queue, epoch, received_at = self._queue, self._epoch, self._clock.now()
        for topic, payload, qos, packet_id in messages:
            if qos:
                self._unacknowledged += 1
                self._unacknowledged_bytes += len(payload)
            # Only QoS 0, which promises nothing, can overrun the receive maximum.
            elif len(queue) >= 2 * self._receive_maximum:
                if not self._overrun:
                    log.warning("A flood at QoS 0 overran the queue and is dropped", extra={"action": "mqtt_overrun"})
                self._overrun = True
                continue
            # A broker that lets a topic through that is no UTF-8 must not end the session.
            queue.append(Received(topic.decode("utf-8", "replace"), payload, received_at, qos, packet_id, epoch))
        self._overrun = self._overrun and len(queue) >= 2 * self._receive_maximum
        self._heard = True
        self._arrived.set()

    def _write(self) -> None:
        """Send what waits; what the network does not take goes when it does."""
        self._write_soon = None
        if self._socket is None:
            return
        self._client.loop_write()
        wrapped: BufferedSocket | None = self._socket  # loop_write may have closed it
        if wrapped is None:
            return
        loop = asyncio.get_running_loop()
        try:
            if not wrapped.drain():
                loop.add_writer(wrapped.fileno(), self._write)
                return
            loop.remove_writer(wrapped.fileno())
            if self._client.want_write():  # more than could be gathered at once
                self._write_soon = loop.call_soon(self._write)
        except OSError:
            loop.remove_writer(wrapped.fileno())  # the reader sees the same and tells

    def _misc(self) -> None:
        """paho's clockwork: pings, and the end of a connection that answers none."""
        self._misc_soon = None
        if self._socket is not None:
            if self._paused or self._heard:
                # The answer to paho's ping waits behind all that comes, or unread, and paho would end the connection.
                self._heard = False
                with contextlib.suppress(BlockingIOError):
                    self._socket.send(_PINGREQ)
                self._want_write()
            else:
                self._client.loop_misc()
            self._misc_soon = asyncio.get_running_loop().call_later(_MISC_S, self._misc)

    # ------------------------------------------------------------------ called by paho

    def _on_want_write(self, _client: paho.Client, _data: Any, _socket: Any) -> None:
        self._want_write()

    def _want_write(self) -> None:
        if self._write_soon is None and not self._connecting:
            self._write_soon = asyncio.get_running_loop().call_soon(self._write)

    def _on_socket_close(self, _client: paho.Client, _data: Any, closing: Any) -> None:
        if self._socket is not None and closing is self._socket:
            loop, number = asyncio.get_running_loop(), self._socket.fileno()
            loop.remove_reader(number)
            loop.remove_writer(number)
            self._socket = None

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
            self._ready.set()
        if not self._topics:
            return
        if flags.session_present and self._without:
            client.unsubscribe(list(self._without))
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        client.subscribe([(topic, options) for topic in self._topics])

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [topic for topic, reason in zip(self._topics, reasons, strict=True) if reason.is_failure]
        if refused:
            log.error("The broker refused subscriptions: %s", refused, extra={"action": "mqtt_refused"})
            return
        self._ready.set()

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._epoch += 1  # here already: the next connection numbers its messages anew
        self._queue.clear()  # unacknowledged, so they come again
        self._unacknowledged, self._unacknowledged_bytes, self._paused = 0, 0, False
        self._lost.set()
        if reason.value == _SESSION_TAKEN_OVER:
            log.error(
                "Another process took our session at the broker. Give each server its own GYROPHARE_INSTANCE",
                extra={"action": "mqtt_taken_over"},
            )
        elif reason.is_failure:
            log.warning("The broker is gone: %s; connecting again", reason, extra={"action": "mqtt_lost"})

    def _on_publish(
        self, _client: paho.Client, _data: Any, number: int, _reason: ReasonCode, _properties: Properties | None
    ) -> None:
        taken = self._publishing.get(number)
        if taken is not None and not taken.done():
            taken.set_result(None)


def _left_s(expires_at: datetime, now: datetime) -> int:
    """For how long the broker may keep it: in whole seconds, at least one."""
    return max(1, -(-(expires_at - now) // timedelta(seconds=1)))
