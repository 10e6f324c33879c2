"""The dispatcher's loops: a channel that hangs holds back neither another channel nor its own next messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.dispatcher import _AT_ONCE, Dispatcher, _next
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform import db
from gyrophare.platform.db import Connection, Pool
from tests.department import Department

SENT = SendResult(outcome=Outcome.SENT, provider_id=None, http_status=None, error_code=None, detail="")


class Hanging:
    """A channel whose messages named in `hangs` are never answered."""

    def __init__(self, name: str, *hangs: str) -> None:
        self.name = name
        self._hangs = hangs
        self.sent: list[str] = []

    async def send(self, message: OutgoingText) -> SendResult:
        if message.text in self._hangs:
            await asyncio.Event().wait()
        self.sent.append(message.text)
        return SENT

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        return None


@pytest.fixture
async def office(database_url: str, clock: ManualClock) -> AsyncIterator[Department]:
    async with await db.connect(database_url) as connection:
        yield Department(connection, None, clock)


async def queue(connection: Connection, clock: ManualClock, channel: str, *texts: str) -> None:
    """An alert that nothing escalates, with these messages due, each at an address of its own."""
    await connection.execute(
        """
        with raised as (
            insert into alert (organisation_id, kind, subject, episode, episode_at, triggered_at, raised_at, policy,
                               changed_at, priority)
            values (1, 'technical', 'somebody', %(texts)s::text, %(now)s, %(now)s, %(now)s, '[]', %(now)s, 7)
            returning id
        )
        insert into notification (alert_id, occasion, step, channel, address, text, priority, due_at, changed_at)
        select id, 'raised', number, %(channel)s, text, text, 7, %(now)s, %(now)s
        from raised, unnest(%(texts)s::text[]) with ordinality as said (text, number)
        """,
        {"channel": channel, "texts": list(texts), "now": clock.now()},
    )


async def test_neither_a_channel_nor_a_message_that_hangs_holds_back_the_others(
    pool: Pool, office: Department, clock: ManualClock
) -> None:
    sms, relay = Hanging("sms", "stuck"), Hanging("webhook", *(f"w{number}" for number in range(50)))
    await queue(office.connection, clock, "webhook", *(f"w{number}" for number in range(50)))
    await queue(office.connection, clock, "sms", "stuck", *(f"s{number}" for number in range(3 * _AT_ONCE)))
    running = asyncio.create_task(Dispatcher(pool, clock, [relay, sms]).run())
    await office.until_rows(3 * _AT_ONCE, "select from notification where channel = 'sms' and state = 'sent'")
    assert sorted(sms.sent) == sorted(f"s{number}" for number in range(3 * _AT_ONCE))
    assert relay.sent == []
    waiting = await office.rows(
        "select state, count(*) as n from notification where channel = 'webhook' group by state"
    )
    assert {row["state"]: row["n"] for row in waiting} == {"sending": _AT_ONCE, "pending": 50 - _AT_ONCE}
    running.cancel()
    await asyncio.wait([running])


async def test_dispatcher_goes_on_when_the_database_was_away(
    pool: Pool, office: Department, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = Hanging("sms")
    dispatcher = Dispatcher(pool, clock, [sms])
    running = asyncio.create_task(dispatcher.run())
    await queue(office.connection, clock, "sms", "first")
    dispatcher.wake()
    await office.until_rows(1, "select from notification where state = 'sent'")
    await office.rows("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
                      "and datname = current_database()")  # fmt: skip
    await queue(office.connection, clock, "sms", "second")
    dispatcher.wake()
    await office.until_rows(2, "select from notification where state = 'sent'")
    assert sms.sent == ["first", "second"]
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize(("attempts", "asked_s", "least_s", "most_s"), [
    (1, None, 2, 2.5), (3, None, 8, 10), (9, None, 60, 75), (1, 20, 20, 20), (1, 3600, 60, 60),
])  # fmt: skip
def test_retries_grow_apart_are_not_all_at_once_and_respect_what_the_provider_asked(
    attempts: int, asked_s: float | None, least_s: float, most_s: float
) -> None:
    result = SendResult(
        outcome=Outcome.TEMPORARY, provider_id=None, http_status=429, error_code=None, detail="", retry_after_s=asked_s
    )
    waits = {_next(result, attempts)[1] for _ in range(50)}
    assert least_s <= min(waits) <= max(waits) <= most_s
    assert asked_s is not None or len(waits) > 1
