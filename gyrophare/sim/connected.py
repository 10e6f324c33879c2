"""One simulated device with a connection of its own, as it is in the field."""

from __future__ import annotations

import asyncio

from gyrophare.kernel.clock import Clock
from gyrophare.platform.mqtt import MqttSession
from gyrophare.sim.watch import Watch

_LOOK_S = 0.5


class ConnectedWatch:
    """`watch` at the broker `url`: measures each `interval_s` while it runs."""

    def __init__(self, watch: Watch, url: str, clock: Clock, *, interval_s: float = 5.0) -> None:
        self.watch = watch
        self._clock = clock
        self._interval_s = interval_s
        self._session = MqttSession(
            url, f"device-{watch.name.replace('/', '-')}", watch.heard, clock=clock, receive_maximum=20
        )

    async def run(self) -> None:
        """Measure, send and listen until cancelled. Raise NotReadyError when the broker does not take it."""
        await self._session.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(), name=f"listen {self.watch.name}")
                group.create_task(self._measure(), name=f"measure {self.watch.name}")
        finally:
            await self._session.stop()

    def press(self, kind: str) -> None:
        """The wearer presses a button; it goes at once."""
        self.watch.press(kind, self._clock.now())
        self.send()

    def send(self) -> None:
        """Publish what is to be published."""
        for publication in self.watch.outgoing(self._clock.now(), online=self._session.connected):
            self._session.publish_soon(publication.topic, publication.payload)

    async def _measure(self) -> None:
        measured_s = -self._interval_s
        while True:
            if self._clock.monotonic_s() - measured_s >= self._interval_s:
                measured_s = self._clock.monotonic_s()
                self.watch.measure(self._clock.now())
            self.send()
            await asyncio.sleep(min(_LOOK_S, self._interval_s))

    async def _listen(self) -> None:
        while True:
            messages = await self._session.receive(20)
            for message in messages:
                self.watch.hear(message.topic, message.payload, self._clock.now())
            self._session.acknowledge(messages)
            self.send()
