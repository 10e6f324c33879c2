"""How far a device's clock is off: a running median of received minus sent over its last live messages. Pure.

A late message looks like a slow clock. They are told apart by what goes on meanwhile: on a slow clock as much time
passes as on ours and the difference stands still; a backlog comes faster than it was written and the difference
shrinks. Taken for a slow clock, a backlog would make old movement look like movement now, and so postpone an alarm: in
doubt the clock is right. A delay that stands still for five messages cannot be told from a slow clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

SKEW_MAX_S = 30.0  # up to here a clock is right
SAMPLES = 5
AGREE_S = 3.0  # as near must the three middle ones of five be
_BACKLOG = 0.9  # what was written in this part of the time it took to come, or more, is live
_GRAIN_S = 5.0  # a correction that trembled with the network would store a message that comes twice twice


def note(
    skews_s: tuple[float, ...],
    received_at: datetime,
    sent_at: datetime,
    heard_before_at: datetime | None,
    sent_before_at: datetime | None,
) -> tuple[float, ...]:
    """The samples with that of a message which says it was not buffered; empty while the clock is right."""
    skew_s = (received_at - sent_at).total_seconds()
    if not skews_s and -SKEW_MAX_S <= skew_s <= SKEW_MAX_S:
        return skews_s
    if heard_before_at is None or sent_before_at is None:
        return skews_s
    ours_s = (received_at - heard_before_at).total_seconds()
    its_s = (sent_at - sent_before_at).total_seconds()
    if ours_s == 0 and its_s > 0 and skews_s:  # the next report of one message: only the newest of them is live
        skews_s = (*skews_s[:-1], min(skews_s[-1], skew_s))
    elif its_s != 0 and ours_s >= _BACKLOG * abs(its_s):
        skews_s = (*skews_s[1 - SAMPLES :], skew_s)
    return skews_s if any(abs(sample) > SKEW_MAX_S for sample in skews_s) else ()


def of(skews_s: tuple[float, ...]) -> timedelta | None:
    """What must be added to the device's times; None when they are right, or it is not certain."""
    if len(skews_s) < SAMPLES:
        return None
    ordered = sorted(skews_s)
    middle = len(ordered) // 2
    if abs(ordered[middle]) <= SKEW_MAX_S or ordered[middle + 1] - ordered[middle - 1] > AGREE_S:
        return None
    return timedelta(seconds=_GRAIN_S * round(ordered[middle] / _GRAIN_S))
