"""Where the lines painted on the road meet, in one picture, by OpenCV's line segment detector."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vehicle_vision.camera import Camera

_LONG_PX = 25.0
_STEEP_DEG = (12.0, 80.0)  # lines of the road as seen from a van; neither shadows across it nor posts
_BOTH_SIDES = 2
_INLIER_PX = 6.0
_SEGMENTS_MAX = 120


def vanishing_column(picture: NDArray[np.uint8], camera: Camera) -> float | None:
    """The column where they meet, at the row of the horizon, undistorted pixels; None: too few lines agree.

    `picture` is BGR, uint8, (h, w, 3).
    """
    top = max(int(camera.horizon_px) + 4, 0)
    if top >= picture.shape[0] - 8:
        return None
    found = cv2.createLineSegmentDetector().detect(cv2.cvtColor(picture[top:], cv2.COLOR_BGR2GRAY))[0]
    if found is None:
        return None
    ends = np.asarray(found, np.float64).reshape(-1, 2)
    segments = camera.undistort(ends + np.array((0, top))).reshape(-1, 4)
    across, down = segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1]
    length = np.hypot(across, down)
    steep = np.degrees(np.arctan2(np.abs(down), np.abs(across)))
    kept = (length > _LONG_PX) & (steep > _STEEP_DEG[0]) & (steep < _STEEP_DEG[1])
    longest = np.flatnonzero(kept)[np.argsort(-length[kept])[:_SEGMENTS_MAX]]
    segments, slant, length = segments[longest], across[longest] / down[longest], length[longest]
    return _agree(segments[:, 0] + (camera.horizon_px - segments[:, 1]) * slant, slant, length)


def _agree(columns: NDArray[np.float64], slant: NDArray[np.float64], length: NDArray[np.float64]) -> float | None:
    """The column that most of the painted length points to, from both sides of it; each shape (n,)."""
    if not len(columns):
        return None
    near = np.abs(columns[:, None] - columns) < _INLIER_PX
    best = near[int((near * length).sum(axis=1).argmax())]
    if min((slant[best] > 0).sum(), (slant[best] < 0).sum()) < _BOTH_SIDES:
        return None
    return float(np.average(columns[best], weights=length[best]))
