"""A listener on the line between a server and its broker: counts what is handed over and what is acknowledged."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_PUBLISH, _PUBACK = 3, 4
_CHUNK_BYTES = 65_536


class _Packets:
    """The packets in a stream of MQTT, of which no more than the beginning is kept."""

    def __init__(self) -> None:
        self._head = b""
        self._skip = 0

    def begun(self, data: bytes) -> list[tuple[int, int, str]]:
        """Type, QoS and topic ("" where it has none) of each packet whose beginning is complete with `data`."""
        found = []
        at = 0
        while at < len(data):
            if self._skip:
                passed = min(self._skip, len(data) - at)
                self._skip -= passed
                at += passed
                continue
            taken = data[at : at + self._wanted() - len(self._head)]
            self._head += taken
            at += len(taken)
            if len(self._head) == self._wanted():
                head, body_at = self._head, self._body_at()
                length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(head[1:body_at]))
                self._skip = length - (len(head) - body_at)
                found.append((head[0] >> 4, head[0] >> 1 & 3, head[body_at + 2 :].decode("utf-8", "replace")))
                self._head = b""
        return found

    def _body_at(self) -> int:
        """Where the length has ended; 0 while it has not."""
        return next((place + 1 for place, byte in enumerate(self._head[1:5], start=1) if byte < 0x80), 0)

    def _wanted(self) -> int:
        """How long the beginning must be, as far as that can be told: a publication's holds its topic."""
        body_at = self._body_at()
        if not body_at:
            return len(self._head) + 1
        if self._head[0] >> 4 != _PUBLISH:
            return body_at
        if len(self._head) < body_at + 2:
            return body_at + 2
        return body_at + 2 + int.from_bytes(self._head[body_at : body_at + 2])


class Line:
    """One connection of the server."""

    def __init__(self) -> None:
        self.handed_over = 0
        self.topics: Counter[str] = Counter()
        self.acknowledged = 0
        self.in_hand_most = 0

    @property
    def in_hand(self) -> int:
        """Messages that the broker has handed over and the server has not acknowledged."""
        return self.handed_over - self.acknowledged

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_broker: bool) -> None:
        """Pass everything on until one of the two ends it."""
        packets = _Packets()
        try:
            while data := await reader.read(_CHUNK_BYTES):
                for kind, qos, topic in packets.begun(data):
                    if from_broker and kind == _PUBLISH and qos:
                        self.handed_over += 1
                        self.topics[topic] += 1
                        self.in_hand_most = max(self.in_hand_most, self.in_hand)
                    elif not from_broker and kind == _PUBACK:
                        self.acknowledged += 1
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


class Wiretap:
    """Stands between a server and the broker at `url`; the server is given `self.url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._broker = parts.hostname or "", parts.port or 0
        self.url = ""
        self.lines: deque[Line] = deque(maxlen=2)
        """The newest connections: of a server its two lanes."""
        self._open: set[asyncio.Task[None]] = set()

    @property
    def in_hand(self) -> int:
        """Messages that the server now has and has not acknowledged."""
        return sum(line.in_hand for line in self.lines)

    @property
    def acknowledged(self) -> int:
        """Messages that the server has acknowledged on the newest connections."""
        return sum(line.acknowledged for line in self.lines)

    @property
    def topics(self) -> Counter[str]:
        """How many messages of each topic the server was handed on the newest connections."""
        return sum((line.topics for line in self.lines), Counter())

    @classmethod
    @asynccontextmanager
    async def on(cls, url: str) -> AsyncIterator[Wiretap]:
        tap = cls(url)
        listening = await asyncio.start_server(tap._connected, "127.0.0.1", 0)
        tap.url = f"mqtt://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        try:
            yield tap
        finally:
            listening.close()
            for task in tap._open:
                task.cancel()
            await asyncio.gather(*tap._open, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_broker, to_broker = await asyncio.open_connection(*self._broker)
        except ConnectionError:  # the broker is down: so is the line
            writer.close()
            return
        line = Line()
        self.lines.append(line)
        await asyncio.gather(
            line.carry(reader, to_broker, from_broker=False), line.carry(from_broker, writer, from_broker=True)
        )
