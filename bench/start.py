"""How soon a server is there, and what it takes when nobody speaks."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass

from bench import machine
from bench.servers import serve

_IDLE_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """The figures of one run."""

    machine: str
    first_start_s: float
    """Until the console answers, the database made meanwhile."""
    second_start_s: float
    idle_rss_mb: float


async def measure() -> Result:
    """Start a server with its own database and broker twice, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="gyrophare-bench-") as folder:
        async with serve(GYROPHARE_DATA_DIR=folder) as first:
            pass
        async with serve(GYROPHARE_DATA_DIR=folder) as second:
            await asyncio.sleep(_IDLE_S)
            idle_rss_mb = second.rss_mb
    return Result(
        machine=machine.described(),
        first_start_s=round(first.started_s, 2),
        second_start_s=round(second.started_s, 2),
        idle_rss_mb=round(idle_rss_mb, 1),
    )
