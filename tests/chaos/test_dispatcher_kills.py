"""kill -9 of `gyrophare serve` at random points while it tells of alarms, by an SMS provider that fails in all ways.

The provider is a stand-in that lives on in the test and keeps its own log. Servers come of hasty_mother.py: a killed
one's lease runs out after 3 s, and the policy's steps are seconds apart, so that each alert runs to its end here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import httpx
import psycopg
import pytest

from alerts import policy_store
from alerts.model import Cause, Step
from alerts.policy import Policy
from gyrophare.embedded import MqttBroker
from gyrophare.embedded.folder import free_port
from gyrophare.flows.alert_desk import AlertDesk, Answer
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.platform import db
from gyrophare.sim.sms_provider import Act as Done
from gyrophare.sim.sms_provider import CallbackFault, Fault, SmsProvider
from tests.callbacks import PUBLIC_URL, TOKEN, Proxy
from tests.chaos import checker
from tests.chaos.conftest import Tell
from tests.chaos.dispatch_checker import Act, History, Taken, in_words
from tests.chaos.fleet import Fleet
from tests.chaos.serving import Mother, environment
from tests.department import ORGANISATION, SMS_KEY, SMS_SECRET, SMS_SID, Department, until

KILLS = 200
DELAY_MAX_S = 0.25
STARTED = 0.6  # of the servers die when they are ready; the others while they start
BUSY_PEOPLE = 0.3  # of the lives see somebody take or close an alert
LISTED_AFTER_S = (0, 0, 4)  # longer than a lease: then a text whose answer was lost is sent twice
QUIET_S = 90.0
DISPATCHER = AccountId(1)
CLOCK = SystemClock()
STEPS = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="sms", to="rank 1"),
    Step(after_s=2, channel="sms", to="rank 2"),  # a number that the provider refuses
    Step(after_s=5, channel="sms", to="rank 9"),  # whom nobody has entered
    Step(after_s=7, channel="sms", to="rank 3"),
)
CONTACTS = ("+33600000001", "+15005550001", "+33600000003")
ORDINARY = Fault(stored=True, http_status=201)
FAULTS = (
    Fault(act=Done.RESET),
    Fault(act=Done.RESET, stored=True),
    Fault(act=Done.HANG),
    Fault(act=Done.HANG, stored=True),
    Fault(act=Done.DRIP, stored=True),
    Fault(http_status=429, code=20429, retry_after_s=1),
    Fault(http_status=500),
    Fault(http_status=500, stored=True),
    Fault(http_status=201, stored=True, raw_body="<html>"),
    Fault(message_status="failed"),
    Fault(ends_as="failed"),
    Fault(ends_as="undelivered"),
)


@pytest.mark.timeout(400)
async def test_no_alarm_is_lost_or_ended_unseen_when_the_server_is_killed_at_200_random_points(
    seed: int, tell: Tell, database_url: str, broker: MqttBroker, department: Department
) -> None:
    random = Random(seed)
    department.clock.set(CLOCK.now())
    await department.with_contacts(*CONTACTS)
    policy = Policy(name="tous", kinds=None, steps=STEPS)
    await policy_store.replace_policies(department.connection, ORGANISATION, [policy])
    wearers = [f"sos-{number}" for number in range(KILLS)]
    for name in wearers:
        await department.on_shift(name, agent=name)

    acts: set[Act] = set()
    async with AsyncExitStack() as stack:
        reader = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        pool = await db.open_pool(database_url, 2)
        stack.push_async_callback(pool.close)
        desk = AlertDesk(pool, CLOCK)
        port = free_port()
        provider = await stack.enter_async_context(_provider(port))
        provider.faults.extend(random.choice(FAULTS) if random.random() < 0.5 else ORDINARY for _ in range(10_000))
        provider.callbacks.faults.extend(random.choices(list(CallbackFault), weights=[9, 1, 1, 1, 1, 1], k=10_000))
        fleet = await stack.enter_async_context(Fleet.open(broker.url))
        mother = await stack.enter_async_context(
            Mother.of(_settings(database_url, broker.url, provider.base_url, port), "hasty_mother.py")
        )
        await mother.kill(await mother.start_ready())  # from now on the broker keeps what comes
        resending = asyncio.create_task(fleet.work(wearers[:1], 1, random))
        for wearer in wearers:
            provider.listed_after_s = random.choice(LISTED_AFTER_S)
            pid = await mother.start()
            if random.random() < STARTED:
                await mother.ready()
            pressed_s = random.uniform(0, DELAY_MAX_S)
            await asyncio.sleep(pressed_s)
            fleet.press(wearer)
            if random.random() < BUSY_PEOPLE:
                acts |= await _somebody_acts(reader, desk, random)
            await asyncio.sleep(random.uniform(0, DELAY_MAX_S - pressed_s))
            await mother.kill(pid)
        provider.faults.clear()
        provider.listed_after_s = 0
        await mother.start_ready()
        resending.cancel()
        await fleet.until_told()
        await _until_quiet(reader)
        log = await _log(provider)
        faults = checker.examine(reader, fleet.journal, redelivered=True)

    with psycopg.connect(database_url) as independent:
        history = History(independent, log, acts, listed_after_s=max(LISTED_AFTER_S))
    figures = history.figures()
    tell(f"{KILLS} kills, {len(acts)} acts of people, {in_words(figures)}")
    assert faults + history.faults(CLOCK.now()) == []
    assert figures.alerts >= KILLS
    assert figures.accepted >= KILLS
    assert figures.steps >= KILLS * 2
    assert min(figures.cut_off, figures.ambiguous, figures.reconciled) >= KILLS / 20
    assert figures.duplicates > 0
    assert len(acts) >= KILLS / 20


@asynccontextmanager
async def _provider(callbacks_port: int, answer_after_s: float = 0.0) -> AsyncIterator[SmsProvider]:
    """The stand-in, which calls back through a department's proxy whether or not a server lives there."""
    proxy = Proxy()
    proxy.port = callbacks_port
    provider = SmsProvider(
        account_sid=SMS_SID,
        api_key=SMS_KEY,
        api_secret=SMS_SECRET,
        clock=CLOCK,
        auth_token=TOKEN,
        http=httpx.AsyncClient(transport=proxy),
        answer_after_s=answer_after_s,
    )
    await provider.start()
    calling = asyncio.create_task(provider.run())
    try:
        yield provider
    finally:
        calling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await calling
        await provider.stop()


