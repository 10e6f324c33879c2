"""What the provider says after it took a message or a call: what became of it, and what its receiver answers.

Whatever is said late, twice or in any order ends the same. A message that never arrives is a step that failed: the
next one is due at once.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import psycopg

import alerts.store
from alerts.callbacks import reply as answers
from alerts.callbacks import store
from alerts.callbacks.forms import KeySaid, ReplySaid
from alerts.callbacks.status import NEVER_ARRIVES, StatusSaid, further
from alerts.callbacks.store import Chosen, LockedNotification, Verdict
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import AlertId, ContactId
from gyrophare.platform.db import Connection, Pool

log = logging.getLogger(__name__)

Acknowledge = Callable[[AlertId, ContactId], Awaitable[bool]]
"""Takes an alert in the name of a contact; False: it was taken before."""

_STRAY_FOR = timedelta(days=1)
_TAKING = timedelta(seconds=10)  # longer than an answer takes to be worked on
_AT_ONCE = 100
_TAKES = "1"
_Choice = tuple[Verdict, Chosen | None]
"""The alert that an answer takes, or why it takes none."""


async def status(pool: Pool, clock: Clock, said: StatusSaid) -> Verdict:
    """Store what was said, then apply it; what cannot be applied now, `catch_up` applies later.

    Raise psycopg.Error when it cannot be stored.
    """
    async with pool.connection() as connection:
        noted = await store.note(connection, said.channel, said.provider_id, said.status, said.error_code, clock.now())
    if noted.verdict not in {Verdict.NEW, Verdict.UNKNOWN}:
        return noted.verdict
    try:
        return await _settle(pool, clock, noted.id, said)
    except psycopg.Error as error:  # whose own text may hold the row
        log.warning(
            "A status is stored and not yet applied: %s", type(error).__name__, extra={"action": "provider_said"}
        )
        return Verdict.NEW


async def reply(pool: Pool, clock: Clock, acknowledge: Acknowledge, said: ReplySaid) -> Verdict:
    """Take the alert that the answer means, once however often the provider says it.

    Which alert is stored before it is taken: heard again, the answer never takes a second one. Raise psycopg.Error when
    the database is away.
    """

    async def choose(connection: Connection) -> _Choice:
        return await _choose(connection, said)

    verdict, _ = await _answer(pool, clock, acknowledge, (said.channel, said.provider_id, store.REPLY), choose)
    return verdict


async def key(pool: Pool, clock: Clock, acknowledge: Acknowledge, said: KeySaid) -> tuple[Verdict, AlertId | None]:
    """As `reply`, for a key that was pressed during a call; the alert that the call was about is returned too."""

    async def choose(connection: Connection) -> _Choice:
        await store.adopt(connection, said.channel, said.provider_id, said.notification_id, clock.now())
        if said.key != _TAKES:
            return Verdict.NOT_UNDERSTOOD, None
        called = await store.find_called(connection, said.channel, said.notification_id)
        return (Verdict.NOT_TOLD, None) if called is None else (Verdict.ACKNOWLEDGING, called)

    status = f"(key {said.key})"
    return await _answer(pool, clock, acknowledge, (said.channel, said.provider_id, status), choose)


async def catch_up(pool: Pool, clock: Clock, acknowledge: Acknowledge) -> None:
    """Do what was left: statuses that came before their message's id was stored, answers that were cut short."""
    now = clock.now()
    async with pool.connection() as connection:
        strays = await store.find_strays(connection, now - _STRAY_FOR, _AT_ONCE)
        taken = await store.find_taken(connection, now - _STRAY_FOR, now - _TAKING, _AT_ONCE)
    for callback_id, said in strays.items():
        await _settle(pool, clock, callback_id, said)
    for callback_id, chosen in taken.items():
        await _take(pool, acknowledge, callback_id, chosen)


async def apply(connection: Connection, clock: Clock, said: StatusSaid) -> Verdict:
    """Write what was said on its message, in the caller's transaction; what is no news changes nothing."""
    if said.notification_id is not None:
        await store.adopt(connection, said.channel, said.provider_id, said.notification_id, clock.now())
    told = await store.lock_notifications(connection, said.channel, said.provider_id)
    if not told:
        return Verdict.UNKNOWN
    if any(notification.state == "sending" for notification in told):  # whoever sends it would overwrite it
        return Verdict.NEW
    applied = [await _apply_to(connection, clock, notification, said) for notification in told]
    if not any(applied):
        return Verdict.NOTHING_NEW
    await alerts.store.wake(connection)
    return Verdict.APPLIED


async def _apply_to(connection: Connection, clock: Clock, notification: LockedNotification, said: StatusSaid) -> bool:
    """Whether it is news of that notification."""
    word = further(notification.provider_status, said.status)
    if word is None:
        return False
    now = clock.now()
    fails = word in NEVER_ARRIVES and notification.state == "sent"
    await store.set_status(connection, notification, word, said.error_code, now, fails=fails)
    if fails:
        detail = {"step": notification.step, "status": word, "error_code": said.error_code}
        await alerts.store.record(connection, [notification.alert_id], "delivery_failed", now, details=[detail])
        log.warning(
            "A message of %s never arrives: the next step is due",
            f"A{notification.alert_id}",
            extra={"action": "delivery_failed", "alert_id": notification.alert_id, "error_code": said.error_code},
        )
    return True


async def _settle(pool: Pool, clock: Clock, callback_id: int, said: StatusSaid) -> Verdict:
    async with pool.connection() as connection, connection.transaction():
        verdict = await apply(connection, clock, said)
        await store.settle(connection, callback_id, verdict)
    return verdict


async def _answer(
    pool: Pool,
    clock: Clock,
    acknowledge: Acknowledge,
    fact: tuple[str, str, str],
    choose: Callable[[Connection], Awaitable[_Choice]],
) -> tuple[Verdict, AlertId | None]:
    """Store the fact of that channel, provider's id and status; then take the alert that it was found to mean."""
    async with pool.connection() as connection, connection.transaction():
        noted = await store.note(connection, *fact, None, clock.now())
        verdict, chosen = noted.verdict, noted.chosen
        if verdict is Verdict.NEW:
            verdict, chosen = await choose(connection)
            if chosen is None:
                await store.settle(connection, noted.id, verdict)
            else:
                await store.choose_alert(connection, noted.id, chosen)
    if verdict is Verdict.ACKNOWLEDGING and chosen is not None:
        verdict = await _take(pool, acknowledge, noted.id, chosen)
    return verdict, None if chosen is None else chosen.alert_id


async def _choose(connection: Connection, said: ReplySaid) -> _Choice:
    if not await store.is_contact(connection, said.from_e164):
        return Verdict.NOT_A_CONTACT, None
    meant = answers.read(said.text)
    if meant is None:
        return Verdict.NOT_UNDERSTOOD, None
    chosen = await store.find_told(connection, said.channel, said.from_e164, meant.alert_id)
    return (Verdict.NOT_TOLD, None) if chosen is None else (Verdict.ACKNOWLEDGING, chosen)


async def _take(pool: Pool, acknowledge: Acknowledge, callback_id: int, chosen: Chosen) -> Verdict:
    taken = await acknowledge(chosen.alert_id, chosen.contact_id)
    verdict = Verdict.ACKNOWLEDGED if taken else Verdict.TOO_LATE
    async with pool.connection() as connection:
        await store.settle(connection, callback_id, verdict)
    log.info(
        "An answer takes A%s: %s", chosen.alert_id, verdict, extra={"action": "reply", "alert_id": chosen.alert_id}
    )
    return verdict
