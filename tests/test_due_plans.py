"""A hundred thousand watches on shift: a tick touches those that are due, and nothing of the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import pytest

import alerts.store
import lone_worker.store
from gyrophare.platform import sql
from gyrophare.platform.db import Connection, connect
from lone_worker.profiles import DEFAULT, PROFILES
from tests.department import ORGANISATION
from tests.test_query_plans import Plan, explain

WATCHES, DUE = 100_000, 500
NOW = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
FILL: LiteralString = """
with watch as (
    insert into device (organisation_id, kind, wire, wire_name, label, created_at)
    select %(organisation_id)s, 'watch', 'native', 'w-' || number, 'w-' || number, %(now)s
    from generate_series(1, %(watches)s) number
    returning id
), worn as (
    insert into agent (organisation_id, name) select %(organisation_id)s, 'agent ' || id from watch returning id, name
), begun as (
    insert into shift (organisation_id, agent_id, device_id, mission, profile, started_at)
    select %(organisation_id)s, worn.id, watch.id, 'Fauchage', %(profile)s::jsonb, %(now)s - interval '1 hour'
    from worn join watch on worn.name = 'agent ' || watch.id
    returning id, device_id
), seen as (
    insert into device_latest (device_id, heard_at) select id, %(now)s from watch
), told as (
    insert into alert (organisation_id, kind, device_id, subject, episode, episode_at, triggered_at, raised_at, state,
                       policy, changed_at, priority, acknowledged_at, acknowledged_by, closed_at, closed_by, cause,
                       reached)
    select %(organisation_id)s, 'stillness', id, 'somebody', 'old', %(now)s, %(now)s, %(now)s, 'closed',
           '[]', %(now)s, 3, %(now)s, 1, %(now)s, 1, 'false', true
    from watch where id %% 4 = 0
)
insert into watch_state (device_id, shift_id, evidence_at, evidence, stillness_due_at, check_at, heard_at)
-- A few are due, each some seconds after another one.
select device_id, id, %(now)s - interval '20 seconds', 'steps',
       %(now)s + make_interval(secs => (device_id - %(due)s) / 100.0), %(now)s + interval '5 minutes', %(now)s
from begun
"""


@pytest.fixture
async def crowd(database_url: str) -> AsyncIterator[Connection]:
    async with await connect(database_url) as connection, connection.transaction(force_rollback=True):
        await connection.execute(
            FILL,
            {
                "organisation_id": ORGANISATION,
                "watches": WATCHES,
                "now": NOW,
                "due": DUE,
                "profile": PROFILES[DEFAULT].as_json(),
            },
        )
        await connection.execute("analyze")
        yield connection


async def test_tick_touches_the_watches_that_are_due(crowd: Connection) -> None:
    [one] = await (
        await crowd.execute("select array_agg(device_id) as ids from watch_state where due_at <= %s", [NOW])
    ).fetchall()
    ids = one["ids"]
    assert len(ids) == DUE
    for plan in ("custom", "generic"):
        await touches_what_is_due(crowd, ids, plan)


async def touches_what_is_due(crowd: Connection, ids: list[int], plan: str) -> None:
    async def ask(queries: Mapping[str, LiteralString], name: str, **parameters: Any) -> Plan:
        found = await explain(crowd, queries[name], parameters, plan)
        assert [scan for scan in found.scans if scan.kind == "Seq Scan" and scan.rows > DUE] == [], name
        return found

    claimed = await ask(lone_worker.store.QUERIES, "claim_due", now=NOW, most=DUE)
    assert {scan.index for scan in claimed.scans if scan.index is not None} == {"watch_state_due"}
    assert sum(scan.rows for scan in claimed.of({"watch_state"})) <= 2 * DUE
    nothing = await ask(lone_worker.store.QUERIES, "claim_due", now=NOW - timedelta(hours=1), most=DUE)
    assert nothing.buffers <= 10

    for queries, name, parameters in (
        (lone_worker.store.QUERIES, "find_facts", {"device_ids": ids}),
        (lone_worker.store.QUERIES, "lock_states", {"device_ids": sql.array(ids)}),
        (alerts.store.QUERIES, "find_help", {"device_ids": ids}),
    ):
        asked = await ask(queries, name, **parameters)
        assert max(scan.rows for scan in asked.scans) <= 2 * DUE, name
