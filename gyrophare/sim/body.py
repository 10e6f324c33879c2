"""Where a simulated wearer is, how many steps he has made, and what his watch measures of it.

A pure function of time, so that a buffer can be filled with what the watch measured while it was out of coverage.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, pairwise
from math import atan2, cos, degrees, hypot, radians, sin

from gyrophare.kernel.geo import Position, distance_m
from gyrophare.sim.activities import Plan
from gyrophare.sim.gnss import OPEN_SKY, UNDER_TREES, Receiver, Sky, Wander

_M_PER_DEG = 111_195.0
_WOOD_M = 150.0  # open or wooded, the way stays so for as long
_COURSE_FROM_MPS = 0.5  # below it a receiver knows no course
_SHAKES_TAU_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a receiver says at one instant."""

    position: Position
    accuracy_m: float
    speed_mps: float
    course_deg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Somebody who follows `plan`, to and fro along `route`, of which the share `wooded` lies under trees."""

    route: Sequence[Position]
    plan: Plan
    seed: int
    wooded: float = 0.0
    _along_m: list[float] = field(init=False, repr=False)
    _receiver: Receiver = field(init=False, repr=False, compare=False)
    _shakes: Wander = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.route) < 2:
            raise ValueError(f"a route needs two places or more, got {len(self.route)}")
        lengths_m = [distance_m(a, b) for a, b in pairwise(self.route)]
        object.__setattr__(self, "_along_m", list(accumulate(lengths_m, initial=0.0)))
        object.__setattr__(self, "_receiver", Receiver(f"{self.seed} receiver"))
        object.__setattr__(self, "_shakes", Wander(f"{self.seed} wrist", 6))

    def steps(self, at: datetime) -> int:
        """All steps up to `at`."""
        return self.plan.steps(at)

    def activity_mg(self, at: datetime) -> float:
        """What the accelerometer shows at `at` beside gravity."""
        activity = self.plan.activity(at)
        return max(0.0, activity.activity_mg + activity.spread_mg * self._shakes.at(at.timestamp() / _SHAKES_TAU_S))

    def speed_mps(self, at: datetime) -> float:
        """The true speed."""
        return self.plan.activity(at).pace_mps if self.plan.moving(at) else 0.0

    def reacts(self, at: datetime) -> bool:
        """Whether he feels a vibration at `at` and can answer."""
        return self.plan.activity(at).reacts

    def position(self, at: datetime) -> Position:
        """The true place at `at`."""
        start, end, share, _ = self._leg(self._along(at)[0])
        return Position(
            start.latitude_deg + share * (end.latitude_deg - start.latitude_deg),
            start.longitude_deg + share * (end.longitude_deg - start.longitude_deg),
        )

    def sky(self, at: datetime) -> Sky:
        """What the receiver sees at `at`: it depends on the place alone, so that who lies under trees stays there."""
        return self._sky(self._along(at)[0])

    def measured(self, at: datetime) -> Measured:
        """What a receiver says at `at`. Asked again, the same."""
        along_m, back = self._along(at)
        start, end, share, course_deg = self._leg(along_m)
        error = self._receiver.error(at.timestamp(), self._sky(along_m))
        latitude_deg = start.latitude_deg + share * (end.latitude_deg - start.latitude_deg)
        metres_per_deg_east = _M_PER_DEG * cos(radians(latitude_deg))
        longitude_deg = start.longitude_deg + share * (end.longitude_deg - start.longitude_deg)
        course = radians(course_deg + 180.0 if back else course_deg)
        speed_mps = self.speed_mps(at)
        north_mps = speed_mps * cos(course) + error.speed_north_mps
        east_mps = speed_mps * sin(course) + error.speed_east_mps
        said_mps = hypot(north_mps, east_mps)
        return Measured(
            position=Position(
                latitude_deg + error.north_m / _M_PER_DEG, longitude_deg + error.east_m / metres_per_deg_east
            ),
            accuracy_m=error.accuracy_m,
            speed_mps=said_mps,
            course_deg=degrees(atan2(east_mps, north_mps)) % 360.0 if said_mps >= _COURSE_FROM_MPS else None,
        )

    def _along(self, at: datetime) -> tuple[float, bool]:
        """How far along the route, and whether on the way back."""
        length_m = self._along_m[-1]
        moved_m = (self.seed * 397.0 + self.plan.moved_m(at)) % (2 * length_m)
        return min(moved_m, 2 * length_m - moved_m), moved_m > length_m

    def _leg(self, along_m: float) -> tuple[Position, Position, float, float]:
        """The leg there: its ends, the share of it that lies behind, its course."""
        number = min(max(bisect_right(self._along_m, along_m) - 1, 0), len(self.route) - 2)
        start, end = self.route[number], self.route[number + 1]
        leg_m = self._along_m[number + 1] - self._along_m[number]
        north = end.latitude_deg - start.latitude_deg
        east = (end.longitude_deg - start.longitude_deg) * cos(radians(start.latitude_deg))
        share = (along_m - self._along_m[number]) / leg_m if leg_m else 0.0
        return start, end, share, degrees(atan2(east, north))

    def _sky(self, along_m: float) -> Sky:
        if self.wooded <= 0.0:
            return OPEN_SKY
        dice = random.Random(f"{self.seed} wood {along_m // _WOOD_M}")  # noqa: S311  # no secret depends on it
        return UNDER_TREES if dice.random() < self.wooded else OPEN_SKY
