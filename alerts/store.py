"""The tables alert, alert_event and engine_tick; see also outbox.py and policy_store.py. Set-based, in the caller's
transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import outbox, wording
from alerts.documents import Occasion
from alerts.escalation import plan
from alerts.model import AlertFacts, AlertKind, Cause, Escalation, NewAlert, Step, priority, reference
from alerts.nearby import Nearest
from alerts.outbox import Recipient, Why
from gyrophare.kernel.ids import AccountId, AlertId, ContactId, DeviceId, OrganisationId, ShiftId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

log = logging.getLogger(__name__)
QUERIES = sql.load(__file__)

_PASSED = {
    "step_reaches_nobody": {Why.NOBODY, Why.NO_CHANNEL, Why.NO_TARGET},
    "step_outside_its_hours": {Why.OUTSIDE},
    "step_withheld": {Why.WITHHELD},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedAlert(AlertFacts):
    """An alert, locked until the transaction ends."""

    device_id: DeviceId | None
    state: str
    reply_topic: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A watch says that it shows the message of a notification, and with `answer` what its wearer pressed."""

    notification_id: int
    device_id: DeviceId
    at: datetime
    answer: str | None = None


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


async def find_organisations_told(connection: Connection, kind: AlertKind, episode: str) -> set[OrganisationId]:
    """Those for which an alert of no device was raised in that episode."""
    parameters = {"kind": str(kind), "episode": episode}
    rows = await (await connection.execute(QUERIES["find_organisations_told"], parameters)).fetchall()
    return {OrganisationId(row["organisation_id"]) for row in rows}


async def repeat(
    connection: Connection,
    device_id: DeviceId,
    shift_id: ShiftId | None,
    kind: AlertKind,
    detail: Mapping[str, Any],
    now: datetime,
    *,
    taken: bool = False,
) -> bool:
    """The same danger of the same wearer again, before anybody answered: return whether there is such an alert.

    It is seen there, and where all its steps have passed they begin anew. `taken`: one that somebody has taken counts
    as well, and tells nobody.
    """
    parameters = {"device_id": device_id, "shift_id": shift_id, "kind": str(kind), "taken": taken}
    row = await (await connection.execute(QUERIES["find_standing"], parameters)).fetchone()
    if row is None:
        return False
    alert_id = AlertId(row["id"])
    await record(connection, [alert_id], "repeated", now, details=[dict(detail)])
    await connection.execute(QUERIES["touch_repeated"], {"alert_id": alert_id, "now": now})
    await wake(connection)
    return True


async def record(
    connection: Connection,
    alert_ids: Sequence[AlertId],
    kind: str,
    now: datetime,
    *,
    account_id: AccountId | None = None,
    details: Sequence[dict[str, Any]] | None = None,
) -> None:
    """Write what happened to alerts into their history; and into the log, where it may stand and not be committed."""
    if not alert_ids:
        return
    for alert_id in alert_ids:
        log.info("%s: %s", reference(alert_id), kind, extra={"action": kind, "alert_id": alert_id})
    parameters = {
        "alert_ids": list(alert_ids),
        "details": [json.dumps(detail) for detail in details or [{}] * len(alert_ids)],
        "kind": kind,
        "account_id": account_id,
        "now": now,
    }
    await connection.execute(QUERIES["record_events"], parameters)


