"""A socket that reads ahead and gathers what is written, for paho.

paho reads a packet's head byte by byte and sends each acknowledgement by itself: four system calls a message. Behind
this they are a few calls for a whole window of messages.
"""

from __future__ import annotations

import ssl
from typing import Any

import paho.mqtt.client as paho

_READ_AHEAD_BYTES = 65_536
_GATHERED_MAX_BYTES = 1_048_576
_NOT_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BufferedSocket:
    """What paho needs of a socket. Nothing is sent before `drain`."""

    def __init__(self, wrapped: paho.SocketLike) -> None:
        self._socket = wrapped
        self._read = b""
        self._read_to = 0
        self._gathered = bytearray()

    def recv(self, size: int) -> bytes:
        """At most `size` bytes, b"" at the end. Raise BlockingIOError when there are none yet."""
        if self._read_to == len(self._read):
            self._read, self._read_to = self._socket.recv(max(size, _READ_AHEAD_BYTES)), 0
        start = self._read_to
        self._read_to = min(start + size, len(self._read))
        return self._read[start : self._read_to]

    def pending(self) -> int:
        """Bytes that can be read without waiting for the network, which no selector knows of."""
        decrypted = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return len(self._read) - self._read_to + decrypted

    def send(self, data: bytes | bytearray) -> int:
        """Gather `data` for the next `drain`. Raise BlockingIOError while the network has taken too little."""
        if len(self._gathered) > _GATHERED_MAX_BYTES:
            raise BlockingIOError
        self._gathered += data
        return len(data)

    def drain(self) -> bool:
        """Send what was gathered; whether the network took all of it. Raise OSError when the connection is lost."""
        while self._gathered:
            try:
                sent = self._socket.send(self._gathered)
            except _NOT_NOW:
                return False
            del self._gathered[:sent]
        return True

    def close(self) -> None:
        try:
            self.drain()  # the farewell
        except OSError:
            pass
        finally:
            self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def setblocking(self, flag: bool) -> None:
        self._socket.setblocking(flag)


class BufferedClient(paho.Client):
    """A paho client over a BufferedSocket."""

    def _create_socket(self) -> Any:
        # paho offers no way to hand it a socket; tests/test_mqtt_session.py tells when a release changes this.
        return BufferedSocket(super()._create_socket())
