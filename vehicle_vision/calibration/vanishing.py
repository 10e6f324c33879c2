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
from numpy.typing import NDArray

from vehicle_vision.boxes import DETECTED, Boxes, BoxModel
from vehicle_vision.camera import Camera

_ROWS_MIN_PX, _ROWS_SIGMAS = 12.0, 6.0  # that its feet went down or up the picture: less is no line, and no way
_FEET_MIN, _FEET_MAX = 8, 400
_PARTS = 5  # of a way, each farther down or up than the one before
_BENT = 0.5  # sigmas of one foot, the mean of a part: it changed lanes, if ever so gently, or the road bends
_SCATTER_DEG = 0.4  # drivers do not drive like rulers
_LINES_DEG = 0.15  # the road bends, or they are those of a lay-by
_DRIFT_DEG = 0.003  # in the root of a second
_GATE = 3.0  # sigmas
_FORGET_S = 5.0


@dataclass(slots=True, kw_only=True)
class _Feet:
    at_s: float
    boxes: deque[tuple[float, float, float, float]] = field(default_factory=lambda: deque(maxlen=_FEET_MAX))


class Vanishing:
    """The column where the road vanishes, as degrees to the right of what the camera's file says.

    Call `look` with each frame's tracks that move; a track counts once, when it is gone. What lies far off what was
    known is left out, until several in a row say the same. What stands says nothing, however often it is lost and
    found: its box shakes on a line through itself.
    """

    def __init__(self, camera: Camera, boxes: BoxModel = DETECTED) -> None:
        self._camera, self._model = camera, boxes
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
        """Take the id of each track that moves, and its box (xyxy, undistorted pixels) if nothing cuts that."""
        for track_id, xyxy in tracks:
            feet = self._feet.setdefault(track_id, _Feet(at_s=at_s))
            feet.at_s = at_s
            if all(map(math.isfinite, xyxy)):
                feet.boxes.append(xyxy)
        for track_id in [track_id for track_id, feet in self._feet.items() if at_s - feet.at_s > _FORGET_S]:
            self._take(self._feet.pop(track_id), horizon_px, horizon_sigma_px)

    def see_lines(self, column_px: float, sigma_px: float) -> None:
        """Take where the lines painted on the road meet. Where the camera's file says otherwise, the road is right."""
        off_deg = self._degrees(column_px)
        variance = math.degrees(sigma_px / self._camera.fx_px) ** 2 + _LINES_DEG**2
        self._variance = max(self._variance, (off_deg - self.off_deg) ** 2 - variance)
        self._update(off_deg, variance)

    def _take(self, feet: _Feet, horizon_px: float, horizon_sigma_px: float) -> None:
        boxes = np.array(feet.boxes, dtype=np.float64).reshape(-1, 4)
        if len(boxes) < _FEET_MIN or not _travels(boxes[:, 3]):
            return
        if (found := self._column(boxes, horizon_px, horizon_sigma_px)) is None:
            self._outside.clear()  # where they change lanes, some that do it gently agree
            return
        column_px, sigma_px = found
        self._update(self._degrees(column_px), math.degrees(sigma_px / self._camera.fx_px) ** 2 + _SCATTER_DEG**2)

    def _column(self, boxes: Boxes, horizon_px: float, horizon_sigma_px: float) -> tuple[float, float] | None:
        """Where the line through the feet meets the horizon, and its sigma, pixels; None: they make no straight line.

        What is nearer errs by more pixels: it weighs less.
        """
        sigmas_px = self._model.edge_sigma_px + self._model.edge_sigma * (boxes[:, 3] - boxes[:, 1])
        columns = self._nearest_face(boxes) / sigmas_px
        below = np.column_stack((np.ones(len(boxes)), boxes[:, 3] - horizon_px)) / sigmas_px[:, None]
        line, *_ = np.linalg.lstsq(below, columns, rcond=None)
        unit = math.hypot(1.0, float(line[1]))  # a foot's row errs as its column does
        off = (columns - below @ line) / unit
        if max(abs(float(part.mean())) for part in np.array_split(off, _PARTS)) > _BENT:
            return None
        spread = np.linalg.inv(below.T @ below)
        sigma_px = unit * max(1.0, float(np.sqrt(np.mean(off**2)))) * math.sqrt(float(spread[0, 0]))
        return float(line[0]), math.hypot(sigma_px, float(line[1]) * horizon_sigma_px)

    def _nearest_face(self, boxes: Boxes) -> NDArray[np.float64]:
        """The column in each box that stays on one line along the road; shape (n,).

        Of a vehicle beside us the edge nearer to the axis is that of its far end; of one ahead both are of its face.
        """
        left, _, right, _ = boxes[int(boxes[:, 3].argmax())] - self._camera.vanishing_px
        if left > 0:
            return boxes[:, 2]
        return boxes[:, 0] if right < 0 else (boxes[:, 0] + boxes[:, 2]) / 2

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


def _travels(rows: NDArray[np.float64]) -> bool:
    """Whether feet went one way through these rows, shape (n,), rather than shook about one of them."""
    steps = np.diff([float(np.median(part)) for part in np.array_split(rows, _PARTS)])
    shake_px = 1.4826 * float(np.median(np.abs(np.diff(rows)))) / math.sqrt(2)
    steady = bool((steps > 0).all() or (steps < 0).all())
    return steady and abs(float(steps.sum())) > max(_ROWS_MIN_PX, _ROWS_SIGMAS * shake_px)
