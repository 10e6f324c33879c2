"""Every message that a provider took comes to an end: told, asked for, or known to be unknown. The auditor minds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import LiteralString

import pytest
from prometheus_client import CollectorRegistry, Counter

from alerts.auditor import STATUS_LATE_S, Finding, FindingKind, audit
from alerts.callbacks.status import StatusSaid
from dashboards import read_models
from gyrophare.flows import provider_asked, provider_said
from gyrophare.flows.provider_asked import ASKS, AT_ONCE, FIRST_AFTER_S, FetchStatus
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Pool, connect
from gyrophare.server import Server
from gyrophare.sim.sms_provider import Fault, SmsProvider
from tests.department import ORGANISATION, Department
from tests.test_provider_said import FIRST, SECOND, alert, said, told

FIRST_S = FIRST_AFTER_S["sms"]
ENDS = "select provider_status, provider_final_at from notification order by id"


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    async with await connect(database_url) as connection:
        office = Department(connection, None, clock)
        await office.with_contacts(FIRST, SECOND)
        yield office


class Asked:
    """A provider that answers each question with the word it has for that message; without one it does not answer."""

    def __init__(self, pool: Pool, clock: ManualClock, words: Mapping[str, str]) -> None:
        self.asked: list[str] = []
        self._registry = CollectorRegistry()
        self.unknown = Counter("unknown", "", ["channel"], registry=self._registry)
        self._pool = pool
        self._clock = clock
        self._words = words

    async def fetch(self, provider_id: str) -> StatusSaid | None:
        self.asked.append(provider_id)
        word = self._words.get(provider_id)
        return None if word is None else said(word, provider_id)

    async def ask(self, fetch: FetchStatus | None = None) -> int:
        return await provider_asked.ask(self._pool, self._clock, {"sms": fetch or self.fetch}, self.unknown)

    @property
    def unknowns(self) -> float:
        return self._registry.get_sample_value("unknown_total", {"channel": "sms"}) or 0


async def test_silent_provider_is_asked_and_its_answer_counts_as_a_callback(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    for number in range(AT_ONCE + 2):
        await told(office, await alert(office, next_step_after_s=600), f"SM{number}")
    provider = Asked(pool, clock, {"SM0": "delivered", "SM1": "undelivered", "SM2": "sent"})
    clock.advance(FIRST_S - 1)
    assert await provider.ask() == 0
    clock.advance(1)
    assert await provider.ask() == AT_ONCE + 2
    assert await provider.ask() == 0  # each once
    rows = await office.rows(
        "select state, provider_status, provider_final_at is not null as final from notification order by id limit 4"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("sent", "delivered", True), ("failed", "undelivered", True), ("sent", "sent", False), ("sent", None, False)
    ]  # fmt: skip
    [failed] = await office.rows("select alert_id from alert_event where kind = 'delivery_failed'")
    [due] = await office.rows("select id from alert where next_step_at = %(now)s", now=clock.now())
    assert due["id"] == failed["alert_id"]

    provider.asked.clear()
    clock.advance(FIRST_S)
    await provider.ask()
    assert sorted(provider.asked) == sorted(f"SM{number}" for number in range(2, AT_ONCE + 2))


async def shown(office: Department) -> tuple[str | None, bool]:
    """When the only message arrived, and whether that stays unknown, as the console has it."""
    [one] = await read_models.alerts(office.connection, ORGANISATION)
    [message] = one["notifications"]
    return message["delivered_at"], message["delivery_unknown"]


@pytest.mark.parametrize("word", ["sent", None])
async def test_provider_that_never_says_more_is_asked_ever_more_rarely_and_then_no_more(
    pool: Pool, office: Department, clock: ManualClock, word: str | None
) -> None:
    """`sent` is the last word of some; others do not answer at all."""
    await told(office, await alert(office), "SM1")
    provider = Asked(pool, clock, {} if word is None else {"SM1": word})
    asked_at_s, passed_s = [], 0.0
    while passed_s < 4 * 3600:
        clock.advance(FIRST_S / 2)
        passed_s += FIRST_S / 2
        asked_at_s += [passed_s] * await provider.ask()
        if provider.unknowns:
            break
    assert asked_at_s == [FIRST_S * 2**number for number in range(ASKS)]
    assert await office.rows(ENDS) == [{"provider_status": word, "provider_final_at": clock.now()}]
    assert await shown(office) == (None, True)
    clock.advance(86_400)
    assert await provider.ask() == 0
    # What comes after all counts.
    await provider_said.status(pool, clock, said("undelivered"))
    assert await office.rows("select state from notification") == [{"state": "failed"}]


async def test_message_that_was_sent_before_a_long_stop_is_asked_about_as_patiently(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    await told(office, await alert(office), "SM1")
    provider = Asked(pool, clock, {})
    clock.advance(86_400)
    for _ in range(3):
        await provider.ask()
    assert provider.asked == ["SM1"]


async def test_whoever_dies_while_asking_loses_one_ask_and_no_message(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    """His claim was committed; two others then ask at the same time, and it is asked about once."""
    await told(office, await alert(office), "SM1")

    async def dies(_provider_id: str) -> StatusSaid | None:
        raise asyncio.CancelledError

    clock.advance(FIRST_S)
    provider = Asked(pool, clock, {"SM1": "delivered"})
    with pytest.raises(asyncio.CancelledError):
        await provider.ask(dies)
    clock.advance(FIRST_S)
    assert sorted(await asyncio.gather(provider.ask(), provider.ask())) == [0, 1]
    assert await office.rows(ENDS) == [{"provider_status": "delivered", "provider_final_at": clock.now()}]


async def test_nothing_is_locked_while_the_provider_is_asked(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    await told(office, await alert(office), "SM1")
    assert await shown(office) == (None, False)
    provider = Asked(pool, clock, {"SM1": "delivered"})

    async def looks(provider_id: str) -> StatusSaid | None:
        rows = await office.rows("select from notification for update nowait")
        assert len(rows) == 1
        return await provider.fetch(provider_id)

    clock.advance(FIRST_S)
    assert await provider.ask(looks) == 1
    delivered_at, unknown = await shown(office)
    assert (delivered_at is not None, unknown) == (True, False)


# ------------------------------------------------------------------ the auditor


@pytest.fixture
async def ticking(office: Department) -> Department:
    """A server lives that sends text messages, and its engine ticks whatever the hour."""
    await office.carries("sms", "dc09")
    await office.connection.execute("insert into engine_tick (instance, ticked_at) values ('test', '2100-01-01')")
    return office


async def look(office: Department) -> tuple[Finding, ...]:
    return await audit(office.connection, office.clock.now())


async def test_message_that_nobody_asks_about_is_found_until_somebody_does(
    pool: Pool, ticking: Department, clock: ManualClock
) -> None:
    alert_id = await alert(ticking, next_step_after_s=86_400)
    await told(ticking, alert_id, "SM1")
    clock.advance(STATUS_LATE_S)
    assert await look(ticking) == ()
    clock.advance(1)
    assert await look(ticking) == (Finding(kind=FindingKind.STATUS_MISSING, alert_ids=(alert_id,)),)
    provider = Asked(pool, clock, {})
    await provider.ask()
    assert await look(ticking) == ()
    clock.advance(FIRST_S + STATUS_LATE_S + 1)  # and then no more
    assert await look(ticking) == (Finding(kind=FindingKind.STATUS_MISSING, alert_ids=(alert_id,)),)
    await provider_said.status(pool, clock, said("delivered"))
    assert await look(ticking) == ()


async def test_provider_whose_last_word_is_sent_is_no_finding_at_any_time(
    pool: Pool, ticking: Department, clock: ManualClock
) -> None:
    await told(ticking, await alert(ticking, next_step_after_s=86_400), "SM1")
    provider = Asked(pool, clock, {"SM1": "sent"})
    for _ in range(600):
        clock.advance(15)
        await provider.ask()
        assert await look(ticking) == ()
    assert provider.unknowns == 1


@pytest.mark.parametrize(
    "change",
    [
        "update notification set state = 'failed'",
        "update notification set provider_id = null",
        "update notification set channel = 'dc09'",
    ],
)
async def test_message_of_which_no_provider_tells_more_is_no_finding(
    ticking: Department, clock: ManualClock, change: LiteralString
) -> None:
    await told(ticking, await alert(ticking, next_step_after_s=86_400), "SM1")
    await ticking.connection.execute(change)
    clock.advance(3600)
    assert await look(ticking) == ()


# ------------------------------------------------------------------ in a server


async def test_without_callbacks_the_provider_is_asked_and_the_next_contact_told(
    server: Server, department: Department, provider: SmsProvider, clock: ManualClock
) -> None:
    provider.faults.append(Fault(ends_as="undelivered"))
    await department.with_contacts(FIRST, SECOND)
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    assert provider.callbacks.made == []
    clock.advance(FIRST_S - 1)
    await server.callbacks.ask()
    assert await department.rows("select from notification where state = 'failed'") == []
    clock.advance(1)
    await department.connection.execute("update alert set next_step_at = next_step_at + interval '1 hour'")
    await server.callbacks.ask()
    await server.tick()
    [failed] = await department.rows("select address, provider_status from notification where state = 'failed'")
    assert failed == {"address": FIRST, "provider_status": "undelivered"}
    await department.until_rows(
        1, "select from notification where address = %(second)s and state = 'sent'", second=SECOND
    )
