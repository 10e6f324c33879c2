"""A checker that finds nothing proves nothing: each fault it looks for is planted and found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from gyrophare.server import Server
from tests.chaos.checker import Journal, Message, examine
from tests.department import Department


@pytest.fixture
def reader(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


async def _story(department: Department) -> Journal:
    """Two reports, a press of SOS and a refusal, as the server takes them."""
    journal = Journal()
    await department.on_shift("w-1")
    for seq in (1, 2):
        department.clock.advance(1)
        await department.send("w-1", department.report("w-1"))
        at = department.clock.now()
        journal.note(
            Message(device="w-1", boot="9f3a01c2", seq=seq, kind="fix", at=at, latitude_deg=47.3215)  # DIJON's
        )
    await department.press("w-1")
    journal.note(Message(device="w-1", boot="9f3a01c2", seq=3, kind="sos", at=department.clock.now()))
    await department.publish("gyrophare/v1/watches/rogue/fixes", b"{")
    journal.refused["gyrophare/v1/watches/rogue/fixes"] += 1
    await department.until_rows(1, "select from receipt where committed = '{[1,4)}'")
    await department.until_rows(1, "select from rejected")
    journal.receipted += journal.sent.values()
    return journal


async def test_nothing_is_found_when_all_is_well(
    server: Server, department: Department, reader: psycopg.Connection
) -> None:
    assert examine(reader, await _story(department), redelivered=False) == []


@pytest.mark.parametrize(
    ("fault", "damage"),
    [
        ("receipted, not stored: 1", "delete from fix where fixed_at = (select max(fixed_at) from fix)"),
        ("receipted, not stored: 1", "delete from event"),
        (
            "stored twice: 1",
            "insert into fix (device_id, fixed_at, received_at, latitude_deg, longitude_deg, buffered, message_key) "
            "select device_id, fixed_at, received_at, latitude_deg, longitude_deg, buffered, 7 from fix limit 1",
        ),
        (
            "stored twice: 1",
            "insert into event (device_id, kind, occurred_at, received_at, message_key) "
            "select device_id, kind, occurred_at, received_at, 7 from event",
        ),
        (
            "stored, never sent: 1",
            "insert into fix (device_id, fixed_at, received_at, latitude_deg, longitude_deg, buffered, message_key) "
            "select device_id, fixed_at - interval '1 ms', received_at, 47, 5, buffered, 7 from fix limit 1",
        ),
        ("stored otherwise than sent: 2", "update fix set latitude_deg = latitude_deg + 1e-9"),
        ("SOS stored, no alert: 1", "update alert set kind = 'fall'"),
        (
            "SOS alerted more than once: 1",
            "insert into alert (organisation_id, kind, device_id, subject, episode, episode_at, triggered_at, "
            "raised_at, priority, policy, changed_at) select organisation_id, kind, device_id, subject, 'another', "
            "episode_at, triggered_at, raised_at, priority, policy, changed_at from alert",
        ),
        ("alert of an SOS that nobody pressed: 1", "update alert set episode_at = episode_at - interval '1 s'"),
        ("refused, and not all of it is counted once: 1", "delete from rejected"),
        ("refused, and not all of it is counted once: 1", "update rejected set times = 2"),
        ("refused, though it was in order: 1", "update rejected set topic = 'gyrophare/v1/watches/w-1/fixes'"),
        ("refused without a reason: 1", "update rejected set detail = ''"),
    ],
)
async def test_planted_fault_is_found(
    server: Server, department: Department, reader: psycopg.Connection, fault: str, damage: LiteralString
) -> None:
    journal = await _story(department)
    reader.execute(damage)
    assert any(found.startswith(fault) for found in examine(reader, journal, redelivered=False))


async def test_refusal_that_came_twice_is_a_fault_only_where_nothing_is_redelivered(
    server: Server, department: Department, reader: psycopg.Connection
) -> None:
    journal = await _story(department)
    reader.execute("update rejected set times = 2")
    assert examine(reader, journal, redelivered=True) == []
