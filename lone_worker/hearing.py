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


def held_until_at(outages: Iterable[Outage], heard_at: datetime, now: datetime) -> datetime | None:
    """Until when the silence of a watch that was last heard at `heard_at` is ours; None: it is the watch's own."""
    held = None
    for outage in outages:
        if heard_at < outage.since_at - timedelta(seconds=SILENT_AFTER_S):
            continue  # it was silent before
        if outage.until_at is None:
            until_at = now + timedelta(seconds=_LOOK_AGAIN_S)
        elif heard_at > outage.until_at:
            continue  # heard since
        else:
            until_at = outage.until_at + timedelta(seconds=CATCH_UP_S)
        if until_at > now and (held is None or until_at > held):
            held = until_at
    return held
