"""An alert with a history, and a walk along its chain."""

from __future__ import annotations

from typing import LiteralString

from alerts.audit import store
from alerts.audit.walk import Walk
from gyrophare.flows import escalation_tick
from gyrophare.flows.alert_desk import AlertDesk
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.platform.db import Connection, Pool, connect
from tests.department import Department, OneConnection

EVENTS: LiteralString = """
insert into alert_event (alert_id, at, kind, detail)
select %(alert_id)s, %(now)s, 'repeated', '{"rank": 1}' from generate_series(1, %(count)s) returning id
"""


async def one_alert(office: Department, pool: Pool) -> AlertId:
    """An agent who has not moved for three minutes; a dispatcher takes the alert."""
    await office.with_contacts("+33600000001")
    await office.on_shift("w-1", agent="Zoé")
    office.clock.advance(180)
    await escalation_tick.tick(pool, office.clock, "test")
    [alert] = await office.rows("select id from alert")
    await AlertDesk(pool, office.clock).acknowledge(alert["id"], AccountId(1))
    return AlertId(alert["id"])


async def raised(url: str, clock: ManualClock) -> AlertId:
    """One alert with its events, committed."""
    async with await connect(url) as connection:
        return await one_alert(Department(connection, None, clock), OneConnection.pool(connection))


async def walked(connection: Connection, *anchors: bytes) -> Walk:
    begin, _ = await store.read_ends(connection)
    walk = Walk(begin, anchors)
    async for _ in store.follow(connection, walk):
        pass
    return walk
