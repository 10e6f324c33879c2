"""The load of a bench: what simulated watches report, each message a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice

from bench.servers import CLOCK
from gyrophare.platform.mqtt import MqttSession
from gyrophare.sim.fleet import Crew, load

PREFIX = "bench"
_INTERVAL_S = 0.02  # between two reports of a watch, where pace does not matter: nobody goes far into the future
_MADE_PER_S = 10_000  # messages, on a slow machine
_AT_A_STROKE = 20  # messages: then the event loop has its turn, and sends them
_AT_ONCE = 500  # then the publisher waits for the broker's word
Message = tuple[str, bytes]


def singles(watches: int, count: int, since: datetime, interval_s: float = _INTERVAL_S) -> Iterator[Message]:
    """`count` messages of one report, of so many watches in turn."""
    rounds = load(Crew(count=watches, interval_s=interval_s, prefix=PREFIX, phones=0), since)
    return islice(((one.topic, one.body) for one in chain.from_iterable(rounds)), count)


def arrays(watches: int, length: int, since: datetime) -> Iterator[Message]:
    """A message of `length` reports of each watch, as they send them that come back from a white zone."""
    rounds = load(Crew(count=watches, interval_s=_INTERVAL_S, prefix=PREFIX, phones=0), since)
    for reports in zip(*islice(rounds, length), strict=True):
        yield reports[0].topic, b"[" + b",".join(one.body for one in reports) + b"]"


async def publish(session: MqttSession, messages: Iterable[Message]) -> None:
    """All of `messages` at QoS 1, as fast as the broker takes them."""
    for number, (topic, body) in enumerate(messages, start=1):
        if number % _AT_ONCE == 0:
            await session.publish(topic, body, timeout_s=60)
        else:
            session.publish_soon(topic, body)
    await session.publish("bench/end", b"", timeout_s=60)


async def publish_at(session: MqttSession, watches: int, rate_per_s: float, seconds: float) -> tuple[datetime, int]:
    """Publish at a steady rate for so long; when it began, and how many.

    A report says to be sent when its turn is, whether or not the publisher is late: what waits for its turn has waited.
    """
    count = round(rate_per_s * seconds)
    since = CLOCK.now() + timedelta(seconds=count / _MADE_PER_S)
    messages = list(singles(watches, count, since, watches / rate_per_s))
    await asyncio.sleep(max(0.0, (since - CLOCK.now()).total_seconds()))
    began_s = CLOCK.monotonic_s()
    for sent, (topic, body) in enumerate(messages, start=1):
        session.publish_soon(topic, body)
        if sent % _AT_A_STROKE == 0:
            await asyncio.sleep(max(0.0, began_s + sent / rate_per_s - CLOCK.monotonic_s()))
    await session.publish("bench/end", b"", timeout_s=60)
    return since, count
