"""The doctor looks at everything an alarm depends on, and says what to do about what is wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import psycopg
from psycopg.rows import DictRow, dict_row

from dashboards.server import WEB
from gyrophare import (
    doctor_audit,
    doctor_channels,
    doctor_devices,
    doctor_engine,
    doctor_handover,
    doctor_policies,
    embedded,
)
from gyrophare.finding import Finding
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.errors import GyrophareError
from gyrophare.platform import sql
from gyrophare.platform.migrations.migrate import inspect
from gyrophare.platform.mqtt import MqttSession
from gyrophare.platform.mqtt_address import BrokerAddress
from gyrophare.settings import Settings

QUERIES = sql.load(__file__, "doctor.sql")
_MAP_FILES = ("department", "places", "roads", "rivers")


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; a fault in one thing never hides the others."""
    return [
        *_database(settings),
        *_broker(settings),
        _sms(settings),
        *doctor_channels.look(settings),
        *doctor_handover.look(settings),
        *_web(),
    ]


def _database(settings: Settings) -> Iterator[Finding]:
    url = (
        settings.database.url.get_secret_value()
        if settings.database.url
        else embedded.running_database(settings.data_dir)
    )
    if url is None:
        yield Finding(
            name="database",
            verdict="fault",
            found=f"none configured, and no embedded one runs in {settings.data_dir}",
            do="start `gyrophare serve`, or set GYROPHARE_DATABASE_URL",
        )
        return
    try:
        with psycopg.connect(url, connect_timeout=5, row_factory=dict_row) as connection:
            version = connection.execute("show server_version").fetchall()[0]["server_version"]
            yield Finding(name="database", verdict="ok", found=f"PostgreSQL {version}")
            yield doctor_engine.clock(connection)
            schema = inspect(url)
            yield Finding(
                name="timescaledb",
                verdict="ok" if schema.timescaledb == "active" else "warning",
                found=schema.timescaledb,
                do=""
                if schema.timescaledb == "active"
                else "for a department: install TimescaleDB, `gyrophare migrate`",
            )
            if schema.pending:
                yield Finding(
                    name="migrations",
                    verdict="fault",
                    found=f"{', '.join(schema.pending)} not applied",
                    do="`gyrophare migrate`",
                )
                return
            yield Finding(name="migrations", verdict="ok", found=f"{', '.join(schema.applied)} applied")
            if schema.timescaledb == "active":
                yield timescaledb_jobs(connection)
            yield doctor_engine.tick(connection)
            yield contacts(connection)
            yield from doctor_policies.look(url)
            yield _outbox(connection)
            yield doctor_audit.sealed(connection)
            yield from doctor_devices.look(settings, url)
    except (psycopg.Error, GyrophareError) as error:
        yield Finding(
            name="database",
            verdict="fault",
            found=str(error).splitlines()[0],
            do="is it started, and is GYROPHARE_DATABASE_URL right?",
        )


def timescaledb_jobs(connection: psycopg.Connection[DictRow]) -> Finding:
    """Whether TimescaleDB compresses, forgets and refreshes as it was told to."""
    rows = connection.execute(QUERIES["timescaledb_jobs"]).fetchall()
    wrong = [f"{row['job']} of {row['relation']} {trouble}" for row in rows if (trouble := _trouble(row)) is not None]
    if wrong:
        return Finding(
            name="timescaledb jobs",
            verdict="fault",
            found="; ".join(wrong),
            do="select * from timescaledb_information.job_errors; and in postgresql.conf shared_preload_libraries must "
            "name timescaledb, max_worker_processes must leave room for its workers",
        )
    waiting = sum(row["total_runs"] is None for row in rows)
    return Finding(
        name="timescaledb jobs",
        verdict="warning" if waiting else "ok",
        found=f"{waiting} of {len(rows)} have not run yet" if waiting else f"{len(rows)} run, none failed last time",
        do="look again in a day: compression runs twice a day" if waiting else "",
    )


def _trouble(job: DictRow) -> str | None:
    if not job["there"]:
        return "is missing"
    if not job["scheduled"]:
        return "is switched off"
    if job["last_run_status"] == "Failed":
        return f"failed: {job['error'] or 'no reason was kept'}"
    if job["overdue"]:
        return "should have run an hour ago"
    return None


def contacts(connection: psycopg.Connection[DictRow]) -> Finding:
    """Whether each department has somebody who could be told."""
    rows = connection.execute(QUERIES["contacts"]).fetchall()
    without = [row["slug"] for row in rows if not row["n"]]
    if not without:
        return Finding(name="contacts", verdict="ok", found=f"{sum(row['n'] for row in rows)} to be told by SMS")
    return Finding(
        name="contacts",
        verdict="warning",
        found=f"nobody in {', '.join(without)}: an alarm reaches only whoever looks at the console",
        do="gyrophare contacts add 1 'Astreinte' +336…, then gyrophare policies check",
    )


def _outbox(connection: psycopg.Connection[DictRow]) -> Finding:
    [row] = connection.execute(QUERIES["late_notifications"]).fetchall()
    if not row["late"] and row["held"]:
        return Finding(
            name="outbox",
            verdict="warning",
            found=f"{row['held']} second messages wait: a cap of [caps] is reached; first ones go",
            do="see who is called so often: gyrophare audit show; raise the cap if it was right",
        )
    if not row["late"]:
        return Finding(name="outbox", verdict="ok", found="nothing waits longer than a minute")
    return Finding(
        name="outbox",
        verdict="fault",
        found=f"{row['late']} messages wait longer than a minute",
        do="check the SMS provider and the log of `gyrophare serve`",
    )


def _broker(settings: Settings) -> Iterator[Finding]:
    url = settings.mqtt.url.get_secret_value() if settings.mqtt.url else embedded.running_broker(settings.data_dir)
    if url is None:
        yield Finding(
            name="broker",
            verdict="fault",
            found=f"none configured, and no embedded one runs in {settings.data_dir}",
            do="start `gyrophare serve`, or set GYROPHARE_MQTT_URL",
        )
        return
    address = BrokerAddress.parse(url)
    try:
        asyncio.run(_connect(url))
    except GyrophareError as error:
        yield Finding(
            name="broker", verdict="fault", found=str(error), do=f"look at the broker's log on {address.host}"
        )
    else:
        where = f"{address.host}:{address.port}{' over TLS' if address.tls else ''}"
        yield Finding(name="broker", verdict="ok", found=f"MQTT 5 on {where}")


async def _connect(url: str) -> None:
    session = MqttSession(url, f"gyrophare-doctor-{socket.gethostname()}", (), clock=SystemClock())
    await session.start(timeout_s=5)
    await session.stop()


def _sms(settings: Settings) -> Finding:
    if settings.sms.base_url is not None:
        return Finding(name="sms", verdict="ok", found=f"configured: {settings.sms.base_url}")
    return Finding(
        name="sms",
        verdict="warning",
        found="no provider: alarms reach only the console",
        do="fill the section [sms]; `gyrophare config show` lists its keys",
    )


def _web() -> Iterator[Finding]:
    built = (WEB / "index.html").is_file()
    yield Finding(
        name="console",
        verdict="ok" if built else "fault",
        found="built" if built else f"no page in {WEB}",
        do="" if built else "`make setup`, or install the wheel",
    )
    missing = [name for name in _MAP_FILES if not (WEB / "map" / f"{name}.geojson").is_file()]
    yield Finding(
        name="map data",
        verdict="fault" if missing else "ok",
        found=f"missing: {', '.join(missing)}" if missing else "outline, places, roads and rivers, no network needed",
        do="`make setup`, or install the wheel" if missing else "",
    )
