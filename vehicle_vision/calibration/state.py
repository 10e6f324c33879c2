"""How well the van knows where its camera looks, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_WELL_DEG, _ROUGHLY_DEG = 0.15, 0.6
_MOVED_DEG, _KNOCKED_DEG = 0.1, 1.0
_SURE = 2.0  # sigmas


class Calibrated(StrEnum):
    """In a word."""

    WELL = "well"
    ROUGHLY = "roughly"
    """Ranges are wrong by a tenth and more at 100 m: sizes count, the road does not yet."""
    BADLY = "badly"
    MOVED = "moved"
    """More than 0.1 degree from what its file says: being learnt anew."""
    KNOCKED = "knocked"
    """Tilted by more than 1 degree: a fault, until somebody has looked at it. Turned, the van may stand askew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The camera beside its file, degrees."""

    pitch_off_deg: float
    pitch_sigma_deg: float
    yaw_off_deg: float
    yaw_sigma_deg: float

    @property
    def state(self) -> Calibrated:
        """A fault is said when it is sure; that all is well, too."""
        moved = [
            (abs(off), sigma)
            for off, sigma in (
                (self.pitch_off_deg, self.pitch_sigma_deg),
                (self.yaw_off_deg, self.yaw_sigma_deg),
            )
        ]
        if abs(self.pitch_off_deg) - _SURE * self.pitch_sigma_deg > _KNOCKED_DEG:
            return Calibrated.KNOCKED
        if any(off - _SURE * sigma > _MOVED_DEG for off, sigma in moved):
            return Calibrated.MOVED
        if self.well:
            return Calibrated.WELL
        return Calibrated.ROUGHLY if self._worst_sigma_deg <= _ROUGHLY_DEG else Calibrated.BADLY

    @property
    def well(self) -> bool:
        """Whether it is well known by now where the camera looks, wherever that is."""
        return self._worst_sigma_deg <= _WELL_DEG

    @property
    def _worst_sigma_deg(self) -> float:
        return max(self.pitch_sigma_deg, self.yaw_sigma_deg)
