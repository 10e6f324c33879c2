"""What the auditor found becomes one infrastructure alert, and ends with it.

Only at the second look in a row: what was due during an outage of the database is caught up within a second of its end,
and a look may fall into that second.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import alerts.store
from alerts import audit_episode
from alerts.audit_episode import Episode
from alerts.auditor import Finding
from gyrophare.flows import infrastructure
from gyrophare.platform.db import Connection

SUBJECT = "Chaîne d'alerte en panne, prévenez par téléphone"


class AuditReport:
    """Remembers since when the auditor finds something; what dispatchers were told is in the database."""

    def __init__(self) -> None:
        self._unwell_since_at: datetime | None = None
        self._looked = False

    async def tell(self, connection: Connection, found: Sequence[Finding], now: datetime) -> None:
        """Raise the alert, or end it: once, however many servers audit."""
        before, self._unwell_since_at = self._unwell_since_at, (self._unwell_since_at or now) if found else None
        looked, self._looked = self._looked, True
        if before is None and (found or looked):  # the first look may end what an earlier process told
            return
        async with connection.transaction():
            told = await audit_episode.find_told(connection)
            if found and before is not None:
                episode = told or Episode(since_at=before)
                await infrastructure.tell(connection, SUBJECT, episode.name, episode.since_at, now)
            elif not found and told is not None:
                await alerts.store.record(connection, told.alert_ids, audit_episode.ENDED, now)
                await audit_episode.touch(connection, told.alert_ids, now)
                await alerts.store.wake(connection)
