"""Who lay still, and when, by other means than the rule: labels, or a look at the whole track, past and future.

It shares no code with the rule. A wearer is still here who stays for the limit within 30 m of one place, one fix in ten
left out; that is a walk slower than a third of a metre a second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from math import cos, hypot, radians
from statistics import median
from typing import NamedTuple

from gyrophare.evaluation.recording import Recording, parts
from gyrophare.kernel.values import value

RADIUS_M = 30.0
ARRIVED_M = 15.0  # whoever is still on his way in a window that is mostly rest is further away than this
_OUTLIERS = 0.1
_FIXES_MIN = 3
_STEP_S = 5.0
_M_PER_DEG = 111_195.0


@value
class Stay:
    """A time in which the wearer did not move."""

    start_at: datetime
    end_at: datetime

    @property
    def seconds(self) -> float:
        return (self.end_at - self.start_at).total_seconds()


class _Point(NamedTuple):
    at_s: float
    east_m: float
    north_m: float


def heard_spans(recording: Recording, limit_s: float) -> list[Stay]:
    """The stretches between silences that last longer than the limit."""
    heard = [part.observations for part in parts(recording, limit_s)]
    return [Stay(start_at=seen[0].received_at, end_at=seen[-1].received_at) for seen in heard]


def stays(recording: Recording, limit_s: float) -> list[Stay]:
    """Where the track stays at one place for the limit or longer, silences of that length aside."""
    fixes = [seen.fix for seen in recording.observations if seen.fix is not None]
    if not fixes:
        return []
    home = fixes[0].position
    begin_at = fixes[0].fixed_at
    m_per_deg_east = _M_PER_DEG * cos(radians(home.latitude_deg))
    points = [
        _Point(
            (fix.fixed_at - begin_at).total_seconds(),
            (fix.position.longitude_deg - home.longitude_deg) * m_per_deg_east,
            (fix.position.latitude_deg - home.latitude_deg) * _M_PER_DEG,
        )
        for fix in fixes
    ]
    found: list[Stay] = []
    for first, last in _merged(_still_windows(points, limit_s)):
        first, last = _arrival(points[first : last + 1], limit_s, first), _departure(points, first, last, limit_s)
        if points[last].at_s - points[first].at_s >= limit_s:
            found.append(Stay(start_at=fixes[first].fixed_at, end_at=fixes[last].fixed_at))
    return found


def _still_windows(points: Sequence[_Point], limit_s: float) -> Iterator[tuple[int, int]]:
    """The first and the last index of each window of the limit that lies at one place."""
    times = [point.at_s for point in points]
    tried_s = -_STEP_S
    for first, point in enumerate(points):
        if point.at_s - tried_s < _STEP_S:
            continue
        tried_s = point.at_s
        last = bisect_left(times, point.at_s + limit_s, lo=first)
        if last >= len(points):
            return
        window = points[first : last + 1]
        if len(window) >= _FIXES_MIN and not _silent(window, limit_s) and _at_one_place(window):
            yield first, last


def _silent(window: Sequence[_Point], limit_s: float) -> bool:
    return any(after.at_s - before.at_s > limit_s for before, after in pairwise(window))


def _at_one_place(window: Sequence[_Point]) -> bool:
    east_m, north_m = _centre(window)
    far = sum(hypot(point.east_m - east_m, point.north_m - north_m) > RADIUS_M for point in window)
    return far <= _OUTLIERS * len(window)


def _centre(window: Sequence[_Point]) -> tuple[float, float]:
    return median(point.east_m for point in window), median(point.north_m for point in window)


def _merged(windows: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    whole: tuple[int, int] | None = None
    for first, last in windows:
        if whole is not None and first <= whole[1]:
            whole = whole[0], last
            continue
        if whole is not None:
            yield whole
        whole = first, last
    if whole is not None:
        yield whole


def _arrival(stay: Sequence[_Point], limit_s: float, offset: int) -> int:
    """The index of the first fix that is near where the first window lies."""
    window = [point for point in stay if point.at_s <= stay[0].at_s + limit_s]
    return offset + _first_near(window, _centre(window))


def _departure(points: Sequence[_Point], first: int, last: int, limit_s: float) -> int:
    """The index of the last fix that is near where the last window lies."""
    window = [point for point in points[first : last + 1] if point.at_s >= points[last].at_s - limit_s]
    return last - _first_near(window[::-1], _centre(window))


def _first_near(window: Sequence[_Point], centre: tuple[float, float]) -> int:
    near = (n for n, p in enumerate(window) if hypot(p.east_m - centre[0], p.north_m - centre[1]) <= ARRIVED_M)
    return next(near, 0)
