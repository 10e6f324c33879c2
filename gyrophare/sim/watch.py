"""A simulated watch, or the box in a van: measures, keeps what it has sent until a receipt names it, hears commands.

It speaks the native format of the wire, or OwnTracks as a telephone does; it knows nothing of the server's code.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from gyrophare.kernel.clock import Clock
from gyrophare.platform.mqtt import MqttSession
from gyrophare.sim.body import Body

log = logging.getLogger(__name__)

_RESEND_AFTER = timedelta(seconds=10)
_FLUSH_MOST = 500  # reports in one message

Speaks = Literal["native", "owntracks"]


class SimulatedWatch:
    """One device at the broker. `name` is its own: `w-07`, `vans/van-1`, or `user/device` for OwnTracks."""

    def __init__(
        self, name: str, url: str, clock: Clock, body: Body, *, speaks: Speaks = "native", interval_s: float = 5.0
    ) -> None:
        self.name = name
        self.body = body
        self.spool: dict[int, tuple[datetime, dict[str, Any]]] = {}
        """By sequence: when it was last sent, and the report. Only a receipt empties it."""
        self.receipts = 0
        self.commands: list[dict[str, Any]] = []
        self._clock = clock
        self._speaks = speaks
        self._interval_s = interval_s
        self._boot = secrets.token_hex(4)
        self._sequence = 0
        self._steps_said = body.steps(body.since)
        group = name if name.startswith("vans/") else f"watches/{name}"
        self._topic = f"gyrophare/v1/{group}" if speaks == "native" else f"owntracks/{name}"
        heard = [f"{self._topic}/receipts", f"{self._topic}/commands"] if speaks == "native" else []
        self._session = MqttSession(url, f"device-{name.replace('/', '-')}", heard, clock=clock, receive_maximum=20)

    async def run(self, on_command: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Publish what is in the spool, then a report each interval, until cancelled."""
        await self._session.start()
        listening = asyncio.create_task(self._listen(on_command)) if self._speaks == "native" else None
        try:
            self._publish_spool()
            while True:
                self.measure(self._clock.now())
                self._publish_spool()
                await asyncio.sleep(self._interval_s)
        finally:
            if listening is not None:
                listening.cancel()
            await self._session.stop()

    def measure(self, at: datetime, *, buffered: bool = False) -> None:
        """Write a report of what is so at `at` into the spool."""
        position, accuracy_m = self.body.measured(at)
        self._sequence += 1
        steps = self.body.steps(at)
        report: dict[str, Any]
        if self._speaks == "native":
            report = {
                "boot": self._boot,
                "seq": self._sequence,
                "sent_at": _iso(at),
                "fix": {
                    "fixed_at": _iso(at),
                    "lat": round(position.latitude_deg, 6),
                    "lon": round(position.longitude_deg, 6),
                    "accuracy_m": round(accuracy_m, 1),
                    "speed_mps": round(self.body.speed_mps(at), 2),
                },
                "battery_pct": 83,
                "buffered": buffered,
            }
            if self.body.on_foot:
                report["motion"] = {"steps": steps - self._steps_said}
        else:
            report = {
                "_type": "location",
                "tst": int(at.timestamp()),
                "lat": round(position.latitude_deg, 6),
                "lon": round(position.longitude_deg, 6),
                "acc": round(accuracy_m),
                "vel": round(self.body.speed_mps(at) * 3.6),
                "batt": 77,
                "t": "t",
            }
        self._steps_said = steps
        self.spool[self._sequence] = (datetime.min.replace(tzinfo=at.tzinfo), report)

    def press_sos(self) -> None:
        """The wearer presses the button. Sent at once, on its own topic."""
        self._sequence += 1
        now = self._clock.now()
        position, accuracy_m = self.body.measured(now)
        event = {
            "boot": self._boot,
            "seq": self._sequence,
            "kind": "sos",
            "occurred_at": _iso(now),
            "fix": {
                "fixed_at": _iso(now),
                "lat": round(position.latitude_deg, 6),
                "lon": round(position.longitude_deg, 6),
                "accuracy_m": round(accuracy_m, 1),
            },
        }
        self._session.publish_soon(f"{self._topic}/events", json.dumps(event).encode())

    def _publish_spool(self) -> None:
        now = self._clock.now()
        due = [number for number, (sent_at, _) in self.spool.items() if now - sent_at >= _RESEND_AFTER]
        if self._speaks == "owntracks":  # it has no receipts: the broker's word must do
            for number in due:
                self._session.publish_soon(self._topic, json.dumps(self.spool.pop(number)[1]).encode())
            return
        for start in range(0, len(due), _FLUSH_MOST):
            numbers = due[start : start + _FLUSH_MOST]
            reports = [self.spool[number][1] for number in numbers]
            body = reports[0] if len(reports) == 1 else reports
            self._session.publish_soon(f"{self._topic}/fixes", json.dumps(body).encode())
            for number in numbers:
                self.spool[number] = (now, self.spool[number][1])

    async def _listen(self, on_command: Callable[[dict[str, Any]], None] | None) -> None:
        while True:
            messages = await self._session.receive(20)
            for message in messages:
                said = json.loads(message.payload)
                if message.topic.endswith("/receipts"):
                    self._forget(said)
                else:
                    self.commands.append(said)
                    if on_command is not None:
                        on_command(said)
            self._session.acknowledge(messages)

    def _forget(self, receipt: dict[str, Any]) -> None:
        if receipt["boot"] != self._boot:
            return
        self.receipts += 1
        stored = [number for number in self.spool if number <= receipt["up_to"] or number in receipt["also"]]
        for number in stored:
            del self.spool[number]


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
