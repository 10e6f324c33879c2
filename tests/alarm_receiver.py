"""An alarm receiver that plays a script: it keeps every frame and answers each as the test says, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from alerts.channels.dc09_frame import checksum

Answer = Callable[[bytes], bytes | None]
SEQUENCE = slice(0, 4)


def framed(body: str) -> bytes:
    """A frame of `body`, its checksum right."""
    raw = body.encode("latin-1")
    return b"\n%04X%04X%s\r" % (checksum(raw), len(raw), raw)


def sequence_of(frame: bytes) -> str:
    return frame.split(b'"')[2][SEQUENCE].decode()


def ack(frame: bytes) -> bytes:
    return framed(f'"ACK"{sequence_of(frame)}R0L0#1234[]')


def duh(frame: bytes) -> bytes:
    return framed(f'"DUH"{sequence_of(frame)}R0L0#1234[]')


def nak(at: str) -> Answer:
    return lambda _frame: framed(f'"NAK"0000R0L0A0[]_{at}')


def nothing(_frame: bytes) -> None:
    return None


def plainly(answer: bytes) -> Answer:
    return lambda _frame: answer


class Receiver(asyncio.DatagramProtocol):
    """Answers the first frame by the first answer of its script, and so on; the last answer goes on for ever."""

    def __init__(self, script: Sequence[Answer]) -> None:
        self.frames: list[bytes] = []
        self.port = 0
        self._script = script
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls, protocol: Literal["tcp", "udp"], *script: Answer) -> AsyncIterator[Receiver]:
        receiver = cls(script)
        if protocol == "tcp":
            server = await asyncio.start_server(receiver._serve, "127.0.0.1", 0)
            receiver.port = server.sockets[0].getsockname()[1]
            yield receiver
            server.close()
            await server.wait_closed()
        else:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(lambda: receiver, local_addr=("127.0.0.1", 0))
            receiver.port = transport.get_extra_info("sockname")[1]
            yield receiver
            transport.close()
            await receiver._closed.wait()  # the socket is closed a little later

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        answer = self._answer(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, address)

    def connection_lost(self, _error: Exception | None) -> None:
        self._closed.set()

    def _answer(self, frame: bytes) -> bytes | None:
        self.frames.append(frame)
        return self._script[min(len(self.frames), len(self._script)) - 1](frame)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            answer = self._answer(await reader.readuntil(b"\r"))
            if answer is not None:
                writer.write(answer)
                await writer.drain()
            await reader.read()  # until the other side has enough
        writer.close()
