"""How soon every console shows that an alarm was taken: from the request, and from its commit, to each page's push.

A real `gyrophare serve` with many pages open, a second one on the same database with a few, watches that talk, and
alarms that nobody has taken. A dispatcher at the first server takes them, one after the other and then many at once.
The pages let the server compress, as browsers do.

Beside it the same message from a bare server in this process to as many bare pages: what the machine needs at least.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

import aiohttp
from aiohttp import web

from bench import load, machine
from bench.alerts import percentile
from bench.ingest import Say
from bench.servers import CLOCK, broker, refuse_undurable, serve
from gyrophare.embedded import PostgresServer
from gyrophare.platform import db, sql
from gyrophare.platform.migrations.migrate import migrate
from gyrophare.platform.mqtt import MqttSession

QUERIES = sql.load(__file__, "consoles.sql")
_SHARED = sql.load(__file__)
_ELSEWHERE = 5  # consoles at the second server
_REPORT_EVERY_S = 5.0
_PAUSE_MAX_S = 0.5  # before the next acknowledgement: not in step with the pushes
_ROUND_S = 60.0  # longer than a round takes, with this machine's many pages
_LOOK_S = 0.005
_PATIENCE_S = 30.0
_DEFLATE = 15  # what browsers offer
_HEADERS = {"X-Gyrophare": "bench"}


@dataclass(frozen=True, kw_only=True)
class Result:
    """The figures of one run; each time is of one page and one acknowledgement."""

    machine: str
    broker: str
    consoles: int
    consoles_elsewhere: int
    """At a second server on the same database."""
    devices: int
    alerts: int
    acknowledgements: int
    push_bytes: int
    """Of the message that showed one, before it is compressed."""
    request_p50_ms: float
    """One after the other: from the request."""
    request_p99_ms: float
    request_max_ms: float
    commit_p50_ms: float
    """One after the other: from the commit."""
    commit_p99_ms: float
    commit_max_ms: float
    burst_p50_ms: float
    """Many at once: from the request."""
    burst_p99_ms: float
    burst_max_ms: float
    elsewhere_p50_ms: float
    """At the second server, all of them, from the request to the first."""
    elsewhere_p99_ms: float
    elsewhere_max_ms: float
    plain_p50_ms: float
    """The same message from a bare server, from the request."""
    plain_p99_ms: float
    ratio_to_plain_p99: float
    serve_cpu_pct: float
    """Of one processor, of the first server, in the whole run."""


class _Page:
    """An open console: when it first showed that each alert was taken."""

    def __init__(self) -> None:
        self.taken: dict[int, datetime] = {}
        self.shown = ""
        """The message that showed it last."""

    async def follow(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            at = CLOCK.now()
            for alert in json.loads(message.data).get("alerts", ()):
                if alert["state"] == "acknowledged" and self.taken.setdefault(alert["id"], at) is at:
                    self.shown = message.data


@dataclass(frozen=True, slots=True)
class _Act:
    """An acknowledgement."""

    alert_id: int
    asked_at: datetime


async def measure(*, consoles: int, devices: int, alerts: int, rounds: int, broker_kind: str, say: Say) -> Result:
    """In each of so many rounds half of the alerts are taken one after the other, and the other half at once."""
    with tempfile.TemporaryDirectory(prefix="gyrophare-bench-") as name:
        folder = Path(name)
        with (
            PostgresServer(folder, {"track_commit_timestamp": "on"}) as postgres,
            broker(broker_kind, folder) as (mqtt_url, broker_name),
        ):
            refuse_undurable(postgres.url)
            migrate(postgres.url)
            environment = {"GYROPHARE_DATABASE_URL": postgres.url, "GYROPHARE_MQTT_URL": mqtt_url}
            async with (
                await db.connect(postgres.url) as connection,
                serve(**environment, GYROPHARE_INSTANCE="a") as here,
                serve(**environment, GYROPHARE_INSTANCE="b") as elsewhere,
                _talking(connection, mqtt_url, devices, rounds) as publisher,
                _pages(here.console_url, consoles) as pages,
                _pages(elsewhere.console_url, _ELSEWHERE) as far_pages,
                aiohttp.ClientSession(here.console_url, headers=_HEADERS) as dispatcher,
            ):
                bench = _Bench(connection, publisher, dispatcher, [*pages, *far_pages])
                began_s, used_s = CLOCK.monotonic_s(), here.cpu_s
                single: list[_Act] = []
                burst: list[_Act] = []
                for number in range(1, rounds + 1):
                    say(f"round {number} of {rounds}: {alerts} alarms, {consoles} consoles")
                    ids = await bench.raise_alerts(alerts, number)
                    single += await bench.one_after_the_other(ids[: alerts // 2])
                    burst += await bench.at_once(ids[alerts // 2 :])
                    await bench.close(ids)
                cpu_pct = (here.cpu_s - used_s) / (CLOCK.monotonic_s() - began_s) * 100
                commits = await bench.commits()
            say("the same message from a bare server")
            plain_ms = await _plain_ms(pages[0].shown, consoles, len(single))
    request_ms = list(_delays_ms(pages, {act.alert_id: act.asked_at for act in single}))
    commit_ms = list(_delays_ms(pages, {act.alert_id: commits[act.alert_id] for act in single}))
    burst_ms = list(_delays_ms(pages, {act.alert_id: act.asked_at for act in burst}))
    far_ms = list(_delays_ms(far_pages, {act.alert_id: act.asked_at for act in [*single, *burst]}))
    return Result(
        machine=machine.described(),
        broker=broker_name,
        consoles=consoles,
        consoles_elsewhere=_ELSEWHERE,
        devices=devices,
        alerts=alerts,
        acknowledgements=len(single) + len(burst),
        push_bytes=round(median(len(page.shown.encode()) for page in pages)),
        **_percentiles("request", request_ms),
        **_percentiles("commit", commit_ms),
        **_percentiles("burst", burst_ms),
        **_percentiles("elsewhere", far_ms),
        plain_p50_ms=round(percentile(plain_ms, 50), 1),
        plain_p99_ms=round(percentile(plain_ms, 99), 1),
        ratio_to_plain_p99=round(percentile(request_ms, 99) / percentile(plain_ms, 99), 1),
        serve_cpu_pct=round(cpu_pct, 1),
    )


class _Bench:
    """The wearers who press SOS, the dispatcher who takes their alarms, and all pages of both servers."""

    def __init__(
        self,
        connection: db.Connection,
        publisher: MqttSession,
        dispatcher: aiohttp.ClientSession,
        pages: Sequence[_Page],
    ) -> None:
        self._connection = connection
        self._publisher = publisher
        self._dispatcher = dispatcher
        self._pages = pages
        self._dice = random.Random(0)  # noqa: S311  # no secret depends on it

    async def raise_alerts(self, count: int, seq: int) -> list[int]:
        for number in range(1, count + 1):
            body = {"boot": "9f3a01c2", "seq": seq, "kind": "sos", "occurred_at": CLOCK.now().isoformat()}
            await self._publisher.publish(
                f"gyrophare/v1/watches/{load.PREFIX}-{number:04d}/events", json.dumps(body).encode()
            )
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                rows = await (await self._connection.execute(QUERIES["open_alerts"])).fetchall()
                if len(rows) == count:
                    return [row["id"] for row in rows]
                await asyncio.sleep(_LOOK_S)

    async def one_after_the_other(self, ids: Sequence[int]) -> list[_Act]:
        acts = []
        for alert_id in ids:
            await asyncio.sleep(self._dice.uniform(0, _PAUSE_MAX_S))
            acts.append(await self._take(alert_id))
            await self._until_shown([alert_id])
        return acts

    async def at_once(self, ids: Sequence[int]) -> list[_Act]:
        acts = await asyncio.gather(*(self._take(alert_id) for alert_id in ids))
        await self._until_shown(ids)
        return acts

    async def close(self, ids: Sequence[int]) -> None:
        for alert_id in ids:
            await self._post(alert_id, "close", {"cause": "test", "reached": True})

    async def commits(self) -> dict[int, datetime]:
        rows = await (await self._connection.execute(QUERIES["commits"])).fetchall()
        return {row["alert_id"]: row["at"] for row in rows}

    async def _take(self, alert_id: int) -> _Act:
        act = _Act(alert_id, CLOCK.now())
        await self._post(alert_id, "acknowledge", {})
        return act

    async def _post(self, alert_id: int, what: str, body: Mapping[str, object]) -> None:
        async with self._dispatcher.post(f"/api/v1/alerts/{alert_id}/{what}", json=body) as answer:
            answer.raise_for_status()

    async def _until_shown(self, ids: Sequence[int]) -> None:
        """Raise TimeoutError when a page does not show it."""
        async with asyncio.timeout(_PATIENCE_S):
            while not all(alert_id in page.taken for page in self._pages for alert_id in ids):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)


@contextlib.asynccontextmanager
async def _talking(connection: db.Connection, mqtt_url: str, devices: int, rounds: int) -> AsyncIterator[MqttSession]:
    """So many watches on shift, which report all the time. Raise RuntimeError when they fell silent too early."""
    names = [f"{load.PREFIX}-{number:04d}" for number in range(1, devices + 1)]
    await connection.execute(_SHARED["engage"], {"names": names, "now": CLOCK.now()})
    publisher = MqttSession(mqtt_url, "bench-wearers", (), clock=CLOCK)
    await publisher.start()
    talk = asyncio.create_task(
        load.publish_at(publisher, devices, devices / _REPORT_EVERY_S, _ROUND_S * (rounds + 1)), name="talk"
    )
    yield publisher
    if talk.done():
        raise RuntimeError(f"the watches fell silent before the end of {rounds} rounds")
    talk.cancel()
    await asyncio.wait([talk])
    await publisher.stop()


@contextlib.asynccontextmanager
async def _pages(url: str, count: int) -> AsyncIterator[list[_Page]]:
    """Open consoles, each with the whole picture."""
    async with aiohttp.ClientSession(url) as session, contextlib.AsyncExitStack() as stack:
        pages, followed = [], []
        for _ in range(count):
            socket = await stack.enter_async_context(
                session.ws_connect("/api/v1/live", compress=_DEFLATE, max_msg_size=0)
            )
            await socket.receive_str()
            page = _Page()
            pages.append(page)
            followed.append(asyncio.create_task(page.follow(socket)))
        yield pages
        for task in followed:
            task.cancel()
        await asyncio.wait(followed)


def _delays_ms(pages: Sequence[_Page], since: Mapping[int, datetime]) -> Iterator[float]:
    for page in pages:
        for alert_id, at in since.items():
            yield (page.taken[alert_id] - at).total_seconds() * 1000


def _percentiles(name: str, values_ms: Sequence[float]) -> dict[str, float]:
    return {
        f"{name}_p50_ms": round(percentile(values_ms, 50), 1),
        f"{name}_p99_ms": round(percentile(values_ms, 99), 1),
        f"{name}_max_ms": round(max(values_ms), 1),
    }


async def _plain_ms(text: str, consoles: int, times: int) -> list[float]:
    """From a request to each page that gets `text` for it."""
    open_sockets: list[web.WebSocketResponse] = []

    async def join(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        open_sockets.append(socket)
        async for _ in socket:
            pass
        return socket

    async def tell(_request: web.Request) -> web.StreamResponse:
        for socket in open_sockets:
            await socket.send_str(text)
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", join), web.post("/", tell)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    delays_ms: list[float] = []
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session,
        contextlib.AsyncExitStack() as stack,
    ):
        sockets = [await stack.enter_async_context(session.ws_connect("/", compress=_DEFLATE)) for _ in range(consoles)]

        async def hear(socket: aiohttp.ClientWebSocketResponse, asked_s: float) -> None:
            json.loads(await socket.receive_str())
            delays_ms.append((CLOCK.monotonic_s() - asked_s) * 1000)

        for _ in range(times):
            asked_s = CLOCK.monotonic_s()
            hearing = asyncio.gather(*(hear(socket, asked_s) for socket in sockets))
            async with session.post("/") as answer:
                answer.raise_for_status()
            await hearing
    await runner.cleanup()
    return delays_ms
