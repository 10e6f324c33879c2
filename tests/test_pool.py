"""The pool under a stop: whoever waits for a connection and is told to end, ends."""

from __future__ import annotations

import asyncio

from gyrophare.platform import db


async def test_cancellation_that_comes_with_the_connection_ends_the_task(database_url: str) -> None:
    """The stop of a server waited for ever, once in forty: a task had got its connection and lost its cancellation."""
    pool = await db.open_pool(database_url, 2)
    for turns in range(12):  # one of these meets the turn of the loop in which both have come
        taken = [await pool.getconn() for _ in range(2)]

        async def work() -> None:
            async with pool.connection():
                pass
            await asyncio.Event().wait()

        waiting = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        giving = asyncio.create_task(pool.putconn(taken[0]))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        _, still = await asyncio.wait([waiting], timeout=2)
        assert not still, f"{turns} turns after the connection was given back"
        await giving
        await pool.putconn(taken[1])
    assert pool.get_stats()["pool_available"] == 2  # none was lost on the way
    await pool.close()
