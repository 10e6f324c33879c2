"""Lets a fleet work against a real broker for a while, and says what became of its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from gyrophare.kernel.clock import Clock
from gyrophare.sim.fleet import Fleet
from gyrophare.sim.lines import Lines

_TICK_S = 0.05
_SHOW_S = 0.5


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a fleet has done so far."""

    watches: int
    seconds: float = 0.0
    messages: int = 0
    """Published: one may hold 500 reports, and a report may be in several."""
    reports: int = 0
    events: int = 0
    messages_per_s: float = 0.0
    """Since the last look; at the end, of the whole run until the day was over."""
    receipted: int = 0
    unreceipted: int = 0
    resent: int = 0
    lost: int = 0
    """Reports that had to go from a full spool."""
    unprotected: int = 0
    """Watches that now show that they protect nobody."""
    behind_s: float = 0.0
    """The machine is too slow for this fleet when this grows."""

    def as_json(self) -> dict[str, Any]:
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


class Drive:
    """One run of `fleet` over `lines`. `stop` ends its day early."""

    def __init__(self, fleet: Fleet, lines: Lines, clock: Clock) -> None:
        self._fleet = fleet
        self._lines = lines
        self._clock = clock
        self._stopped = asyncio.Event()
        self._began_s = self._shown_s = clock.monotonic_s()
        self._shown_messages = 0
        self._wait_s = 0.0
        self._figures = Figures(watches=sum(1 for _ in fleet))

    def stop(self) -> None:
        """End the day; asked again, do not wait for the last receipts either."""
        if self._stopped.is_set():
            self._wait_s = 0.0
        self._stopped.set()

    async def run(self, seconds: float | None, wait_s: float, show: Callable[[Figures], None]) -> Figures:
        """Work from the fleet's first instant for `seconds`, or until stopped; then wait for the last receipts, at most
        `wait_s`.
        """
        self._wait_s = wait_s
        await asyncio.sleep((self._fleet.since - self._clock.now()).total_seconds())
        self._began_s = self._shown_s = self._clock.monotonic_s()
        while not self._stopped.is_set() and (seconds is None or self._elapsed_s() < seconds):
            await self._tick(show)
        day_s, messages = self._elapsed_s(), self._figures.messages
        self._fleet.end(self._clock.now())
        while self._fleet.owed and self._elapsed_s() < day_s + self._wait_s:
            await self._tick(show)
        figures = self._look()
        figures.messages_per_s = messages / day_s if day_s else 0.0
        return figures

    async def _tick(self, show: Callable[[Figures], None]) -> None:
        began_s = self._clock.monotonic_s()
        publications = self._fleet.tick(self._clock.now(), self._lines.online)
        for publication in publications:
            self._figures.messages += 1
            if publication.event:
                self._figures.events += 1
            else:
                self._figures.reports += publication.reports
        await self._lines.publish(publications)
        if self._clock.monotonic_s() - self._shown_s >= _SHOW_S:
            show(self._look())
        await asyncio.sleep(max(0.0, _TICK_S - (self._clock.monotonic_s() - began_s)))

    def _look(self) -> Figures:
        figures, now_s, watches = self._figures, self._clock.monotonic_s(), list(self._fleet)
        now = self._clock.now()
        figures.messages_per_s = (figures.messages - self._shown_messages) / max(now_s - self._shown_s, 1e-3)
        self._shown_s, self._shown_messages = now_s, figures.messages
        figures.seconds = self._elapsed_s()
        figures.receipted = sum(watch.receipted for watch in watches)
        figures.unreceipted = self._fleet.owed
        figures.resent = sum(watch.resent for watch in watches)
        figures.lost = sum(watch.dropped for watch in watches)
        figures.unprotected = sum(bool(watch.heard) and not watch.protected(now) for watch in watches)
        figures.behind_s = self._fleet.behind_s
        return figures

    def _elapsed_s(self) -> float:
        return self._clock.monotonic_s() - self._began_s
