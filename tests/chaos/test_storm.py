"""Three hundred alarms in ten seconds, all for one telephone, by a provider that takes 0.7 s for each text.

By default a third of it. Servers come of hasty_mother.py, the provider is a stand-in with its own log; see
test_dispatcher_kills.py.
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
from tests.chaos import checker, dispatch_checker, dispatching
from tests.chaos.conftest import Tell
from tests.chaos.dispatch_history import History, in_words
from tests.chaos.dispatching import CLOCK, HASTY, LEASE_S
from tests.chaos.fleet import Fleet
from tests.chaos.serving import Mother
from tests.department import Department

ALARMS_A_SECOND = 30
ANSWER_S = 0.7
BOUND_S = 10.0
STEPS = (Step(after_s=0, channel="console", to="console"), Step(after_s=0, channel="sms", to="rank 1"))
LONG = pytest.mark.long, pytest.mark.timeout(900)


@pytest.mark.parametrize(
    ("alarms", "kills"), [(100, 0), (100, 4), pytest.param(300, 0, marks=LONG), pytest.param(300, 12, marks=LONG)]
)
async def test_every_victim_is_named_in_time_and_none_is_lost_when_the_dispatcher_dies_meanwhile(
    seed: int, tell: Tell, database_url: str, broker: MqttBroker, department: Department, alarms: int, kills: int
) -> None:
    random = Random(seed)
    wearers = await dispatching.prepare(department, STEPS, alarms)
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        port = free_port()
        provider = await stack.enter_async_context(dispatching.calling_back(port, answer_after_s=ANSWER_S))
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        ways = dispatching.by_sms(provider), dispatching.hearing(port)
        settings = dispatching.settings("storm", database_url, broker.url, *ways)
        mother = await stack.enter_async_context(Mother.of(settings, "hasty_mother.py", str(HASTY)))
        pid = await mother.start_ready()
        resending = asyncio.create_task(fleet.work(wearers[:1], 1, random))
        deaths = {alarms * number // (kills + 1) for number in range(1, kills + 1)}
        for number, wearer in enumerate(wearers):
            fleet.press(wearer)
            if number in deaths:
                await mother.kill(pid)
                pid = await mother.start_ready()
            await asyncio.sleep(random.uniform(0, 2 / ALARMS_A_SECOND))
        resending.cancel()
        await fleet.until_told()
        await dispatching.until_quiet(reader)
        log = dispatching.provider_log(provider, CLOCK)
        faults = checker.examine(reader, fleet.journal, redelivered=True)

    with psycopg.connect(database_url) as independent:
        history = History(independent, log, acts=(), lease_s=LEASE_S / HASTY)
    raised_at = {alert["id"]: alert["raised_at"] for alert in history.alerts}
    late_s = [
        (min(text.at for text in history.taken[n["id"]]) - raised_at[n["alert_id"]]).total_seconds()
        for n in history.notifications
        if n["channel"] == "sms" and history.taken[n["id"]]
    ]
    worst_s = max(late_s)
    figures = history.figures()
    tell(f"{kills} kills, last victim named after {worst_s:.1f} s, {in_words(figures)}")
    assert faults + dispatch_checker.faults(history, CLOCK.now()) == []
    assert len(late_s) == figures.alerts == alarms
    assert figures.bundles > 0
    assert figures.accepted - figures.duplicates < alarms / 3
    assert kills or (worst_s < BOUND_S and figures.duplicates == 0)
