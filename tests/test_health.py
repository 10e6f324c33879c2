"""What machines ask of a server: it answers truly, quickly, and never by a fault of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from dashboards.health import HealthRoutes
from gyrophare.embedded import MqttBroker, PostgresServer
from gyrophare.kernel.clock import ManualClock
from gyrophare.server import Server
from gyrophare.settings import MqttSettings
from tests.callbacks import CALLBACKS
from tests.conftest import StartServer
from tests.department import Department, until


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=server.console_url) as session:
        yield session


async def ask(browser: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, Any]]:
    async with browser.get(path) as answer:
        return answer.status, await answer.json()


def failing(said: dict[str, Any]) -> set[str]:
    return {name for name, check in said["checks"].items() if not check["ok"]}


async def test_server_is_ready_when_its_engine_ticks_and_not_before(
    server: Server, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    status, said = await ask(browser, "/readyz")
    assert (status, said["ready"], failing(said)) == (503, False, {"tick"})
    await server.tick()
    status, said = await ask(browser, "/readyz")
    assert (status, said) == (
        200,
        {
            "ready": True,
            "checks": {name: {"ok": True, "why_not": None} for name in ("database", "broker", "tick", "schema")},
        },
    )
    clock.advance(5.5)
    status, said = await ask(browser, "/readyz")
    assert (status, failing(said)) == (503, {"tick"})
    assert "5.5 s ago" in said["checks"]["tick"]["why_not"]


async def test_server_lives_as_long_as_its_ticks_come_to_an_end(
    server: Server, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    await server.tick()
    clock.advance(9.9)
    assert await ask(browser, "/livez") == (200, {"alive": True, "why_not": None})
    clock.advance(0.2)
    status, said = await ask(browser, "/livez")
    assert (status, said["alive"]) == (503, False)


async def test_engine_is_waited_for(server: Server, browser: aiohttp.ClientSession) -> None:
    asked = asyncio.ensure_future(ask(browser, "/health/engine"))

    async def is_there() -> bool | None:
        return server.observing.pulse._next is not None or None

    await until(is_there)
    assert not asked.done()
    await server.tick()
    assert await asked == (200, {"ticks": True, "why_not": None})


async def test_newer_schema_is_seen(server: Server, browser: aiohttp.ClientSession, department: Department) -> None:
    await server.tick()
    await department.connection.execute("update alembic_version set version_num = '9999'")
    status, said = await ask(browser, "/readyz")
    assert (status, failing(said)) == (503, {"schema"})
    assert "9999" in said["checks"]["schema"]["why_not"]


async def test_question_leaves_what_the_server_says_of_itself(
    start_server: StartServer, department: Department, clock: ManualClock
) -> None:
    """A text said no more that it may be answered once somebody had asked."""
    server = await start_server(callbacks=CALLBACKS)
    said = "select channels, targets from channel_presence"
    before = await department.rows(said)
    assert "sms_replies" in before[0]["channels"]
    clock.advance(1)
    async with aiohttp.ClientSession(base_url=server.console_url) as browser:
        await ask(browser, "/readyz")
    assert await department.rows("select seen_at from channel_presence") == [{"seen_at": clock.now()}]
    assert await department.rows(said) == before


async def test_database_that_takes_no_writes_is_seen(
    server: Server, browser: aiohttp.ClientSession, department: Department
) -> None:
    await server.tick()
    await department.connection.execute("alter table channel_presence add constraint full_disk check (false) not valid")
    status, said = await ask(browser, "/readyz")
    assert (status, failing(said)) == (503, {"database"})
    assert said["checks"]["database"]["why_not"] == "failed: CheckViolation"


async def test_server_without_its_database_lives_but_is_not_ready(
    mortal_database: PostgresServer, start_server: StartServer
) -> None:
    server = await start_server(database=mortal_database.url)
    await server.tick()
    async with aiohttp.ClientSession(base_url=server.console_url) as browser:
        await asyncio.to_thread(mortal_database.stop)
        status, said = await ask(browser, "/readyz")
        assert (status, failing(said)) == (503, {"database", "schema"})
        assert await ask(browser, "/livez") == (200, {"alive": True, "why_not": None})
        async with browser.get("/metrics") as answer:
            assert answer.status == 200
            said_of_metrics = await answer.text()
        assert "gyrophare_database_up 0.0" in said_of_metrics
        assert "gyrophare_alerts_open" not in said_of_metrics  # an old number would look like a calm one
    await asyncio.to_thread(mortal_database.start)


async def test_server_without_its_broker_is_not_ready(start_server: StartServer, tmp_path_factory: Any) -> None:
    broker = MqttBroker(tmp_path_factory.mktemp("mortal broker"))
    await asyncio.to_thread(broker.start)
    server = await start_server(mqtt=MqttSettings(url=SecretStr(broker.url)))
    await server.tick()
    await asyncio.to_thread(broker.stop)

    async def gone() -> bool | None:
        return not any(session.connected for session in server._sessions.values()) or None

    await until(gone)
    async with aiohttp.ClientSession(base_url=server.console_url) as browser:
        status, said = await ask(browser, "/readyz")
    assert (status, failing(said)) == (503, {"broker"})
    assert said["checks"]["broker"]["why_not"] == "2 of 2 sessions are not connected"


async def test_check_that_raises_or_hangs_is_an_answer() -> None:
    async def raises() -> str | None:
        raise ZeroDivisionError

    async def no_metrics() -> bytes:
        raise ZeroDivisionError

    async def never() -> None:
        await asyncio.Event().wait()

    routes = HealthRoutes(
        alive=lambda: None, ready={"sum": raises}, next_tick=never, metrics=no_metrics, tick_max_s=0.01
    )
    app = web.Application()
    routes.add_to(app.router)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as browser:
        status, said = await ask(browser, "/readyz")
        assert (status, said["checks"]["sum"]) == (503, {"ok": False, "why_not": "failed: ZeroDivisionError"})
        status, said = await ask(browser, "/health/engine")
        assert (status, said["ticks"]) == (503, False)
        async with browser.get("/metrics") as answer:
            assert answer.status == 503
    await runner.cleanup()
