"""kill -9 of `gyrophare serve` at random points under load: what was receipted stays, nothing comes twice."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from random import Random

import psycopg
import pytest

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import SystemClock
from tests.chaos.checker import examine, unkept
from tests.chaos.conftest import Tell
from tests.chaos.fleet import Fleet
from tests.chaos.serving import Mother, environment
from tests.chaos.wiretap import Wiretap
from tests.department import Department

KILLS = 100
WATCHES = 40
REPORTS_PER_S = 300.0
DELAY_MAX_S = 0.3


@pytest.mark.timeout(400)
async def test_nothing_receipted_is_lost_or_doubled_when_the_server_is_killed_at_100_random_points(
    seed: int, tell: Tell, database_url: str, broker: MqttBroker, department: Department
) -> None:
    random = Random(seed)
    department.clock.set(SystemClock().now())
    watches = [f"w-{number}" for number in range(WATCHES)]
    wearers = [f"sos-{number}" for number in range(KILLS)]
    for name in (*watches, *wearers):
        await department.on_shift(name, agent=name)

    in_hand, in_transaction, broken = 0, 0, []
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        tap = await stack.enter_async_context(Wiretap.on(broker.url))
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        mother = await stack.enter_async_context(Mother.of(environment(f"killed-{os.getpid()}", database_url, tap.url)))
        load = asyncio.create_task(fleet.work(watches, REPORTS_PER_S, random))
        audited = 0
        for wearer in wearers:
            pid = await mother.start()
            if random.random() < 0.8:  # the others die while they start
                await mother.ready()
            pressed_s = random.uniform(0, DELAY_MAX_S)
            await asyncio.sleep(pressed_s)
            fleet.press(wearer)
            await asyncio.sleep(random.uniform(0, DELAY_MAX_S - pressed_s))
            in_transaction += _in_transaction(reader)
            in_hand += tap.in_hand > 0
            await mother.kill(pid)
            broken += unkept(reader, fleet.journal.receipted[audited:])  # now, not when a successor has mended it
            audited = len(fleet.journal.receipted)
        await mother.start()
        await mother.ready()
        load.cancel()
        await fleet.until_told()
        faults = broken + await asyncio.to_thread(examine, reader, fleet.journal, redelivered=True)

    tell(
        f"{KILLS} kills, {len(fleet.journal.sent)} messages; the server had messages in hand at {in_hand} of them, "
        f"a transaction open at {in_transaction}"
    )
    assert faults == []
    assert in_hand >= KILLS / 2
    assert in_transaction >= KILLS / 20
    assert len(fleet.journal.receipted) == len(fleet.journal.sent)


def _in_transaction(reader: psycopg.Connection) -> bool:
    """Whether the server has a transaction open at this moment."""
    row = reader.execute(
        "select exists (select from pg_stat_activity where datname = current_database() and xact_start is not null "
        "and application_name = 'gyrophare' and pid <> pg_backend_pid() and state <> 'idle')"
    ).fetchone()
    assert row is not None
    return bool(row[0])
