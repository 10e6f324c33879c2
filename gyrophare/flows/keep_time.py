"""The server's time goes on, whatever is done to the machine's clock; and somebody is told that it was (ADR 12)."""

from __future__ import annotations

import logging

import alerts.store
from gyrophare.flows import infrastructure
from gyrophare.kernel.clock import SteadyClock
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)

APART_MAX_S = 2.0  # two servers on one database may differ by as much


async def catch_up(pool: Pool, clock: SteadyClock) -> None:
    """Never begin before what the database knows: a clock set back while no server ran would put every alarm off."""
    async with pool.connection() as connection:
        newest_at = await alerts.store.find_newest_beat(connection)
    ahead_s = 0.0 if newest_at is None else clock.not_before(newest_at)
    if ahead_s > APART_MAX_S:
        log.error(
            "This machine's clock is %.0f s behind the last tick of the engine, so we go on from that tick. "
            "Set the clock (timedatectl), then restart; after a clock that ran ahead, see ADR 12",
            ahead_s,
            extra={"action": "clock_behind", "ahead_s": round(ahead_s)},
        )


class ClockWatch:
    """Says when the machine's clock leaves ours, in the log and to dispatchers, and when it is back: once each time."""

    def __init__(self, clock: SteadyClock) -> None:
        self._clock = clock
        self.apart_s: float | None = None
        """How far ahead the machine's clock is (negative: behind), where that is more than it may be."""

    async def look(self, pool: Pool) -> None:
        """Compare the two."""
        drift_s = self._clock.drift_s()
        before, apart_s = self.apart_s, drift_s if abs(drift_s) > APART_MAX_S else None
        if before is None and apart_s is not None:
            now = self._clock.now()
            async with pool.connection() as connection, connection.transaction():
                episode = f"clock moved {now.isoformat()}"
                await infrastructure.tell(connection, "Horloge du serveur déréglée", episode, now, now)
        self.apart_s = apart_s
        if before is None and self.apart_s is not None:
            log.error(
                "This machine's clock is %+.0f s from ours, which goes on: alarms come in their time. "
                "Set the clock (timedatectl), then restart",
                self.apart_s,
                extra={"action": "clock_moved", "apart_s": round(self.apart_s)},
            )
        elif before is not None and self.apart_s is None:
            log.info("This machine's clock agrees with ours again", extra={"action": "clock_back"})
