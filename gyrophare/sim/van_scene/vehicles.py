"""Vehicles: what they are, and where they are at any time."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene.cutouts import Cutout
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.weather import Colour
from vehicle_vision.errors import VisionError
from vehicle_vision.sizes import SIZES, Kind, Size

Course = tuple[tuple[float, float], ...]
"""A value over time: (at_s, value), times rising; constant before and after."""

SEEN_M = 400.0  # beyond that a lorry is a speck
_STEP_S = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A body of exact size that drives along the road.

    `closing_mps` is its speed along the road, positive towards the van and linear between times; at the first of them
    the nearest bumper is `starts_m` along the road from the lens. `offset_m` is how far right of the van's path its
    middle is, eased from one time to the next. `size`: None for what is usual. `backwards`: its rear is turned to the
    van. `looks`: a real vehicle, seen end-on, in place of a drawn one.
    """

    id: int
    kind: Kind
    starts_m: float
    closing_mps: Course
    offset_m: Course = ((0.0, 0.0),)
    size: Size | None = None
    colour: Colour = (190.0, 190.0, 190.0)
    backwards: bool = False
    looks: Cutout | None = None

    def __post_init__(self) -> None:
        for name in ("closing_mps", "offset_m"):
            course: Course = getattr(self, name)
            rising = all(before < after for (before, _), (after, _) in pairwise(course))
            if not course or not rising or not all(math.isfinite(value) for knot in course for value in knot):
                raise VisionError(
                    f"vehicle {self.id}: {name} = {course}; expected pairs of seconds and value, finite, times rising"
                )

    @property
    def body(self) -> Size:
        """Its height, width and length."""
        return self.size or SIZES[self.kind]

    def along_m(self, at_s: float) -> float:
        """How far its nearest bumper is along the road; below 0: beside the lens or past it."""
        return self.starts_m - _travelled(self.closing_mps, at_s)

    def is_there(self, at_s: float) -> bool:
        """Whether any of it can be in a picture."""
        return -self.body.length_m < self.along_m(at_s) < SEEN_M

    def offset_at(self, at_s: float) -> float:
        """How far right of the van's path its middle is."""
        if len(self.offset_m) == 1:
            return self.offset_m[0][1]
        times, values = zip(*self.offset_m, strict=True)
        after = min(bisect_right(times, at_s), len(times) - 1)
        before = max(after - 1, 0)
        done = (at_s - times[before]) / max(times[after] - times[before], 1e-9)
        done = min(max(done, 0.0), 1.0)
        return float(values[before] + (values[after] - values[before]) * done * done * (3 - 2 * done))

    def placed(self, points: NDArray[np.float64], road: Road, at_s: float) -> NDArray[np.float64]:
        """Points of its body in the van's metres.

        `points` are shares of its width (-0.5 left to 0.5), height (0 road to 1) and length (0 front to 1 rear);
        shape (n, 3) in and out; out: x right, y up, z ahead.
        """
        body = self.body
        x, y, z = (points * (body.width_m, body.height_m, body.length_m)).T
        z = z - body.length_m / 2
        if self.backwards:
            x, z = -x, -z
        middle_x, middle_z, direction = road.place(self.along_m(at_s) + body.length_m / 2, self.offset_at(at_s))
        direction += self._swerve(at_s)
        cos, sin = math.cos(direction), math.sin(direction)
        return np.column_stack((middle_x + x * cos + z * sin, y, middle_z - x * sin + z * cos))

    def _swerve(self, at_s: float) -> float:
        """How far it is turned from the road's direction while it changes lane, radians."""
        if len(self.offset_m) == 1:
            return 0.0
        sideways = self.offset_at(at_s + _STEP_S) - self.offset_at(at_s - _STEP_S)
        along = self.along_m(at_s + _STEP_S) - self.along_m(at_s - _STEP_S)
        return 0.0 if along == 0 else math.atan(sideways / along)


def _travelled(course: Course, at_s: float) -> float:
    """The integral of a course of speeds from its first time on, metres; below 0 before."""
    since_s, speed = course[0]
    if len(course) == 1 or at_s <= since_s:
        return speed * (at_s - since_s)
    times = [time for time, _ in course if time < at_s] + [at_s]
    knots, values = zip(*course, strict=True)
    return float(np.trapezoid(np.interp(times, knots, values), times))
