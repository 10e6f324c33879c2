"""kill -9 of `gyrophare serve` at random points while it tells of alarms, by an SMS provider that fails in all ways.

The provider is a stand-in that lives on in the test and keeps its own log. Servers come of hasty_mother.py: a killed
one's lease runs out after 3 s, and the policy's steps are seconds apart, so that each alert runs to its end here.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from random import Random

import psycopg
import pytest

from alerts.model import Step
from gyrophare.embedded import MqttBroker
from gyrophare.embedded.folder import free_port
from gyrophare.flows.alert_desk import AlertDesk
from gyrophare.platform import db
from gyrophare.sim.sms_provider import CallbackFault
from tests.chaos import checker, dispatch_checker, dispatching
from tests.chaos.conftest import PATIENCE, Tell, lives
from tests.chaos.dispatch_history import Act, History, in_words
from tests.chaos.dispatching import CLOCK, FAULTS, HASTY, LEASE_S, ORDINARY
from tests.chaos.fleet import Fleet
from tests.chaos.serving import Mother
from tests.department import Department

BUSY_PEOPLE = 0.3  # of the lives see somebody take or close an alert
LISTED_AFTER_S = (0, 0, 4)  # longer than a lease: then a text whose answer was lost is sent twice
STEPS = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="sms", to="rank 1"),
    Step(after_s=2, channel="sms", to="rank 2"),  # a number that the provider refuses
    Step(after_s=5, channel="sms", to="rank 9"),  # whom nobody has entered
    Step(after_s=7, channel="sms", to="rank 3"),
)


@pytest.mark.parametrize("kills", [50, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
async def test_no_alarm_is_lost_or_ended_unseen_when_the_server_is_killed_at_random_points(
    kills: int, seed: int, tell: Tell, database_url: str, broker: MqttBroker, department: Department
) -> None:
    random, lived = Random(seed), 0
    wearers = await dispatching.prepare(department, STEPS, kills * PATIENCE)
    acts: set[Act] = set()
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        pool = await db.open_pool(database_url, 2)
        stack.push_async_callback(pool.close)
        desk = AlertDesk(pool, CLOCK)
        port = free_port()
        provider = await stack.enter_async_context(dispatching.calling_back(port))
        provider.faults.extend(random.choice(FAULTS) if random.random() < 0.5 else ORDINARY for _ in range(10_000))
        provider.callbacks.faults.extend(random.choices(list(CallbackFault), weights=[9, 1, 1, 1, 1, 1], k=10_000))
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        ways = dispatching.by_sms(provider), dispatching.hearing(port)
        settings = dispatching.settings("killed", database_url, broker.url, *ways)

        def known(connection: psycopg.Connection) -> History:
            log, lag_s = dispatching.provider_log(provider, CLOCK), max(LISTED_AFTER_S)
            return History(connection, log, acts, listed_after_s=lag_s, lease_s=LEASE_S / HASTY)

        mother = await stack.enter_async_context(Mother.of(settings, "hasty_mother.py", str(HASTY)))
        await mother.kill(await mother.start_ready())  # from now on the broker keeps what comes
        resending = asyncio.create_task(fleet.work(wearers[:1], 1, random))

        async def people() -> None:
            if random.random() < BUSY_PEOPLE:
                acts.update(await dispatching.somebody_acts(reader, desk, random))

        def met() -> bool:
            return known(reader).figures().unheard >= kills / 10 and len(acts) >= kills / 20

        for wearer in lives(wearers, kills, met):
            lived += 1
            provider.listed_after_s = random.choice(LISTED_AFTER_S)
            await dispatching.live_and_die(mother, fleet, wearer, random, reader, people)
        await mother.start_ready()
        await dispatching.until_in_doubt(reader, kills // 16)
        provider.faults.clear()
        provider.listed_after_s = 0
        resending.cancel()
        await fleet.until_told()
        await dispatching.until_quiet(reader)
        faults = checker.examine(reader, fleet.journal, redelivered=True)
        history = known(stack.enter_context(psycopg.connect(database_url)))

    figures = history.figures()
    tell(f"{lived} kills, {len(acts)} acts of people, {in_words(figures)}")
    assert faults + dispatch_checker.faults(history, CLOCK.now()) == []
    assert figures.alerts >= kills
    assert figures.named >= kills
    assert figures.steps >= kills * 2
    assert min(figures.cut_off, figures.ambiguous, figures.reconciled) >= kills / 20
    assert len(acts) >= kills / 20
