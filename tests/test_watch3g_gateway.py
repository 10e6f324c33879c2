"""The TCP port of the 3G watches: answers after the commit, bounds for everybody, and hangs up on nonsense."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest

from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.kernel.observations import Event, EventKind, Sender, Wire
from gyrophare.platform.mqtt import Received
from ingest.consumer import Batch, Consumer, Store
from ingest.gateways.watch3g import Limits, Watch3gGateway
from ingest.receipts import Receipts
from ingest.sequences import Receipt

ID = "8308373902"
WATCH = Sender(Wire.WATCH3G, ID)
SILENCE_S = 0.2  # long enough for an answer that should not be there


def frame(content: str, name: str = ID) -> bytes:
    return f"[3G*{name}*{len(content):04X}*{content}]".encode()


def position(kind: str, status: str = "00000000") -> bytes:
    return frame(f"{kind},140126,074203,A,47.3215,N,5.0415,E,0.0,0,245,9,84,61,4012,0,{status},0,0")


class Watch:
    """A watch's end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def connect(cls, port: int) -> AsyncIterator[Watch]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    def say(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def hear(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"]")

    async def hears_nothing(self) -> bool:
        """Whether no answer comes for a while. Only for the proof that something is held back."""
        try:
            async with asyncio.timeout(SILENCE_S):
                await self.reader.readexactly(1)
        except TimeoutError:
            return True
        return False

    async def is_hung_up_on(self) -> bool:
        async with asyncio.timeout(10):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True


StartGateway = Callable[..., Awaitable[Watch3gGateway]]


async def everybody(_sender: Sender) -> bool:
    return True


@pytest.fixture
async def start_gateway(clock: ManualClock) -> AsyncIterator[StartGateway]:
    started: list[Watch3gGateway] = []

    async def start(**limits: float) -> Watch3gGateway:
        gateway = Watch3gGateway("127.0.0.1", 0, clock, everybody, Limits(**limits))  # type: ignore[arg-type]
        await gateway.start()
        started.append(gateway)
        return gateway

    yield start
    for gateway in started:
        await gateway.stop()


@asynccontextmanager
async def consuming(gateway: Watch3gGateway, store: Store, clock: ManualClock) -> AsyncIterator[None]:
    consumer = asyncio.create_task(Consumer(gateway, store, Receipts(lambda _topic, _body: None), clock).run())
    yield
    consumer.cancel()
    await asyncio.wait([consumer])


async def take(gateway: Watch3gGateway, count: int) -> list[Received]:
    taken: list[Received] = []
    async with asyncio.timeout(10):
        while len(taken) < count:
            taken += await gateway.receive(count - len(taken))
    return taken


async def test_watch_is_answered_after_the_commit_and_not_before(
    start_gateway: StartGateway, clock: ManualClock
) -> None:
    asked, committed = asyncio.Event(), asyncio.Event()
    stored: list[object] = []

    async def store(batch: Batch) -> Sequence[Receipt]:
        asked.set()
        await committed.wait()
        stored.extend(seen for found in batch for seen in found.observations)
        return []

    gateway = await start_gateway()
    async with consuming(gateway, store, clock), Watch.connect(gateway.port) as watch:
        watch.say(position("AL", "00010000"))
        await asked.wait()
        assert await watch.hears_nothing()
        committed.set()
        assert await watch.hear() == b"[3G*8308373902*0002*AL]"
    assert [seen.kind for seen in stored if isinstance(seen, Event)] == [EventKind.SOS]
    assert {seen.sender for seen in stored if isinstance(seen, Event)} == {WATCH}


async def test_watch_is_answered_once_when_the_database_was_away(
    start_gateway: StartGateway, clock: ManualClock
) -> None:
    attempts: list[int] = []

    async def store(batch: Batch) -> Sequence[Receipt]:
        attempts.append(len(batch))
        if len(attempts) < 3:
            raise psycopg.OperationalError("the database is away")
        return []

    gateway = await start_gateway()
    async with consuming(gateway, store, clock), Watch.connect(gateway.port) as watch:
        watch.say(frame("LK"))
        assert await watch.hear() == b"[3G*8308373902*0002*LK]"
        assert attempts == [1, 1, 1]
        assert await watch.hears_nothing()


async def test_answers_go_to_who_asked_and_positions_wait_for_none(start_gateway: StartGateway) -> None:
    gateway = await start_gateway()
    async with Watch.connect(gateway.port) as one, Watch.connect(gateway.port) as other:
        one.say(position("UD"), frame("LK,1,0,90"))
        other.say(frame("TKQ", "1234567890"))
        taken = await take(gateway, 3)
        assert {message.topic for message in taken} == {f"watch3g/{ID}", "watch3g/1234567890"}
        gateway.acknowledge(taken)
        assert await one.hear() == b"[3G*8308373902*0002*LK]"
        assert await other.hear() == b"[3G*1234567890*0003*TKQ]"


