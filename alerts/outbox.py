"""The table notification: who is to be told what, by which way. Written in the transaction that decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts import spoken, wording
from alerts.documents import Occasion, Told
from alerts.escalation import Plan
from alerts.model import AlertFacts, Cause, Contact, Escalation, Step, urgency
from alerts.policy import TARGETED, applies
from alerts.policy_store import SMS_REPLIES, find_carried, find_contacts, find_on_duty
from gyrophare.kernel.ids import AlertId, ContactId, OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A notification to be written. Its repr holds no address and no text."""

    alert_id: AlertId
    occasion: Occasion
    step: int | None
    channel: str
    contact_id: ContactId | None
    address: str = field(repr=False)
    text: str = field(repr=False)
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What became of steps that were due."""

    nobody: Sequence[tuple[AlertId, int, Step]]
    """These name somebody who does not exist, or has no such address."""
    outside: Sequence[tuple[AlertId, int, Step]]
    """These are not of this day or hour."""
    in_vain: frozenset[AlertId]
    """Of these alerts nobody but the console was told now."""


async def queue_steps(connection: Connection, planned: Sequence[tuple[Escalation, Plan]], now: datetime) -> Steps:
    """Queue what the due steps tell, each to whom it names."""
    organisations = {alert.organisation_id for alert, _ in planned}
    contacts = await find_contacts(connection, organisations)
    on_duty = await find_on_duty(connection, organisations, now)
    answerable = SMS_REPLIES in await find_carried(connection, now)
    queued: list[Queued] = []
    nobody: list[tuple[AlertId, int, Step]] = []
    outside: list[tuple[AlertId, int, Step]] = []
    for alert, due in planned:
        for number, step in due.due:
            if not applies(step, now):
                outside.append((alert.alert_id, number, step))
                continue
            found = _recipients(step, contacts.get(alert.organisation_id, ()), on_duty, alert.organisation_id)
            if not found:
                nobody.append((alert.alert_id, number, step))
            text = _alarm(alert, number, step.channel, answerable=answerable)
            queued += [
                Queued(
                    alert_id=alert.alert_id,
                    occasion=Occasion.RAISED,
                    step=number,
                    channel=step.channel,
                    contact_id=contact_id,
                    address=address,
                    text=text,
                    priority=urgency(alert.priority, told_before=_told_before(alert, number)),
                )
                for contact_id, address in found
            ]
    await queue(connection, queued, now)
    told = {one.alert_id for one in queued if one.channel != "console"}
    in_vain = frozenset(alert_id for alert_id, _, _ in [*nobody, *outside] if alert_id not in told)
    return Steps(nobody=nobody, outside=outside, in_vain=in_vain)


async def follow_ups(
    connection: Connection,
    alert: AlertFacts,
    occasion: Occasion,
    text: str | None,
    now: datetime,
    *,
    by: str | None = None,
    cause: Cause | None = None,
) -> list[Queued]:
    """What those who were called are to learn of what became of it: they may be on their way.

    `text` None: only machines are told. Nobody is called for it: a telephone that rings means an alarm.
    """
    parameters = {"alert_id": alert.alert_id}
    rows = await (await connection.execute(QUERIES["find_told"], parameters)).fetchall()
    turns = await (await connection.execute(QUERIES["find_turns"], parameters)).fetchall() if rows else []
    earlier = [Told(occasion=Occasion(row["kind"]), at=row["at"]) for row in turns]
    document = wording.document(alert, occasion, now, by=by, cause=cause, earlier=earlier)
    return [
        follow_up(alert, occasion, row["channel"], row["contact_id"], row["address"], said)
        for row in rows
        if row["channel"] != "voice" and (said := document if row["channel"] in TARGETED else text) is not None
    ]


def follow_up(
    alert: AlertFacts, occasion: Occasion, channel: str, contact_id: ContactId | None, address: str, text: str
) -> Queued:
    """What is no step of the policy."""
    return Queued(
        alert_id=alert.alert_id,
        occasion=occasion,
        step=None,
        channel=channel,
        contact_id=contact_id,
        address=address,
        text=text,
        priority=urgency(alert.priority, told_before=True),
    )


async def queue(connection: Connection, queued: Sequence[Queued], now: datetime) -> None:
    """Write them, due at once."""
    if not queued:
        return
    parameters = {
        "alert_ids": [one.alert_id for one in queued],
        "occasions": [str(one.occasion) for one in queued],
        "steps": [one.step for one in queued],
        "channels": [one.channel for one in queued],
        "contact_ids": [one.contact_id for one in queued],
        "addresses": [one.address for one in queued],
        "texts": [one.text for one in queued],
        "priorities": [one.priority for one in queued],
        "now": now,
    }
    await connection.execute(QUERIES["queue_notifications"], parameters)


def _told_before(alert: Escalation, number: int) -> bool:
    """Whether a step before that one tells somebody who does not watch the console."""
    return number >= len(alert.policy) or any(step.channel != "console" for step in alert.policy[:number])


def _alarm(alert: AlertFacts, step: int, channel: str, *, answerable: bool) -> str:
    """The alarm in the words of that channel; `answerable`: what is answered by SMS is heard."""
    if channel in TARGETED:
        return wording.document(alert, Occasion.RAISED, alert.raised_at)
    if channel == "voice":
        return spoken.alarm(alert)
    return wording.sms(alert, step, answerable=answerable and channel == "sms")


def _recipients(
    step: Step,
    contacts: Sequence[Contact],
    on_duty: Mapping[tuple[OrganisationId, str], Sequence[ContactId]],
    organisation_id: OrganisationId,
) -> list[tuple[ContactId | None, str]]:
    """Who is told and where; empty: nobody."""
    kind, _, name = step.to.partition(" ")
    if kind == "console":  # whoever watches it
        return [(None, "")]
    if kind == "target":
        return [(None, name)]
    called = on_duty.get((organisation_id, name), ()) if kind == "duty" else ()
    found: list[tuple[ContactId | None, str]] = []
    for contact in contacts:
        meant = {"rank": str(contact.rank) == name, "person": contact.name == name, "duty": contact.id in called}
        address = contact.address(step.channel)
        if meant[kind] and address is not None:
            found.append((contact.id, address))
    return found
