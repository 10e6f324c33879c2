"""What is known of one vehicle in one frame, in the words of the rule."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum

from vehicle_vision.corridor import Place
from vehicle_vision.errors import VisionError
from vehicle_vision.ranging import RangeEstimate

_STILL_MPS = 1.2  # a lorry that backs up at a walk is faster
_GROWS = 1.43  # of the time to the lower bound of it: where the box's growth is three times its error


class Motion(StrEnum):
    """Along the road, seen from the van."""

    COMING = "coming"
    STANDING = "standing"
    RECEDING = "receding"
    UNKNOWN = "unknown"
    """Not yet: it may well be coming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Of a vehicle that was seen in this frame."""

    track_id: int
    confidence: float
    """Of the detector, 0 to 1."""
    range_m: float
    range_low_m: float
    """Nearer with a probability of 5 %."""
    motion: Motion
    ttc_s: float | None
    """None: it does not come, or that is not known."""
    ttc_low_s: float | None
    """Sooner with a probability of 10 %."""
    in_axis: float
    enters: float
    normal: bool = False

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise VisionError(f"{one.name} = {value} of track {self.track_id}; expected a number, or None")


def judge(track_id: int, confidence: float, estimate: RangeEstimate, place: Place) -> Judgement:
    """Range, time and place of one vehicle as the rule takes them.

    It is no nearer than both its height and its width allow: a van that is called a car is not 27 % nearer for it.
    """
    return Judgement(
        track_id=track_id,
        confidence=confidence,
        range_m=estimate.range_m,
        range_low_m=max(estimate.range_low_m, place.range_low_m),
        motion=_motion(estimate),
        ttc_s=estimate.ttc_s,
        ttc_low_s=estimate.ttc_low_s,
        in_axis=place.in_axis,
        enters=place.enters,
        normal=place.normal,
    )


def _motion(estimate: RangeEstimate) -> Motion:
    """A box that grows beyond doubt is coming, whatever size the vehicle has and so whatever its speed is."""
    closing_mps, sigma_mps = estimate.closing_mps, estimate.closing_sigma_mps
    grows = (
        estimate.ttc_s is not None and estimate.ttc_low_s is not None and estimate.ttc_s < _GROWS * estimate.ttc_low_s
    )
    if closing_mps is None:
        return Motion.COMING if grows else Motion.UNKNOWN
    if closing_mps - (0 if grows else 2) * sigma_mps > _STILL_MPS:
        return Motion.COMING
    if closing_mps < -_STILL_MPS:
        return Motion.RECEDING
    return Motion.STANDING if closing_mps <= _STILL_MPS else Motion.UNKNOWN
