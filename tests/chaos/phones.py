"""OwnTracks telephones have no spool and hear no receipt: what a broker that lives has taken must be stored."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import cycle

from gyrophare.kernel.clock import SystemClock
from gyrophare.platform.mqtt import MqttSession
from tests.chaos.checker import Journal, Message
from tests.department import DIJON

CLOCK = SystemClock()


class Phones:
    """Each of `names` (`user/device`) says once a second where it is, in whole seconds."""

    def __init__(self, session: MqttSession, names: Sequence[str], journal: Journal) -> None:
        self.taken: list[Message] = []
        """What the broker has acknowledged."""
        self._session = session
        self._names = names
        self._journal = journal
        self._last_s = dict.fromkeys(names, 0)
        self._walking: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def walking(cls, url: str, names: Sequence[str], journal: Journal) -> AsyncIterator[Phones]:
        """They walk until the context ends."""
        session = MqttSession(url, f"phones-{os.getpid()}", (), clock=CLOCK)
        await session.start()
        phones = cls(session, names, journal)
        phones._walking = asyncio.create_task(phones._walk())
        try:
            yield phones
        finally:
            await phones.stand()
            await session.stop()

    async def stand(self) -> None:
        """From now on they say nothing more."""
        if self._walking is not None:
            self._walking.cancel()
            await asyncio.wait([self._walking])

    async def _walk(self) -> None:
        for name in cycle(self._names):
            await asyncio.sleep(1 / len(self._names))
            tst_s = max(int(CLOCK.now().timestamp()), self._last_s[name] + 1)
            self._last_s[name] = tst_s
            message = Message(
                device=name,
                boot="",
                seq=tst_s,
                kind="fix",
                at=datetime.fromtimestamp(tst_s, UTC),
                latitude_deg=round(DIJON[0] + tst_s % 1000 * 1e-6, 6),
            )
            self._journal.note(message)
            body = {"_type": "location", "tst": tst_s, "lat": message.latitude_deg, "lon": DIJON[1], "acc": 7}
            await self._session.publish(f"owntracks/{name}", json.dumps(body).encode(), timeout_s=30)
            self.taken.append(message)
