"""The tables of alerts: alert, alert_event, policy, contact, engine_tick. Set-based, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import wording
from alerts.escalation import Plan, plan
from alerts.model import AlertKind, Cause, Escalation, NewAlert, Step, priority
from gyrophare.kernel.ids import AccountId, AlertId, ContactId, DeviceId, OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person who can be told; `rank` says who is told first."""

    id: ContactId
    rank: int
    name: str
    phone_e164: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedAlert:
    """An alert, locked until the transaction ends."""

    id: AlertId
    organisation_id: OrganisationId
    device_id: DeviceId | None
    kind: AlertKind
    state: str
    reply_topic: str | None
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Queued:
    """A notification to be written."""

    alert_id: AlertId
    occasion: str
    step: int | None
    channel: str
    contact_id: ContactId | None
    address: str
    text: str
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A watch says that it shows the message of a notification."""

    notification_id: int
    device_id: DeviceId
    at: datetime


async def raise_alerts(connection: Connection, new: Sequence[NewAlert], now: datetime) -> list[AlertId]:
    """Raise those of `new` that nobody has raised yet. Their first step is due at once."""
    if not new:
        return []
    fixes = [alert.fix for alert in new]
    columns = {
        "organisation_id": [alert.organisation_id for alert in new],
        "kind": [str(alert.kind) for alert in new],
        "device_id": [alert.device_id for alert in new],
        "shift_id": [alert.shift_id for alert in new],
        "subject": [alert.subject for alert in new],
        "mission": [alert.mission for alert in new],
        "reply_topic": [alert.reply_topic for alert in new],
        "episode": [alert.episode for alert in new],
        "episode_at": [alert.episode_at for alert in new],
        "triggered_at": [alert.triggered_at for alert in new],
        "received_late_s": [alert.received_late_s for alert in new],
        "heard_after_episode": [alert.heard_after_episode for alert in new],
        "latitude_deg": [fix.position.latitude_deg if fix else None for fix in fixes],
        "longitude_deg": [fix.position.longitude_deg if fix else None for fix in fixes],
        "accuracy_m": [fix.accuracy_m if fix else None for fix in fixes],
        "fixed_at": [fix.fixed_at if fix else None for fix in fixes],
        "vital": [alert.kind.vital for alert in new],
        "priority": [priority(alert.kind, alert.heard_after_episode) for alert in new],
        "detail": [json.dumps(dict(alert.detail), ensure_ascii=False) for alert in new],
        "now": now,
    }
    rows = await (await connection.execute(QUERIES["raise_alerts"], columns)).fetchall()
    raised = [AlertId(row["id"]) for row in rows]
    await record(connection, raised, "raised", now)
    return raised


async def find_triggered(connection: Connection, device_id: DeviceId, kind: AlertKind) -> AlertId | None:
    """The alert of this kind that nobody has taken yet."""
    parameters = {"device_id": device_id, "kind": str(kind)}
    row = await (await connection.execute(QUERIES["find_triggered"], parameters)).fetchone()
    return None if row is None else AlertId(row["id"])


async def record(
    connection: Connection,
    alert_ids: Sequence[AlertId],
    kind: str,
    now: datetime,
    *,
    account_id: AccountId | None = None,
    details: Sequence[dict[str, Any]] | None = None,
) -> None:
    """Write what happened to alerts into their history."""
    if not alert_ids:
        return
    parameters = {
        "alert_ids": list(alert_ids),
        "details": [json.dumps(detail) for detail in details or [{}] * len(alert_ids)],
        "kind": kind,
        "account_id": account_id,
        "now": now,
    }
    await connection.execute(QUERIES["record_events"], parameters)


async def take_due_steps(connection: Connection, now: datetime, most: int) -> int:
    """Turn every due step into notifications, and say when the next step is. Return how many alerts had one due."""
    rows = await (await connection.execute(QUERIES["claim_escalations"], {"now": now, "most": most})).fetchall()
    if not rows:
        return 0
    escalations = [_escalation(row) for row in rows]
    contacts = await _contacts(connection, {alert.organisation_id for alert in escalations})
    plans = [plan(alert.policy, alert.next_step, alert.next_step_at, now) for alert in escalations]
    await _queue_steps(connection, list(zip(escalations, plans, strict=True)), contacts, now)
    await connection.execute(
        QUERIES["advance_escalations"],
        {
            "alert_ids": [alert.alert_id for alert in escalations],
            "next_step": [planned.next_step for planned in plans],
            "next_step_at": [planned.next_step_at for planned in plans],
            "now": now,
        },
    )
    await wake(connection)
    return len(escalations)


async def lock_alert(connection: Connection, alert_id: AlertId) -> LockedAlert | None:
    """The alert, locked; None when there is none of that number."""
    row = await (await connection.execute(QUERIES["lock_alert"], {"alert_id": alert_id})).fetchone()
    if row is None:
        return None
    return LockedAlert(
        id=alert_id,
        organisation_id=OrganisationId(row["organisation_id"]),
        device_id=row["device_id"],
        kind=AlertKind(row["kind"]),
        state=row["state"],
        reply_topic=row["reply_topic"],
        priority=row["priority"],
    )


async def acknowledge(
    connection: Connection,
    alert: LockedAlert,
    now: datetime,
    *,
    account_id: AccountId | None = None,
    contact_id: ContactId | None = None,
) -> None:
    """A dispatcher, or a contact who answered, takes the alert: the escalation stops until it lapses.

    The wearer is told, and so is whoever else was called.

    Not the wearer of a discreet SOS: a watch that lights up or rings would tell whoever must not know.
    """
    who = {"account_id": account_id, "contact_id": contact_id}
    await connection.execute(QUERIES["acknowledge"], {"alert_id": alert.id, "now": now, **who})
    await connection.execute(QUERIES["cancel_notifications"], {"alert_id": alert.id, "now": now})
    detail = {} if contact_id is None else {"contact_id": contact_id}
    await record(connection, [alert.id], "acknowledged", now, account_id=account_id, details=[detail])
    queued = []
    if alert.reply_topic is not None and not await find_discreet(connection, [alert.device_id]):
        text = wording.alarm_acknowledged(alert.id)
        queued.append(_follow_up(alert, "acknowledged", "watch", None, alert.reply_topic, text))
    [person] = await (await connection.execute(QUERIES["find_person"], who)).fetchall()
    text = wording.taken(alert.id, person["name"])
    queued += [one for one in await _tell(connection, alert, "acknowledged", text) if one.contact_id != contact_id]
    await _queue(connection, queued, now)
    await wake(connection)


async def act(connection: Connection, alert_id: AlertId, now: datetime) -> bool:
    """Whoever took the alert does something: it does not lapse yet. Return whether it is open."""
    parameters = {"alert_id": alert_id, "now": now}
    return bool(await (await connection.execute(QUERIES["act"], parameters)).fetchall())


async def act_for_devices(connection: Connection, device_ids: Collection[DeviceId], now: datetime) -> None:
    """Somebody writes to these wearers, or has heard from them: their alerts do not lapse yet."""
    await connection.execute(QUERIES["act_for_devices"], {"device_ids": list(device_ids), "now": now})


async def note(connection: Connection, alert_id: AlertId, account_id: AccountId, text: str, now: datetime) -> bool:
    """Write what a dispatcher says into the alert's history. Return False when it is closed, or none."""
    if not await act(connection, alert_id, now):
        return False
    await record(connection, [alert_id], "note", now, account_id=account_id, details=[{"text": text}])
    await wake(connection)
    return True


