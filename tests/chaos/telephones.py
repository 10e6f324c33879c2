"""The telephones of those who are called: some answer a text by 1, with or without an alert's name, or press key 1."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

from gyrophare.kernel.clock import Clock
from gyrophare.sim.sms_provider import SmsProvider
from tests.chaos.dispatch_history import references

ANSWERED = 0.4  # of what arrives
HESITATES_MAX_S = 1.5
_LOOK_S = 0.05
_HINTS = "1=je prends", "Pour en prendre une: 1 A"


class Telephones:
    """Everybody whom the stand-in writes to or calls, while `run` runs."""

    def __init__(self, provider: SmsProvider, clock: Clock, random: Random) -> None:
        self._provider = provider
        self._clock = clock
        self._random = random
        self._seen: set[str] = set()

    async def run(self) -> None:
        """Until cancelled; who has begun to answer does not end then."""
        async with asyncio.TaskGroup() as answering:
            while True:
                now_s = self._clock.monotonic_s()
                for text in list(self._provider.messages):
                    there = text.status(now_s) in {"sent", "delivered"} and any(hint in text.body for hint in _HINTS)
                    if there and self._takes(text.sid):
                        named = self._random.choice(references(text.body)).removeprefix("#").partition("-")[0]
                        words = self._random.choice(["1", f"1 {named}"])
                        answering.create_task(self._after(self._provider.answer(text.to, words)))
                for call in list(self._provider.exchange.calls):
                    if call.status(now_s) == "in-progress" and call.key_url is not None and self._takes(call.sid):
                        answering.create_task(self._after(self._provider.exchange.press(call.sid, "1")))
                await asyncio.sleep(_LOOK_S)

    def _takes(self, sid: str) -> bool:
        """Whether its receiver will answer it; asked once."""
        if sid in self._seen:
            return False
        self._seen.add(sid)
        return self._random.random() < ANSWERED

    async def _after(self, answer: Coroutine[Any, Any, int | None]) -> None:
        await asyncio.sleep(self._random.uniform(0, HESITATES_MAX_S))
        await answer
