"""The dead man's switch: an address on another machine. It is told while all is well, else it calls somebody.

It is the only thing that still works when this machine does not.
"""

from __future__ import annotations

import asyncio
import logging

import httpx
from prometheus_client import CollectorRegistry, Counter

from gyrophare.kernel.clock import Clock

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0


class DeadmanSwitch:
    """Pings `url` by GET, no more often than each `every_s` seconds; one that failed, at the next occasion."""

    def __init__(self, url: str, every_s: float, clock: Clock, registry: CollectorRegistry) -> None:
        self._url = url
        self._every_s = every_s
        self._clock = clock
        self._pinged_s: float | None = None
        # The environment is read by gyrophare.settings alone, so no proxy is taken from it.
        self._http = httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False)
        pings = Counter("gyrophare_deadman_pings", "Pings of the dead man's switch.", ["result"], registry=registry)
        self._taken, self._failed = pings.labels("taken"), pings.labels("failed")

    async def aclose(self) -> None:
        await self._http.aclose()

    async def ping(self) -> None:
        """All is well: say so, if it is time. Never raises: who is not pinged calls somebody, which is right."""
        now_s = self._clock.monotonic_s()
        if self._pinged_s is not None and now_s - self._pinged_s < self._every_s:
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):  # httpx bounds each read, not their sum
                async with self._http.stream("GET", self._url) as answer:  # whatever it says, we need not read it
                    answer.raise_for_status()
        except (httpx.HTTPError, TimeoutError) as error:
            self._failed.inc()
            # Not the error's own words: they hold the address, and who knows it can keep the switch quiet.
            log.warning("The dead man's switch was not reached: %s", type(error).__name__, extra={"action": "deadman"})
            return
        self._pinged_s = now_s
        self._taken.inc()
