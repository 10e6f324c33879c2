"""What must hold for a server to do its work: each check says why it does not, or nothing."""

from __future__ import annotations

from collections.abc import Collection

from alerts import reach
from alerts.model import Carried
from gyrophare.kernel.clock import Clock
from gyrophare.platform import schema
from gyrophare.platform.db import Pool
from gyrophare.platform.mqtt import MqttSession
from gyrophare.platform.pulse import Pulse

LIVE_TICK_MAX_S = 10.0
READY_TICK_MAX_S = 5.0


class Readiness:
    """The checks of one server."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        pulse: Pulse,
        *,
        instance: str,
        carried: Carried,
        sessions: Collection[MqttSession],
        schema_heads: frozenset[str],
    ) -> None:
        """`schema_heads` are the revisions that this version has brought the database to."""
        self._pool = pool
        self._clock = clock
        self._pulse = pulse
        self._instance = instance
        self._carried = carried
        self._sessions = sessions
        self._schema_heads = schema_heads

    def alive(self) -> str | None:
        """Whether the engine turns, well or not: what hangs is mended by a restart, a database that is away is not."""
        return _too_old(self._pulse.ended_age_s, LIVE_TICK_MAX_S)

    async def database(self) -> str | None:
        """A real write with its commit, of what this server says of itself every few seconds anyway."""
        async with self._pool.connection() as connection, connection.transaction():
            await reach.tell_carried(connection, self._instance, self._carried, self._clock.now())
        return None

    async def broker(self) -> str | None:
        missing = sum(not session.connected for session in self._sessions)
        return f"{missing} of {len(self._sessions)} sessions are not connected" if missing else None

    async def tick(self) -> str | None:
        return _too_old(self._pulse.succeeded_age_s, READY_TICK_MAX_S)

    async def schema(self) -> str | None:
        async with self._pool.connection() as connection:
            heads = await schema.find_heads(connection)
        if heads == self._schema_heads:
            return None
        return f"the database is at {', '.join(sorted(heads))}, this version at {', '.join(sorted(self._schema_heads))}"


def _too_old(age_s: float, most_s: float) -> str | None:
    return f"the last tick was {age_s:.1f} s ago, expected at most {most_s:g} s" if age_s > most_s else None
