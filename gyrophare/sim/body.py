"""Where a simulated wearer is and how many steps he has made.

A pure function of time, so that a buffer can be filled with what the watch measured while it was out of coverage.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, pairwise
from math import cos, radians

from gyrophare.kernel.geo import Position, distance_m

_M_PER_DEG = 111_195.0
_STEPS_PER_S = 1.7  # of somebody walking


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Somebody going to and fro along `route` at `pace_mps` from `since` on, until he falls at `lies_from`.

    On foot a wearer makes steps; at the wheel he only changes place.
    """

    route: Sequence[Position]
    pace_mps: float
    on_foot: bool
    since: datetime
    seed: int
    lies_from: datetime | None = None
    _along_m: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.route) < 2:
            raise ValueError(f"a route needs two places or more, got {len(self.route)}")
        lengths_m = [distance_m(a, b) for a, b in pairwise(self.route)]
        object.__setattr__(self, "_along_m", list(accumulate(lengths_m, initial=0.0)))

    def moving_s(self, at: datetime) -> float:
        """Seconds of movement up to `at`."""
        end = at if self.lies_from is None else min(at, self.lies_from)
        return max(0.0, (end - self.since).total_seconds())

    def steps(self, at: datetime) -> int:
        """All steps up to `at`."""
        return int(self.moving_s(at) * _STEPS_PER_S) if self.on_foot else 0

    def speed_mps(self, at: datetime) -> float:
        return 0.0 if self.lies_from is not None and at >= self.lies_from else self.pace_mps

    def position(self, at: datetime) -> Position:
        """The true place at `at`."""
        length_m = self._along_m[-1]
        walked_m = (self.seed * 397.0 + self.moving_s(at) * self.pace_mps) % (2 * length_m)
        along_m = min(walked_m, 2 * length_m - walked_m)  # to the end and back
        leg = min(max(bisect_right(self._along_m, along_m) - 1, 0), len(self.route) - 2)
        start, end = self.route[leg], self.route[leg + 1]
        leg_m = self._along_m[leg + 1] - self._along_m[leg]
        share = (along_m - self._along_m[leg]) / leg_m if leg_m else 0.0
        return Position(
            start.latitude_deg + share * (end.latitude_deg - start.latitude_deg),
            start.longitude_deg + share * (end.longitude_deg - start.longitude_deg),
        )

    def measured(self, at: datetime) -> tuple[Position, float]:
        """What a receiver says at `at`: the place with an error, and its accuracy in metres. Asked again, the same."""
        noise = random.Random(f"{self.seed} {at.timestamp():.0f}")  # noqa: S311  # no secret depends on it
        accuracy_m = noise.uniform(4, 9)
        true = self.position(at)
        north_m, east_m = noise.gauss(0, accuracy_m / 3), noise.gauss(0, accuracy_m / 3)
        return Position(
            true.latitude_deg + north_m / _M_PER_DEG,
            true.longitude_deg + east_m / (_M_PER_DEG * cos(radians(true.latitude_deg))),
        ), accuracy_m
