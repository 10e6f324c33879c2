"""A device gone mad: a thousand messages a second, with 2 MB and deep JSON, and the others hardly notice."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import SystemClock
from gyrophare.platform import db
from tests.chaos import rogue
from tests.chaos.checker import examine
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Fleet
from tests.chaos.others import ATTEMPTS, COUNTED_S, PRESSES_PER_S, Others, quantile
from tests.chaos.serving import environment, serve
from tests.chaos.wiretap import Wiretap
from tests.department import Department

WATCHES = 30  # each reports less than once a second: a receipt never waits for its turn
QUIET_S = 4.0
ENDS_S = 5.0  # until the broker has all of the rogue's, beyond its time
ROGUE_PER_S = 1_000.0


@pytest.mark.parametrize("names", ["own", "any"])
@pytest.mark.parametrize("rogue_s", [10.0, pytest.param(90.0, marks=[pytest.mark.long, pytest.mark.timeout(400)])])
async def test_others_are_receipted_and_alerted_in_time_while_a_rogue_device_floods(
    rogue_s: float, names: str, tell: Tell, database_url: str, broker: MqttBroker, department: Department
) -> None:
    department.clock.set(SystemClock().now())
    watches = [f"w-{number}" for number in range(WATCHES)]
    seconds = ATTEMPTS * (QUIET_S + rogue_s + ENDS_S) + COUNTED_S
    wearers = [f"sos-{number}" for number in range(int(seconds * PRESSES_PER_S))]
    for name in (*watches, *wearers, rogue.NAME):
        await department.on_shift(name, agent=name)

    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        watching = await stack.enter_async_context(await db.connect(database_url))
        tap = await stack.enter_async_context(Wiretap.on(broker.url))
        server = await stack.enter_async_context(serve(environment("flooded", database_url, tap.url)))
        others = Others(fleet, watching, watches, wearers)
        before = await others.measured(lambda: asyncio.create_task(asyncio.sleep(QUIET_S, result={})))
        busy_s = server.busy_s
        during = await others.measured(lambda: asyncio.create_task(run_rogue(broker.url, rogue_s, names)))
        busy_s = server.busy_s - busy_s
        await others.until_counted(others.sent.total())
        # The embedded broker drops of an unread queue beyond 64 MiB: what it has not handed over cannot be explained.
        ours = {*watches, *wearers}
        fleet.journal.refused.update(
            {topic: times for topic, times in tap.topics.items() if topic.split("/")[-2] not in ours}
        )
        with psycopg.connect(database_url, autocommit=True) as reader:
            faults = await asyncio.to_thread(examine, reader, fleet.journal, redelivered=False)
            reasons = reader.execute("select reason, sum(times)::int from rejected group by 1 order by 2").fetchall()

    refused = fleet.journal.refused.total()
    rate_per_s = during.flood / rogue_s
    tell(
        f"{others.sent.total()} sent, {rate_per_s:.0f} a second, {refused} handed over and refused: {dict(reasons)}; "
        f"the server was busy for {busy_s:.1f} s\n  before: {before}\n  during: {during}"
    )
    assert faults == []
    assert rate_per_s > 0.3 * ROGUE_PER_S, "too slow a rogue proves nothing"
    busy = max(1, os.getloadavg()[0] / (os.cpu_count() or 1))  # others at work here make everything as much slower
    for quiet_s, flooded_s in ((before.receipts_s, during.receipts_s), (before.alerts_s, during.alerts_s)):
        assert quantile(flooded_s, 0.5) < 0.3 * busy
        assert quantile(flooded_s, 0.99) < max(1 * busy, 3 * quantile(quiet_s, 0.99))


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
