"""Three hundred alarms in ten seconds, all for one telephone, by a provider that takes 0.7 s for each text.

Servers come of hasty_mother.py, the provider is a stand-in with its own log; see test_dispatcher_kills.py.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from random import Random

import psycopg
import pytest

from alerts import policy_store
from alerts.model import Step
from alerts.policy import Policy
from gyrophare.embedded import MqttBroker
from gyrophare.embedded.folder import free_port
from tests.chaos import checker
from tests.chaos.conftest import Tell
from tests.chaos.dispatch_checker import History, in_words
from tests.chaos.fleet import Fleet
from tests.chaos.serving import Mother
from tests.chaos.test_dispatcher_kills import CLOCK, _log, _provider, _settings, _until_quiet
from tests.department import ORGANISATION, Department

ALARMS = 300
STORM_S = 10.0
ANSWER_S = 0.7
BOUND_S = 10.0
KILLS = 12
STEPS = (Step(after_s=0, channel="console", to="console"), Step(after_s=0, channel="sms", to="rank 1"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kills", [0, KILLS])
async def test_every_victim_is_named_in_time_and_none_is_lost_when_the_dispatcher_dies_meanwhile(
    seed: int, tell: Tell, database_url: str, broker: MqttBroker, department: Department, kills: int
) -> None:
    random = Random(seed)
    department.clock.set(CLOCK.now())
    await department.with_contacts("+33600000001")
    policy = Policy(name="tous", kinds=None, steps=STEPS)
    await policy_store.replace_policies(department.connection, ORGANISATION, [policy])
    wearers = await department.many_on_shift(ALARMS)
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        port = free_port()
        provider = await stack.enter_async_context(_provider(port, answer_after_s=ANSWER_S))
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        mother = await stack.enter_async_context(
            Mother.of(_settings(database_url, broker.url, provider.base_url, port), "hasty_mother.py")
        )
        pid = await mother.start_ready()
        resending = asyncio.create_task(fleet.work(wearers[:1], 1, random))
        deaths = {ALARMS * number // (kills + 1) for number in range(1, kills + 1)}
        for number, wearer in enumerate(wearers):
            fleet.press(wearer)
            if number in deaths:
                await mother.kill(pid)
                pid = await mother.start_ready()
            await asyncio.sleep(random.uniform(0, 2 * STORM_S / ALARMS))
        resending.cancel()
        await fleet.until_told()
        await _until_quiet(reader)
        log = await _log(provider)
        faults = checker.examine(reader, fleet.journal, redelivered=True)

    with psycopg.connect(database_url) as independent:
        history = History(independent, log, ())
    raised_at = {alert["id"]: alert["raised_at"] for alert in history.alerts}
    late_s = [
        (min(text.at for text in history.taken[n["id"]]) - raised_at[n["alert_id"]]).total_seconds()
        for n in history.notifications
        if n["channel"] == "sms" and history.taken[n["id"]]
    ]
    worst_s = max(late_s)
    figures = history.figures()
    tell(f"{kills} kills, last victim named after {worst_s:.1f} s, {in_words(figures)}")
    assert faults + history.faults(CLOCK.now()) == []
    assert len(late_s) == figures.alerts == ALARMS
    assert figures.bundles > 0
    assert figures.accepted - figures.duplicates < ALARMS / 3
    assert kills or (worst_s < BOUND_S and figures.duplicates == 0)
