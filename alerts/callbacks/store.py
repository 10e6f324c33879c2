"""The tables of what comes back: provider_callback, callback_audit, and what a provider says on `notification`.

In the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerts.callbacks.status import FINAL, StatusSaid
from gyrophare.kernel.ids import AlertId, ContactId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)
REPLY = "(reply)"
"""Stands for the status of an answer of a contact, as `(key 1)` does; no word of a provider has brackets."""


class Verdict(StrEnum):
    """What was made of a callback."""

    NEW = "new"
    UNKNOWN = "unknown"
    """No message of ours has this id, or not yet."""
    APPLIED = "applied"
    NOTHING_NEW = "nothing_new"
    NOT_UNDERSTOOD = "not_understood"
    NOT_A_CONTACT = "not_a_contact"
    NOT_TOLD = "not_told"
    ACKNOWLEDGING = "acknowledging"
    ACKNOWLEDGED = "acknowledged"
    TOO_LATE = "too_late"
    """The alert was taken before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A callback in the table, locked until the transaction ends."""

    id: int
    verdict: Verdict
    chosen: Chosen | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The alert that an answer takes, and for whom."""

    alert_id: AlertId
    contact_id: ContactId


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedNotification:
    """A message of ours, locked until the transaction ends."""

    id: int
    alert_id: AlertId
    step: int | None
    state: str
    provider_status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A kind of request that changed nothing."""

    minute_at: datetime
    route: str
    reason: str


async def note(
    connection: Connection, channel: str, provider_id: str, status: str, error_code: str | None, now: datetime
) -> Noted:
    """Store what was said, or count that it was said again."""
    parameters = {
        "channel": channel,
        "provider_id": provider_id,
        "status": status,
        "error_code": error_code,
        "now": now,
    }
    [row] = await (await connection.execute(QUERIES["note_callback"], parameters)).fetchall()
    chosen = None
    if row["alert_id"] is not None:
        chosen = Chosen(alert_id=AlertId(row["alert_id"]), contact_id=ContactId(row["contact_id"]))
    return Noted(id=row["id"], verdict=Verdict(row["verdict"]), chosen=chosen)


async def settle(connection: Connection, callback_id: int, verdict: Verdict) -> None:
    await connection.execute(QUERIES["settle_callback"], {"id": callback_id, "verdict": verdict})


async def lock_notifications(connection: Connection, channel: str, provider_id: str) -> list[LockedNotification]:
    """What went in the message that the provider knows by this id; nothing when we know of none."""
    parameters = {"channel": channel, "provider_id": provider_id}
    rows = await (await connection.execute(QUERIES["lock_notifications"], parameters)).fetchall()
    return [LockedNotification(**row) for row in rows]


async def adopt(connection: Connection, channel: str, provider_id: str, notification_id: int, now: datetime) -> None:
    """The provider knows that message of ours by this id, if none is known yet."""
    parameters = {"id": notification_id, "channel": channel, "provider_id": provider_id, "now": now}
    await connection.execute(QUERIES["adopt"], parameters)


async def set_status(
    connection: Connection,
    notification: LockedNotification,
    status: str,
    error_code: str | None,
    now: datetime,
    *,
    fails: bool,
) -> None:
    """Write what the provider says; `fails`: it never arrives, and the next step of its alert is due now."""
    parameters = {
        "id": notification.id,
        "alert_id": notification.alert_id,
        "status": status,
        "error_code": error_code,
        "final": status in FINAL,
        "fails": fails,
        "now": now,
    }
    await connection.execute(QUERIES["set_status"], parameters)
    await connection.execute(QUERIES["touch_alert"], parameters)


async def set_unknown(connection: Connection, notification: LockedNotification, now: datetime) -> bool:
    """Nobody knows what became of it, and nobody asks any more; False: it has become known."""
    parameters = {"id": notification.id, "alert_id": notification.alert_id, "fails": False, "now": now}
    if (await connection.execute(QUERIES["set_unknown"], parameters)).rowcount == 0:
        return False
    await connection.execute(QUERIES["touch_alert"], parameters)
    return True


async def find_strays(connection: Connection, since: datetime, most: int) -> dict[int, StatusSaid]:
    """Statuses that nobody has matched with their messages yet, by the ids of their callbacks."""
    rows = await (await connection.execute(QUERIES["find_strays"], {"since": since, "most": most})).fetchall()
    return {
        row["id"]: StatusSaid(
            channel=row["channel"],
            provider_id=row["provider_id"],
            status=row["status"],
            error_code=row["error_code"],
        )
        for row in rows
    }


async def find_taken(connection: Connection, since: datetime, until: datetime, most: int) -> dict[int, Chosen]:
    """Alerts that an answer has chosen and nobody has taken, by the ids of their callbacks."""
    parameters = {"since": since, "until": until, "most": most}
    rows = await (await connection.execute(QUERIES["find_taken"], parameters)).fetchall()
    return {row["id"]: Chosen(alert_id=row["alert_id"], contact_id=row["contact_id"]) for row in rows}


async def claim_unheard(
    connection: Connection, channel: str, first_after_s: float, now: datetime, most: int
) -> dict[str, int]:
    """Messages of which the provider has said nothing final in time, ours to ask about: its ids, and the how-manieth
    time it is. `first_after_s` is the time from sending to the first ask; each further one waits twice as long.
    """
    parameters = {"channel": channel, "first_after_s": first_after_s, "now": now, "most": most}
    rows = await (await connection.execute(QUERIES["claim_unheard"], parameters)).fetchall()
    asks: dict[str, int] = {}
    for row in rows:  # one message may tell of several alerts
        asks[row["provider_id"]] = max(asks.get(row["provider_id"], 0), row["provider_asks"])
    return asks


async def is_contact(connection: Connection, phone_e164: str) -> bool:
    row = await (await connection.execute(QUERIES["is_contact"], {"phone_e164": phone_e164})).fetchone()
    return row is not None and bool(row["known"])


async def find_told(connection: Connection, channel: str, phone_e164: str, alert_id: AlertId | None) -> Chosen | None:
    """The alert of that number, or the one that the contact of `phone_e164` was told of last; one that is open first.

    None too where the last message told of others as well: which one is meant must be said.
    """
    parameters = {"channel": channel, "phone_e164": phone_e164, "alert_id": alert_id}
    row = await (await connection.execute(QUERIES["find_told"], parameters)).fetchone()
    if row is None or (alert_id is None and row["among_others"]):
        return None
    return Chosen(alert_id=row["alert_id"], contact_id=row["contact_id"])


async def find_called(connection: Connection, channel: str, notification_id: int) -> Chosen | None:
    """The alert that somebody was told of by that call, and who it was."""
    parameters = {"channel": channel, "id": notification_id}
    row = await (await connection.execute(QUERIES["find_called"], parameters)).fetchone()
    return None if row is None else Chosen(**row)


async def choose_alert(connection: Connection, callback_id: int, chosen: Chosen) -> None:
    """The answer takes this alert, now and whenever it is heard again."""
    parameters = {"id": callback_id, "alert_id": chosen.alert_id, "contact_id": chosen.contact_id}
    await connection.execute(QUERIES["choose_alert"], parameters)


async def count_refused(connection: Connection, refused: Mapping[Refused, int]) -> None:
    """Add to how often each was refused."""
    parameters = {
        "minute_at": [one.minute_at for one in refused],
        "route": [one.route for one in refused],
        "reason": [one.reason for one in refused],
        "times": list(refused.values()),
    }
    await connection.execute(QUERIES["count_refused"], parameters)


async def purge_audit(connection: Connection, before: datetime) -> None:
    """Forget what was refused before that."""
    await connection.execute(QUERIES["purge_audit"], {"before": before})
