"""The packets that pass beside paho, whatever pieces the network cuts them into."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.platform.mqtt_socket import BufferedSocket, Publish

PINGRESP = b"\xd0\x00"


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = divmod(value, 128)
        out.append(low | (128 if value else 0))
        if not value:
            return bytes(out)


def packet(message: Publish, properties: bytes = b"") -> bytes:
    """A PUBLISH packet as MQTT 5, section 3.3, has it."""
    body = len(message.topic).to_bytes(2, "big") + message.topic
    body += message.packet_id.to_bytes(2, "big") if message.qos else b""
    body += varint(len(properties)) + properties + message.payload
    return bytes([0x30 | message.qos << 1]) + varint(len(body)) + body


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, BufferedSocket]]:
    """The broker's end of a connection, and ours."""
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    with theirs, ours:
        yield theirs, BufferedSocket(ours)


def read(ours: BufferedSocket) -> tuple[list[Publish], bytes]:
    """The messages that have come, and what paho read between them."""
    messages: list[Publish] = []
    others = b""
    while True:
        found, for_paho = ours.take(100_000)
        messages += found
        if not for_paho:
            return messages, others
        while True:
            try:
                others += ours.recv(3)
            except BlockingIOError:
                break


messages = st.builds(
    Publish,
    topic=st.text(min_size=1, max_size=40).map(str.encode),
    payload=st.one_of(st.binary(max_size=300), st.just(b"x" * 20_000)),
    qos=st.just(1),
    packet_id=st.integers(1, 65_535),
)


@given(
    st.lists(st.tuples(messages, st.sampled_from([b"", b"\x01\x01", b"\x26" + b"\x00\x60a" * 50]), st.booleans())),
    st.lists(st.integers(0, 2_000), max_size=8),
)
def test_messages_and_other_packets_are_told_apart_wherever_the_network_cuts(
    sent: list[tuple[Publish, bytes, bool]], cuts: list[int]
) -> None:
    stream = b"".join(packet(message, properties) + (PINGRESP if ping else b"") for message, properties, ping in sent)
    theirs, wrapped = socket.socketpair()
    wrapped.setblocking(False)
    with theirs, wrapped:
        ours = BufferedSocket(wrapped)
        found: list[Publish] = []
        others = b""
        at = 0
        for cut in [*sorted(cuts), len(stream)]:
            for start in range(at, cut, 50_000):  # no more than the pair of sockets holds
                theirs.sendall(stream[start : min(start + 50_000, cut)])
                while ours.fill():
                    more, rest = read(ours)
                    found, others = found + more, others + rest
            at = max(at, cut)
        assert found == [message for message, _, _ in sent]
        assert others == PINGRESP * sum(ping for _, _, ping in sent)


def test_message_at_qos_0_has_no_packet_id(ends: tuple[socket.socket, BufferedSocket]) -> None:
    theirs, ours = ends
    message = Publish(topic=b"a/b", payload=b"", qos=0, packet_id=0)
    theirs.sendall(packet(message))
    assert ours.fill()
    assert ours.take(100_000) == ([message], False)


def test_no_more_is_taken_than_asked_for(ends: tuple[socket.socket, BufferedSocket]) -> None:
    theirs, ours = ends
    sent = [Publish(topic=b"a", payload=b"%d" % number, qos=1, packet_id=number) for number in (1, 2, 3)]
    theirs.sendall(b"".join(map(packet, sent)) + PINGRESP)
    assert ours.fill()
    assert ours.take(2) == (sent[:2], False)
    assert ours.take(2) == (sent[2:], True)
    assert ours.recv(9) == PINGRESP


def test_nothing_is_there_before_it_comes(ends: tuple[socket.socket, BufferedSocket]) -> None:
    _, ours = ends
    assert not ours.fill()
    with pytest.raises(BlockingIOError):
        ours.recv(1)


def test_end_of_the_connection_is_told_to_paho_behind_the_last_message(
    ends: tuple[socket.socket, BufferedSocket],
) -> None:
    theirs, ours = ends
    message = Publish(topic=b"a", payload=b"b", qos=1, packet_id=7)
    theirs.sendall(packet(message) + b"\xe0")  # and the head of a packet that never comes whole
    theirs.close()
    assert ours.fill()
    assert ours.take(100_000) == ([message], False)
    assert ours.fill()
    assert ours.take(100_000) == ([], True)
    assert ours.recv(1) == b""


@pytest.mark.parametrize(
    "malformed",
    [
        b"\x32\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x32\x03\x00\x01a",  # too short for its packet id
        b"\x32\x00",
    ],
)
def test_malformed_packet_ends_the_connection(malformed: bytes, ends: tuple[socket.socket, BufferedSocket]) -> None:
    theirs, ours = ends
    theirs.sendall(malformed)
    assert ours.fill()
    assert ours.take(100_000) == ([], True)
    with pytest.raises(ConnectionError, match="malformed"):
        ours.recv(1)


def test_acknowledgements_are_gathered_and_sent_in_order(ends: tuple[socket.socket, BufferedSocket]) -> None:
    theirs, ours = ends
    for packet_id in (1, 258, 65_535):
        ours.puback(packet_id)
    ours.send(PINGRESP)
    assert ours.drain()
    assert theirs.recv(100) == b"\x40\x02\x00\x01\x40\x02\x01\x02\x40\x02\xff\xff" + PINGRESP


@given(st.text(min_size=1, max_size=300).map(str.encode), st.one_of(st.binary(max_size=300), st.just(b"x" * 20_000)))
def test_what_is_told_is_a_packet_as_the_other_side_reads_it(topic: bytes, payload: bytes) -> None:
    theirs, wrapped = socket.socketpair()
    theirs.setblocking(False)
    with theirs, wrapped:
        ours, other = BufferedSocket(wrapped), BufferedSocket(theirs)
        assert ours.publish(topic, payload)
        assert ours.drain()
        assert other.fill()
        assert other.take(10) == ([Publish(topic=topic, payload=payload, qos=0, packet_id=0)], False)


def test_what_is_told_is_dropped_while_the_network_takes_nothing(ends: tuple[socket.socket, BufferedSocket]) -> None:
    _, ours = ends
    told = 0
    while ours.publish(b"topic", b"x" * 100_000):
        ours.drain()
        told += 1
        assert told < 100
    assert not ours.drain()


def test_network_that_takes_nothing_holds_paho_back(ends: tuple[socket.socket, BufferedSocket]) -> None:
    _, ours = ends
    with pytest.raises(BlockingIOError):
        for _ in range(100):
            ours.send(b"x" * 100_000)
            ours.drain()
    assert not ours.drain()