async def test_frame_of_another_watch_comes_under_the_name_of_the_first_and_has_no_answer(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway()
    async with Watch.connect(gateway.port) as watch:
        watch.say(frame("LK"), frame("LK", "1234567890"))
        taken = await take(gateway, 2)
        assert [message.topic for message in taken] == [f"watch3g/{ID}"] * 2
        gateway.acknowledge(taken)
        assert await watch.hear() == frame("LK")
        assert await watch.hears_nothing()


async def test_watch_that_has_gone_is_not_answered_and_its_frame_is_kept(start_gateway: StartGateway) -> None:
    gateway = await start_gateway()
    async with Watch.connect(gateway.port) as watch:
        watch.say(position("AL", "00010000"))
        [gone] = await take(gateway, 1)
    async with Watch.connect(gateway.port) as watch:
        watch.say(frame("LK"))
        [message] = await take(gateway, 1)
        gateway.acknowledge([gone, message])
        assert await watch.hear() == frame("LK")


async def test_flood_of_one_watch_is_held_back_and_another_is_heard(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(unacknowledged_of_one=3)
    async with Watch.connect(gateway.port) as rogue, Watch.connect(gateway.port) as watch:
        rogue.say(*[frame("LK", "1234567890")] * 1_000_000)  # 24 MB: more than the network holds
        first = await take(gateway, 3)
        watch.say(position("AL", "00010000"))
        [sos] = await take(gateway, 1)
        assert sos.topic == f"watch3g/{ID}"
        assert {message.topic for message in first} == {"watch3g/1234567890"}
        assert rogue.writer.transport.get_write_buffer_size() > 0  # TCP holds the rogue back
        gateway.acknowledge(first[:2])
        assert {message.topic for message in await take(gateway, 2)} == {"watch3g/1234567890"}


async def test_nobody_is_read_from_while_too_much_waits(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(unacknowledged=2)
    async with Watch.connect(gateway.port) as one, Watch.connect(gateway.port) as other:
        one.say(frame("LK"), frame("LK"))
        before = await take(gateway, 2)
        other.say(frame("LK", "1234567890"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SILENCE_S):
                await gateway.receive(1)
        gateway.acknowledge(before)
        [message] = await take(gateway, 1)
        assert message.topic == "watch3g/1234567890"


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, b"GET / HTTP/1.1\r\n" + b"x" * 300),  # no frames at all
        ({}, b"[nonsense]"),  # names nobody
        ({}, b"[3G*a watch*0002*LK]"),
        ({"frame_s": 0.05}, b""),  # says nothing
        ({"frame_s": 0.05}, b"\r\n"),
        ({"frame_s": 0.05}, b"[3G*8308373902*0002*L"),  # half a frame
        ({"frame_s": 0.05}, frame("LK") + b"[3G*830"),
        ({"idle_s": 0.05}, frame("LK")),  # never heard of again
    ],
)
async def test_connection_that_does_not_behave_is_ended(
    start_gateway: StartGateway, limits: dict[str, float], said: bytes
) -> None:
    gateway = await start_gateway(**limits)
    async with Watch.connect(gateway.port) as rogue:
        rogue.say(said)
        assert await rogue.is_hung_up_on()


async def test_byte_after_byte_does_not_keep_a_half_frame_alive(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(frame_s=0.3)
    async with Watch.connect(gateway.port) as rogue:
        ended = asyncio.create_task(rogue.is_hung_up_on())
        rogue.say(frame("LK") + b"[3G*8308373902*0FFF*")
        while not ended.done():
            rogue.say(b"x")
            await asyncio.wait([ended], timeout=0.01)
        assert ended.result()


async def test_one_too_many_is_hung_up_on_and_the_next_is_welcome_again(
    start_gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await start_gateway(connections=1)
    async with Watch.connect(gateway.port) as watch:
        watch.say(frame("LK"))
        await take(gateway, 1)
        with caplog.at_level(logging.ERROR):
            async with Watch.connect(gateway.port) as other:
                assert await other.is_hung_up_on()
        assert "Too many 3G watches" in caplog.text
        watch.writer.write_eof()
        assert await watch.is_hung_up_on()
    async with Watch.connect(gateway.port) as other:
        other.say(frame("LK"))
        await take(gateway, 1)


async def test_stop_hangs_up_on_everybody_even_on_who_is_held_back(
    start_gateway: StartGateway, clock: ManualClock
) -> None:
    gateway = await start_gateway(unacknowledged_of_one=1)
    async with Watch.connect(gateway.port) as watch:
        watch.say(frame("LK"), frame("LK"))
        await take(gateway, 1)
        async with asyncio.timeout(10):
            await gateway.stop()
        assert await watch.is_hung_up_on()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", gateway.port)


async def test_start_when_the_port_is_taken_says_what_to_do(start_gateway: StartGateway, clock: ManualClock) -> None:
    taken = await start_gateway()
    with pytest.raises(NotReadyError, match="GYROPHARE_WATCH3G_PORT"):
        await Watch3gGateway("127.0.0.1", taken.port, clock, everybody).start()
