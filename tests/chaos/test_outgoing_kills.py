"""kill -9 at random points while mails and webhooks go out, to receivers that fail in all ways.

Neither can be asked what it has: what is in doubt goes out again, and the same Message-ID or Idempotency-Key marks it.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from random import Random

import psycopg
import pytest

from alerts.model import Step
from gyrophare.embedded import MqttBroker
from gyrophare.flows.alert_desk import AlertDesk
from gyrophare.platform import db
from tests.chaos import checker, dispatch_checker, dispatching
from tests.chaos.conftest import PATIENCE, Tell, lives
from tests.chaos.dispatch_history import Act, History, in_words
from tests.chaos.dispatching import CLOCK, HASTY, LEASE_S
from tests.chaos.fleet import Fleet
from tests.chaos.receivers import TARGET, FaultyDesk, FaultyReceiver
from tests.chaos.serving import Mother
from tests.department import Department

BUSY_PEOPLE = 0.4  # of the lives see somebody take or close an alert: then those who were told hear of it
STEPS = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="email", to="rank 1"),
    Step(after_s=0, channel="webhook", to=f"target {TARGET}"),
    Step(after_s=3, channel="email", to="rank 3"),
)


@pytest.mark.parametrize("kills", [35, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
async def test_no_mail_and_no_webhook_is_lost_or_doubled_unmarked_when_the_server_is_killed_at_random_points(
    kills: int, seed: int, tell: Tell, database_url: str, broker: MqttBroker, department: Department
) -> None:
    random, lived = Random(seed), 0
    wearers = await dispatching.prepare(department, STEPS, kills * PATIENCE)
    acts: set[Act] = set()
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        pool = await db.open_pool(database_url, 2)
        stack.push_async_callback(pool.close)
        alert_desk = AlertDesk(pool, CLOCK)
        desk, receiver = FaultyDesk(CLOCK, random), FaultyReceiver(CLOCK, random)
        await desk.start()
        stack.push_async_callback(desk.stop)
        await stack.enter_async_context(receiver.open())
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        settings = dispatching.settings("posting", database_url, broker.url, _by_mail(desk), _by_webhook(receiver))

        def known(connection: psycopg.Connection) -> History:
            return History(connection, [*desk.log, *receiver.log], acts, lease_s=LEASE_S / HASTY)

        mother = await stack.enter_async_context(Mother.of(settings, "hasty_mother.py", str(HASTY)))
        await mother.kill(await mother.start_ready())
        resending = asyncio.create_task(fleet.work(wearers[:1], 1, random))

        async def people() -> None:
            if random.random() < BUSY_PEOPLE:
                acts.update(await dispatching.somebody_acts(reader, alert_desk, random))

        for wearer in lives(wearers, kills, lambda: known(reader).figures().unheard >= kills / 10):
            lived += 1
            await dispatching.live_and_die(mother, fleet, wearer, random, reader, people)
        await mother.start_ready()
        resending.cancel()
        await fleet.until_told()
        await dispatching.until_in_doubt(reader, kills // 8)
        desk.faulty = receiver.faulty = False
        await dispatching.until_quiet(reader)
        faults = checker.examine(reader, fleet.journal, redelivered=True)
        history = known(stack.enter_context(psycopg.connect(database_url)))

    figures = history.figures()
    mails = len(desk.log)
    tell(f"{lived} kills, {len(acts)} acts of people, {mails} mails, {in_words(figures)}")
    assert faults + dispatch_checker.faults(history, CLOCK.now()) == []
    assert figures.alerts >= kills
    assert min(mails, figures.accepted - mails) >= kills
    assert min(figures.duplicates, figures.cut_off, figures.ambiguous) >= kills / 20


def _by_mail(desk: FaultyDesk) -> dict[str, str]:
    return {
        "GYROPHARE_EMAIL_HOST": "127.0.0.1",
        "GYROPHARE_EMAIL_PORT": str(desk.port),
        "GYROPHARE_EMAIL_SECURITY": "none",
        "GYROPHARE_EMAIL_SENDER": "gyrophare@cotedor.example",
    }


def _by_webhook(receiver: FaultyReceiver) -> dict[str, str]:
    return {
        "GYROPHARE_WEBHOOK_TARGETS": json.dumps({TARGET: receiver.url}),
        "GYROPHARE_WEBHOOK_SECRET": "shared with the receiver",
        "GYROPHARE_WEBHOOK_ALLOWED_HOSTS": json.dumps(["127.0.0.1"]),
        "GYROPHARE_WEBHOOK_PRIVATE_NETWORKS": "true",
    }
