"""Each hour: positions that are older than 60 days are forgotten, whatever database keeps them."""

from __future__ import annotations

import ingest.store
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool


async def forget(pool: Pool, clock: Clock) -> None:
    """Purge what is too old."""
    async with pool.connection() as connection:
        await ingest.store.purge(connection, clock.now())
