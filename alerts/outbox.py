"""The table notification: who is to be told what, by which way. Written in the transaction that decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts import nearby, spoken, wording
from alerts.documents import Occasion, Told
from alerts.escalation import Plan
from alerts.model import AlertFacts, Carried, Cause, Colleague, Contact, Escalation, Step, urgency
from alerts.nearby import Nearest
from alerts.policy import NOBODY_SURELY, TARGETED, applies
from alerts.policy_store import find_contacts, find_on_duty
from alerts.reach import SMS_REPLIES, find_carried
from gyrophare.kernel.ids import AlertId, ContactId, DeviceId, OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Where somebody is told; of a colleague also whose watch it is. Its repr says of nobody who or where."""

    address: str = field(repr=False)
    contact_id: ContactId | None = None
    device_id: DeviceId | None = None
    name: str | None = field(default=None, repr=False)
    distance_m: float | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A notification to be written. Its repr holds no address and no text."""

    alert_id: AlertId
    occasion: Occasion
    step: int | None
    channel: str
    to: Recipient
    text: str = field(repr=False)
    priority: int


class Why(StrEnum):
    """Why a step surely tells nobody."""

    NOBODY = "nobody"
    """It names somebody who does not exist, or has no such address."""
    NO_CHANNEL = "no_channel"
    """No server sends by its channel; its messages wait for one that does."""
    NO_TARGET = "no_target"
    """No server knows the target that it names."""
    OUTSIDE = "outside"
    """It is not of this day or hour."""
    WITHHELD = "withheld"
    """It tells colleagues, who may not hear of a discreet SOS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A step that was due and tells nobody now."""

    alert_id: AlertId
    number: int
    step: Step
    why: Why

    def detail(self) -> dict[str, Any]:
        """What the history says of it; why only where whom the step names does not tell."""
        said = {"step": self.number + 1, "channel": self.step.channel, "to": self.step.to}
        return said | ({"why": str(self.why)} if self.why in {Why.NO_CHANNEL, Why.NO_TARGET} else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What became of steps that were due."""

    passed: Sequence[Passed]
    in_vain: frozenset[AlertId]
    """Of these alerts nobody was surely told now."""


async def queue_steps(
    connection: Connection, planned: Sequence[tuple[Escalation, Plan]], nearest: Nearest, now: datetime
) -> Steps:
    """Queue what the due steps tell, each to whom it names."""
    organisations = {alert.organisation_id for alert, _ in planned}
    contacts = await find_contacts(connection, organisations)
    on_duty = await find_on_duty(connection, organisations, now)
    colleagues, discreet = await nearby.find(connection, planned, nearest, now)
    carried = await find_carried(connection, now, or_last=True)
    queued: list[Queued] = []
    passed: list[Passed] = []
    for alert, due in planned:
        for number, step in due.due:
            why = _why_not(step, carried, now, discreet=alert.alert_id in discreet)
            found: list[tuple[Recipient, str]] = []
            if why is None and step.colleagues:
                found = _questions(alert, colleagues.get(alert.alert_id, ())[: step.colleagues], now)
            elif why is None:
                text = _alarm(alert, number, step.channel, answerable=SMS_REPLIES in carried.channels)
                called = _recipients(step, contacts.get(alert.organisation_id, ()), on_duty, alert.organisation_id)
                found = [(one, text) for one in called]
            if why is None and not found:
                why = Why.NOBODY
            elif why is None and not carried.carries(step.channel):
                why = Why.NO_CHANNEL
            if why is not None:
                passed.append(Passed(alert_id=alert.alert_id, number=number, step=step, why=why))
            queued += [
                Queued(
                    alert_id=alert.alert_id,
                    occasion=Occasion.RAISED,
                    step=number,
                    channel=step.channel,
                    to=to,
                    text=text,
                    priority=urgency(alert.priority, told_before=_told_before(alert, number, carried)),
                )
                for to, text in found
            ]
    await queue(connection, queued, now)
    told = {one.alert_id for one in queued if one.channel not in NOBODY_SURELY and carried.carries(one.channel)}
    return Steps(passed=passed, in_vain=frozenset(one.alert_id for one in passed if one.alert_id not in told))


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
    said = {"voice": None, "watch": None if text is None else wording.watch_message(alert.alert_id, text)}
    said |= dict.fromkeys(TARGETED, wording.document(alert, occasion, now, by=by, cause=cause, earlier=earlier))
    return [
        follow_up(alert, occasion, row["channel"], _recipient(row), told)
        for row in rows
        if (told := said.get(row["channel"], text)) is not None
    ]


