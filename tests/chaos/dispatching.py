"""What those tests share that kill servers while they tell of alarms: department, servers, receivers' logs."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import LiteralString
from urllib.parse import parse_qs, urlsplit

import psycopg

from alerts import policy_store
from alerts.model import Cause, Step
from alerts.policy import Policy
from gyrophare.flows.alert_desk import AlertDesk, Answer
from gyrophare.kernel.clock import Clock, SystemClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.sim.sms_provider import Act as Done
from gyrophare.sim.sms_provider import Fault, SmsProvider
from lone_worker.profiles import Profile
from tests.callbacks import PUBLIC_URL, TOKEN, Proxy, stand_in
from tests.chaos.dispatch_history import WITNESS, Act, Answered, Taken, references
from tests.chaos.fleet import Fleet
from tests.chaos.serving import Mother, environment
from tests.department import ORGANISATION, SMS_KEY, SMS_SECRET, SMS_SID, Department, until

CLOCK = SystemClock()
HASTY = 10  # a lease is 3 s then
LEASE_S = 30.0
CONTACTS = ("+33600000001", "+15005550001", "+33600000003")
"""The second has a number that the provider refuses."""
DISPATCHER = AccountId(1)
# Who only presses SOS, and is not missed on a machine that needs many minutes for it.
PATIENT = Profile(
    name="patient",
    prealarm_after_s=(3000, 3300),
    alarm_after_s=3600,
    silence_after_s=3600,
    signal_lost_after_s=7200,
    gnss_lost_after_s=7200,
)
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
_WRITTEN: tuple[LiteralString, ...] = ("select count(*) from alert", "select count(*) from attempt")
_DELAYS_MAX_S = (0.02, 0.25)
_BUSY_WITHIN_S = 60.0
_STARTED = 0.6  # of the servers die when they are ready; the others while they start
_QUIET_S = 90.0


async def prepare(department: Department, steps: Sequence[Step], wearers: int) -> list[str]:
    """A department whose alerts go by these steps, and the watches of as many people on shift."""
    department.clock.set(CLOCK.now())
    for rank, phone_e164 in enumerate(CONTACTS, start=1):
        await policy_store.put_contact(
            department.connection, ORGANISATION, rank, f"Astreinte {rank}", phone_e164, f"rang{rank}@cotedor.example"
        )
    policy = Policy(name="tous", kinds=None, steps=tuple(steps))
    await policy_store.replace_policies(department.connection, ORGANISATION, [policy])
    await department.connection.execute(WITNESS)
    return await department.many_on_shift(wearers, "sos", PATIENT)


def settings(name: str, database_url: str, mqtt_url: str, *sections: dict[str, str]) -> dict[str, str]:
    """Of one server; `sections` are its ways out."""
    more = {key: value for section in sections for key, value in section.items()}
    return environment(name, database_url, mqtt_url, **more)


def by_sms(provider: SmsProvider, *, voice: bool = False) -> dict[str, str]:
    return {
        "GYROPHARE_SMS_BASE_URL": provider.base_url,
        "GYROPHARE_SMS_ACCOUNT_SID": SMS_SID,
        "GYROPHARE_SMS_API_KEY": SMS_KEY,
        "GYROPHARE_SMS_API_SECRET": SMS_SECRET,
        "GYROPHARE_SMS_FROM_NUMBER": "+33380000000",
        "GYROPHARE_SMS_VOICE": str(voice),
    }


def hearing(port: int) -> dict[str, str]:
    return {
        "GYROPHARE_CALLBACKS_PORT": str(port),
        "GYROPHARE_CALLBACKS_PUBLIC_URL": PUBLIC_URL,
        "GYROPHARE_CALLBACKS_AUTH_TOKEN": TOKEN,
    }


@asynccontextmanager
async def calling_back(port: int | None, *, answer_after_s: float = 0.0) -> AsyncIterator[SmsProvider]:
    """The stand-in, which calls back through a department's proxy whether or not a server lives at `port`."""
    proxy = Proxy()
    proxy.port = port
    async with stand_in(CLOCK, proxy, answer_after_s=answer_after_s) as provider:
        calling = asyncio.create_task(provider.run())
        try:
            yield provider
        finally:
            calling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await calling


