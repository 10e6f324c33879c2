"""What every test may ask for: a real PostgreSQL and a real broker a worker, an empty migrated database a test."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser
from psycopg import sql
from pydantic import SecretStr

from gyrophare.embedded import MqttBroker, PostgresServer
from gyrophare.embedded.folder import free_port
from gyrophare.kernel.clock import Clock, ManualClock, SystemClock
from gyrophare.platform.db import Connection, Pool, connect, open_pool
from gyrophare.platform.migrations.migrate import migrate
from gyrophare.server import Server
from gyrophare.settings import CallbacksSettings, DatabaseSettings, HttpSettings, MqttSettings, Settings, SmsSettings
from gyrophare.sim.sms_provider import SmsProvider
from tests.callbacks import Proxy, stand_in
from tests.chromium import chromium
from tests.department import SMS_KEY, SMS_SECRET, SMS_SID, Department

_number = itertools.count()
TIMESCALE = Path(__file__).parent / "timescale"
# A winter morning, far from the machine's own time: whoever asks the wrong clock is found out.
START_AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)


# A slow machine is not a counter-example.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture(autouse=True)
def _own_log_handlers() -> Iterator[None]:
    """What a test makes of the logs ends with it: its streams are closed then."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own configuration must not reach the tests."""
    for name in [name for name in os.environ if name.startswith("GYROPHARE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        migrate(server.url)  # the database it starts with is the template of all others
        yield server


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MqttBroker]:
    with MqttBroker(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture
def new_database(postgres: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes empty databases with the schema, which end with the test."""
    base, template = postgres.url.rsplit("/", 1)
    made: list[sql.Identifier] = []
    with psycopg.connect(f"{base}/template1", autocommit=True) as connection:

        def make() -> str:
            name = f"test_{next(_number)}"
            made.append(sql.Identifier(name))
            connection.execute(sql.SQL("create database {} template {}").format(made[-1], sql.Identifier(template)))
            return f"{base}/{name}"

        yield make
        for name in made:
            connection.execute(sql.SQL("drop database {} with (force)").format(name))


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """An empty database of this test's own, with the schema."""
    return new_database()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Connections to that database."""
    pool = await open_pool(database_url, 4)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def timescaledb_url() -> Iterator[str]:
    """A database with the schema and the real TimescaleDB extension, in WebAssembly: one connection at a time."""
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None or not (TIMESCALE / "node_modules").is_dir():
        pytest.skip("the TimescaleDB for tests is not installed: run `make test`, which installs it")
    port = free_port()
    process = subprocess.Popen(
        [node, str(TIMESCALE / "serve.mjs"), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        url = f"postgresql://postgres:any@127.0.0.1:{port}/postgres?sslmode=disable"
        migrate(url)
        yield url
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


@pytest.fixture
async def timescaledb(timescaledb_url: str) -> AsyncIterator[Connection]:
    """The connection to that database, in autocommit."""
    async with await connect(timescaledb_url) as connection:
        connection.prepare_threshold = None
        yield connection


@pytest.fixture(params=["plain", pytest.param("timescaledb", marks=pytest.mark.xdist_group("timescaledb"))])
async def schema_connection(request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    """A database with nothing but the schema, of plain PostgreSQL and of TimescaleDB; what a test does is undone."""
    plain = request.param == "plain"
    url = request.getfixturevalue("database_url" if plain else "timescaledb_url")
    async with await connect(url) as connection, connection.transaction(force_rollback=True):
        connection.prepare_threshold = 5 if plain else None
        yield connection


@pytest.fixture
async def mortal_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL of this test's own, which keeps its port through a restart as a department's does."""
    port = free_port()
    monkeypatch.setattr("gyrophare.embedded.postgres.free_port", lambda: port)
    server = PostgresServer(tmp_path)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(migrate, server.url)
    yield server
    await asyncio.to_thread(server.stop)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_AT)


@pytest.fixture
def proxy() -> Proxy:
    """What stands between the provider and a server's port for callbacks; a test says which that is."""
    return Proxy()


@pytest.fixture
async def provider(clock: ManualClock, proxy: Proxy) -> AsyncIterator[SmsProvider]:
    async with stand_in(clock, proxy) as provider:
        yield provider


StartServer = Callable[..., Awaitable[Server]]


@pytest.fixture
async def start_server(
    database_url: str, broker: MqttBroker, clock: ManualClock, provider: SmsProvider, tmp_path: Path
) -> AsyncIterator[StartServer]:
    """Start a server on this test's database whose clock and ticks the test moves; several with different names."""
    started: list[Server] = []

    async def start(
        instance: str | None = None,
        clock_of_its_own: Clock | None = None,
        *,
        mqtt: MqttSettings | None = None,
        database: str | None = None,
        callbacks: CallbacksSettings | None = None,
        voice: bool = False,
        redact: bool = True,
    ) -> Server:
        configured = Settings(
            instance=instance or f"test-{os.getpid()}-{next(_number)}",
            data_dir=tmp_path,
            database=DatabaseSettings(url=SecretStr(database or database_url), pool_size=4),
            mqtt=mqtt or MqttSettings(url=SecretStr(broker.url)),
            http=HttpSettings(port=0),
            sms=SmsSettings(
                base_url=provider.base_url,
                account_sid=SMS_SID,
                api_key=SMS_KEY,
                api_secret=SecretStr(SMS_SECRET),
                from_number="+33380000000",
                voice=voice,
                redact=redact,
            ),
            callbacks=callbacks or CallbacksSettings(),
        )
        server = Server(configured, clock_of_its_own or clock, ticking=False)
        await server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        await server.stop()


@pytest.fixture
async def server(start_server: StartServer) -> Server:
    return await start_server()


@pytest.fixture
async def department(database_url: str, broker: MqttBroker, clock: ManualClock) -> AsyncIterator[Department]:
    """Agents, their watches and the contacts of one department, and a look into its database."""
    async with Department.open(database_url, broker.url, clock) as department:
        yield department


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def live_server(start_server: StartServer) -> Server:
    """The page compares instants with the browser's clock, so this server lives by the machine's."""
    return await start_server(None, SystemClock())
