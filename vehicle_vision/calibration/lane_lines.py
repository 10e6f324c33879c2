"""Where the lines painted on the road meet, in one picture, by OpenCV's line segment detector."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_LONG_PX = 25.0
_STEEP_DEG = (12.0, 80.0)  # lines of the road as seen from a van; neither shadows across it nor posts
_BOTH_SIDES = 2
_INLIER_PX = 6.0
_TRIES = 200
_SEGMENTS_MAX = 120


def vanishing_column(
    picture: NDArray[np.uint8], horizon_px: float, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Column and its sigma, pixels, at the row of the horizon; None: too few lines agree.

    `picture` is BGR or grey, uint8.
    """
    top = max(int(horizon_px) + 4, 0)
    if top >= picture.shape[0] - 8:
        return None
    grey = picture[top:] if picture.ndim == 2 else cv2.cvtColor(picture[top:], cv2.COLOR_BGR2GRAY)
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    if found is None:
        return None
    segments = np.asarray(found, np.float64).reshape(-1, 4)
    segments[:, 1::2] += top
    across, down = segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1]
    length = np.hypot(across, down)
    steep = np.degrees(np.arctan2(np.abs(down), np.abs(across)))
    kept = (length > _LONG_PX) & (steep > _STEEP_DEG[0]) & (steep < _STEEP_DEG[1])
    segments, across, down, length = segments[kept], across[kept], down[kept], length[kept]
    longest = np.argsort(-length)[:_SEGMENTS_MAX]
    return _agree(segments[longest], across[longest], down[longest], length[longest], horizon_px, rng)


def _agree(
    segments: NDArray[np.float64],
    across: NDArray[np.float64],
    down: NDArray[np.float64],
    length: NDArray[np.float64],
    horizon_px: float,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """The column that most of the painted length points to, from both sides of it."""
    if len(segments) < 2 * _BOTH_SIDES:
        return None
    columns = segments[:, 0] + (horizon_px - segments[:, 1]) * across / down
    best: NDArray[np.bool_] | None = None
    for column in rng.choice(columns, size=min(_TRIES, len(columns)), replace=False):
        inliers = np.abs(columns - column) < _INLIER_PX
        if best is None or length[inliers].sum() > length[best].sum():
            best = inliers
    assert best is not None  # noqa: S101  # there are columns
    leaning = np.sign(across[best] * down[best])
    if min((leaning > 0).sum(), (leaning < 0).sum()) < _BOTH_SIDES:
        return None
    column_px = float(np.average(columns[best], weights=length[best]))
    return column_px, max(1.0, float(columns[best].std()) / math.sqrt(int(best.sum())))
