"""Bring a database to the schema this version needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gyrophare.kernel.errors import NotReadyError
from gyrophare.platform.db import lock_key

CORE, TIMESCALEDB = "core", "timescaledb"
# Before 2.19.1, `on conflict do nothing` stopped at the first repetition in a compressed chunk and lost the rows behind
# it (timescale/timescaledb#7672); since 2.21 a refresh runs in batches whose size we say.
TIMESCALEDB_MIN = (2, 21)


@dataclass(frozen=True, kw_only=True)
class SchemaState:
    """What a database has, and what this version would still apply."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    timescaledb: str
    """'active', or why it is not."""


def migrate(url: str) -> SchemaState:
    """Apply what is pending, one process at a time. Running it again changes nothing.

    Raise NotReadyError when the database does not answer or holds a newer schema than this version knows.
    """
    with _connected(url) as connection:
        connection.exec_driver_sql(f"select pg_advisory_lock({lock_key('migrate')})")
        connection.commit()
        try:
            _refuse_newer_schema(connection)
            config = _config(connection)
            command.upgrade(config, f"{CORE}@head")
            why_not = _why_no_timescaledb(connection, create=True)
            if why_not is None:
                command.upgrade(config, f"{TIMESCALEDB}@head")
            connection.commit()
            return _state(connection, why_not)
        finally:
            connection.rollback()
            connection.exec_driver_sql(f"select pg_advisory_unlock({lock_key('migrate')})")
            connection.commit()


def inspect(url: str) -> SchemaState:
    """What `migrate` would do, without doing it."""
    with _connected(url) as connection:
        return _state(connection, _why_no_timescaledb(connection, create=False))


def _connected(url: str) -> sqlalchemy.Connection:
    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, connect_timeout=5, application_name="gyrophare migrate")

    # SQLAlchemy serves Alembic as a plain connection here: no pool, no ORM.
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=connect, poolclass=sqlalchemy.NullPool)
    try:
        return engine.connect()
    except sqlalchemy.exc.OperationalError as error:
        raise NotReadyError(f"The database does not answer: {error.orig}. Check GYROPHARE_DATABASE_URL.") from None


def _config(connection: sqlalchemy.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def _state(connection: sqlalchemy.Connection, why_no_timescaledb: str | None) -> SchemaState:
    script = ScriptDirectory.from_config(_config(connection))
    heads = MigrationContext.configure(connection).get_current_heads()
    applied = {revision.revision for head in heads for revision in script.iterate_revisions(head, "base")}
    wanted = [
        revision.revision
        for branch in (CORE, TIMESCALEDB)
        if branch == CORE or why_no_timescaledb is None
        for revision in reversed(list(script.iterate_revisions(f"{branch}@head", "base")))
    ]
    return SchemaState(
        applied=tuple(sorted(applied)),
        pending=tuple(revision for revision in wanted if revision not in applied),
        timescaledb=why_no_timescaledb or "active",
    )


def _refuse_newer_schema(connection: sqlalchemy.Connection) -> None:
    known = {revision.revision for revision in ScriptDirectory.from_config(_config(connection)).walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        raise NotReadyError(
            f"The database holds the schema {', '.join(sorted(unknown))}, which this version does not know. "
            "Install the Gyrophare that made it, or a newer one."
        )


def _why_no_timescaledb(connection: sqlalchemy.Connection, *, create: bool) -> str | None:
    """None when the extension is active (created when it may be), else the reason in words."""
    found = connection.exec_driver_sql(
        "select installed_version, default_version from pg_available_extensions where name = 'timescaledb'"
    ).first()
    if found is None:
        return "not installed on this server: plain PostgreSQL serves everything, without compression"
    installed, offered = found
    wanted = ".".join(map(str, TIMESCALEDB_MIN))
    if installed is not None:
        if _version(installed) < TIMESCALEDB_MIN:
            raise NotReadyError(
                f"TimescaleDB {installed} is active, expected {wanted} or newer: an older one loses rows. Install it "
                "there, then type `alter extension timescaledb update;` first thing in a new session."
            )
        return None
    if _version(offered) < TIMESCALEDB_MIN:
        return f"{offered} is installed on the server, expected {wanted} or newer: plain PostgreSQL serves everything"
    if not create:
        return "installed on the server, not yet active: run `gyrophare migrate`"
    connection.commit()
    try:
        connection.exec_driver_sql("create extension timescaledb")
        connection.commit()
    except sqlalchemy.exc.DBAPIError as error:
        connection.rollback()
        return (
            f"installed on the server but refused ({str(error.orig).strip()}): "
            "as a superuser type `create extension timescaledb;` in this database, then `gyrophare migrate`"
        )
    return None


def _version(text: str) -> tuple[int, ...]:
    """The numbers at the head of "2.23.0-dev"."""
    return tuple(int(number) for number in text.split("-")[0].split("."))
