"""kill -9 of `gyrophare serve` at random points under load: what was receipted stays, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from random import Random

import psycopg
import pytest

from alerts.audit import store
from alerts.audit.walk import Walk
from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.observations import Wire
from tests.audited import walked
from tests.chaos.checker import Message, examine, unkept
from tests.chaos.conftest import PATIENCE, Tell, lives
from tests.chaos.fleet import Fleet
from tests.chaos.phones import Phones
from tests.chaos.serving import Mother, environment
from tests.chaos.wiretap import Wiretap
from tests.department import Department, until

KILLS = 100
WATCHES = 40
PHONES = 10
REPORTS_PER_S = 300.0
DELAY_MAX_S = 0.3


@pytest.mark.timeout(400)
async def test_nothing_receipted_is_lost_or_doubled_when_the_server_is_killed_at_100_random_points(
    seed: int, tell: Tell, database_url: str, broker: MqttBroker, department: Department
) -> None:
    random = Random(seed)
    department.clock.set(SystemClock().now())
    watches = [f"w-{number}" for number in range(WATCHES)]
    wearers = [f"sos-{number}" for number in range(KILLS * PATIENCE)]
    walkers = [f"walker-{number}/phone" for number in range(PHONES)]
    for name in (*watches, *wearers):
        await department.on_shift(name, agent=name)
    for name in walkers:
        await department.on_shift(name, agent=name, wire=Wire.OWNTRACKS)

    kills, in_hand, in_transaction, broken = 0, 0, 0, []

    def met() -> bool:
        return in_hand >= KILLS / 2 and in_transaction >= KILLS / 20

    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        tap = await stack.enter_async_context(Wiretap.on(broker.url))
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        mother = await stack.enter_async_context(Mother.of(environment("killed", database_url, tap.url)))
        await mother.kill(await mother.start_ready())  # from now on the broker keeps what comes
        phones = await stack.enter_async_context(Phones.walking(broker.url, walkers, fleet.journal))
        load = asyncio.create_task(fleet.work(watches, REPORTS_PER_S, random))
        audited = 0
        for wearer in lives(wearers, KILLS, met):
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
            kills += 1
            broken += unkept(reader, fleet.journal.receipted[audited:])  # now, not when a successor has mended it
            audited = len(fleet.journal.receipted)
        await mother.start_ready()
        load.cancel()
        await phones.stand()
        await fleet.until_told()
        await until_stored(reader, phones.taken)
        faults = broken + await asyncio.to_thread(examine, reader, fleet.journal, redelivered=True)
        walk = await until_sealed(department)

    tell(
        f"{kills} kills, {len(fleet.journal.sent)} messages; the server had messages in hand at {in_hand} of them, "
        f"a transaction open at {in_transaction}"
    )
    assert faults == []
    assert met()
    assert len(fleet.journal.receipted) > KILLS * WATCHES
    assert len(phones.taken) > KILLS
    assert (walk.faults, walk.seals >= KILLS) == ([], True)


async def until_stored(reader: psycopg.Connection, taken: Sequence[Message]) -> None:
    """What the broker has taken from those who do not send again comes to the server again until it is stored."""

    async def all_stored() -> bool | None:
        return None if unkept(reader, taken) else True

    try:
        await until(all_stored, timeout_s=30)
    except TimeoutError:
        raise AssertionError(f"of what the broker had taken: {unkept(reader, taken)}") from None


async def until_sealed(department: Department) -> Walk:
    """The walk along the chain once everything that happened has its seal."""

    async def all_sealed() -> bool | None:
        return None if (await store.count_unsealed(department.connection)).events else True

    await until(all_sealed)
    async with department.connection.transaction():
        return await walked(department.connection)


def _in_transaction(reader: psycopg.Connection) -> bool:
    """Whether the server has a transaction open at this moment."""
    row = reader.execute(
        "select exists (select from pg_stat_activity where datname = current_database() and xact_start is not null "
        "and application_name = 'gyrophare' and pid <> pg_backend_pid() and state <> 'idle')"
    ).fetchone()
    assert row is not None
    return bool(row[0])
