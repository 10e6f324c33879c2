"""The look for events without a seal, each second, costs the same however long the history is."""

from __future__ import annotations

from typing import LiteralString

import pytest

from alerts.audit import store
from gyrophare.kernel.clock import ManualClock
from gyrophare.platform.db import Connection
from tests.audited import one_alert
from tests.department import Department, OneConnection
from tests.test_query_plans import explain

LOOK_BACK, EVENTS = 1_000, 50_000
FILL: LiteralString = """
with happened as (
    insert into alert_event (alert_id, at, kind)
    select %(alert_id)s, %(now)s, 'repeated' from generate_series(1, %(count)s) returning id
)
insert into alert_seal (number, event_id, previous, commitment, hash, sealed_at)
select row_number() over (order by id), id, sha256(''), sha256(''), sha256(''), %(now)s from happened
"""


@pytest.fixture
async def long_history(schema_connection: Connection, clock: ManualClock) -> Connection:
    """All of it of one alert: somebody presses SOS again and again."""
    alert_id = await one_alert(Department(schema_connection, None, clock), OneConnection.pool(schema_connection))
    await schema_connection.execute(FILL, {"alert_id": alert_id, "now": clock.now(), "count": EVENTS})
    await schema_connection.execute("analyze alert_event, alert_seal, alert_salt")
    return schema_connection


@pytest.mark.parametrize("schema_connection", ["plain"], indirect=True)
@pytest.mark.parametrize("plan", ["custom", "generic"])
async def test_look_for_unsealed_events_touches_the_newest_alone(long_history: Connection, plan: str) -> None:
    for most in (1, 500):
        parameters = {"look_back": LOOK_BACK, "most": most}
        asked = await explain(long_history, store.QUERIES["find_unsealed"], parameters, plan)
        assert [scan for scan in asked.scans if scan.kind == "Seq Scan"] == []
        assert sum(scan.rows for scan in asked.scans) <= 2 * LOOK_BACK + 10


@pytest.mark.parametrize("schema_connection", ["plain"], indirect=True)
@pytest.mark.parametrize("plan", ["custom", "generic"])
async def test_events_that_are_to_be_sealed_are_read_alone(long_history: Connection, plan: str) -> None:
    """Whether an alert was erased was asked of all its events, for each of them."""
    asked = await explain(long_history, store.QUERIES["read_events"], {"event_ids": list(range(100, 200))}, plan)
    assert sum(scan.rows for scan in asked.of({"alert_event"})) == 100
