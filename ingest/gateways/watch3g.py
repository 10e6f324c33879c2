"""The TCP port that 4G SOS watches connect to. A watch is answered after the commit: what it was told is stored, is.

The protocol knows no credentials: whoever reaches this port can speak for any watch whose number he knows. It belongs
behind the operator's private APN or a firewall. Whoever sends nonsense, or too slowly, or too much, is bounded by
`Limits` and hung up on; others do not notice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gyrophare.kernel.clock import Clock
from gyrophare.kernel.errors import NotReadyError, WireError
from gyrophare.kernel.observations import Sender, Wire
from gyrophare.platform.mqtt import Received
from ingest.formats import watch3g_frame
from ingest.gateways.framing import Splitter

log = logging.getLogger(__name__)

_READ_BYTES = 4096
_UNSENT_MAX_BYTES = 4096  # answers that a watch does not take: 200 of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one port bears."""

    connections: int = 2000
    unacknowledged: int = 1000  # frames, of all connections; beyond it nobody is read from
    unacknowledged_of_one: int = 20  # of one connection, so that no flood keeps others' SOS out
    idle_s: float = 1200.0  # a watch says LK every few minutes, ten at most
    frame_s: float = 30.0  # from the first byte of a frame to its last, and to the first frame
    noise_bytes: int = 256  # between two frames: line ends, never more


@dataclass(slots=True, eq=False)
class _Connection:
    writer: asyncio.StreamWriter
    number: int
    name: str | None = None
    """The id in its first frame: it speaks for that watch and no other."""
    waiting: int = 0

    def answer(self, frame: bytes) -> None:
        if self.writer.is_closing():
            return
        self.writer.write(frame)
        if self.writer.transport.get_write_buffer_size() > _UNSENT_MAX_BYTES:
            self.writer.transport.abort()  # it does not listen


class _HangUpError(Exception):
    """Why a connection is ended."""


class Watch3gGateway:
    """Listens, and is a `Source` of frames. Used from one event loop."""

    def __init__(
        self,
        host: str,
        port: int,
        clock: Clock,
        is_registered: Callable[[Sender], Awaitable[bool]],
        limits: Limits | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._is_registered = is_registered
        self._clock = clock
        self._limits = limits or Limits()
        self._server: asyncio.Server | None = None
        self._connections: dict[_Connection, asyncio.Task[None] | None] = {}
        self._opened = 0
        self._taken = 0
        self._queue: deque[Received] = deque()
        self._unacknowledged: dict[int, tuple[_Connection, bytes | None]] = {}
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._full = False
        self._stopping = False

    @property
    def port(self) -> int:
        """Where it listens: what was asked for, or the free one that was taken for 0."""
        return self._port

    async def start(self) -> None:
        """Listen. Raise NotReadyError when the port cannot be had."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=_READ_BYTES)
        except OSError as error:
            raise NotReadyError(
                f"3G watches cannot be listened for on {self._host}:{self._port}: {error.strerror or error}. "
                "Choose another port with GYROPHARE_WATCH3G_PORT (0 takes a free one)."
            ) from None
        self._port = self._server.sockets[0].getsockname()[1]
        log.info("3G watches are listened for on port %d", self._port, extra={"action": "watch3g_listening"})

    async def stop(self) -> None:
        """Hang up on everybody. What was not acknowledged was not answered, so the watches send it again."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        tasks = [task for task in self._connections.values() if task is not None]
        for connection in self._connections:
            connection.writer.transport.abort()
        self._room.set()
        if tasks:
            await asyncio.wait(tasks)
        if self._server is not None:
            await self._server.wait_closed()

    async def receive(self, most: int) -> list[Received]:
        """At least one frame, at most `most`."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Answer the watches that these frames are stored, those that are still there, and read on."""
        for message in messages:
            connection, answer = self._unacknowledged.pop(message.packet_id)
            connection.waiting -= 1
            if answer is not None:
                connection.answer(answer)
        self._room.set()

    # ------------------------------------------------------------------ one connection

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping or len(self._connections) >= self._limits.connections:
            if not self._full:
                log.error("Too many 3G watches are connected; more are hung up on", extra={"action": "watch3g_full"})
            self._full = True
            writer.transport.abort()
            return
        self._full = False
        self._opened += 1
        connection = _Connection(writer=writer, number=self._opened)
        self._connections[connection] = asyncio.current_task()
        try:
            await self._read(reader, connection)
        except (_HangUpError, OSError) as why:
            log.info("A 3G watch's connection has ended: %s", why, extra={"action": "watch3g_ended"})
        finally:
            del self._connections[connection]
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        """Take frames until the connection ends. Raise _HangUpError when it must."""
        loop, limits = asyncio.get_running_loop(), self._limits
        splitter = Splitter()
        since_s = loop.time()  # of the last moment when nothing was half said
        while True:
            hurry = splitter.within_frame or connection.name is None
            try:
                async with asyncio.timeout_at(since_s + (limits.frame_s if hurry else limits.idle_s)):
                    data = await reader.read(_READ_BYTES)
            except TimeoutError:
                raise _HangUpError("a frame takes too long" if hurry else "it was silent for too long") from None
            if not data:
                return
            began = splitter.within_frame
            frames = splitter.feed(data)
            if splitter.noise_bytes > limits.noise_bytes:
                raise _HangUpError("it does not speak in frames")
            if frames or (splitter.within_frame and not began and connection.name is not None):
                since_s = loop.time()
            for frame in frames:
                if not await self._take(connection, frame):
                    return
            if frames:
                since_s = max(since_s, loop.time())  # while we held it back, it could not go on

    async def _take(self, connection: _Connection, frame: bytes) -> bool:
        """Hand a frame to the consumer, as soon as there is room for it; False when there will be none."""
        try:
            name = watch3g_frame.parse(frame).id.decode("ascii")
        except WireError:
            name = None
        if connection.name is None:
            if name is None:
                raise _HangUpError("its first frame names no watch")
            connection.name = name
        received_at = self._clock.now()
        # A frame of another watch comes under the name of this one, whose format refuses it: it gets no answer. Neither
        # does a watch that nobody registered: its wearer must not believe that somebody was told.
        answer = watch3g_frame.reply(frame) if name == connection.name else None
        if answer is not None and not await self._is_registered(Sender(wire=Wire.WATCH3G, name=connection.name)):
            answer = None
        while self._is_full(connection):
            self._room.clear()
            await self._room.wait()
        if self._stopping:
            return False
        self._taken += 1
        connection.waiting += 1
        self._unacknowledged[self._taken] = connection, answer
        self._queue.append(
            Received(
                topic=watch3g_frame.topic(connection.name),
                payload=frame,
                received_at=received_at,
                qos=1,
                packet_id=self._taken,
                epoch=connection.number,
            )
        )
        self._arrived.set()
        return True

    def _is_full(self, connection: _Connection) -> bool:
        if self._stopping:
            return False
        return (
            len(self._unacknowledged) >= self._limits.unacknowledged
            or connection.waiting >= self._limits.unacknowledged_of_one
        )
