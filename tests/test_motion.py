"""What a report without a position tells of the body: stored on shift, followed in its place, forgotten in time."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

import ingest.store
import lone_worker.shifts.store
import lone_worker.store
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Connection
from tests.department import Department
from tests.test_schema_and_queries import FIXES, hear, the


@pytest.fixture
def office(schema_connection: Connection, clock: ManualClock) -> Department:
    return Department(schema_connection, None, clock)


def window(office: Department, **motion: Any) -> dict[str, Any]:
    """A report of now without a fix."""
    said = office.report("w-1") | {"motion": motion}
    del said["fix"]
    return said


async def test_motion_is_stored_once_with_everything_that_was_said(office: Department, clock: ManualClock) -> None:
    device_id, now = await office.on_shift("w-1"), clock.now()
    said = window(office, steps=3, activity_mg=41)
    await hear(office, (FIXES, said))
    await hear(office, (FIXES, said))
    [row] = await the(office, "motion")
    del row["message_key"]
    common = {"device_id": device_id, "at": now, "received_at": now, "buffered": False, "doubts": []}
    assert row == common | {"steps": 3, "activity_mg": 41, "activity": None}


@pytest.mark.parametrize(
    ("motion", "kept"), [({"steps": 0}, 0), ({"steps": 1}, 1), ({"activity_mg": 0}, 1), ({}, 0)], ids=str
)
async def test_motion_is_stored_when_it_is_news(office: Department, motion: dict[str, Any], kept: int) -> None:
    await office.on_shift("w-1")
    await hear(office, (FIXES, window(office, **motion)))
    assert len(await the(office, "motion")) == kept


async def test_motion_outside_a_shift_is_nobodys_business(office: Department, clock: ManualClock) -> None:
    device_id = await office.register("w-1")
    await hear(office, (FIXES, window(office, activity_mg=41)))
    before = window(office, activity_mg=41)
    clock.advance(60)
    await office.on_shift("w-1")
    await hear(office, (FIXES, before))
    await lone_worker.shifts.store.end_shift(office.connection, device_id, clock.now())
    clock.advance(60)
    await hear(office, (FIXES, window(office, activity_mg=41)))
    assert await the(office, "motion") == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
async def test_windows_prove_the_same_in_whatever_order_they_come(
    office: Department, clock: ManualClock, order: tuple[int, ...]
) -> None:
    await office.on_shift("w-1")
    started_at, said = clock.now(), []
    for activity_mg in (0, 41, 0, 41):
        clock.advance(10)
        said.append(window(office, activity_mg=activity_mg) | {"buffered": True})
    # A fix in between, later than all of them, has what comes behind it overtaken.
    clock.advance(10)
    await hear(office, (FIXES, office.report("w-1")))
    for number in order:
        await hear(office, (FIXES, said[number]))
    [state] = await the(office, "watch_state")
    assert (state["evidence"], state["evidence_at"]) == ("activity", started_at + timedelta(seconds=40))


async def test_old_motion_goes_some_at_a_time(office: Department, clock: ManualClock) -> None:
    await office.on_shift("w-1")
    for _ in range(6):
        clock.advance(1)
        await hear(office, (FIXES, window(office, activity_mg=41)))
    clock.advance(59 * 86_400)
    assert not await ingest.store.purge(office.connection, clock.now(), 4)
    assert len(await the(office, "motion")) == 6
    clock.advance(2 * 86_400)
    [row] = await office.rows("select exists (select from pg_extension where extname = 'timescaledb') as by_policy")
    if row["by_policy"]:  # which drops whole days: see test_timescaledb
        return
    assert await ingest.store.purge(office.connection, clock.now(), 4)
    assert len(await the(office, "motion")) == 2
    assert not await ingest.store.purge(office.connection, clock.now(), 4)
    assert await the(office, "motion") == []


async def test_motion_that_is_to_be_forgotten_at_once_is_not_stored(office: Department, clock: ManualClock) -> None:
    await office.on_shift("w-1")
    await office.rows("update shift set started_at = timestamptz '1970-01-01' returning id")
    old = window(office, activity_mg=41) | {"sent_at": (clock.now() - timedelta(days=61)).isoformat()}
    await hear(office, (FIXES, old | {"buffered": True}))
    assert await the(office, "motion") == []
