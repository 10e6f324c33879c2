"""Whether we hear the watches at all: where we do not, their silence says nothing of their wearers. Pure.

One lost broker must be one alarm with everybody shown unprotected, not three hundred alarms; and who was silent before,
or was heard without moving, gets the alarm all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from gyrophare.kernel.values import value
from lone_worker.episode import SILENT_AFTER_S

LOST_AFTER_S = 30
"""A shorter gap is how networks and restarts are."""
CATCH_UP_S = 60
"""After it the watches have so long to be heard again: what they kept comes first."""
_LOOK_AGAIN_S = 10


@value
class Outage:
    """Since when no server heard the broker, or none was running; `until_at` is None while it lasts."""

    since_at: datetime
    until_at: datetime | None = None


def lost(last_heard_at: datetime | None, hearing_since_at: datetime | None, now: datetime) -> Outage | None:
    """The outage there was, or is, given when any server last heard the broker and since when one does now."""
    if last_heard_at is None:
        return None
    until_at = now if hearing_since_at is None else hearing_since_at
    if until_at - last_heard_at <= timedelta(seconds=LOST_AFTER_S):
        return None
    return Outage(since_at=last_heard_at, until_at=hearing_since_at)


def answer_until_at(outages: Iterable[Outage], due_at: datetime, now: datetime) -> datetime | None:
    """Until when what was due at `due_at` waits, as the answer to it may be on its way; None: it does not."""
    ends = (_end(outage, now) for outage in outages if due_at >= outage.since_at)
    return max((until_at for until_at in ends if until_at > now), default=None)


def held_until_at(outages: Iterable[Outage], heard_at: datetime, now: datetime) -> datetime | None:
    """Until when the silence of a watch that was last heard at `heard_at` is ours; None: it is the watch's own."""
    ends = (
        _end(outage, now)
        for outage in outages
        if heard_at >= outage.since_at - timedelta(seconds=SILENT_AFTER_S)  # else it was silent before
        if outage.until_at is None or heard_at <= outage.until_at  # else it was heard since
    )
    return max((until_at for until_at in ends if until_at > now), default=None)


def _end(outage: Outage, now: datetime) -> datetime:
    if outage.until_at is None:
        return now + timedelta(seconds=_LOOK_AGAIN_S)
    return outage.until_at + timedelta(seconds=CATCH_UP_S)
