"""Devices in good order beside a rogue one, and how long they wait for their receipts and alerts."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from gyrophare.platform import db
from tests.chaos.checker import Message
from tests.chaos.fleet import Fleet

REPORT_EVERY_S = 0.06
PRESS_EVERY = 3  # reports
PRESSES_PER_S = 1 / (PRESS_EVERY * REPORT_EVERY_S)
PATIENCE_S = 20.0
LOOK_EVERY_S = 0.005
COUNTED_S, COUNT_EVERY_S = 30.0, 0.5
ATTEMPTS, STILL_S = 3, 0.5


@dataclass(frozen=True, kw_only=True)
class Delays:
    """How long others waited, in seconds, ascending."""

    receipts_s: Sequence[float]
    alerts_s: Sequence[float]
    flood: int
    """Messages that the rogue sent meanwhile."""
    stood_still_s: float
    """The longest time in which this process itself had no turn."""

    def __str__(self) -> str:
        return "; ".join(
            f"{what} p50 {quantile(seconds, 0.5) * 1000:.0f} ms, p99 {quantile(seconds, 0.99) * 1000:.0f} ms, "
            f"at most {seconds[-1] * 1000:.0f} ms of {len(seconds)}"
            for what, seconds in (("fix to receipt", self.receipts_s), ("SOS to alert", self.alerts_s))
        )


def quantile(ascending: Sequence[float], share: float) -> float:
    assert ascending, "nobody was heard"
    return ascending[min(int(share * len(ascending)), len(ascending) - 1)]


class Others:
    """Watches that report and wearers who press SOS, each once."""

    def __init__(self, fleet: Fleet, connection: db.Connection, watches: Sequence[str], wearers: Sequence[str]) -> None:
        self._fleet = fleet
        self._connection = connection
        self._watches = cycle(watches)
        self._wearers = iter(wearers)
        self.sent: Counter[str] = Counter()
        """By the rogue, by topic."""

    async def measured(self, begin: Callable[[], asyncio.Task[dict[str, int]]]) -> Delays:
        """Work while what `begin` begins goes on; again when this machine stood still: only that was measured then."""
        for _ in range(ATTEMPTS):
            delays = await self.work_until(begin())
            if delays.stood_still_s < STILL_S:
                break
        return delays

    async def work_until(self, done: asyncio.Task[dict[str, int]]) -> Delays:
        """Report and press until `done` is, and then until everybody was heard."""
        loop = asyncio.get_running_loop()
        reports: list[Message] = []
        pressed_s: dict[str, float] = {}
        ended = asyncio.Event()
        watching = asyncio.create_task(self._watch(pressed_s, ended))
        stood_still_s = 0.0
        while not done.done():
            asked_s = loop.time()
            await asyncio.sleep(REPORT_EVERY_S)
            stood_still_s = max(stood_still_s, loop.time() - asked_s - REPORT_EVERY_S)
            reports.append(self._fleet.report(next(self._watches)))
            if len(reports) % PRESS_EVERY == 0:
                wearer = next(self._wearers)
                pressed_s[wearer] = loop.time()
                self._fleet.press(wearer)
        ended.set()
        try:
            async with asyncio.timeout(PATIENCE_S):
                alerts_s = await watching
        except TimeoutError:
            raise AssertionError(f"somebody pressed SOS {PATIENCE_S:g} s ago and more, and there is no alert") from None
        await self._fleet.until_told()
        flood = await done
        self.sent.update(flood)
        return Delays(
            receipts_s=sorted(self._fleet.told_after_s[message] for message in reports),
            alerts_s=sorted(alerts_s),
            flood=sum(flood.values()),
            stood_still_s=stood_still_s,
        )

    async def until_counted(self, refused: int) -> None:
        """Report and press until so many refusals are counted, or too long: a count is written with what comes next."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COUNTED_S):
                counted = 0
                while counted < refused:
                    self._fleet.report(next(self._watches))
                    self._fleet.press(next(self._wearers))
                    await asyncio.sleep(COUNT_EVERY_S)
                    rows = await self._connection.execute("select coalesce(sum(times), 0)::int as n from rejected")
                    counted = (await rows.fetchall())[0]["n"]
        await self._fleet.until_told()

    async def _watch(self, pressed_s: Mapping[str, float], ended: asyncio.Event) -> list[float]:
        """From each press until its alert can be read; when they have ended, until all have one."""
        delays_s: dict[str, float] = {}
        last = 0
        while not ended.is_set() or len(delays_s) < len(pressed_s):
            await asyncio.sleep(LOOK_EVERY_S)
            rows = await self._connection.execute(
                "select a.id, d.wire_name from alert a join device d on d.id = a.device_id "
                "where a.id > %(last)s and a.kind = 'sos' order by a.id",
                {"last": last},
            )
            async for row in rows:
                last = row["id"]
                if row["wire_name"] in pressed_s:
                    delays_s[row["wire_name"]] = asyncio.get_running_loop().time() - pressed_s[row["wire_name"]]
        return list(delays_s.values())
