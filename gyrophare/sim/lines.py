"""A fleet's connections to the broker: a few that all share, or each device's own, as in the field."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote, urlsplit

from gyrophare.kernel.clock import Clock
from gyrophare.kernel.errors import SettingsError
from gyrophare.platform.mqtt import MqttSession
from gyrophare.sim.reporter import Speaks, topic
from gyrophare.sim.watch import Publication

Heard = Callable[[str, bytes, datetime], None]
"""`(topic, payload, now)`"""
_SHARED_WINDOW, _OWN_WINDOW = 1000, 20  # messages under way
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

    @classmethod
    def shared(cls, url: str, prefix: str, members: Sequence[tuple[str, Speaks]], clock: Clock) -> Lines:
        """Two sessions for everybody, as one process cannot hold thousands: an SOS must not wait behind reports."""
        heard = [name for member in members for name in _heard(*member)]
        reports = MqttSession(url, f"simulator-{prefix}", heard, clock=clock, receive_maximum=_SHARED_WINDOW)
        events = MqttSession(url, f"simulator-{prefix}-events", (), clock=clock)
        return cls({name: reports for name, _ in members}, {name: events for name, _ in members}, clock)

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
        """Leave, as devices do that are switched off: the broker keeps their sessions."""
        for task in self._listening:
            task.cancel()
        if self._listening:
            await asyncio.wait(self._listening)
        await asyncio.gather(*(session.stop() for session in self._sessions))

    def online(self, device: str) -> bool:
        """Whether that device is connected."""
        return self._reports[device].connected and self._events[device].connected

    async def publish(self, publications: Iterable[Publication]) -> None:
        """Hand all to the broker, and wait for its word on the last: whoever outruns it fills its memory and ours.

        What it does not take is not lost: the spools hold it.
        """
        last: Publication | None = None
        for publication in publications:
            if publication.event:
                self._events[publication.device].publish_soon(publication.topic, publication.payload)
                continue
            if last is not None:
                self._reports[last.device].publish_soon(last.topic, last.payload)
            last = publication
        if last is not None:
            with contextlib.suppress(TimeoutError):
                await self._reports[last.device].publish(last.topic, last.payload, _BROKER_ANSWERS_S)

    async def _listen(self, session: MqttSession, heard: Heard) -> None:
        while True:
            messages = await session.receive(500)
            for message in messages:
                heard(message.topic, message.payload, self._clock.now())
            session.acknowledge(messages)


def _heard(name: str, speaks: Speaks) -> list[str]:
    return [] if speaks == "owntracks" else [f"{topic(name, speaks)}/{kind}" for kind in ("receipts", "commands")]


def _with_login(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{address}").geturl()
