"""Counts the requests that changed nothing: by route, reason and minute, and nothing about who sent them.

The first of each minute is written at once, the others a few seconds later together: a flood is neither a full disk nor
a busy database.
"""

from __future__ import annotations

import logging
from collections import Counter

import psycopg

from alerts.callbacks import store
from alerts.callbacks.store import Refused
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)


class Audit:
    """What was refused, until it is written. Used from one event loop."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._waiting: Counter[Refused] = Counter()
        self._seen: set[Refused] = set()

    async def note(self, route: str, reason: str) -> None:
        """A request on `route` changed nothing. A database that is away delays only the writing."""
        minute_at = self._clock.now().replace(second=0, microsecond=0)
        refused = Refused(minute_at=minute_at, route=route, reason=reason)
        self._waiting[refused] += 1
        if refused in self._seen:
            return
        self._seen = {one for one in self._seen if one.minute_at == minute_at} | {refused}
        log.warning("A callback was refused: %s", reason, extra={"action": "callback_refused", "route": route})
        try:
            await self.write()
        except psycopg.Error as error:
            log.warning("The audit waits for the database: %s", type(error).__name__, extra={"action": "audit"})

    async def write(self) -> None:
        """Write what waits. Raise psycopg.Error when the database is away; then it goes on waiting."""
        waiting, self._waiting = self._waiting, Counter()
        if not waiting:
            return
        try:
            async with self._pool.connection() as connection:
                await store.count_refused(connection, waiting)
        except BaseException:
            self._waiting.update(waiting)
            raise
