"""A calendar (RFC 5545) read as planned shifts. Pure.

An event is a shift: its agents are X-AGENT, else the ATTENDEEs, else what stands before the colon of "Agent: mission"
in the SUMMARY; its profile is the first of CATEGORIES. Times are the calendar's wall clock: a night in which summer
time begins is an hour shorter. What has no zone is meant as Paris.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from gyrophare.kernel.errors import GyrophareError

PARIS = ZoneInfo("Europe/Paris")
SIZE_MAX_BYTES = 5_000_000
DURATION_MAX = timedelta(hours=24)
_TEXT_MAX = 200
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_STARTS_A_DAY_MAX = 4
_NEEDED = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})


class PlanError(GyrophareError):
    """A file is no calendar."""


class _UnfitError(Exception):
    """Why an event is no shift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One shift of one agent, as the calendar names it: by name or e-mail address.

    `uid` and `occurrence` are what the event is known by; `occurrence` is empty where it stands alone.
    """

    uid: str
    occurrence: str
    starts_at: datetime
    ends_at: datetime
    agent: str
    mission: str | None
    profile_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An event that is no shift, and why not."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a calendar says; `uids` are the events that were understood, the cancelled ones too."""

    shifts: Sequence[Planned]
    uids: frozenset[str]
    refused: Sequence[Refused]


def read(text: bytes, from_at: datetime, until_at: datetime) -> Plan:
    """The shifts that end after `from_at` and start before `until_at`. Raise PlanError when `text` is no calendar."""
    if len(text) > SIZE_MAX_BYTES:
        raise PlanError(f"The calendar has {len(text)} bytes; expected at most {SIZE_MAX_BYTES}. Export less of it.")
    try:
        calendar = Calendar.from_ical(text)
    except ValueError as error:
        raise PlanError(f"This is no calendar: {str(error)[:_TEXT_MAX]}. Expected an iCalendar file (.ics).") from None
    called_off = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    by_uid: dict[str, list[Event]] = defaultdict(list)
    for event in calendar.events:
        by_uid[str(event.get("UID", ""))].append(event)
    shifts: list[Planned] = []
    refused: list[Refused] = []
    understood: set[str] = set()
    for uid, events in by_uid.items():
        try:
            shifts += [] if called_off else _shifts(uid, events, from_at, until_at)
            understood.add(uid)
        except _UnfitError as error:
            refused.append(Refused(what=_text(events[0].get("SUMMARY")) or uid or "an event", why=str(error)))
    return Plan(shifts=sorted(shifts, key=_in_turn), uids=frozenset(understood), refused=refused)


def _in_turn(planned: Planned) -> tuple[datetime, str, str]:
    return planned.starts_at, planned.agent, planned.uid


def _shifts(uid: str, events: Sequence[Event], from_at: datetime, until_at: datetime) -> list[Planned]:
    """What the events of one UID amount to: a series with its exceptions, or an event that stands alone."""
    if not uid:
        raise _UnfitError("it has no UID, so importing it again would double it; expected one")
    series = len(events) > 1
    for event in events:
        for name, why in event.errors:
            if name in _NEEDED:
                raise _UnfitError(f"{name} cannot be read: {why}")
        _refuse_backwards(event)
        series = series or any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))
        _refuse_too_often(event.get("RRULE"))
    alone = Calendar()
    for event in events:
        alone.add_component(event)
    try:
        found = recurring_ical_events.of(alone).between(from_at - DURATION_MAX, until_at)
    except (ValueError, OverflowError) as error:
        raise _UnfitError(f"its recurrence cannot be read: {str(error)[:_TEXT_MAX]}") from None
    shifts = [planned for event in found for planned in _planned(uid, event, series=series)]
    return [planned for planned in shifts if planned.ends_at > from_at and planned.starts_at < until_at]


def _refuse_backwards(event: Event) -> None:
    """Of a start and an end in the wrong order the library makes a shift of its own."""
    if "DTSTART" not in event:
        raise _UnfitError("it has no start; expected DTSTART")
    if "DTEND" in event and _instant(event.decoded("DTEND")) <= _instant(event.decoded("DTSTART")):
        raise _UnfitError("it has no end after its start; expected DTEND or DURATION")


def _refuse_too_often(rule: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]] | None) -> None:
    """A rule that fires each second is no plan, and would take an hour to follow."""
    rules = [] if rule is None else [rule] if isinstance(rule, Mapping) else rule
    for one in rules:
        starts_a_day = len(one.get("BYHOUR", "1")) * len(one.get("BYMINUTE", "1")) * len(one.get("BYSECOND", "1"))
        if _TOO_OFTEN & set(one.get("FREQ", ())) or starts_a_day > _STARTS_A_DAY_MAX:
            raise _UnfitError(f"it recurs too often; expected at most {_STARTS_A_DAY_MAX} starts a day")


def _planned(uid: str, event: Event, *, series: bool) -> Iterator[Planned]:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    starts_at, ends_at = _instant(event.start), _instant(event.end)
    if ends_at <= starts_at:
        raise _UnfitError("it has no end after its start; expected DTEND or DURATION")
    if ends_at - starts_at > DURATION_MAX:
        raise _UnfitError("it is longer than a day; expected a shift of 24 h at most")
    agents, mission = _agents(event)
    for agent in agents:
        yield Planned(
            uid=uid,
            occurrence=_instant(event.decoded("RECURRENCE-ID")).isoformat() if series else "",
            starts_at=starts_at,
            ends_at=ends_at,
            agent=agent,
            mission=mission,
            profile_name=_text(next(iter(event.categories), None)),
        )


def _instant(at: object) -> datetime:
    if not isinstance(at, datetime):
        raise _UnfitError("it takes the whole day, so nobody knows when the agent is to be protected; expected hours")
    return (at if at.tzinfo is not None else at.replace(tzinfo=PARIS)).astimezone(UTC)


def _agents(event: Event) -> tuple[list[str], str | None]:
    """Who it is for, and the mission."""
    summary = _text(event.get("SUMMARY"))
    named = _text(event.get("X-AGENT"))
    if named:
        return [named], summary
    attendees = event.get("ATTENDEE", [])
    addresses = [_text(one) or "" for one in (attendees if isinstance(attendees, list) else [attendees])]
    if addresses:
        return sorted({re.sub(r"(?i)^mailto:", "", address) for address in addresses}), summary
    agent, colon, mission = (summary or "").partition(":")
    if not colon or not agent.strip():
        raise _UnfitError("it names no agent; expected X-AGENT, ATTENDEE or a SUMMARY as 'Agent: mission'")
    return [agent.strip()], mission.strip() or None


def _text(said: object) -> str | None:
    """A line of text, shortened; None when there is none."""
    text = " ".join(str(said).split()) if said is not None else ""
    return text[:_TEXT_MAX] or None