async def lapse(connection: Connection, now: datetime, most: int) -> int:
    """Whoever took an alert and did nothing since has not answered: the escalation goes on. Return how many lapsed."""
    rows = await (await connection.execute(QUERIES["lapse"], {"now": now, "most": most})).fetchall()
    if rows:
        details = [{"account_id": row["acknowledged_by"], "contact_id": row["acknowledged_by_contact"]} for row in rows]
        await record(connection, [AlertId(row["id"]) for row in rows], "lapsed", now, details=details)
    return len(rows)


async def close(
    connection: Connection,
    alert: LockedAlert,
    account_id: AccountId,
    cause: Cause,
    outcome: str,
    now: datetime,
    *,
    reached: bool,
) -> None:
    """A human ends the alert and says what it was. `reached`: somebody has spoken to the wearer, or seen him.

    Without it the database refuses to close alerts of NEEDS_REACHED.
    """
    parameters = {
        "alert_id": alert.id,
        "account_id": account_id,
        "cause": str(cause),
        "outcome": outcome or None,
        "reached": reached,
        "now": now,
    }
    await connection.execute(QUERIES["close"], parameters)
    await connection.execute(QUERIES["cancel_notifications"], {"alert_id": alert.id, "now": now})
    detail = {"cause": str(cause), "reached": reached, "outcome": outcome}
    await record(connection, [alert.id], "closed", now, account_id=account_id, details=[detail])
    await _queue(connection, await _tell(connection, alert, "closed", wording.closed(alert.id, cause)), now)
    await wake(connection)