def _settings(database_url: str, mqtt_url: str, sms_url: str, callbacks_port: int) -> dict[str, str]:
    return environment(
        f"dispatching-{os.getpid()}",
        database_url,
        mqtt_url,
        GYROPHARE_LOG_LEVEL="error",
        GYROPHARE_SMS_BASE_URL=sms_url,
        GYROPHARE_SMS_ACCOUNT_SID=SMS_SID,
        GYROPHARE_SMS_API_KEY=SMS_KEY,
        GYROPHARE_SMS_API_SECRET=SMS_SECRET,
        GYROPHARE_SMS_FROM_NUMBER="+33380000000",
        GYROPHARE_CALLBACKS_PORT=str(callbacks_port),
        GYROPHARE_CALLBACKS_PUBLIC_URL=PUBLIC_URL,
        GYROPHARE_CALLBACKS_AUTH_TOKEN=TOKEN,
    )


async def _somebody_acts(reader: psycopg.Connection, desk: AlertDesk, random: Random) -> set[Act]:
    """A person takes or closes one of the alerts that are open, if there is any; what was done."""
    rows = reader.execute("select id, state from alert where state <> 'closed' order by id").fetchall()
    if not rows:
        return set()
    number, state = random.choice(rows)
    alert_id = AlertId(number)
    if state == "triggered" and random.random() < 0.7:
        done = await desk.acknowledge(alert_id, DISPATCHER)
        return {(number, "acknowledged")} if done is Answer.YES else set()
    done = await desk.close(alert_id, DISPATCHER, Cause.TEST, "", reached=True)
    return {(number, "acknowledged"), (number, "closed")} if done is Answer.YES else set()


async def _until_quiet(reader: psycopg.Connection) -> None:
    """Until no step is to come, no message is on its way, and the provider has told the end of each."""

    async def quiet() -> bool | None:
        await asyncio.sleep(0.1)  # the provider lives in this loop
        row = reader.execute(
            "select exists (select from alert where next_step_at is not null) or exists (select from notification "
            "where channel <> 'console' and (state in ('pending', 'sending', 'ambiguous') or (channel = 'sms' "
            "and state = 'sent' and provider_status is distinct from 'delivered')))"
        ).fetchone()
        return None if row is None or row[0] else True

    with contextlib.suppress(TimeoutError):  # what has not ended by then, the checker names
        await until(quiet, QUIET_S)


async def _log(provider: SmsProvider) -> Sequence[Taken]:
    async with httpx.AsyncClient(trust_env=False) as http:
        return [Taken.read(entry) for entry in (await http.get(f"{provider.base_url}/outbox.json")).json()]
