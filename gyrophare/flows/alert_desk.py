"""What people do with an alert: see it, take it, write down what they learn, end it. The first one wins.

Whoever takes an alert stops the escalation, but only for a time: without any action it goes on. It is ended by a person
who says what it was, and where a life may have been at stake only when somebody has spoken to the wearer, or seen him.
"""

from __future__ import annotations

from enum import StrEnum

import alerts.store
from alerts.model import NEEDS_REACHED, Cause
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import AccountId, AlertId, ContactId
from gyrophare.platform.db import Pool


class Answer(StrEnum):
    """How it ended."""

    YES = "yes"
    ALREADY = "already"
    NOT_REACHED = "not_reached"
    """Nobody has spoken to the wearer: the alert stays."""
    UNKNOWN = "unknown"


class AlertDesk:
    """What dispatchers may do."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def acknowledge(self, alert_id: AlertId, account_id: AccountId) -> Answer:
        """Take the alert in the name of `account_id`."""
        return await self._take(alert_id, account_id=account_id)

    async def acknowledge_as_contact(self, alert_id: AlertId, contact_id: ContactId) -> bool:
        """Take the alert in the name of a contact who answered; whether it was still to be taken."""
        return await self._take(alert_id, contact_id=contact_id) is Answer.YES

    async def _take(
        self, alert_id: AlertId, *, account_id: AccountId | None = None, contact_id: ContactId | None = None
    ) -> Answer:
        async with self._pool.connection() as connection, connection.transaction():
            alert = await alerts.store.lock_alert(connection, alert_id)
            if alert is None:
                return Answer.UNKNOWN
            if alert.state != "triggered":
                return Answer.ALREADY
            now = self._clock.now()
            await alerts.store.acknowledge(connection, alert, now, account_id=account_id, contact_id=contact_id)
            return Answer.YES

    async def present(self, alert_id: AlertId, account_id: AccountId) -> None:
        """A dispatcher's screen has shown the alert."""
        async with self._pool.connection() as connection, connection.transaction():
            await alerts.store.present(connection, alert_id, account_id, self._clock.now())

    async def note(self, alert_id: AlertId, account_id: AccountId, text: str) -> Answer:
        """Write down what was learnt."""
        async with self._pool.connection() as connection, connection.transaction():
            alert = await alerts.store.lock_alert(connection, alert_id)
            if alert is None:
                return Answer.UNKNOWN
            open_still = await alerts.store.note(connection, alert_id, account_id, text, self._clock.now())
            return Answer.YES if open_still else Answer.ALREADY

    async def close(
        self, alert_id: AlertId, account_id: AccountId, cause: Cause, outcome: str, *, reached: bool
    ) -> Answer:
        """End the alert. Whoever ends one that nobody has taken takes it."""
        async with self._pool.connection() as connection, connection.transaction():
            alert = await alerts.store.lock_alert(connection, alert_id)
            if alert is None:
                return Answer.UNKNOWN
            if alert.state == "closed":
                return Answer.ALREADY
            if alert.kind in NEEDS_REACHED and not reached:
                return Answer.NOT_REACHED
            now = self._clock.now()
            if alert.state == "triggered":
                await alerts.store.acknowledge(connection, alert, now, account_id=account_id)
            await alerts.store.close(connection, alert, account_id, cause, outcome, now, reached=reached)
            return Answer.YES
