"""One question to an alarm receiver and its answer, over TCP or UDP.

A connection lasts for one frame: alarms are rare, and a kept one may be dead without anybody knowing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from alerts.channels.dc09_frame import FRAME_MAX

T = TypeVar("T")

_CONNECT_S = 3.0
_WAITING_MAX = 16  # datagrams


class NotTakenError(Exception):
    """The frame went nowhere; the text says why and names no address."""


class TcpLink:
    """Asks over TCP; `answer_s` seconds are waited for an answer."""

    def __init__(self, host: str, port: int, answer_s: float) -> None:
        self._host, self._port, self._answer_s = host, port, answer_s

    async def ask(self, frame: bytes, read: Callable[[bytes], T | None]) -> T | None:
        """What `read` makes of the first answer it accepts; None when none came in time.

        Raise NotTakenError when nobody can have taken the frame.
        """
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_connection(self._host, self._port, limit=FRAME_MAX)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise NotTakenError(f"not connected: {type(error).__name__}") from None
        try:
            async with asyncio.timeout(self._answer_s):
                writer.write(frame)
                await writer.drain()
                while True:
                    found = read(await reader.readuntil(b"\r"))
                    if found is not None:
                        return found
                    await asyncio.sleep(0)  # a flood of nonsense keeps nobody else waiting
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class UdpLink:
    """Asks over UDP; `answer_s` seconds are waited for an answer."""

    def __init__(self, host: str, port: int, answer_s: float) -> None:
        self._host, self._port, self._answer_s = host, port, answer_s

    async def ask(self, frame: bytes, read: Callable[[bytes], T | None]) -> T | None:
        """As `TcpLink.ask`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_S):
                transport, heard = await loop.create_datagram_endpoint(_Heard, remote_addr=(self._host, self._port))
        except (OSError, TimeoutError, UnicodeError) as error:
            raise NotTakenError(f"not sent: {type(error).__name__}") from None
        try:
            async with asyncio.timeout(self._answer_s):
                transport.sendto(frame)
                while True:
                    datagram = await heard.datagrams.get()
                    if datagram is None:
                        raise NotTakenError("nobody listens on that port")
                    found = read(datagram)
                    if found is not None:
                        return found
                    await asyncio.sleep(0)
        except TimeoutError:
            return None
        finally:
            transport.close()


class _Heard(asyncio.DatagramProtocol):
    """Keeps what came; None stands for the system's word that nobody listens."""

    def __init__(self) -> None:
        self.datagrams: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_MAX)

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._keep(data)

    def error_received(self, _error: Exception) -> None:
        self._keep(None)

    def _keep(self, datagram: bytes | None) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self.datagrams.put_nowait(datagram)
