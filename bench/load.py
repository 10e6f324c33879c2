"""The load of a bench: reports of watches that walk, each message a new one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bench.servers import CLOCK
from gyrophare.platform.mqtt import MqttSession

TOPIC = "gyrophare/v1/watches/bench-{}/fixes"
_STEP = timedelta(milliseconds=100)  # between two reports of a watch: all of a bench are of the last minutes
_AT_A_STROKE = 20  # messages: then the event loop has its turn, and sends them
_AT_ONCE = 500  # then the publisher waits for the broker's word


class Walk:
    """Reports of `watches` watches in turn; `boot` names one walk, within which the numbers grow from 1."""

    def __init__(self, boot: str, watches: int, began_at: datetime) -> None:
        self.boot = boot
        self.watches = watches
        self.ends_at = began_at
        """After its last report: where the next walk of the same watches may begin, as nobody goes back in time."""
        self._began_at = began_at
        self._made = 0

    def singles(self, count: int) -> Iterator[tuple[str, bytes]]:
        """`count` messages of one report."""
        for _ in range(count):
            number, watch = divmod(self._made, self.watches)
            self._made += 1
            yield TOPIC.format(watch), json.dumps(self._report(watch, number + 1)).encode()

    def arrays(self, count: int, length: int) -> Iterator[tuple[str, bytes]]:
        """`count` messages of `length` reports, as a watch sends that comes back from a white zone."""
        for _ in range(count):
            number, watch = divmod(self._made, self.watches)
            self._made += 1
            reports = [self._report(watch, number * length + n + 1) | {"buffered": True} for n in range(length)]
            yield TOPIC.format(watch), json.dumps(reports).encode()

    def _report(self, watch: int, number: int) -> dict[str, Any]:
        fixed_at = self._began_at + number * _STEP
        self.ends_at = max(self.ends_at, fixed_at)
        return {
            "boot": self.boot,
            "seq": number,
            "sent_at": CLOCK.now().isoformat(timespec="milliseconds"),
            "fix": {
                "fixed_at": fixed_at.isoformat(timespec="milliseconds"),
                "lat": round(47.32 + watch * 1e-5 + number * 1.2e-6, 7),
                "lon": 5.0415,
                "accuracy_m": 6.5,
                "speed_mps": 1.2,
                "course_deg": 0,
                "altitude_m": 245,
            },
            "motion": {"steps": 1, "activity_mg": 41},
            "battery_pct": 83,
            "buffered": False,
        }


async def publish(session: MqttSession, messages: Iterator[tuple[str, bytes]]) -> None:
    """All of `messages` at QoS 1, as fast as the broker takes them."""
    for number, (topic, body) in enumerate(messages, start=1):
        if number % _AT_ONCE == 0:
            await session.publish(topic, body, timeout_s=60)
        else:
            session.publish_soon(topic, body)
    await session.publish("bench/end", b"", timeout_s=60)


async def publish_at(session: MqttSession, messages: Iterator[tuple[str, bytes]], rate_per_s: float) -> None:
    """All of `messages` at QoS 1 and a steady rate."""
    began_s = CLOCK.monotonic_s()
    for sent, (topic, body) in enumerate(messages, start=1):
        session.publish_soon(topic, body)
        if sent % _AT_A_STROKE == 0:
            await asyncio.sleep(max(0.0, began_s + sent / rate_per_s - CLOCK.monotonic_s()))
    await session.publish("bench/end", b"", timeout_s=60)
