"""Where the road goes, from vehicles that drive along it and from the lines painted on it.

What moves straight ahead moves in the picture along a line through the point where the road vanishes; so do the feet of
a vehicle, whatever its size and its speed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from vehicle_vision.camera import Camera

_ROWS_MIN_PX = 12.0  # between a track's highest foot and its lowest: less is no line
_FEET_MIN, _FEET_MAX = 8, 400
_FOOT_SIGMA_PX = 1.5
_BENT_PX = 3.0  # root mean square: it changed lanes, or the road bends
_SCATTER_DEG = 0.4  # drivers do not drive like rulers
_LINES_DEG = 0.15  # the road bends, or they are those of a lay-by
_DRIFT_DEG = 0.003  # in the root of a second
_GATE = 3.0  # sigmas
_FORGET_S = 5.0


@dataclass(slots=True, kw_only=True)
class _Feet:
    at_s: float
    points: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_FEET_MAX))


class Vanishing:
    """The column where the road vanishes, as degrees to the right of what the camera's file says.

    Call `look` with each frame's tracks; a track counts once, when it is gone. What lies far off what was known is
    left out, until several say the same.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._feet: dict[int, _Feet] = {}
        self._variance = camera.yaw_sigma_deg**2
        self._outside: list[float] = []
        self.off_deg = 0.0
        self.counted = 0

    @property
    def sigma_deg(self) -> float:
        return math.sqrt(self._variance)

    def look(
        self,
        at_s: float,
        tracks: Sequence[tuple[int, tuple[float, float, float, float]]],
        horizon_px: float,
        horizon_sigma_px: float,
    ) -> None:
        """Take each track's id and its box (xyxy, undistorted pixels)."""
        for track_id, (x1, _, x2, y2) in tracks:
            feet = self._feet.setdefault(track_id, _Feet(at_s=at_s))
            feet.at_s = at_s
            if all(map(math.isfinite, (x1, x2, y2))):
                feet.points.append(((x1 + x2) / 2, y2))
        for track_id in [track_id for track_id, feet in self._feet.items() if at_s - feet.at_s > _FORGET_S]:
            self._take(self._feet.pop(track_id), horizon_px, horizon_sigma_px)

    def see_lines(self, column_px: float, sigma_px: float) -> None:
        """Take where the lines painted on the road meet. Where the camera's file says otherwise, the road is right."""
        off_deg = self._degrees(column_px)
        variance = math.degrees(sigma_px / self._camera.fx_px) ** 2 + _LINES_DEG**2
        self._variance = max(self._variance, (off_deg - self.off_deg) ** 2 - variance)
        self._update(off_deg, variance)

    def _take(self, feet: _Feet, horizon_px: float, horizon_sigma_px: float) -> None:
        found = _column(np.array(feet.points, dtype=np.float64), horizon_px, horizon_sigma_px)
        if found is not None:
            column_px, sigma_px = found
            self._update(self._degrees(column_px), math.degrees(sigma_px / self._camera.fx_px) ** 2 + _SCATTER_DEG**2)

    def _degrees(self, column_px: float) -> float:
        return math.degrees((column_px - self._camera.vanishing_px) / self._camera.fx_px)

    def _update(self, off_deg: float, variance: float) -> None:
        self._variance += _DRIFT_DEG**2
        if abs(off_deg - self.off_deg) > _GATE * math.sqrt(self._variance + variance):
            self._doubt(off_deg)
            return
        self._outside.clear()
        gain = self._variance / (self._variance + variance)
        self.off_deg += gain * (off_deg - self.off_deg)
        self._variance *= 1 - gain
        self.counted += 1

    def _doubt(self, off_deg: float) -> None:
        """One may have turned off; five in a row that agree mean that the camera was moved."""
        self._outside.append(off_deg)
        last = self._outside[-5:]
        if len(last) == 5 and np.std(last) < 2 * _SCATTER_DEG:
            self.off_deg, self._variance = float(np.median(last)), (2 * _SCATTER_DEG) ** 2
            self._outside.clear()


def _column(feet: np.ndarray, horizon_px: float, horizon_sigma_px: float) -> tuple[float, float] | None:
    """Where the line through the feet meets the horizon, and its sigma, pixels; None: they make no straight line."""
    if len(feet) < _FEET_MIN or np.ptp(feet[:, 1]) < _ROWS_MIN_PX:
        return None
    below = np.column_stack((np.ones(len(feet)), feet[:, 1] - horizon_px))
    line, *_ = np.linalg.lstsq(below, feet[:, 0], rcond=None)
    bent_px = float(np.sqrt(np.mean((below @ line - feet[:, 0]) ** 2)))
    if bent_px > _BENT_PX:
        return None
    spread = np.linalg.inv(below.T @ below)
    sigma_px = max(_FOOT_SIGMA_PX, bent_px) * math.sqrt(float(spread[0, 0]))
    return float(line[0]), math.hypot(sigma_px, float(line[1]) * horizon_sigma_px)
