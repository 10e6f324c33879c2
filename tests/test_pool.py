"""The pool: under a stop whoever waits for a connection ends, and who asks after an outage is given one that lives."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

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


async def test_connection_that_rested_is_asked_whether_it_lives(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await db.open_pool(database_url, 2)
    monkeypatch.setattr(db, "_SURE_S", 0.0)
    for _ in range(3):
        await _kill_connections_of(pool, database_url)
        async with pool.connection() as connection:
            await connection.execute("select 1")
    await pool.close()


async def test_connection_that_died_just_now_is_one_error_and_then_forgotten(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "_SURE_S", 3600.0)
    pool = await db.open_pool(database_url, 2)
    await _kill_connections_of(pool, database_url)
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            async with pool.connection() as connection:
                await connection.execute("select 1")
    async with pool.connection() as connection:
        await connection.execute("select 1")
    await pool.close()


async def _kill_connections_of(pool: db.Pool, database_url: str) -> None:
    taken = [await pool.getconn() for _ in range(2)]
    numbers = [connection.info.backend_pid for connection in taken]
    for connection in taken:
        await pool.putconn(connection)
    async with await db.connect(database_url) as other:
        await other.execute("select pg_terminate_backend(number, 5000) from unnest(%s::int[]) as number", [numbers])