async def take_due_steps(connection: Connection, now: datetime, most: int, nearest: Nearest) -> int:
    """Turn every due step into notifications, and say when the next step is. Return how many alerts had one due."""
    rows = await (await connection.execute(QUERIES["claim_escalations"], {"now": now, "most": most})).fetchall()
    if not rows:
        return 0
    escalations = [_escalation(row) for row in rows]
    plans = [
        plan(
            alert.policy,
            alert.next_step,
            alert.next_step_at,
            now,
            repeat=alert.repeat,
            repeat_after_s=alert.repeat_after_s,
        )
        for alert in escalations
    ]
    told = await outbox.queue_steps(connection, list(zip(escalations, plans, strict=True)), nearest, now)
    # Nobody has taken it, and nobody else will be called: that must be seen.
    last = [alert.alert_id for alert, due in zip(escalations, plans, strict=True) if due.next_step_at is None]
    await record(connection, last, "steps_exhausted", now)
    for happened, whys in _PASSED.items():
        passed = [one for one in told.passed if one.why in whys]
        details = [one.detail() for one in passed]
        await record(connection, [one.alert_id for one in passed], happened, now, details=details)
    await connection.execute(
        QUERIES["advance_escalations"],
        {
            "alert_ids": [alert.alert_id for alert in escalations],
            "next_step": [due.next_step for due in plans],
            # Whoever could not be told is not waited for; each round begins in its time.
            "next_step_at": [
                now
                if due.next_step_at is not None and alert.alert_id in told.in_vain and due.next_step % len(alert.policy)
                else due.next_step_at
                for alert, due in zip(escalations, plans, strict=True)
            ],
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
        **LockedAlert.columns(row),
        device_id=row["device_id"],
        state=row["state"],
        reply_topic=row["reply_topic"],
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

    The wearer is told, and so is everybody who was called: whoever answered learns which alert he has taken.

    Not the wearer of a discreet SOS: a watch that lights up or rings would tell whoever must not know.
    """
    who = {"account_id": account_id, "contact_id": contact_id}
    [person] = await (await connection.execute(QUERIES["find_person"], who)).fetchall()
    told = await outbox.follow_ups(
        connection, alert, Occasion.ACKNOWLEDGED, wording.taken(alert.alert_id, person["name"]), now, by=person["name"]
    )
    await connection.execute(QUERIES["acknowledge"], {"alert_id": alert.alert_id, "now": now, **who})
    await connection.execute(QUERIES["cancel_notifications"], {"alert_id": alert.alert_id, "now": now})
    detail = {} if contact_id is None else {"contact_id": contact_id}
    await record(connection, [alert.alert_id], "acknowledged", now, account_id=account_id, details=[detail])
    if alert.reply_topic is not None and not await find_discreet(connection, [alert.device_id]):
        text = wording.alarm_acknowledged(alert.alert_id)
        wearer = Recipient(address=alert.reply_topic)
        told.append(outbox.follow_up(alert, Occasion.ACKNOWLEDGED, "watch", wearer, text))
    await outbox.queue(connection, told, now)
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
    queued = []
    for row in rows:
        alert = await lock_alert(connection, AlertId(row["id"]))
        if alert is not None:  # people are told by the steps
            told = await outbox.follow_ups(connection, alert, Occasion.LAPSED, None, now)
            queued += told
    details = [{"account_id": row["acknowledged_by"], "contact_id": row["acknowledged_by_contact"]} for row in rows]
    await record(connection, [AlertId(row["id"]) for row in rows], "lapsed", now, details=details)
    await outbox.queue(connection, queued, now)
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
        "alert_id": alert.alert_id,
        "account_id": account_id,
        "cause": str(cause),
        "outcome": outcome or None,
        "reached": reached,
        "now": now,
    }
    [person] = await (
        await connection.execute(QUERIES["find_person"], {"account_id": account_id, "contact_id": None})
    ).fetchall()
    told = await outbox.follow_ups(
        connection,
        alert,
        Occasion.CLOSED,
        wording.closed(alert.alert_id, cause),
        now,
        by=person["name"],
        cause=cause,
    )
    await connection.execute(QUERIES["close"], parameters)
    await connection.execute(QUERIES["cancel_notifications"], {"alert_id": alert.alert_id, "now": now})
    detail = {"cause": str(cause), "reached": reached, "outcome": outcome}
    await record(connection, [alert.alert_id], "closed", now, account_id=account_id, details=[detail])
    await outbox.queue(connection, told, now)
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
    """The wearers know that somebody is coming, colleagues that somebody is in danger and whether they go.

    A watch can speak of what it was told itself, and of nothing else. That a colleague goes is written into the history
    and stops nothing: nobody has taken the alert.
    """
    if not reached:
        return
    parameters = {
        "id": [one.notification_id for one in reached],
        "device_id": [one.device_id for one in reached],
        "at": [one.at for one in reached],
        "answer": [one.answer for one in reached],
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


async def hush(connection: Connection, device_ids: Collection[DeviceId], now: datetime) -> None:
    """These wearers have pressed a discreet SOS: what waits for their watches never goes, nor a question about them."""
    if device_ids:
        await connection.execute(QUERIES["hush"], {"device_ids": list(device_ids), "now": now})


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


def _escalation(row: dict[str, Any]) -> Escalation:
    return Escalation(
        **Escalation.columns(row),
        policy=tuple(Step.read(step) for step in row["policy"]),
        repeat=row["repeat"],
        repeat_after_s=row["repeat_after_s"],
        next_step=row["next_step"],
        next_step_at=row["next_step_at"],
    )
