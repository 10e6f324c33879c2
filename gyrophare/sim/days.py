"""What an agent's day looks like: the same few activities in turn, each for a while."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime

from gyrophare.sim.activities import LIE, MOW, PLOUGH, REST, RIDE, WALK, Activity, Plan, Segment

_DAY_S = 4 * 3600.0  # then the work that he does most, for ever
# What is done in turn, each for between so many seconds. Nobody rests so long that it is an alarm.
_Work = tuple[tuple[Activity, float, float], ...]
MOWING: _Work = ((MOW, 300, 1200), (WALK, 30, 180), (REST, 20, 120))
PLOUGHING: _Work = ((PLOUGH, 300, 900), (REST, 10, 60), (RIDE, 120, 600))
PATROL: _Work = ((RIDE, 200, 600), (WALK, 60, 300), (REST, 10, 90))
DITCHES: _Work = ((WALK, 200, 900), (REST, 20, 120))
WORKS = (MOWING, PLOUGHING, PATROL, DITCHES)


def day(work: _Work, dice: random.Random, since: datetime, lies_from: datetime | None = None) -> Plan:
    """A day of `work` from `since` on, somewhere in its turn; from `lies_from` on he lies still."""
    left_s = _DAY_S if lies_from is None else (lies_from - since).total_seconds()
    segments: list[Segment] = []
    for activity, lasts_s in _turns(work, dice):
        if lasts_s >= left_s:
            segments.append(Segment(activity=activity, seconds=left_s))
            break
        segments.append(Segment(activity=activity, seconds=lasts_s))
        left_s -= lasts_s
    return Plan(since=since, segments=[*segments, Segment(activity=LIE if lies_from else work[0][0])])


def _turns(work: _Work, dice: random.Random) -> Iterator[tuple[Activity, float]]:
    """Without end; the first has begun before we look."""
    number, passed = dice.randrange(len(work)), dice.random()
    while True:
        activity, least_s, most_s = work[number % len(work)]
        yield activity, dice.uniform(least_s, most_s) * (1.0 - passed)
        number, passed = number + 1, 0.0