def follow_up(alert: AlertFacts, occasion: Occasion, channel: str, to: Recipient, text: str) -> Queued:
    """What is no step of the policy."""
    return Queued(
        alert_id=alert.alert_id,
        occasion=occasion,
        step=None,
        channel=channel,
        to=to,
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
        "contact_ids": [one.to.contact_id for one in queued],
        "addresses": [one.to.address for one in queued],
        "device_ids": [one.to.device_id for one in queued],
        "recipients": [one.to.name for one in queued],
        "distances_m": [one.to.distance_m for one in queued],
        "texts": [one.text for one in queued],
        "priorities": [one.priority for one in queued],
        "now": now,
    }
    await connection.execute(QUERIES["queue_notifications"], parameters)


def _why_not(step: Step, carried: Carried, now: datetime, *, discreet: bool) -> Why | None:
    """Why nothing is to be sent for that step; None: something is, if it finds anybody."""
    if not applies(step, now):
        return Why.OUTSIDE
    if step.colleagues and discreet:
        return Why.WITHHELD
    return None if carried.knows(step) else Why.NO_TARGET


def _told_before(alert: Escalation, number: int, carried: Carried) -> bool:
    """Whether a step before that one surely tells somebody."""
    return number >= len(alert.policy) or any(
        step.channel not in NOBODY_SURELY and carried.carries(step.channel) and carried.knows(step)
        for step in alert.policy[:number]
    )


def _alarm(alert: AlertFacts, step: int, channel: str, *, answerable: bool) -> str:
    """The alarm in the words of that channel; `answerable`: what is answered by SMS is heard."""
    if channel in TARGETED:
        return wording.document(alert, Occasion.RAISED, alert.raised_at)
    if channel == "voice":
        return spoken.alarm(alert)
    return wording.sms(alert, step, answerable=answerable and channel == "sms")


def _questions(alert: AlertFacts, colleagues: Sequence[Colleague], now: datetime) -> list[tuple[Recipient, str]]:
    """Each colleague is asked whether he goes, in words of his own: how far it is, and in which direction."""
    return [
        (
            Recipient(address=one.address, device_id=one.device_id, name=one.name, distance_m=round(one.distance_m)),
            wording.nearby(alert, one, now),
        )
        for one in colleagues
    ]


def _recipient(row: Mapping[str, Any]) -> Recipient:
    return Recipient(
        address=row["address"], contact_id=row["contact_id"], device_id=row["device_id"], name=row["recipient"]
    )


def _recipients(
    step: Step,
    contacts: Sequence[Contact],
    on_duty: Mapping[tuple[OrganisationId, str], Sequence[ContactId]],
    organisation_id: OrganisationId,
) -> list[Recipient]:
    """Who is told and where; empty: nobody."""
    kind, _, name = step.to.partition(" ")
    if kind == "console":  # whoever watches it
        return [Recipient(address="")]
    if kind == "target":
        return [Recipient(address=name)]
    called = on_duty.get((organisation_id, name), ()) if kind == "duty" else ()
    found: list[Recipient] = []
    for contact in contacts:
        meant = {"rank": str(contact.rank) == name, "person": contact.name == name, "duty": contact.id in called}
        address = contact.address(step.channel)
        if meant[kind] and address is not None:
            found.append(Recipient(address=address, contact_id=contact.id))
    return found
