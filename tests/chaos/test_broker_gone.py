"""The broker is killed and comes back, with its sessions or without: the devices' spools make good what it forgot."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from random import Random

import psycopg

from gyrophare.kernel.clock import SystemClock
from tests.chaos.checker import examine
from tests.chaos.conftest import MortalBroker, Tell
from tests.chaos.fleet import Fleet
from tests.chaos.serving import environment, serve
from tests.department import Department

DEATHS = 3
WATCHES = 20
REPORTS_PER_S = 150.0


async def test_nothing_receipted_is_lost_or_doubled_when_the_broker_is_killed_and_restarted(
    seed: int, tell: Tell, mortal_broker: MortalBroker, database_url: str, department: Department
) -> None:
    random = Random(seed)
    url = mortal_broker.url
    department.clock.set(SystemClock().now())
    watches = [f"w-{number}" for number in range(WATCHES)]
    wearers = [f"sos-{number}" for number in range(2 * DEATHS)]
    for name in (*watches, *wearers):
        await department.on_shift(name, agent=name)

    lost = 0
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        fleet = await stack.enter_async_context(Fleet.open(url))
        server = await stack.enter_async_context(serve(environment("alone", database_url, url)))
        load = asyncio.create_task(fleet.work(watches, REPORTS_PER_S, random))
        for death in range(DEATHS):
            await fleet.until_flowing(WATCHES)
            await asyncio.sleep(random.uniform(0, 1))
            fleet.press(wearers[2 * death])
            await asyncio.to_thread(mortal_broker.kill)
            lost += len(fleet.spool)
            fleet.press(wearers[2 * death + 1])
            await asyncio.sleep(random.uniform(0, 1))
            await asyncio.to_thread(mortal_broker.start)
        await fleet.until_flowing(WATCHES)
        load.cancel()
        await fleet.until_told()
        assert server.alive
        faults = await asyncio.to_thread(examine, reader, fleet.journal, redelivered=True)

    tell(f"{DEATHS} deaths, {len(fleet.journal.sent)} messages, {lost} of them under way when the broker died")
    assert faults == []
    assert lost > 0
    assert len(fleet.journal.receipted) == len(fleet.journal.sent)
