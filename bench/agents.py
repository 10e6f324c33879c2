"""Agents on shift for a bench: engaged by the hundred thousand, armed to fall due, seen when their alarm is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bench.servers import CLOCK
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from gyrophare.sim.fleet import Crew

QUERIES = sql.load(__file__, "agents.sql")
_SHARED = sql.load(__file__)
TALKING = 200
_CALM_S = 3600  # until a calm one would fall due: no measurement takes half of it
_LOOK_S = 0.01
_PATIENCE_S = 30.0


class Seen(NamedTuple):
    """An alarm: when it was due, when the engine says to have raised it, and when another connection saw it."""

    due_at: datetime
    raised_at: datetime
    seen_at: datetime


class Agents:
    """Those of one department: `at_risk` ones that can be armed, calm ones, and a few who talk all the time."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix
        self._at_risk: list[int] = []
        self._last_alert = 0

    async def engage(self, count: int, at_risk: int) -> None:
        """Have `count` silent ones on shift and, besides, `TALKING` who are not."""
        now = CLOCK.now()
        talking = [name for name, _ in Crew(count=TALKING, prefix=self._prefix, phones=0).members()]
        calm = [f"calm-{number:06d}" for number in range(count - at_risk)]
        for names in (talking, calm):
            await self._rows("engage", names=names, now=now, due_after_s=_CALM_S)
        rows = await self._rows("engage", names=[f"risk-{n:04d}" for n in range(at_risk)], now=now, due_after_s=None)
        self._at_risk = [row["device_id"] for row in rows]
        await self._connection.execute(QUERIES["contacts"])
        await self.settle()

    async def settle(self) -> None:
        """Have the database do now what it would do sometime."""
        await self._connection.execute(_SHARED["vacuum"])
        await self._connection.execute(_SHARED["checkpoint"])

    async def arm(self, due_at: Sequence[datetime]) -> None:
        """Let as many fall due, each at its instant."""
        parameters = {"device_ids": self._at_risk[: len(due_at)], "due_at": list(due_at)}
        await self._connection.execute(QUERIES["arm"], parameters)

    async def raised(self, due_at: Sequence[datetime]) -> list[Seen]:
        """Arm, and watch from this connection until each has its alarm. Raise RuntimeError if one has none."""
        await self.arm(due_at)
        end_at = max(due_at) + timedelta(seconds=_PATIENCE_S)
        seen: list[Seen] = []
        while len(seen) < len(due_at):
            rows = await self._rows("raised", after=self._last_alert)
            now = CLOCK.now()
            seen += [Seen(row["due_at"], row["raised_at"], now) for row in rows]
            self._last_alert = rows[-1]["id"] if rows else self._last_alert
            if now > end_at:
                raise RuntimeError(
                    f"only {len(seen)} of {len(due_at)} alarms were raised {_PATIENCE_S:.0f} s after the last"
                )
            await asyncio.sleep(_LOOK_S)
        if sorted(one.due_at for one in seen) != sorted(due_at):
            raise RuntimeError("other alarms were raised than those that were due")
        return seen

    async def ignore_raised(self) -> None:
        """What was raised until now was not asked for."""
        rows = await self._rows("raised", after=self._last_alert)
        self._last_alert = rows[-1]["id"] if rows else self._last_alert

    async def committed(self) -> int:
        """Messages of talking ones that are stored."""
        row = await (await self._connection.execute(_SHARED["committed"])).fetchone()
        return int(row["n"]) if row else 0

    async def _rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        return await (await self._connection.execute(QUERIES[query], parameters)).fetchall()
