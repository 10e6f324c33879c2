"""Two `gyrophare serve` on one database, of which one is killed, or stopped (SIGSTOP) for longer than its lease.

Whoever wakes up then still has an answer of the provider to write down, and must change nothing by it: the other has
found out meanwhile what became of the message. Servers of hasty_mother.py, whose leases are those of a thirtieth.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from random import Random

import psycopg
import pytest

from alerts.model import Step
from gyrophare.embedded import MqttBroker
from gyrophare.sim.sms_provider import SmsProvider
from tests.chaos import checker, dispatch_checker, dispatching
from tests.chaos.conftest import PATIENCE, Tell, lives
from tests.chaos.dispatch_history import History, in_words
from tests.chaos.dispatching import CLOCK, FAULTS, LEASE_S, ORDINARY
from tests.chaos.fleet import Fleet
from tests.chaos.serving import Mother
from tests.department import Department

HASTY = 30
ANSWER_AFTER_S = 0.15  # a text is under way for so long
AT_ONCE = 3  # of which each server sends some
STRIKE_MAX_S = 0.3
STOPPED_S = LEASE_S / HASTY + 0.3
STEPS = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="sms", to="rank 1"),
    Step(after_s=1, channel="sms", to="rank 2"),
    Step(after_s=2, channel="sms", to="rank 3"),
)


@pytest.mark.parametrize("rounds", [16, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1200)])])
async def test_server_that_freezes_past_its_lease_or_dies_changes_nothing_when_another_goes_on(
    rounds: int, seed: int, tell: Tell, database_url: str, broker: MqttBroker, department: Department
) -> None:
    random = Random(seed)
    wearers = await dispatching.prepare(department, STEPS, rounds * AT_ONCE * PATIENCE)
    lived, stopped = 0, 0
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        provider = await stack.enter_async_context(dispatching.calling_back(None, answer_after_s=ANSWER_AFTER_S))
        provider.faults.extend(random.choice(FAULTS) if random.random() < 0.3 else ORDINARY for _ in range(10_000))
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        mothers = [
            await stack.enter_async_context(
                Mother.of(_settings(name, database_url, broker.url, provider), "hasty_mother.py", str(HASTY))
            )
            for name in ("first", "second")
        ]

        def known(connection: psycopg.Connection) -> History:
            log = dispatching.provider_log(provider, CLOCK)
            return History(connection, log, acts=(), lease_s=LEASE_S / HASTY)

        def late() -> int:
            return sum(mother.words.count("its lease had run out") for mother in mothers)

        def met() -> bool:
            return late() >= rounds / 16 and known(reader).figures().unheard >= rounds / 5

        pids = [await mother.start_ready() for mother in mothers]
        resending = asyncio.create_task(fleet.work(wearers[:1], 1, random))
        groups = [wearers[first : first + AT_ONCE] for first in range(0, len(wearers), AT_ONCE)]
        for group in lives(groups, rounds, met):
            lived += 1
            one = random.randrange(2)
            for wearer in group:
                fleet.press(wearer)
            await asyncio.sleep(random.uniform(0, STRIKE_MAX_S))
            if random.random() < 0.5:
                stopped += 1
                os.kill(pids[one], signal.SIGSTOP)
                await asyncio.sleep(STOPPED_S)  # its lease runs out by the clock of all processes
                os.kill(pids[one], signal.SIGCONT)
            else:
                await mothers[one].kill(pids[one])
                pids[one] = await mothers[one].start_ready()
        provider.faults.clear()
        resending.cancel()
        await fleet.until_told()
        await dispatching.until_quiet(reader)
        faults = checker.examine(reader, fleet.journal, redelivered=True)
        history = known(stack.enter_context(psycopg.connect(database_url)))

    figures = history.figures()
    tell(f"{lived} rounds, {stopped} times stopped, {late()} results too late, {in_words(figures)}")
    assert faults + dispatch_checker.faults(history, CLOCK.now()) == []
    assert figures.alerts >= rounds * AT_ONCE
    assert late() >= rounds / 16
    assert min(figures.cut_off, figures.reconciled) >= rounds / 10


def _settings(name: str, database_url: str, mqtt_url: str, provider: SmsProvider) -> dict[str, str]:
    ways = dispatching.by_sms(provider), {"GYROPHARE_LOG_LEVEL": "info"}
    return dispatching.settings(name, database_url, mqtt_url, *ways)
