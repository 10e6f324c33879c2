"""The sealer: puts what happened to alerts into the chain, a moment after it was committed."""

from __future__ import annotations

import logging

from alerts.audit import store
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)

AT_ONCE = 500  # some 10 ms of hashing: no message waits longer for it; after an outage, 500 a second
_LOOK_BACK = 1_000
_EVERYTHING = 2**62


async def seal_newest(pool: Pool, clock: Clock) -> int:
    """Seal events that have just happened; return how many. One statement where there are none."""
    return await _seal(pool, clock, _LOOK_BACK)


async def seal_overlooked(pool: Pool, clock: Clock) -> int:
    """Seal events that a transaction kept back while a thousand others were sealed; return how many."""
    sealed = await _seal(pool, clock, _EVERYTHING)
    if sealed:
        log.info("Events were sealed on the hourly look", extra={"action": "seal", "events": sealed})
    return sealed


async def _seal(pool: Pool, clock: Clock, look_back: int) -> int:
    async with pool.connection() as connection:
        if not await store.find_unsealed(connection, look_back, 1):
            return 0
        async with connection.transaction():
            if not await store.become_sealer(connection):
                return 0
            event_ids = await store.find_unsealed(connection, look_back, AT_ONCE)
            return len(await store.seal_events(connection, event_ids, clock.now()))
