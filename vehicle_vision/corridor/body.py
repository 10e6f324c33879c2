"""How far to the side of the van's axis a vehicle is, from its box, its range and the vanishing point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vehicle_vision.boxes import DETECTED, BoxModel, edges
from vehicle_vision.camera import Camera
from vehicle_vision.ranging import RangeEstimate
from vehicle_vision.sizes import SIZES, Kind

# How wide a vehicle is from ahead; from any other side it looks wider. Mirrors are hardly seen from afar.
_END_ON_M: Mapping[Kind, float] = {
    Kind.MOTORCYCLE: 0.70,
    Kind.CAR: 1.75,
    Kind.VAN: 1.90,
    Kind.TRUCK: 2.45,
    Kind.BUS: 2.50,
    Kind.TRAM: 2.45,
}
_WIDEST_M, _LONGEST_M = 2.6, 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A vehicle's nearest face as one frame shows it; metres, positive to the right of the van's axis."""

    range_m: float
    range_sigma: float
    """Of the range's logarithm; it moves the whole body along its ray."""
    left_m: float
    right_m: float
    pixel_sigma_m: float
    """What one box leaves open of the centre."""
    height_m: float | None
    """As high as it looks at that range; None: an edge of the frame or another vehicle cuts it."""
    farther: float | None
    """How many times as far as its range it is if it is as wide as its kind; None: cut."""

    @property
    def centre_m(self) -> float:
        return (self.left_m + self.right_m) / 2

    @property
    def half_m(self) -> float:
        return (self.right_m - self.left_m) / 2


def place(
    xyxy: tuple[float, float, float, float], estimate: RangeEstimate, camera: Camera, model: BoxModel = DETECTED
) -> Body:
    """Where the vehicle stands across the road; `xyxy` in pixels, undistorted."""
    seen = edges(np.array([xyxy]), camera.frame_wh, model)
    left_px, right_px = _face_px(xyxy, estimate, camera, not seen.sides[0])
    scale = estimate.range_m / camera.fx_px
    edge_px = model.edge_sigma_px + model.edge_sigma * (xyxy[2] - xyxy[0])
    return Body(
        range_m=estimate.range_m,
        range_sigma=estimate.range_sigma,
        left_m=left_px * scale,
        right_m=right_px * scale,
        pixel_sigma_m=edge_px * scale / math.sqrt(2),
        height_m=(xyxy[3] - xyxy[1]) * estimate.range_m / camera.fy_px if seen.top[0] and seen.bottom[0] else None,
        farther=_END_ON_M[estimate.kind] / (max(right_px - left_px, 1.0) * scale) if seen.sides[0] else None,
    )


def _face_px(
    xyxy: tuple[float, float, float, float], estimate: RangeEstimate, camera: Camera, cut: bool
) -> tuple[float, float]:
    """Left and right edge of the nearest face, pixels from the vanishing point.

    A vehicle beside the axis shows its flank: the edge of its box nearer to the axis is that of its far end. Of one
    that leaves the picture the outer edge is not seen; it is as wide as its kind.
    """
    left_px, right_px = xyxy[0] - camera.vanishing_px, xyxy[2] - camera.vanishing_px
    if right_px < 0:  # the same seen in a mirror
        mirrored_px, far_px = _beside_px(-right_px, -left_px, estimate, camera, cut)
        return -far_px, -mirrored_px
    return _beside_px(left_px, right_px, estimate, camera, cut) if left_px > 0 else (left_px, right_px)


def _beside_px(
    inner_px: float, outer_px: float, estimate: RangeEstimate, camera: Camera, cut: bool
) -> tuple[float, float]:
    metre_px = camera.fx_px / estimate.range_m
    inner_near_px = inner_px * (1 + SIZES[estimate.kind].length_m / estimate.range_m)
    if cut:
        return inner_near_px, inner_near_px + _END_ON_M[estimate.kind] * metre_px
    # However the kind is mistaken: what is wider than any vehicle is flank, as far as the longest one has any.
    widest_px = min(inner_px * (1 + _LONGEST_M / estimate.range_m), outer_px - _WIDEST_M * metre_px)
    return min(max(inner_near_px, widest_px), (inner_px + outer_px) / 2), outer_px


def overlap(centre_m: float, half_m: float, sigma_m: float, corridor_half_m: float) -> float:
    """How probably a body that lies there, give or take `sigma_m`, reaches into the corridor."""
    reach_m = corridor_half_m + half_m
    return _below((reach_m - centre_m) / sigma_m) - _below((-reach_m - centre_m) / sigma_m)


def _below(score: float) -> float:
    return math.erfc(-score / math.sqrt(2)) / 2
