"""Each hour: positions older than 60 days are forgotten, whatever database keeps them; refused callbacks too."""

from __future__ import annotations

from datetime import timedelta

import ingest.store
from alerts.callbacks import store as callbacks
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool

AT_ONCE = 10_000
_AUDIT_KEPT = timedelta(days=60)


async def forget(pool: Pool, clock: Clock, at_once: int = AT_ONCE) -> None:
    """Purge what is too old, in transactions so short that no message waits for one."""
    now, more = clock.now(), True
    while more:
        async with pool.connection() as connection:
            more = await ingest.store.purge(connection, now, at_once)
    async with pool.connection() as connection:
        await callbacks.purge_audit(connection, now - _AUDIT_KEPT)
