"""The ticker: calls a step again and again. No due time lives here; those are rows in the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from gyrophare.kernel.clock import Clock, SystemClock

log = logging.getLogger(__name__)

_GUARD_S = 0.25


class _Again(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """The next call is one period from now.

    APScheduler's own interval trigger enumerates every missed call of the past: set a clock ahead by a year and it
    blocks the loop for half a minute.
    """

    def __init__(self, period_s: float) -> None:
        self._period = timedelta(seconds=period_s)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self._period


class Ticker:
    """Runs steps periodically on the event loop; a slow step is not started twice, a failed one is tried again.

    APScheduler keeps wall-clock times: set the clock back one hour and it sleeps for one hour. `guard` compares with
    the monotonic clock and wakes it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._last_monotonic_s: dict[str, float] = {}
        self._period_s: dict[str, float] = {}

    def every(self, period_s: float, name: str, step: Callable[[], Awaitable[object]]) -> None:
        """Call `step` each `period_s` seconds, the first time at once."""

        async def run() -> None:
            try:
                await step()
            except asyncio.CancelledError:
                log.debug("A periodic step was cut short by the end", extra={"action": name})  # to APScheduler an error
            except Exception:
                log.exception("A periodic step failed and will be tried again", extra={"action": name})
            finally:
                self._last_monotonic_s[name] = self._clock.monotonic_s()

        self._period_s[name] = period_s
        self._last_monotonic_s[name] = self._clock.monotonic_s()
        self._scheduler.add_job(run, _Again(period_s), id=name, next_run_time=self._wall())

    def start(self) -> None:
        self._scheduler.start()
        self._guard_soon()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def age_s(self, name: str) -> float:
        """Seconds since the last end of that step."""
        return self._clock.monotonic_s() - self._last_monotonic_s[name]

    def _guard_soon(self) -> None:
        self._scheduler._eventloop.call_later(_GUARD_S, self._guard)

    def _guard(self) -> None:
        if not self._scheduler.running:
            return
        for name, period_s in self._period_s.items():
            if self.age_s(name) <= 2 * period_s + _GUARD_S:
                continue
            job: Any = self._scheduler.get_job(name)
            # A step that only takes long is late too, but due soon.
            if job is not None and job.next_run_time - self._wall() > timedelta(seconds=period_s):
                log.warning("The clock was moved; ticking again", extra={"action": "clock_moved", "step": name})
                job.modify(next_run_time=self._wall())
        self._guard_soon()

    @staticmethod
    def _wall() -> datetime:
        # APScheduler lives by the machine's own clock, whatever Clock the steps are given.
        return SystemClock().now()