async def present(connection: Connection, alert_id: AlertId, account_id: AccountId, now: datetime) -> None:
    """A dispatcher's screen has shown the alert."""
    parameters = {"alert_id": alert_id, "now": now}
    shown = await (await connection.execute(QUERIES["present"], parameters)).fetchall()
    if shown:
        await record(connection, [alert_id], "presented", now, account_id=account_id)
        await connection.execute(QUERIES["touch_alert"], parameters)
        await wake(connection)


async def note_reached(connection: Connection, reached: Sequence[Reached], now: datetime) -> None:
    """The wearers know that somebody is coming; of another's alert a watch can say nothing."""
    if not reached:
        return
    parameters = {
        "id": [one.notification_id for one in reached],
        "device_id": [one.device_id for one in reached],
        "at": [one.at for one in reached],
        "now": now,
    }
    await connection.execute(QUERIES["note_reached"], parameters)


async def wake(connection: Connection) -> None:
    """Tell the dispatcher and the consoles of every process that something was committed."""
    await connection.execute(QUERIES["wake"])


async def beat(connection: Connection, instance: str, now: datetime, *, hearing: bool = True) -> None:
    """Note that the engine of `instance` is alive, and whether its server hears the broker."""
    await connection.execute(QUERIES["beat"], {"instance": instance, "now": now, "hearing": hearing})


async def find_help(connection: Connection, device_ids: Collection[DeviceId]) -> dict[DeviceId, datetime]:
    """Since when an alert of these devices is open in which somebody may be in danger."""
    rows = await (await connection.execute(QUERIES["find_help"], {"device_ids": list(device_ids)})).fetchall()
    return {DeviceId(row["device_id"]): row["since_at"] for row in rows}


async def find_discreet(connection: Connection, device_ids: Collection[DeviceId | None]) -> set[DeviceId]:
    """Which of these devices have a discreet SOS that is open: a watch that rings would betray its wearer."""
    rows = await (await connection.execute(QUERIES["find_discreet"], {"device_ids": list(device_ids)})).fetchall()
    return {DeviceId(row["device_id"]) for row in rows}


async def annotate(connection: Connection, notes: Sequence[tuple[DeviceId, AlertKind, str]], now: datetime) -> None:
    """Write what a watch has said since into the history of its open alerts of that kind."""
    if not notes:
        return
    parameters = {
        "device_id": [device_id for device_id, _, _ in notes],
        "kind": [str(kind) for _, kind, _ in notes],
        "note": [note for _, _, note in notes],
        "now": now,
    }
    await connection.execute(QUERIES["annotate"], parameters)


async def find_newest_beat(connection: Connection) -> datetime | None:
    """When the engine of any instance was last alive; None: never."""
    row = await (await connection.execute(QUERIES["find_newest_beat"])).fetchone()
    return None if row is None else row["ticked_at"]


async def put_contact(
    connection: Connection, organisation_id: OrganisationId, rank: int, name: str, phone_e164: str
) -> None:
    """Say who is told at `rank`."""
    parameters = {"organisation_id": organisation_id, "rank": rank, "name": name, "phone_e164": phone_e164}
    await connection.execute(QUERIES["insert_contact"], parameters)


async def list_contacts(connection: Connection) -> list[Contact]:
    """Everybody who is told, the first first."""
    rows = await (await connection.execute(QUERIES["list_contacts"])).fetchall()
    return [Contact(**row) for row in rows]


