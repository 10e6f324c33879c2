"""A server that freezes with an alert in hand, as a virtual machine that is moved does, holds nobody up for long.

The accident: one of two servers was stopped inside a transaction. Its locks stayed, so the other passed over the alert
at each tick, and nobody was called.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from gyrophare.kernel.clock import ManualClock
from gyrophare.platform import db
from gyrophare.platform.db import Pool
from gyrophare.server import Server
from tests.department import Department, until


@pytest.fixture
async def frozen(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    """The pool of a server that will freeze; the database's patience is 0.2 s."""
    options = f"{db._CONNECT_OPTIONS['options']} -c idle_in_transaction_session_timeout=200"
    monkeypatch.setitem(db._CONNECT_OPTIONS, "options", options)
    pool = await db.open_pool(database_url, 2)
    yield pool
    await pool.close()


async def test_next_contact_is_called_although_another_server_froze_with_the_alert_in_hand(
    server: Server, frozen: Pool, department: Department, clock: ManualClock
) -> None:
    await department.with_contacts("+33600000001", "+33600000002")
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")

    async def next_is_called() -> bool | None:
        await server.tick()
        return True if await department.rows("select from notification where step = 2") else None

    with pytest.raises(psycopg.OperationalError, match="frozen"):
        async with frozen.connection() as connection, connection.transaction():
            await connection.execute("select from alert for update")
            clock.advance(60)
            await server.tick()
            assert await department.rows("select from notification where step = 2") == []  # it is passed over
            await until(next_is_called)
            await connection.execute("select")


async def test_server_that_froze_goes_on_with_another_connection(frozen: Pool, department: Department) -> None:
    with pytest.raises(psycopg.OperationalError):
        async with frozen.connection() as connection, connection.transaction():
            pid = connection.info.backend_pid

            async def ended() -> bool | None:
                rows = await department.rows("select pid from pg_stat_activity where pid = %(pid)s", pid=pid)
                return None if rows else True

            await until(ended)
            await connection.execute("select")
    async with frozen.connection() as connection:
        assert await (await connection.execute("select 1 as one")).fetchone() == {"one": 1}


async def test_each_connection_of_ours_lets_go_when_we_are_frozen(database_url: str) -> None:
    pool = await db.open_pool(database_url, 2)
    async with await db.connect(database_url) as alone, pool.connection() as pooled:
        for connection in (alone, pooled):
            row = await (await connection.execute("show idle_in_transaction_session_timeout")).fetchone()
            assert row == {"idle_in_transaction_session_timeout": "10s"}
    await pool.close()
