"""A socket that reads ahead and gathers what is written, and finds the PUBLISH packets in what it read.

paho reads a packet's head byte by byte, builds some ten objects for each message and sends each acknowledgement by
itself: two thirds of what receiving costs (ADR 8). So messages and their acknowledgements pass beside paho; everything
else of the protocol (connecting, subscribing, publishing, keeping alive, being refused) is paho's. MQTT 5, section 3.3.
"""

from __future__ import annotations

import ssl
from typing import Any, NamedTuple

import paho.mqtt.client as paho

_READ_AHEAD_BYTES = 262_144
_GATHERED_MAX_BYTES = 1_048_576
_NOT_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_PUBLISH, _PUBACK = 0x30, b"\x40\x02"
_NO_PROPERTIES = b"\x00"


class Publish(NamedTuple):
    """A PUBLISH packet; `packet_id` is 0 at QoS 0."""

    topic: bytes
    payload: bytes
    qos: int
    packet_id: int


class BufferedSocket:
    """What paho needs of a socket, and the way beside it. Nothing is sent before `drain`."""

    def __init__(self, wrapped: paho.SocketLike) -> None:
        self._socket = wrapped
        self._read = b""
        self._at = 0  # up to here it was taken
        self._paho_to = 0  # up to here paho may read: one packet at a time
        self._ended: BaseException | bool = False
        self._gathered = bytearray()

    # ------------------------------------------------------------------ in

    def fill(self) -> bool:
        """Read ahead once; whether there was something, the end of the connection included."""
        try:
            data = self._socket.recv(_READ_AHEAD_BYTES)
        except _NOT_NOW:
            return False
        except OSError as error:
            self._ended = error
            return True
        if data:
            self._read = self._read[self._at :] + data
            self._at = self._paho_to = 0
        else:
            self._ended = True
        return True

    def take(self, most: int) -> tuple[list[Publish], bool]:
        """At most `most` of the messages that were read, and whether what comes next is for paho to read."""
        found: list[Publish] = []
        read, at, end = self._read, self._at, len(self._read)
        try:
            while end - at >= 2:
                length, body = read[at + 1], at + 2
                if length & 0x80:
                    length, body = _varint(read, at + 1)
                if length < 0 or body + length > end:
                    break  # not all of it has come yet
                if read[at] & 0xF0 != _PUBLISH:
                    self._at, self._paho_to = at, body + length
                    return found, True
                found.append(_publish(read, at, body, body + length))
                at = body + length
                if len(found) == most:
                    self._at = self._paho_to = at
                    return found, False
        except (IndexError, ValueError):
            self._ended = ConnectionError("the broker sent a malformed packet")
        self._at = self._paho_to = at
        return found, self._ended is not False

    def recv(self, size: int) -> bytes:
        """What paho may read, b"" at the end. Raise BlockingIOError when there is nothing for it, OSError if lost."""
        start = self._at
        if start < self._paho_to:
            self._at = min(start + size, self._paho_to)
            return self._read[start : self._at]
        if isinstance(self._ended, BaseException):
            raise self._ended
        if self._ended:
            return b""
        raise BlockingIOError

    def pending(self) -> int:
        """Bytes that can be read without waiting for the network, which no selector knows of."""
        return self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0

    # ------------------------------------------------------------------ out

    def puback(self, packet_id: int) -> None:
        """Gather the acknowledgement of a message: what it may hold is bounded by the receive maximum."""
        self._gathered += _PUBACK + packet_id.to_bytes(2, "big")

    def publish(self, topic: bytes, payload: bytes) -> bool:
        """Gather a message at QoS 0; False while the network has taken too little, and then it is dropped."""
        if len(self._gathered) > _GATHERED_MAX_BYTES:
            return False
        body = b"".join((len(topic).to_bytes(2, "big"), topic, _NO_PROPERTIES, payload))
        self._gathered += b"".join((b"\x30", _varint_of(len(body)), body))
        return True

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


def _publish(read: bytes, at: int, body: int, end: int) -> Publish:
    """The PUBLISH packet at `at`. Raise IndexError or ValueError when it is malformed."""
    topic_end = body + 2 + (read[body] << 8 | read[body + 1])
    qos, packet_id, rest = read[at] >> 1 & 3, 0, topic_end
    if qos:
        packet_id, rest = read[topic_end] << 8 | read[topic_end + 1], topic_end + 2
    properties = read[rest]
    rest += 1
    if properties & 0x80:
        properties, rest = _varint(read, rest - 1)
    if properties < 0 or rest + properties > end:
        raise ValueError("longer inside than outside")
    return Publish(read[body + 2 : topic_end], read[rest + properties : end], qos, packet_id)


def _varint_of(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(read: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer and where it ends; -1 when not all of it has come yet."""
    value = 0
    for index in range(4):
        if at + index >= len(read):
            return -1, at
        value |= (read[at + index] & 0x7F) << 7 * index
        if not read[at + index] & 0x80:
            return value, at + index + 1
    raise ValueError("a length of more than four bytes")
