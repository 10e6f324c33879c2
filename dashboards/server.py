"""The console's HTTP side: the page, the live socket, and what a dispatcher can do.

Until dispatchers have accounts of their own, it answers only on this machine, and only to pages it served itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from dashboards import read_models
from dashboards.alert_routes import AlertRoutes, Desk
from dashboards.answers import answer, foreign, instant, refusal, same_origin
from dashboards.duty import DutyRoutes
from dashboards.health import HealthRoutes
from dashboards.live import Console, Live
from dashboards.read_models import Viewer
from dashboards.shifts import ShiftRoutes
from dashboards.watch_commands import CommandRoutes, Write
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import AlertId, DeviceId
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)

WEB = Path(str(files("dashboards"))) / "web" / "dist"
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_BODY_MAX_BYTES = 64 * 1024
_WS_MESSAGE_MAX_BYTES = 4096
_PERIOD_MAX = timedelta(days=60)  # as long as positions are kept

_HEADERS = {
    "Content-Security-Policy": (
        # data: is the number on the page's own icon
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ConsoleServer:
    """Routes of the console. What changes something is handed in: this package decides nothing."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        live: Live,
        viewer: Viewer,
        *,
        desk: Desk,
        write: Write,
        shifts: ShiftRoutes,
        duty: DutyRoutes,
        health: HealthRoutes,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._live = live
        self._viewer = viewer
        self._desk = desk
        self._alerts = AlertRoutes(pool, viewer, desk)
        self._commands = CommandRoutes(pool, viewer, write)
        self._shifts = shifts
        self._duty = duty
        self._health = health

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_guard], client_max_size=_BODY_MAX_BYTES)
        app.on_response_prepare.append(_add_headers)
        app.on_shutdown.append(self._send_away)
        app.router.add_get("/", _index)
        app.router.add_get("/api/v1/live", self._serve_live)
        app.router.add_get(r"/api/v1/devices/{device_id:\d{1,18}}/trail", self._serve_trail)
        app.router.add_get("/api/v1/shifts/protection", self._serve_protection)
        self._alerts.add_to(app.router)
        self._commands.add_to(app.router)
        self._shifts.add_to(app)
        self._duty.add_to(app.router)
        self._health.add_to(app.router)
        for folder in ("assets", "map"):
            if (WEB / folder).is_dir():
                app.router.add_static(f"/{folder}", WEB / folder)
        app.router.add_get("/{name:[a-z0-9.-]+}", _file)
        return app

    async def _serve_live(self, request: web.Request) -> web.StreamResponse:
        if not same_origin(request):
            raise web.HTTPForbidden(text="This socket answers only to the console's own page.")
        socket = web.WebSocketResponse(max_msg_size=_WS_MESSAGE_MAX_BYTES, heartbeat=20)
        await socket.prepare(request)
        async with self._pool.connection() as connection:
            await read_models.log_access(connection, self._viewer, self._clock.now(), "live_map")
        if request.transport is None:  # gone again already
            return socket
        console = Console(socket, request.transport)
        sending = asyncio.create_task(console.run(), name="push to a console")
        try:
            await self._live.join(console)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._heard(message.data)
        finally:
            self._live.leave(console)
            sending.cancel()
            await asyncio.wait([sending])
        return socket

    async def _send_away(self, app: web.Application) -> None:
        """Without it the server would wait for every open page until it loses patience."""
        await self._live.close()

    async def _heard(self, text: str) -> None:
        try:
            said = json.loads(text)
            presented = said["type"] == "presented"
            alert_id = AlertId(int(said["alert_id"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            log.warning("A console sent something unreadable", extra={"action": "live"})
            return
        if presented and 0 < alert_id < 2**63:
            await self._desk.present(alert_id, self._viewer.account_id)

    async def _serve_trail(self, request: web.Request) -> web.StreamResponse:
        asked = _period(request)
        if isinstance(asked, web.Response):
            return asked
        device_id = DeviceId(int(request.match_info["device_id"]))
        async with self._pool.connection() as connection:
            await read_models.log_access(
                connection, self._viewer, self._clock.now(), "trail", device_id=device_id, **asked.said
            )
            points = await read_models.trail(
                connection, self._viewer.organisation_id, device_id, asked.from_at, asked.until_at
            )
        return answer(200, {"device_id": device_id, **asked.said, "points": points})

    async def _serve_protection(self, request: web.Request) -> web.StreamResponse:
        asked = _period(request)
        if isinstance(asked, web.Response):
            return asked
        now = self._clock.now()
        async with self._pool.connection() as connection:
            await read_models.log_access(connection, self._viewer, now, "shift_protection", **asked.said)
            shifts = await read_models.shift_protection(
                connection, self._viewer.organisation_id, asked.from_at, asked.until_at, now
            )
        return answer(200, {**asked.said, "shifts": shifts})


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A name that only points here (DNS rebinding) is refused; a fault of ours shows no stack."""
    if urlsplit(f"//{request.host}").hostname not in LOCAL_HOSTS:
        return refusal(421, "Adresse inconnue", "http://127.0.0.1", "Ouvrez la console sur cette machine.")
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("A request failed", extra={"action": "http", "path": request.path})
        return refusal(500, "Erreur du serveur", "une réponse", "Réessayez ; le journal du serveur dit pourquoi.")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period:
    """From `from_at` on, before `until_at`."""

    from_at: datetime
    until_at: datetime

    @property
    def said(self) -> dict[str, str | None]:
        """As answers and the access log name it."""
        return {"from": read_models.instant(self.from_at), "until": read_models.instant(self.until_at)}


def _period(request: web.Request) -> _Period | web.Response:
    """The period that our own page asks for, or why it gets no answer."""
    if refused := foreign(request):
        return refused
    from_at, until_at = instant(request.query.get("from")), instant(request.query.get("until"))
    if from_at is None or until_at is None or not timedelta(0) < until_at - from_at <= _PERIOD_MAX:
        return refusal(
            400,
            "Période illisible",
            "from et until, instants avec fuseau (2026-01-14T00:00:00Z), 60 jours au plus",
            "Corrigez l'adresse.",
        )
    return _Period(from_at=from_at, until_at=until_at)


async def _index(_request: web.Request) -> web.StreamResponse:
    page = WEB / "index.html"
    if not page.is_file():
        return web.Response(status=503, text="The console is not built. Run `make setup`, or install the wheel.")
    return web.FileResponse(page)


async def _file(request: web.Request) -> web.StreamResponse:
    path = WEB / request.match_info["name"]
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path)
