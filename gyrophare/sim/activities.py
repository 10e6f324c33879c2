"""What a road agent does, and what his wrist makes of it: one row an activity."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from math import inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One row of the table."""

    name: str
    pace_mps: float
    steps_per_s: float
    activity_mg: float
    """Mean of what the accelerometer shows beside gravity. An engine shakes a wrist as well as an arm does."""
    spread_mg: float
    reacts: bool = True
    """Whether somebody feels a vibration and can answer."""


WALK = Activity(name="walk", pace_mps=1.2, steps_per_s=1.7, activity_mg=180, spread_mg=40)
MOW = Activity(name="mow", pace_mps=0.5, steps_per_s=0.9, activity_mg=350, spread_mg=70)  # on foot, with a brush cutter
PLOUGH = Activity(name="plough", pace_mps=9.0, steps_per_s=0, activity_mg=60, spread_mg=15)
RIDE = Activity(name="ride", pace_mps=14.0, steps_per_s=0, activity_mg=25, spread_mg=8)
# Somebody at rest stands up, pours a coffee, shifts his weight: a step now and then.
REST = Activity(name="rest", pace_mps=0, steps_per_s=0.04, activity_mg=16, spread_mg=5)
LIE = Activity(
    name="lie", pace_mps=0, steps_per_s=0, activity_mg=3, spread_mg=1, reacts=False
)  # the sensor's own noise
PARK = Activity(name="park", pace_mps=0, steps_per_s=0, activity_mg=4, spread_mg=1, reacts=False)  # a van

ACTIVITIES = (WALK, MOW, PLOUGH, RIDE, REST, LIE, PARK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One activity for a while."""

    activity: Activity
    seconds: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What somebody does from `since` on, segment after segment; the last goes on for ever. A pure function of time."""

    since: datetime
    segments: Sequence[Segment]
    _begins_s: list[float] = field(init=False, repr=False)
    _moved_m: list[float] = field(init=False, repr=False)
    _steps: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.segments:
            raise ValueError("a plan needs one segment or more, got none")
        ended = self.segments[:-1]
        for name, totals in (
            ("_begins_s", (part.seconds for part in ended)),
            ("_moved_m", (part.seconds * part.activity.pace_mps for part in ended)),
            ("_steps", (part.seconds * part.activity.steps_per_s for part in ended)),
        ):
            object.__setattr__(self, name, list(accumulate(totals, initial=0.0)))

    @classmethod
    def only(cls, activity: Activity, since: datetime) -> Plan:
        """The same all day."""
        return cls(since=since, segments=(Segment(activity=activity),))

    def activity(self, at: datetime) -> Activity:
        """What is being done at `at`; before the plan begins, what it begins with."""
        return self._segment(at)[1].activity

    def moved_m(self, at: datetime) -> float:
        """The way made up to `at`."""
        number, part, inside_s = self._segment(at)
        return self._moved_m[number] + inside_s * part.activity.pace_mps

    def steps(self, at: datetime) -> int:
        """The steps made up to `at`."""
        number, part, inside_s = self._segment(at)
        return int(self._steps[number] + inside_s * part.activity.steps_per_s)

    def moving(self, at: datetime) -> bool:
        """Whether its wearer changes place at `at`: not before the plan begins."""
        return at >= self.since and self.activity(at).pace_mps > 0

    def _segment(self, at: datetime) -> tuple[int, Segment, float]:
        elapsed_s = max(0.0, (at - self.since).total_seconds())
        number = bisect_right(self._begins_s, elapsed_s) - 1
        return number, self.segments[number], elapsed_s - self._begins_s[number]