def _escalation(row: dict[str, Any]) -> Escalation:
    return Escalation(
        alert_id=AlertId(row["id"]),
        organisation_id=OrganisationId(row["organisation_id"]),
        kind=AlertKind(row["kind"]),
        priority=row["priority"],
        subject=row["subject"],
        mission=row["mission"],
        episode_at=row["episode_at"],
        received_late_s=row["received_late_s"],
        heard_after_episode=row["heard_after_episode"],
        latitude_deg=row["latitude_deg"],
        longitude_deg=row["longitude_deg"],
        detail=row["detail"],
        policy=tuple(Step.read(step) for step in row["policy"]),
        next_step=row["next_step"],
        next_step_at=row["next_step_at"],
    )


async def _contacts(
    connection: Connection, organisation_ids: Iterable[OrganisationId]
) -> dict[tuple[OrganisationId, int], Contact]:
    parameters = {"organisation_ids": list(organisation_ids)}
    rows = await (await connection.execute(QUERIES["find_contacts"], parameters)).fetchall()
    return {
        (row["organisation_id"], row["rank"]): Contact(
            id=row["id"], rank=row["rank"], name=row["name"], phone_e164=row["phone_e164"]
        )
        for row in rows
    }


async def _queue_steps(
    connection: Connection,
    planned: Sequence[tuple[Escalation, Plan]],
    contacts: dict[tuple[OrganisationId, int], Contact],
    now: datetime,
) -> None:
    queued: list[_Queued] = []
    nobody: list[tuple[AlertId, int]] = []
    for alert, due in planned:
        for number, step in due.due:
            text = wording.sms(alert, number)
            if step.rank is None:  # the console: whoever watches it
                queued.append(_of_step(alert, number, step.channel, None, "", text))
            elif contact := contacts.get((alert.organisation_id, step.rank)):
                queued.append(_of_step(alert, number, step.channel, contact.id, contact.phone_e164, text))
            else:
                nobody.append((alert.alert_id, step.rank))
    await _queue(connection, queued, now)
    details = [{"rank": rank} for _, rank in nobody]
    await record(connection, [alert_id for alert_id, _ in nobody], "step_reaches_nobody", now, details=details)
    # Nobody has taken it, and nobody else will be called: that must be seen.
    last = [alert.alert_id for alert, due in planned if due.next_step_at is None]
    await record(connection, last, "steps_exhausted", now)


def _of_step(
    alert: Escalation, step: int, channel: str, contact_id: ContactId | None, address: str, text: str
) -> _Queued:
    return _Queued(
        alert_id=alert.alert_id,
        occasion="raised",
        step=step,
        channel=channel,
        contact_id=contact_id,
        address=address,
        text=text,
        priority=alert.priority,
    )


def _follow_up(
    alert: LockedAlert, occasion: str, channel: str, contact_id: ContactId | None, address: str, text: str
) -> _Queued:
    return _Queued(
        alert_id=alert.id,
        occasion=occasion,
        step=None,
        channel=channel,
        contact_id=contact_id,
        address=address,
        text=text,
        priority=alert.priority,
    )


async def _tell(connection: Connection, alert: LockedAlert, occasion: str, text: str) -> list[_Queued]:
    """Whoever was called learns what became of it: he may be on his way."""
    rows = await (await connection.execute(QUERIES["find_told"], {"alert_id": alert.id})).fetchall()
    return [_follow_up(alert, occasion, row["channel"], row["contact_id"], row["address"], text) for row in rows]


async def _queue(connection: Connection, queued: Sequence[_Queued], now: datetime) -> None:
    if not queued:
        return
    parameters = {
        "alert_ids": [one.alert_id for one in queued],
        "occasions": [one.occasion for one in queued],
        "steps": [one.step for one in queued],
        "channels": [one.channel for one in queued],
        "contact_ids": [one.contact_id for one in queued],
        "addresses": [one.address for one in queued],
        "texts": [one.text for one in queued],
        "priorities": [one.priority for one in queued],
        "now": now,
    }
    await connection.execute(QUERIES["queue_notifications"], parameters)
