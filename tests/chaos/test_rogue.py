"""A device gone mad: a thousand messages a second, with 2 MB and deep JSON, and the others hardly notice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import SystemClock
from gyrophare.platform import db
from tests.chaos import rogue
from tests.chaos.checker import Message, examine
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Fleet
from tests.chaos.serving import environment, serve
from tests.chaos.wiretap import Wiretap
from tests.department import Department

REPORT_EVERY_S = 0.06
PRESS_EVERY = 3  # reports
LOOK_EVERY_S = 0.005
WATCHES = 30  # each reports less than once a second: a receipt never waits for its turn
QUIET_S = 4.0
ENDS_S = 5.0  # until the broker has all of the rogue's, beyond its time
COUNTED_S, COUNT_EVERY_S = 30.0, 0.5
ROGUE_PER_S = 1_000.0


@dataclass(frozen=True, kw_only=True)
class Delays:
    """How long others waited, in seconds, ascending."""

    receipts_s: Sequence[float]
    alerts_s: Sequence[float]

    def __str__(self) -> str:
        return "; ".join(
            f"{what} p50 {quantile(seconds, 0.5) * 1000:.0f} ms, p99 {quantile(seconds, 0.99) * 1000:.0f} ms, "
            f"at most {seconds[-1] * 1000:.0f} ms of {len(seconds)}"
            for what, seconds in (("fix to receipt", self.receipts_s), ("SOS to alert", self.alerts_s))
        )


def quantile(ascending: Sequence[float], share: float) -> float:
    return ascending[min(int(share * len(ascending)), len(ascending) - 1)]


@pytest.mark.parametrize("names", ["own", "any"])
@pytest.mark.parametrize("rogue_s", [10.0, pytest.param(90.0, marks=[pytest.mark.long, pytest.mark.timeout(400)])])
async def test_others_are_receipted_and_alerted_in_time_while_a_rogue_device_floods(
    rogue_s: float, names: str, tell: Tell, database_url: str, broker: MqttBroker, department: Department
) -> None:
    department.clock.set(SystemClock().now())
    watches = [f"w-{number}" for number in range(WATCHES)]
    wearers = [
        f"sos-{number}" for number in range(int((QUIET_S + rogue_s) / REPORT_EVERY_S / PRESS_EVERY + 2 * COUNTED_S) + 2)
    ]
    for name in (*watches, *wearers, rogue.NAME):
        await department.on_shift(name, agent=name)

    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        watching = await stack.enter_async_context(await db.connect(database_url))
        tap = await stack.enter_async_context(Wiretap.on(broker.url))
        server = await stack.enter_async_context(serve(environment(f"flooded-{os.getpid()}", database_url, tap.url)))
        others = Others(fleet, watching, watches, wearers)
        before = await others.work_until(asyncio.create_task(asyncio.sleep(QUIET_S)))
        busy_s = server.busy_s
        mad = asyncio.create_task(run_rogue(broker.url, rogue_s, names))
        during = await others.work_until(mad)
        busy_s = server.busy_s - busy_s
        sent = sum((await mad).values())
        await others.until_counted(sent)
        # The embedded broker drops of an unread queue beyond 64 MiB: what it has not handed over cannot be explained.
        ours = {*watches, *wearers}
        fleet.journal.refused.update(
            {topic: times for topic, times in tap.topics.items() if topic.split("/")[-2] not in ours}
        )
        with psycopg.connect(database_url, autocommit=True) as reader:
            faults = await asyncio.to_thread(examine, reader, fleet.journal, redelivered=False)
            reasons = reader.execute("select reason, sum(times)::int from rejected group by 1 order by 2").fetchall()

    refused = fleet.journal.refused.total()
    tell(
        f"{sent} sent, {sent / rogue_s:.0f} a second, {refused} handed over and refused: {dict(reasons)}; the server "
        f"was busy for {busy_s:.1f} s\n  before: {before}\n  during: {during}"
    )
    assert faults == []
    assert refused > 0.3 * ROGUE_PER_S * rogue_s, "too slow a rogue proves nothing"
    busy = max(1, os.getloadavg()[0] / (os.cpu_count() or 1))  # others at work here make everything as much slower
    for quiet_s, flooded_s in ((before.receipts_s, during.receipts_s), (before.alerts_s, during.alerts_s)):
        assert quantile(flooded_s, 0.5) < 0.3 * busy
        assert quantile(flooded_s, 0.99) < max(1 * busy, 3 * quantile(quiet_s, 0.99))


class Others:
    """Watches that report and wearers who press SOS, each once."""

    def __init__(self, fleet: Fleet, connection: db.Connection, watches: Sequence[str], wearers: Sequence[str]) -> None:
        self._fleet = fleet
        self._connection = connection
        self._watches = cycle(watches)
        self._wearers = iter(wearers)

    async def work_until(self, done: asyncio.Task[Any]) -> Delays:
        """Report and press until `done` is, and then until everybody was heard."""
        loop = asyncio.get_running_loop()
        reports: list[Message] = []
        pressed_s: dict[str, float] = {}
        ended = asyncio.Event()
        watching = asyncio.create_task(self._watch(pressed_s, ended))
        while not done.done():
            await asyncio.sleep(REPORT_EVERY_S)
            reports.append(self._fleet.report(next(self._watches)))
            if len(reports) % PRESS_EVERY == 0:
                wearer = next(self._wearers)
                pressed_s[wearer] = loop.time()
                self._fleet.press(wearer)
        ended.set()
        async with asyncio.timeout(20):
            alerts_s = await watching
        await self._fleet.until_told()
        return Delays(
            receipts_s=sorted(self._fleet.told_after_s[message] for message in reports), alerts_s=sorted(alerts_s)
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


async def run_rogue(url: str, seconds: float, names: str) -> dict[str, int]:
    """Let it loose; what the broker took of it, by topic."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(rogue.__file__)),
        url,
        str(seconds),
        str(ROGUE_PER_S),
        names,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    counts: dict[str, int] = json.loads(said)
    return counts
