"""kill -9 at random points while contacts answer: by an SMS, or by a key during a call.

What the provider was told that we have heard is never lost; what nobody heard only means that the next one is called.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from random import Random

import psycopg
import pytest

from alerts.model import Step
from gyrophare.embedded import MqttBroker
from gyrophare.embedded.folder import free_port
from gyrophare.sim.sms_provider import CallbackFault, calls
from tests.chaos import checker, dispatch_checker, dispatching
from tests.chaos.conftest import PATIENCE, Tell, lives
from tests.chaos.dispatch_history import History, in_words
from tests.chaos.dispatching import CLOCK, HASTY, LEASE_S, ORDINARY
from tests.chaos.fleet import Fleet
from tests.chaos.serving import Mother
from tests.chaos.telephones import Telephones
from tests.department import Department

STEPS = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="sms", to="rank 1"),
    Step(after_s=2, channel="voice", to="rank 3"),
    Step(after_s=4, channel="sms", to="rank 3"),
)


FAULTS = [fault for fault in dispatching.FAULTS if fault.ends_as != "undelivered"]  # a call rings for 20 s before
CALL_LASTS_S = 4.0


@pytest.mark.parametrize("kills", [30, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
async def test_no_answer_that_was_heard_is_lost_when_the_server_is_killed_at_random_points(
    kills: int,
    seed: int,
    tell: Tell,
    database_url: str,
    broker: MqttBroker,
    department: Department,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "LASTS_S", CALL_LASTS_S)
    random, lived = Random(seed), 0
    wearers = await dispatching.prepare(department, STEPS, kills * PATIENCE)
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        port = free_port()
        provider = await stack.enter_async_context(dispatching.calling_back(port))
        provider.faults.extend(random.choice(FAULTS) if random.random() < 0.2 else ORDINARY for _ in range(10_000))
        provider.callbacks.faults.extend(random.choices(list(CallbackFault), weights=[20, 1, 1, 1, 1, 1], k=10_000))
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        ways = dispatching.by_sms(provider, voice=True), dispatching.hearing(port)
        settings = dispatching.settings("answered", database_url, broker.url, *ways)

        def known(connection: psycopg.Connection) -> History:
            log, answers = dispatching.provider_log(provider, CLOCK), dispatching.answers_log(provider)
            return History(connection, log, acts=(), answers=answers, lease_s=LEASE_S / HASTY)

        mother = await stack.enter_async_context(Mother.of(settings, "hasty_mother.py", str(HASTY)))
        await mother.kill(await mother.start_ready())
        resending = asyncio.create_task(fleet.work(wearers[:1], 1, random))
        answering = asyncio.create_task(Telephones(provider, CLOCK, random).run())
        for wearer in lives(wearers, kills, lambda: known(reader).figures().unheard >= kills / 10):
            lived += 1
            await dispatching.live_and_die(mother, fleet, wearer, random, reader)
        provider.faults.clear()
        await mother.start_ready()
        resending.cancel()
        await fleet.until_told()
        await dispatching.until_quiet(reader)
        answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering
        faults = checker.examine(reader, fleet.journal, redelivered=True)
        history = known(stack.enter_context(psycopg.connect(database_url)))

    figures = history.figures()
    tell(f"{lived} kills, {history.verdicts()}, {in_words(figures)}")
    assert faults + dispatch_checker.faults(history, CLOCK.now()) == []
    assert figures.alerts >= kills
    assert figures.answers > figures.answers_heard >= kills / 10
    assert figures.answers_took >= kills / 10  # "1" to a text about several takes none
    assert min(figures.cut_off, figures.reconciled) >= kills / 20
