"""A dispatcher takes an alert: the first one wins, the escalation stops, the wearer hears that somebody is coming."""

from __future__ import annotations

from enum import StrEnum

import alerts.store
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.platform.db import Pool


class Taken(StrEnum):
    """How it ended."""

    YES = "yes"
    ALREADY = "already"
    UNKNOWN = "unknown"


async def acknowledge(pool: Pool, clock: Clock, alert_id: AlertId, account_id: AccountId) -> Taken:
    """Take the alert in the name of `account_id`."""
    async with pool.connection() as connection, connection.transaction():
        alert = await alerts.store.lock_alert(connection, alert_id)
        if alert is None:
            return Taken.UNKNOWN
        if alert.state != "triggered":
            return Taken.ALREADY
        await alerts.store.acknowledge(connection, alert, account_id, clock.now())
        return Taken.YES


async def present(pool: Pool, clock: Clock, alert_id: AlertId, account_id: AccountId) -> None:
    """A dispatcher's screen has shown the alert."""
    async with pool.connection() as connection, connection.transaction():
        await alerts.store.present(connection, alert_id, account_id, clock.now())
