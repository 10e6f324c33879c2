"""A fleet's connections to the broker: a few that all share, or each device's own, as in the field."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gyrophare.kernel.clock import Clock
from gyrophare.kernel.errors import SettingsError
from gyrophare.platform.mqtt import MqttSession
from gyrophare.platform.mqtt_address import BrokerAddress
from gyrophare.sim.reporter import Speaks, topic
from gyrophare.sim.watch import Publication

Heard = Callable[[str, bytes, datetime], None]
"""`(topic, payload, now)`"""
_SHARED_WINDOW, _OWN_WINDOW = 20_000, 20  # messages under way: at QoS 0 nothing holds the receipts of a fleet back
_HEARD_BY_ALL = ("gyrophare/v1/watches/+/receipts", "gyrophare/v1/watches/+/commands")
_LOOKS, _LOOK_S = 20, 0.1
_TAKEN_AT_ONCE = 500  # within the window: paho's work grows with what waits beyond it
_CONNECT_AT_ONCE = 20
_BROKER_ANSWERS_S = 5.0


class Lines:
    """Publishes for devices and hears for them, between `open` and `close`."""

    def __init__(self, reports: Mapping[str, MqttSession], events: Mapping[str, MqttSession], clock: Clock) -> None:
        self._reports = reports
        self._events = events
        self._clock = clock
        self._sessions = list({id(session): session for session in (*reports.values(), *events.values())}.values())
        self._listening: list[asyncio.Task[None]] = []
        self._passing: list[tuple[str, str]] = []
        """Sessions that nobody comes back to: the broker's URL and their names."""

    @classmethod
    def shared(cls, url: str, prefix: str, members: Sequence[tuple[str, Speaks]], clock: Clock) -> Lines:
        """Two sessions for everybody, as one process cannot hold thousands: an SOS must not wait behind reports.

        They hear what is meant for any device, and leave nothing at the broker when they end.
        """
        names = (f"simulator-{prefix}", f"simulator-{prefix}-events")
        reports = MqttSession(url, names[0], _HEARD_BY_ALL, clock=clock, receive_maximum=_SHARED_WINDOW)
        events = MqttSession(url, names[1], (), clock=clock)
        lines = cls({name: reports for name, _ in members}, {name: events for name, _ in members}, clock)
        lines._passing = [(url, name) for name in names]
        return lines

    @classmethod
    def own(
        cls, url: str, members: Sequence[tuple[str, Speaks]], clock: Clock, passwords: Mapping[str, str] | None = None
    ) -> Lines:
        """A session for each device, with its name and password. Raise SettingsError when one has none."""
        without = [name for name, _ in members if passwords is not None and name not in passwords]
        if without:
            raise SettingsError(
                f"No password for {', '.join(without[:5])}{' …' if without[5:] else ''}. "
                "Expected a JSON object with the password of each device under its name."
            )
        sessions = {
            name: MqttSession(
                url if passwords is None else _with_login(url, name, passwords[name]),
                name,
                _heard(name, speaks),
                clock=clock,
                receive_maximum=_OWN_WINDOW,
            )
            for name, speaks in members
        }
        return cls(sessions, sessions, clock)

    async def open(self, heard: Heard) -> None:
        """Connect all. Raise NotReadyError when the broker does not take us; then nothing is left connected."""
        turn = asyncio.Semaphore(_CONNECT_AT_ONCE)

        async def connect(session: MqttSession) -> None:
            async with turn:
                await session.start()

        found = await asyncio.gather(*map(connect, self._sessions), return_exceptions=True)
        for error in found:
            if error is not None:
                await self.close()
                raise error
        self._listening = [asyncio.create_task(self._listen(session, heard)) for session in self._sessions]

    async def close(self) -> None:
        """Leave, as devices do that are switched off: the broker keeps their sessions, but not the shared ones."""
        for task in self._listening:
            task.cancel()
        if self._listening:
            await asyncio.wait(self._listening)
        await asyncio.gather(*(session.stop() for session in self._sessions))
        for url, name in self._passing:
            await asyncio.to_thread(_end_session, url, name)

    def online(self, device: str) -> bool:
        """Whether that device is connected."""
        return self._reports[device].connected and self._events[device].connected

    async def publish(self, publications: Sequence[Publication]) -> None:
        """Hand all to the broker, and wait for its word on the last of each few hundred: whoever outruns it fills its
        memory and ours. What it does not take is not lost: the spools hold it.
        """
        for number, publication in enumerate(publications, start=1):
            device, name, payload, event, _ = publication
            session = self._events[device] if event else self._reports[device]
            if number % _TAKEN_AT_ONCE == 0 or number == len(publications):
                with contextlib.suppress(TimeoutError):
                    await session.publish(name, payload, _BROKER_ANSWERS_S)
            else:
                session.publish_soon(name, payload)

    async def _listen(self, session: MqttSession, heard: Heard) -> None:
        while True:
            messages = await session.receive(500)
            for message in messages:
                heard(message.topic, message.payload, self._clock.now())
            session.acknowledge(messages)


def _end_session(url: str, name: str) -> None:
    """Have the broker forget a session, which would collect receipts for days that nobody fetches."""
    address = BrokerAddress.parse(url)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set()
    with contextlib.suppress(OSError):  # the broker is gone: so is what it would keep, or the next run will end it
        client.connect(address.host, address.port, clean_start=True)
        for _ in range(_LOOKS):
            if client.is_connected():
                break
            client.loop(_LOOK_S)
        client.disconnect()
        client.loop(_LOOK_S)


def _heard(name: str, speaks: Speaks) -> list[str]:
    return [] if speaks == "owntracks" else [f"{topic(name, speaks)}/{kind}" for kind in ("receipts", "commands")]


def _with_login(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{address}").geturl()
