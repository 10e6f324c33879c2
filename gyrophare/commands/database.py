"""What every command that changes the department's data needs: the database, one transaction, the common options."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import psycopg
import typer

from gyrophare import embedded
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.platform import db
from gyrophare.platform.migrations.migrate import inspect, migrate
from gyrophare.server import database
from gyrophare.settings import Settings

T = TypeVar("T")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file; default: gyrophare.toml in this folder, if there.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")]
Organisation = Annotated[str | None, typer.Option("--organisation", help="Whose, where there are several.")]


def in_transaction(loaded: Settings, work: Callable[[db.Connection, datetime], Awaitable[T]]) -> T:
    """Do `work` in one transaction on the department's database. Raise NotReadyError when it cannot be reached."""

    async def run() -> T:
        async with _database(loaded) as url, await db.connect(url) as connection, connection.transaction():
            return await work(connection, SystemClock().now())

    try:
        return asyncio.run(run())
    except psycopg.OperationalError as error:
        raise NotReadyError(
            f"The database does not answer: {str(error).splitlines()[0]}. Expected a PostgreSQL at "
            "GYROPHARE_DATABASE_URL; start it, or look with `gyrophare doctor`."
        ) from None


@asynccontextmanager
async def _database(loaded: Settings) -> AsyncIterator[str]:
    """The configured database, the embedded one of a server that runs, or one started for this command."""
    running = None if loaded.database.url else embedded.running_database(loaded.data_dir)
    if running is not None:
        yield running
        return
    async with database(loaded) as url:
        if loaded.database.url is None:
            await asyncio.to_thread(migrate, url)
        elif pending := (await asyncio.to_thread(inspect, url)).pending:
            raise NotReadyError(
                f"The database has an older schema: {', '.join(pending)} not applied. Expected this version's. "
                "Bring it there with `gyrophare migrate`."
            )
        yield url
