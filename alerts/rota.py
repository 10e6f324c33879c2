"""A calendar (RFC 5545) read as on-call duty. Pure.

An event is a duty: who is on call are its ATTENDEEs by their e-mail address, else the SUMMARY names a contact. What has
no zone is meant as Paris, and a whole day lasts from midnight to midnight there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import recurring_ical_events
from icalendar import Calendar, Event

from alerts.model import PARIS, Contact
from gyrophare.kernel.errors import GyrophareError
from gyrophare.kernel.ids import ContactId

SIZE_MAX_BYTES = 5_000_000
DURATION_MAX = timedelta(days=15)
_TEXT_MAX = 200
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})


class RotaError(GyrophareError):
    """A calendar that cannot be used; the text says why, and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Somebody is on call in a role, from `starts_at` on, before `ends_at`."""

    role: str
    contact_id: ContactId
    starts_at: datetime
    ends_at: datetime
    uid: str | None = None
    """What a calendar calls it; None: somebody said it at the keyboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDuty(Duty):
    """One of the table."""

    id: int


def read(text: bytes, role: str, contacts: Sequence[Contact], from_at: datetime, until_at: datetime) -> list[Duty]:
    """The duties that end after `from_at` and start before `until_at`.

    Raise RotaError for the first event that names nobody we can call, or cannot be read: a rota with a hole that nobody
    noticed is worse than none.
    """
    if len(text) > SIZE_MAX_BYTES:
        raise RotaError(f"The calendar has {len(text)} bytes; expected at most {SIZE_MAX_BYTES}. Export less of it.")
    try:
        calendar = Calendar.from_ical(text)
        events = list(calendar.events)
        for event in events:
            _refuse_too_often(event.get("RRULE"))
        found = recurring_ical_events.of(calendar).between(from_at - DURATION_MAX, until_at)
    except (ValueError, OverflowError, TypeError, AttributeError, KeyError) as error:
        said = str(error)[:_TEXT_MAX]
        raise RotaError(f"This is no calendar that can be read: {said}. Expected an iCalendar file (.ics).") from None
    duties = [duty for event in found for duty in _duties(event, role, contacts)]
    return sorted(
        (duty for duty in duties if duty.ends_at > from_at and duty.starts_at < until_at),
        key=lambda duty: (duty.starts_at, duty.contact_id),
    )


def _refuse_too_often(rule: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]] | None) -> None:
    """A rule that fires each second is no rota, and would take an hour to follow."""
    for one in [] if rule is None else [rule] if isinstance(rule, Mapping) else rule:
        if _TOO_OFTEN & set(one.get("FREQ", ())) or "BYSECOND" in one or "BYMINUTE" in one:
            raise ValueError("an event recurs within a day; expected daily at most")


def _duties(event: Event, role: str, contacts: Sequence[Contact]) -> list[Duty]:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return []
    summary = " ".join(str(event.get("SUMMARY", "")).split())[:_TEXT_MAX]
    starts_at, ends_at = _instant(event.start), _instant(event.end)
    lasts = ends_at - starts_at
    if not timedelta(0) < lasts <= DURATION_MAX:
        raise RotaError(f"{summary!r} lasts {lasts}; expected more than nothing, {DURATION_MAX.days} days at most")
    attendees = event.get("ATTENDEE", [])
    addresses = [str(one) for one in (attendees if isinstance(attendees, list) else [attendees])]
    wanted = [re.sub(r"(?i)^mailto:", "", address) for address in addresses] or [summary]
    found = []
    for who in wanted:
        named = [one for one in contacts if who.casefold() in (one.name.casefold(), (one.email or "").casefold())]
        if not named or not who:
            day = f"{starts_at.astimezone(PARIS):%Y-%m-%d}"
            raise RotaError(f"{who or 'nobody'!r} on {day} is no contact; see `gyrophare contacts list`")
        found.append(named[0].id)
    uid = str(event.get("UID", ""))
    return [Duty(role=role, contact_id=one, starts_at=starts_at, ends_at=ends_at, uid=uid) for one in found]


def _instant(at: date) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time(0), PARIS)
    return (at if at.tzinfo is not None else at.replace(tzinfo=PARIS)).astimezone(UTC)


def gaps(duties: Sequence[Duty], from_at: datetime, until_at: datetime) -> list[tuple[datetime, datetime]]:
    """When nobody of `duties`, all of one role, is on call."""
    found = []
    covered_until = from_at
    for duty in sorted(duties, key=lambda one: one.starts_at):
        if duty.starts_at > covered_until:
            found.append((covered_until, min(duty.starts_at, until_at)))
        covered_until = max(covered_until, duty.ends_at)
        if covered_until >= until_at:
            return found
    return [*found, (covered_until, until_at)]
