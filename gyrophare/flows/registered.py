"""Whether a sender is somebody we know: what a gateway asks before it tells a device that its alarm has arrived."""

from __future__ import annotations

import psycopg

import ingest.directory
from gyrophare.kernel.observations import Sender
from gyrophare.platform.db import Pool


async def is_registered(pool: Pool, sender: Sender) -> bool:
    """Whether `sender` is registered and not revoked; also while the database is away, as nothing is told then."""
    try:
        async with pool.connection() as connection:
            return bool(await ingest.directory.find_devices(connection, [sender]))
    except psycopg.OperationalError:
        return True
