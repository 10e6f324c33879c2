"""The auditor: every 15 s it looks whether what should move does, as a stranger would who reads only the database.

It has a connection of its own and shares no statement and no code with the engine's tick and the dispatcher: a fault of
theirs is none of its own. All is well: the dead man's switch is told. It is not: nobody is told that it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import psycopg
from prometheus_client import CollectorRegistry, Counter, Gauge

from gyrophare.kernel.clock import Clock
from gyrophare.platform import sql
from gyrophare.platform.db import Connection, connect

log = logging.getLogger(__name__)
QUERIES = sql.load(__file__, "auditor.sql")

AUDIT_S = 15.0
STEP_LATE_S = 30.0
MESSAGE_LATE_S = 60.0
STATUS_LATE_S = 300.0
TICK_LATE_S = 10.0
HELD_LATE_S = 25 * 3600.0
_PATIENCE_S = 10.0


class FindingKind(StrEnum):
    """What does not move."""

    DATABASE = "database"
    """It does not answer: nothing can be known."""
    ENGINE_STOPPED = "engine_stopped"
    """No server has ticked for 10 s."""
    STEP_OVERDUE = "step_overdue"
    """Nobody took the alert, and its next step is late by more than 30 s."""
    LAPSE_OVERDUE = "lapse_overdue"
    """Whoever took the alert did nothing in his time, and since 30 s nobody is called in his place."""
    ESCALATION_STOPPED = "escalation_stopped"
    """Nobody took the alert, steps are left, and none has an instant."""
    STEP_WITHOUT_MESSAGE = "step_without_message"
    """A step went by and left neither a message nor a word why."""
    MESSAGE_NOT_TAKEN = "message_not_taken"
    """A message is due since 60 s and no dispatcher takes it."""
    NOBODY_TOLD = "nobody_told"
    """A message waits since 60 s for a channel that no server ever had, and nobody was told by another way."""
    MESSAGE_HELD = "message_held"
    """A second message waits for a cap since 25 h, and a cap counts the last day."""
    CANARY = "canary"
    """The invented alarm was not heard, several times in a row."""
    SENDING_STUCK = "sending_stuck"
    """Whoever was sending a message is gone since 60 s, and nobody finds out what became of it."""
    STATUS_MISSING = "status_missing"
    """The provider or the modem took a message, has not said what became of it, and nobody asks: 300 s too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What does not move, how many there are, and the numbers of at most ten alerts that it is about."""

    kind: FindingKind
    count: int = 1
    alert_ids: tuple[int, ...] = ()

    def __str__(self) -> str:
        alerts = ", ".join(f"A{number}" for number in self.alert_ids)
        return f"{self.kind} {self.count}" + (f" ({alerts})" if alerts else "")


Report = Callable[[Connection, tuple[Finding, ...], datetime], Awaitable[None]]
"""Told of each look that reached the database, on the auditor's own connection."""


async def audit(connection: Connection, now: datetime) -> tuple[Finding, ...]:
    """Look once; nothing found means that all is well."""
    parameters = {
        "now": now,
        "step_late_s": STEP_LATE_S,
        "message_late_s": MESSAGE_LATE_S,
        "status_late_s": STATUS_LATE_S,
        "tick_late_s": TICK_LATE_S,
        "held_late_s": HELD_LATE_S,
    }
    rows = await (await connection.execute(QUERIES["audit"], parameters)).fetchall()
    return tuple(
        Finding(
            kind=FindingKind(row["kind"]),
            count=row["count"],
            alert_ids=tuple(number for number in row["alert_ids"] if number is not None),
        )
        for row in rows
    )


class Auditor:
    """Looks again and again, reports, and tells the dead man's switch while all is well."""

    def __init__(
        self,
        database_url: str,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        report: Report,
        well: Callable[[], Awaitable[None]],
        status: Callable[[str], None],
        others: Callable[[], tuple[Finding, ...]] = tuple,
    ) -> None:
        """`well` is called after each look that found nothing, `status` with a sentence for whoever supervises us.

        `others` is asked what somebody else has found.
        """
        self._database_url = database_url
        self._clock = clock
        self._report = report
        self._well = well
        self._status = status
        self._others = others
        self._found: tuple[Finding, ...] = ()
        self._findings = Gauge(
            "gyrophare_audit_findings", "What the auditor's last look found.", ["kind"], registry=registry
        )
        for kind in FindingKind:
            self._findings.labels(kind)
        self._looks = Counter("gyrophare_audit_looks", "Looks of the auditor.", ["result"], registry=registry)
        self._well_looks, self._unwell_looks = self._looks.labels("well"), self._looks.labels("unwell")

    async def run(self) -> None:
        """Look until cancelled; first after a while, when what was missed before our start has been caught up."""
        while True:
            await asyncio.sleep(AUDIT_S)
            await self.look()

    async def look(self) -> tuple[Finding, ...]:
        """Look once, and tell. Only a fault of our own is raised."""
        now = self._clock.now()
        found = self._others()
        try:
            async with asyncio.timeout(_PATIENCE_S), await connect(self._database_url) as connection:
                found += await audit(connection, now)
                await self._report(connection, found, now)
        except (psycopg.OperationalError, psycopg.InternalError, TimeoutError) as error:  # also: it is read-only now
            log.warning("The auditor's connection failed: %s", type(error).__name__, extra={"action": "audit"})
            found += (Finding(kind=FindingKind.DATABASE),)
        self._tell(found)
        if not found:
            await self._well()
        return found

    def _tell(self, found: tuple[Finding, ...]) -> None:
        counts = {finding.kind: finding.count for finding in found}
        for kind in FindingKind:
            self._findings.labels(kind).set(counts.get(kind, 0))
        (self._unwell_looks if found else self._well_looks).inc()
        said = ", ".join(map(str, found))
        if found:
            alert_ids = sorted({number for finding in found for number in finding.alert_ids})
            log.error("The audit finds: %s", said, extra={"action": "audit", "alert_ids": alert_ids})
        elif self._found:
            log.info("The audit finds nothing any more", extra={"action": "audit_well"})
        if found != self._found:
            self._status(f"the audit finds: {said}" if found else "the audit finds nothing")
        self._found = found
