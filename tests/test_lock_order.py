"""Whoever settles a message never waits for somebody who waits for him: an alert is locked before its notifications.

The accident: a dispatcher closed an alert at the instant at which a text of it was settled. PostgreSQL ended one of the
two, and either the click or the result was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from prometheus_client import CollectorRegistry, Counter

import alerts.store
import lone_worker.store
from alerts.callbacks.status import StatusSaid
from alerts.callbacks.store import Verdict
from alerts.policy import TARGETED
from alerts.store import QUERIES, Reached
from gyrophare.embedded import MqttBroker
from gyrophare.flows import provider_asked, provider_said
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId, DeviceId
from gyrophare.platform.db import Connection, Pool, connect
from gyrophare.server import Server
from tests.commanded import Ear, a_message, command_is, queued
from tests.department import Department, until

Writer = Callable[[Pool, ManualClock], Awaitable[None]]


async def settle(pool: Pool, clock: ManualClock) -> None:
    async with pool.connection() as connection:
        rows = await (
            await connection.execute(
                "select array[id] as ids, lease_token from notification where channel = 'sms' and step is not null"
            )
        ).fetchall()
        parameters: dict[str, object] = dict.fromkeys(("outcome", "provider_id", "http_status", "error_code", "detail"))
        parameters |= rows[0] | {"machines": list(TARGETED), "state": "sent", "due_at": clock.now(), "now": clock.now()}
        await connection.execute(QUERIES["settle_notification"], parameters)


async def hear_provider(pool: Pool, clock: ManualClock) -> None:
    said = StatusSaid(channel="sms", provider_id="SM1", status="delivered", error_code=None)
    verdict = await provider_said.status(pool, clock, said)
    assert verdict is Verdict.APPLIED


async def give_up(pool: Pool, clock: ManualClock) -> None:
    registry = CollectorRegistry()
    unknown = Counter("unknown", "", ["channel"], registry=registry)
    async with pool.connection() as connection:
        await connection.execute("update notification set provider_asks = 99 where channel = 'sms'")
    clock.advance(3600)
    await provider_asked.ask(pool, clock, {"sms": _never}, unknown)
    assert registry.get_sample_value("unknown_total", {"channel": "sms"})


async def _never(_provider_id: str) -> None:
    raise AssertionError("it is not asked any more")


async def hear_watch(pool: Pool, clock: ManualClock) -> None:
    async with pool.connection() as connection, connection.transaction():
        rows = await (await connection.execute("select id from notification where channel = 'watch'")).fetchall()
        reached = Reached(notification_id=rows[0]["id"], device_id=DeviceId(1), at=clock.now())
        await alerts.store.note_reached(connection, [reached], clock.now())


async def hush_watch(pool: Pool, clock: ManualClock) -> None:
    async with pool.connection() as connection, connection.transaction():
        await alerts.store.hush(connection, [DeviceId(1)], clock.now())


@pytest.mark.parametrize("write", [settle, hear_provider, give_up, hear_watch, hush_watch])
async def test_who_has_the_alert_gets_its_notifications_whoever_writes_to_them_meanwhile(
    server: Server, department: Department, database_url: str, clock: ManualClock, write: Writer
) -> None:
    await department.with_contacts("+33600000001")
    await department.on_shift("w-1")
    await department.press("w-1")
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    await server.desk.acknowledge(AlertId(1), AccountId(1))
    await department.until_rows(1, "select from notification where channel = 'watch' and state = 'sent'")
    await department.connection.execute(
        "update notification set lease_token = gen_random_uuid(), provider_id = 'SM1', provider_status = null "
        "where channel = 'sms' and step is not null"
    )
    await department.connection.execute(  # something that waits for a watch
        "update notification set device_id = 1, state = 'pending', due_at = 'infinity' where channel = 'watch'"
    )
    async with await connect(database_url) as person, person.transaction():
        assert await alerts.store.lock_alert(person, AlertId(1)) is not None
        writing = asyncio.create_task(_written(write, server.pool, clock))
        await _until_waiting(department.connection)
        changed = await person.execute("update notification set changed_at = changed_at")
        assert changed.rowcount >= 3
    assert await writing is None


async def test_who_has_a_watch_gets_all_that_is_its_own_while_something_is_sent_to_it(
    server: Server, department: Department, database_url: str, broker: MqttBroker, clock: ManualClock
) -> None:
    """And whoever has it, what is sent goes within a second."""
    device_id = await department.on_shift("w-1")
    async with Ear.of(broker.url, "w-1", clock) as ear, await connect(database_url) as person:
        async with person.transaction():
            assert await lone_worker.store.lock_states(person, [device_id])
            [command_id] = await queued(department, a_message(device_id, clock.now()))
            await _until_waiting(department.connection)
            locked = await person.execute("select from command where id = %s for update", [command_id])
            assert locked.rowcount == 1
            assert (await ear.next())["id"] == f"c{command_id}"
        assert (await command_is(department, "sent"))["attempts"] == 1


async def _written(write: Writer, pool: Pool, clock: ManualClock) -> psycopg.Error | None:
    """Why it was not; None: it was."""
    try:
        await write(pool, clock)
    except psycopg.Error as error:
        return error
    return None


async def _until_waiting(connection: Connection) -> None:
    """Until somebody waits for a lock in this database."""

    async def waits() -> bool | None:
        row = await (
            await connection.execute(
                "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            )
        ).fetchone()
        return None if row is None else True

    await until(waits)
