"""How much of one box lies in another; boxes `xyxy`, float64, pixels. A box without area overlaps nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import Boxes

Shares = NDArray[np.float64]


def iou(ones: Boxes, others: Boxes) -> Shares:
    """The common part beside the union; shapes (n, 4) and (m, 4) give (n, m), 0 to 1."""
    common = _common(ones, others)
    union = _area(ones)[:, None] + _area(others) - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def inside(ones: Boxes, others: Boxes) -> Shares:
    """The share of each of the ones that lies in each of the others; shapes (n, 4) and (m, 4) give (n, m), 0 to 1."""
    common = _common(ones, others)
    areas = np.broadcast_to(_area(ones)[:, None], common.shape)
    return np.asarray(np.divide(common, areas, out=np.zeros_like(common), where=areas > 0))


def pairs(scores: Shares, least: float) -> list[tuple[int, int]]:
    """Which of the ones and of the others belong together, each at most once, best first; `scores` of shape (n, m)."""
    left = scores.copy()
    found: list[tuple[int, int]] = []
    while left.size and left.max() >= least:
        one, other = np.unravel_index(left.argmax(), left.shape)
        found.append((int(one), int(other)))
        left[one, :] = left[:, other] = -1.0
    return found


def _common(ones: Boxes, others: Boxes) -> Shares:
    low = np.maximum(ones[:, None, :2], others[:, :2])
    high = np.minimum(ones[:, None, 2:], others[:, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=2))


def _area(boxes: Boxes) -> Shares:
    return np.asarray(np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1))