async def live_and_die(
    mother: Mother,
    fleet: Fleet,
    wearer: str,
    chance: random.Random,
    reader: psycopg.Connection,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """One life of a server, in which that wearer presses SOS, and its end at a random point.

    Some die while they start, others soon after they raised an alert or began to send: on a busy machine too.
    """
    pid = await mother.start()
    if chance.random() < _STARTED:
        await mother.ready()
        written = chance.choice(_WRITTEN)
        before = _count(reader, written)
        fleet.press(wearer)
        if meanwhile is not None:
            await meanwhile()

        async def busy() -> bool | None:
            return _count(reader, written) > before or None

        await until(busy, _BUSY_WITHIN_S)
    else:
        fleet.press(wearer)
    await asyncio.sleep(chance.uniform(0, chance.choice(_DELAYS_MAX_S)))
    await mother.kill(pid)


async def until_in_doubt(reader: psycopg.Connection, times: int) -> None:
    """Until so many attempts had no clear answer: only a server that lives meets a receiver that is silent."""

    async def often() -> bool | None:
        return _count(reader, "select count(*) from attempt where outcome = 'ambiguous'") >= times or None

    await until(often, _BUSY_WITHIN_S)


def _count(reader: psycopg.Connection, written: LiteralString) -> int:
    row = reader.execute(written).fetchone()
    assert row is not None
    return int(row[0])


async def somebody_acts(reader: psycopg.Connection, desk: AlertDesk, chance: random.Random) -> set[Act]:
    """A person takes or closes one of the alerts that are open, if there is any; what was done."""
    rows = reader.execute("select id, state from alert where state <> 'closed' order by id").fetchall()
    if not rows:
        return set()
    number, state = chance.choice(rows)
    alert_id = AlertId(number)
    if state == "triggered" and chance.random() < 0.7:
        done = await desk.acknowledge(alert_id, DISPATCHER)
        return {(number, "acknowledged")} if done is Answer.YES else set()
    done = await desk.close(alert_id, DISPATCHER, Cause.TEST, "", reached=True)
    if done is not Answer.YES:
        return set()
    return {(number, "closed")} | ({(number, "acknowledged")} if state == "triggered" else set())


async def until_quiet(reader: psycopg.Connection) -> None:
    """Until no step is to come, no message is on its way that no cap holds back, every answer is worked on, and what
    became of each message is known, or given up."""

    async def quiet() -> bool | None:
        await asyncio.sleep(0.1)  # the provider lives in this loop
        row = reader.execute(
            "select exists (select from alert where next_step_at is not null) "
            "or exists (select from provider_callback where verdict = 'acknowledging') "
            "or exists (select from notification where channel <> 'console' "
            "and ((state in ('pending', 'sending', 'ambiguous') and held is not true) "
            "or (channel in ('sms', 'voice') and state = 'sent' and provider_final_at is null)))"
        ).fetchone()
        return None if row is None or row[0] else True

    with contextlib.suppress(TimeoutError):  # what has not ended by then, the checker names
        await until(quiet, _QUIET_S)


def provider_log(provider: SmsProvider, clock: Clock) -> list[Taken]:
    """The texts and the calls that the stand-in has taken."""
    now_s = clock.monotonic_s()
    texts = [
        Taken(
            channel="sms",
            to=text.to,
            at=text.created_at,
            names=references(text.body),
            sid=text.sid,
            status=text.status(now_s),
        )
        for text in provider.messages
    ]
    calls = [
        Taken(
            channel="voice",
            to=call.to,
            at=call.created_at,
            names=tuple(f"n{said}" for said in parse_qs(urlsplit(call.status_callback or "").query).get("n", ())),
            sid=call.sid,
            status=call.status(now_s),
        )
        for call in provider.exchange.calls
    ]
    return texts + calls


def answers_log(provider: SmsProvider) -> list[Answered]:
    """What the stand-in has told us that people answered."""
    read = [Answered.read(called.url, called.form, called.http_statuses) for called in provider.callbacks.made]
    return [said for said in read if said is not None]
