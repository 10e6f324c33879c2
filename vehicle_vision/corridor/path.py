"""The line that one vehicle follows over the ground, and where it ends at the van; any unit of length.

A Kalman filter over the way travelled, not over time: how far to the side it is, and how much that changes with each
unit. A camera turned by a constant angle turns all lines about the van, so that it does not move where they end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_SLOPE_SIGMA = 0.06  # before anything is known: a lane change begun
_TURN = 0.003  # of the slope, in the root of the unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """At `away` the centre is `lateral` to the right, `slope` more with each unit of that."""

    away: float
    lateral: float
    slope: float
    lateral_var: float
    shared_var: float
    slope_var: float

    def at_van(self) -> tuple[float, float]:
        """Where it ends going straight on, to the right, and the error of that."""
        variance = self.lateral_var - 2 * self.away * self.shared_var + self.away**2 * self.slope_var
        return self.lateral - self.slope * self.away, math.sqrt(max(variance, 0.0))


def begin(away: float, lateral: float, sigma: float) -> Path:
    return Path(
        away=away,
        lateral=lateral,
        slope=0.0,
        lateral_var=sigma**2,
        shared_var=0.0,
        slope_var=_SLOPE_SIGMA**2,
    )


def follow(path: Path, away: float, lateral: float, sigma: float) -> Path:
    """The path when the vehicle is seen there next."""
    way = away - path.away
    turned = _TURN**2 * abs(way)
    expected = path.lateral + path.slope * way
    lateral_var = path.lateral_var + 2 * way * path.shared_var + way**2 * path.slope_var + turned * way**2 / 3
    shared_var = path.shared_var + way * path.slope_var + turned * way / 2
    slope_var = min(path.slope_var + turned, _SLOPE_SIGMA**2)
    spread = lateral_var + sigma**2
    surprise = lateral - expected
    return Path(
        away=away,
        lateral=expected + lateral_var / spread * surprise,
        slope=path.slope + shared_var / spread * surprise,
        lateral_var=lateral_var * sigma**2 / spread,
        shared_var=shared_var * sigma**2 / spread,
        slope_var=slope_var - shared_var**2 / spread,
    )
