"""What machines ask of us: whether we live, whether we are ready, whether the engine turns, and the metrics.

What is looked at is handed in. A check that fails or hangs is an answer; none of these routes is ever a 500.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from dashboards.answers import answer

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""Why something is not as it should be; None: it is. It may raise, or take too long, which is why enough."""

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CHECK_MAX_S = 3.0
_NEXT_TICK_MAX_S = 5.0


class HealthRoutes:
    """`/livez` asks nothing but ourselves: what a restart would not mend must not cause one."""

    def __init__(
        self,
        *,
        alive: Callable[[], str | None],
        ready: Mapping[str, Check],
        next_tick: Callable[[], Awaitable[None]],
        metrics: Callable[[], Awaitable[bytes]],
        tick_max_s: float = _NEXT_TICK_MAX_S,
    ) -> None:
        """`alive` says why we are not, `ready` has the checks by name, `tick_max_s` bounds the wait for a tick."""
        self._alive = alive
        self._ready = ready
        self._next_tick = next_tick
        self._metrics = metrics
        self._tick_max_s = tick_max_s

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/metrics", self._serve_metrics)
        router.add_get("/livez", self._serve_alive)
        router.add_get("/readyz", self._serve_ready)
        router.add_get("/health/engine", self._serve_engine)

    async def _serve_metrics(self, _request: web.Request) -> web.Response:
        try:
            text = await self._metrics()
        except Exception:
            log.exception("The metrics cannot be told", extra={"action": "metrics"})
            return web.Response(status=503, text="The metrics cannot be told; the log says why.\n")
        return web.Response(body=text, headers={"Content-Type": _CONTENT_TYPE})

    async def _serve_alive(self, _request: web.Request) -> web.Response:
        why_not = self._alive()
        return answer(200 if why_not is None else 503, {"alive": why_not is None, "why_not": why_not})

    async def _serve_ready(self, _request: web.Request) -> web.Response:
        reasons = await asyncio.gather(*(_why_not(name, check) for name, check in self._ready.items()))
        checks = {
            name: {"ok": why_not is None, "why_not": why_not}
            for name, why_not in zip(self._ready, reasons, strict=True)
        }
        ready = all(check["ok"] for check in checks.values())
        return answer(200 if ready else 503, {"ready": ready, "checks": checks})

    async def _serve_engine(self, _request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(self._tick_max_s):
                await self._next_tick()
        except TimeoutError:
            why_not = f"no tick came to a good end within {self._tick_max_s:g} s"
            return answer(503, {"ticks": False, "why_not": why_not})
        return answer(200, {"ticks": True, "why_not": None})


async def _why_not(name: str, check: Check) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_MAX_S):
            return await check()
    except TimeoutError:
        return f"no answer within {_CHECK_MAX_S:g} s"
    except Exception as error:
        log.warning("The check %r failed", name, exc_info=True, extra={"action": "readyz"})
        return f"failed: {type(error).__name__}"
