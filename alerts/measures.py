"""Alerts in numbers, read from the database when somebody asks, every few seconds at most.

They are the department's, whichever server raised, sent or answered. Before the first look and while the database is
away nothing is said of them: an old number would look like a calm one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gyrophare.kernel.clock import Clock
from gyrophare.platform import sql
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)
QUERIES = sql.load(__file__, "measures.sql")

_FRESH_S = 5.0
_PATIENCE_S = 3.0
_OVERLAP = timedelta(seconds=60)  # who raised before we looked may commit after it
_FOLLOWED_FOR = timedelta(days=1)  # for an answer
_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)


@dataclass(slots=True, kw_only=True)
class _Followed:
    """What of an alert's story is in the histograms already."""

    raised_at: datetime
    told: bool = False
    answered: bool = False


class AlertMeasures(Collector):
    """How many are open and late, and how long each took to be found, told and answered."""

    def __init__(self, registry: CollectorRegistry, pool: Pool, clock: Clock) -> None:
        """Alerts that are raised from now on are followed."""
        self._pool = pool
        self._clock = clock
        self._since_at = clock.now()
        self._read_s: float | None = None
        self._row: Mapping[str, Any] | None = None
        self._reading = asyncio.Lock()
        self._followed: dict[int, _Followed] = {}
        self._detect_seconds = _histogram(
            registry,
            "gyrophare_alert_detect_seconds",
            "From when an alert was due, or a call came in, to its row.",
        )
        self._first_notification_seconds = _histogram(
            registry,
            "gyrophare_alert_first_notification_seconds",
            "From an alert's row to the first message that a provider took, or screen that showed it.",
        )
        self._ack_seconds = _histogram(
            registry, "gyrophare_alert_ack_seconds", "From an alert's row to a person who takes it."
        )
        registry.register(self)

    async def refresh(self) -> None:
        """Look, if the last look is some seconds old. Never raises for a database that is away."""
        async with self._reading:
            if self._read_s is not None and self._clock.monotonic_s() - self._read_s < _FRESH_S:
                return
            now = self._clock.now()
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await self._read(now)
                self._read_s = self._clock.monotonic_s()
            except (psycopg.Error, TimeoutError) as error:
                self._row = self._read_s = None
                log.warning("Alerts cannot be measured: %s", type(error).__name__, extra={"action": "measure"})

    def collect(self) -> Iterable[Metric]:
        row = self._row
        yield GaugeMetricFamily(
            "gyrophare_database_up", "Whether the last look at the database got an answer.", value=row is not None
        )
        if row is None:
            return
        open_alerts = GaugeMetricFamily(
            "gyrophare_alerts_open",
            "Alerts that are not closed. Severity: vital (somebody may be in danger) or protection.",
            labels=["severity", "state"],
        )
        for severity in ("vital", "protection"):
            for state in ("triggered", "acknowledged"):
                open_alerts.add_metric([severity, state], row[f"{severity}_{state}"])
        yield open_alerts
        yield GaugeMetricFamily(
            "gyrophare_escalation_overdue_alerts",
            "Alerts that nobody took and whose next step is late by more than 5 s.",
            value=row["escalation_overdue"],
        )
        yield GaugeMetricFamily(
            "gyrophare_outbox_pending_messages",
            "Notifications that are not sent; the console's own and those held back left out.",
            value=row["outbox_pending"],
        )
        yield GaugeMetricFamily(
            "gyrophare_outbox_held_messages",
            "Second messages that a cap holds back.",
            value=row["outbox_held"],
        )
        yield GaugeMetricFamily(
            "gyrophare_outbox_ambiguous_messages",
            "Of those, whose provider gave no clear answer.",
            value=row["outbox_ambiguous"],
        )
        yield GaugeMetricFamily(
            "gyrophare_outbox_oldest_age_seconds",
            "Since the oldest of them was first tried, or due.",
            value=row["outbox_oldest_age_s"] or 0,
        )

    async def _read(self, now: datetime) -> None:
        followed = [number for number, one in self._followed.items() if not (one.told and one.answered)]
        parameters = {"since_at": self._since_at, "followed": followed}
        async with self._pool.connection() as connection:
            [row] = await (await connection.execute(QUERIES["measure"], {"now": now})).fetchall()
            alerts = await (await connection.execute(QUERIES["follow"], parameters)).fetchall()
        self._row = row
        for alert in alerts:
            self._observe(alert)
        self._since_at = max(self._since_at, now - _OVERLAP)
        self._followed = {
            number: one
            for number, one in self._followed.items()
            if one.raised_at >= self._since_at
            or (not (one.told and one.answered) and one.raised_at >= now - _FOLLOWED_FOR)
        }

    def _observe(self, alert: Mapping[str, Any]) -> None:
        """Put into the histograms what is new of it."""
        raised_at = alert["raised_at"]
        one = self._followed.get(alert["id"])
        if one is None:
            one = self._followed[alert["id"]] = _Followed(raised_at=raised_at)
            self._detect_seconds.observe(_between(alert["triggered_at"], raised_at))
        if not one.told and alert["first_sent_at"] is not None:
            one.told = True
            self._first_notification_seconds.observe(_between(raised_at, alert["first_sent_at"]))
        if not one.answered and alert["acknowledged_at"] is not None:
            one.answered = True
            self._ack_seconds.observe(_between(raised_at, alert["acknowledged_at"]))


def _between(earlier: datetime, later: datetime) -> float:
    """Seconds; clocks of two servers may differ a little."""
    return max(0.0, (later - earlier).total_seconds())


def _histogram(registry: CollectorRegistry, name: str, documentation: str) -> Histogram:
    return Histogram(name, documentation, buckets=_SECONDS, registry=registry)
