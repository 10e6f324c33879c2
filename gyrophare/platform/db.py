"""PostgreSQL: the pool, and a listener that wakes us when another process has committed something."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from gyrophare.kernel.errors import NotReadyError

log = logging.getLogger(__name__)

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

# A dead peer is noticed within half a minute, not after the system's two hours; one that is frozen in a transaction, or
# cut off from the network, lets go of the alerts that it has locked.
_FROZEN_S = 10
_CONNECT_OPTIONS: dict[str, Any] = {
    "application_name": "gyrophare",
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "options": f"-c timezone=UTC -c idle_in_transaction_session_timeout={_FROZEN_S}s",
}
_RETRY_S = 1.0
_PATIENCE_S = 3.0
_SURE_S = 1.0  # a connection that came back so short a time ago is not asked whether it lives


class _Pool(AsyncConnectionPool[Connection]):
    """psycopg's pool waits by `wait_for`, which until Python 3.12 may lose a cancellation that comes together with the
    connection. Whoever was told to stop then went on for ever, and so did the stop of the server."""

    async def getconn(self, timeout: float | None = None) -> Connection:
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task is not None else 0
        connection = await super().getconn(timeout)
        if task is not None and task.cancelling() > cancelled_before:
            await self.putconn(connection)
            raise asyncio.CancelledError
        return connection

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:
        try:
            async with super().connection(timeout) as connection:
                yield connection
        except psycopg.errors.IdleInTransactionSessionTimeout as error:
            # An InternalError to psycopg, but nothing is wrong with what was being done: it is a cut like any other.
            raise psycopg.OperationalError(f"the transaction was given up, we were frozen: {error}") from error

    async def putconn(self, conn: Connection) -> None:
        _last_used_s[conn] = asyncio.get_running_loop().time()
        await super().putconn(conn)


_last_used_s: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


async def _check(connection: Connection) -> None:
    """Raise OperationalError when `connection` is dead. One that just worked is taken at its word: to ask costs as much
    as a statement, at each batch of messages."""
    used_s = _last_used_s.get(connection)
    if used_s is None or asyncio.get_running_loop().time() - used_s > _SURE_S:
        await AsyncConnectionPool.check_connection(connection)


async def open_pool(url: str, size: int) -> Pool:
    """Open a pool of `size` connections. Raise NotReadyError when the database does not answer within 10 s."""
    pool: Pool = _Pool(
        url,
        connection_class=AsyncConnection[DictRow],
        kwargs={**_CONNECT_OPTIONS, "row_factory": dict_row},
        min_size=2,
        max_size=size,
        check=_check,
        # The pool's own patience doubles its pauses: after a minute's outage the next attempt would be a minute away.
        timeout=_PATIENCE_S,
        reconnect_timeout=_PATIENCE_S,
        open=False,
        name="gyrophare",
    )
    try:
        await pool.open(wait=True, timeout=10)
    except psycopg.Error as error:
        await pool.close()
        raise NotReadyError(
            f"The database does not answer: {error}. Expected a PostgreSQL at GYROPHARE_DATABASE_URL; "
            "start it, or unset the variable to use the embedded one."
        ) from error
    return pool


async def connect(url: str) -> Connection:
    """One connection of its own, in autocommit."""
    return await AsyncConnection.connect(url, autocommit=True, row_factory=dict_row, **_CONNECT_OPTIONS)


async def listen(url: str, *channels: str) -> AsyncIterator[None]:
    """Yield after each NOTIFY on `channels`, and once after every (re)connection, for what was missed meanwhile.

    A NOTIFY is only a wake-up: it is lost when the listener is cut. Whoever listens also polls.
    """
    while True:
        try:
            async with await connect(url) as connection:
                for channel in channels:
                    await connection.execute(psycopg.sql.SQL("listen {}").format(psycopg.sql.Identifier(channel)))
                yield
                async for _ in connection.notifies():
                    yield
        except psycopg.Error as error:
            log.warning("The listening connection was lost, trying again: %s", error, extra={"action": "listen"})
        await asyncio.sleep(_RETRY_S)


def lock_key(name: str) -> int:
    """The advisory lock number that stands for `name`."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


@asynccontextmanager
async def instance_lock(url: str, instance: str, patience_s: int = 5) -> AsyncIterator[None]:
    """Hold the name `instance` for this process. Raise NotReadyError when another server has it.

    Two servers of one name would throw each other off the broker without end. The patience is for the connection of a
    server that was just killed, which the database takes a moment to notice.
    """
    async with await connect(url) as connection:
        for attempt in range(patience_s + 1):
            row = await (
                await connection.execute("select pg_try_advisory_lock(%s) as taken", [lock_key(f"instance {instance}")])
            ).fetchone()
            if row and row["taken"]:
                yield
                return
            if attempt < patience_s:
                await asyncio.sleep(1)
        raise NotReadyError(
            f"Another server named {instance!r} runs on this database. "
            "Stop it, or give this one another name with GYROPHARE_INSTANCE."
        )
