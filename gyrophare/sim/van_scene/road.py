"""The road in the van's own metres: the lens stands at the origin, x is right of the van's axis, z ahead of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.errors import VisionError

Metres = NDArray[np.float32]
_TIGHTEST_M = 80.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Lanes side by side, straight or on a circle that touches the van's axis where the van stands.

    `left_m` is where the carriageway's left edge lies beside the van: by default the van stands in the left lane and
    traffic passes on its right. `radius_m` is positive for a bend to the right; None: straight.
    """

    left_m: float = -1.75
    lane_m: float = 3.5
    lanes: int = 2
    radius_m: float | None = None

    def __post_init__(self) -> None:
        if not (2.0 <= self.lane_m <= 6.0 and 1 <= self.lanes <= 6):
            raise VisionError(f"{self.lanes} lanes of {self.lane_m} m; expected 1 to 6 lanes of 2 to 6 m")
        if self.radius_m is not None and not _TIGHTEST_M <= abs(self.radius_m) < math.inf:
            raise VisionError(
                f"radius_m = {self.radius_m}; expected {_TIGHTEST_M:.0f} m or more to the right, as much below zero to "
                "the left, or None for a straight road"
            )

    @property
    def right_m(self) -> float:
        """Where the right edge lies beside the van."""
        return self.left_m + self.lanes * self.lane_m

    def place(self, along_m: float, offset_m: float) -> tuple[float, float, float]:
        """x, z and the direction of the road (radians, positive to the right), so far along it and right of the van."""
        radius = self.radius_m
        if radius is None:
            return offset_m, along_m, 0.0
        turned = along_m / radius
        return radius - (radius - offset_m) * math.cos(turned), (radius - offset_m) * math.sin(turned), turned

    def locate(self, x: Metres, z: Metres) -> tuple[Metres, Metres]:
        """The inverse for many points: metres along the road, and right of the van's own path on it."""
        radius = self.radius_m
        if radius is None:
            return z, x
        side = math.copysign(1.0, radius)
        turned = np.arctan2(z * side, (radius - x) * side)
        return (radius * turned).astype(np.float32), (radius - side * np.hypot(radius - x, z)).astype(np.float32)
