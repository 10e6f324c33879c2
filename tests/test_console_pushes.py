"""What one dispatcher does every open page shows: at each server, and whatever other pages do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import cast

import aiohttp
import pytest
from aiohttp import web

from dashboards import live
from dashboards.live import Console
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.server import Server
from tests.conftest import StartServer
from tests.department import Department
from tests.test_console_http import next_of

PAGES = 5


@pytest.fixture
async def sos(server: Server, department: Department) -> AlertId:
    """An alarm that nobody has taken."""
    await department.on_shift("w-1")
    await department.press("w-1")
    [alert] = await department.until_rows(1, "select id from alert")
    return AlertId(alert["id"])


async def open_page(server: Server, stack: AsyncExitStack) -> aiohttp.ClientWebSocketResponse:
    """A page that has the whole picture."""
    session = await stack.enter_async_context(aiohttp.ClientSession(server.console_url))
    socket = await stack.enter_async_context(session.ws_connect("/api/v1/live"))
    await next_of(socket, "snapshot")
    return socket


async def until_taken(socket: aiohttp.ClientWebSocketResponse) -> str:
    """Who has the alarm, as soon as the page hears that somebody has."""
    while True:
        for alert in (await next_of(socket, "delta"))["alerts"]:
            if alert["state"] == "acknowledged":
                return str(alert["acknowledged_by"])


async def take(server: Server, alert_id: AlertId) -> None:
    async with (
        aiohttp.ClientSession(server.console_url) as session,
        session.post(f"/api/v1/alerts/{alert_id}/acknowledge", json={}, headers={"X-Gyrophare": "test"}) as answer,
    ):
        assert answer.status == 200


async def test_every_page_of_every_server_shows_who_took_an_alarm(
    server: Server, start_server: StartServer, sos: AlertId
) -> None:
    other = await start_server()
    async with AsyncExitStack() as stack:
        pages = [await open_page(server, stack) for _ in range(PAGES)] + [await open_page(other, stack)]
        await take(server, sos)
        assert await asyncio.gather(*map(until_taken, pages)) == ["Poste de supervision"] * (PAGES + 1)


async def test_page_that_was_away_sees_what_it_missed(server: Server, sos: AlertId) -> None:
    async with AsyncExitStack() as stack:
        await open_page(server, stack)
    await take(server, sos)
    async with (
        aiohttp.ClientSession(server.console_url) as session,
        session.ws_connect("/api/v1/live") as socket,
    ):
        [alert] = (await next_of(socket, "snapshot"))["alerts"]
    assert (alert["id"], alert["state"]) == (sos, "acknowledged")


async def test_server_that_stops_sends_its_pages_away_and_waits_for_none(server: Server) -> None:
    async with AsyncExitStack() as stack:
        pages = [await open_page(server, stack) for _ in range(PAGES)]

        async def end_of(page: aiohttp.ClientWebSocketResponse) -> int | None:
            async for _ in page:
                pass
            return page.close_code

        ends = asyncio.gather(*map(end_of, pages))
        await server.stop()
        assert await ends == [aiohttp.WSCloseCode.GOING_AWAY] * PAGES


async def test_page_that_does_not_answer_is_cut_off_when_the_server_stops(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_CLOSE_TIMEOUT_S", 0.05)
    async with AsyncExitStack() as stack:
        page = await open_page(server, stack)
        await server.stop()
        with pytest.raises((TypeError, ConnectionError)):  # what was on its way, and then the end
            while True:
                await page.receive_str()


async def test_page_that_opens_makes_the_others_hear_nothing_again(server: Server, sos: AlertId) -> None:
    async with AsyncExitStack() as stack:
        first = await open_page(server, stack)
        while not (await next_of(first, "delta"))["alerts"]:
            pass
        await open_page(server, stack)
        await take(server, sos)
        [alert] = (await next_of(first, "delta"))["alerts"]
        assert alert["state"] == "acknowledged"


class DeafSocket:
    """Of a page whose computer sleeps: what is sent fills the buffers, and then waits."""

    def __init__(self) -> None:
        self.aborted = asyncio.Event()

    async def send_str(self, _text: str) -> None:
        await asyncio.Event().wait()

    async def close(self, *, code: int) -> None:
        await asyncio.Event().wait()

    def abort(self) -> None:
        self.aborted.set()


def deaf_console(socket: DeafSocket) -> Console:
    return Console(cast("web.WebSocketResponse", socket), cast("asyncio.WriteTransport", socket))


@pytest.fixture
async def deaf(server: Server) -> AsyncIterator[DeafSocket]:
    """A page that reads nothing, with the server's others."""
    socket = DeafSocket()
    console = deaf_console(socket)
    sending = asyncio.create_task(console.run())
    await server.live.join(console)
    yield socket
    sending.cancel()
    await asyncio.wait([sending])


async def test_page_that_reads_nothing_makes_no_other_wait(
    server: Server, sos: AlertId, deaf: DeafSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The accident: every page was five seconds late, because one of them was on a laptop that had been closed."""
    monkeypatch.setattr(live, "_SEND_TIMEOUT_S", 3600)
    async with AsyncExitStack() as stack:
        page = await open_page(server, stack)
        await server.desk.acknowledge(sos, AccountId(1))
        assert await until_taken(page) == "Poste de supervision"


async def test_page_that_falls_behind_is_cut_off_and_asks_again() -> None:
    socket = DeafSocket()
    console = deaf_console(socket)
    for _ in range(live._BEHIND_MAX):
        console.push("{}")
    assert not socket.aborted.is_set()
    console.push("{}")
    assert socket.aborted.is_set()


async def test_page_that_takes_nothing_for_seconds_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_SEND_TIMEOUT_S", 0.01)
    socket = DeafSocket()
    console = deaf_console(socket)
    console.push("{}")
    await console.run()
    assert socket.aborted.is_set()
