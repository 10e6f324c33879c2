"""Where the boxes of all tracks are and how they move: centre and logarithm of the size, each with its rate.

Four independent Kalman filters of two a track (centre's column and row, logarithms of width and height). What is
uncertain is counted in sizes of the box: a near car crosses its own width in a second as a far one does, and a far one
of 15 px still has a gate that an overlap of boxes would close.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import Boxes, Edges

Array = NDArray[np.float64]

_EDGE_SIGMA_PX, _EDGE_SIGMA = 1.2, 0.03  # of one detection: a network's jitter, wider than an edge's own error
_RATE_SIGMA = (4.0, 1.0, 1.2, 1.0)  # before anything is known: sizes a second, and parts of the size a second
_JOLT = (4.0, 1.0, 1.2, 0.8)  # of those rates, in the root of a second
_SHAKE_PX = np.array((5.0, 5.0, 0.0, 0.0))  # the whole picture, when a lorry passes the van: no vehicle's own motion
_CUT_SIGMA = (0.3, 0.3, 0.5, 0.5)  # of what the edge of the frame cuts, as the rates are counted
_LOG_RATE_MAX = 5.0  # a fifth of a second to arrival: nothing is left to be predicted


class BoxFilters:
    """The filters of n tracks; rows keep their order."""

    def __init__(self) -> None:
        self._mean = np.zeros((n := 0, 4, 2))
        self._cov = np.zeros((n, 4, 3))  # variance, covariance, variance of the rate

    def __len__(self) -> int:
        return len(self._mean)

    @property
    def xyxy(self) -> Boxes:
        """Where the boxes are believed to be; shape (n, 4)."""
        centre, half = self._mean[:, :2, 0], np.exp(self._mean[:, 2:, 0]) / 2
        return np.hstack((centre - half, centre + half))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        position, shared, rate = np.moveaxis(self._cov, -1, 0)
        jolt = (np.array(_JOLT) * self._sizes()) ** 2
        self._mean[:, :, 0] += self._mean[:, :, 1] * seconds
        self._cov = np.stack(
            (
                position + 2 * seconds * shared + seconds**2 * rate + jolt * seconds**3 / 3,
                shared + seconds * rate + jolt * seconds**2 / 2,
                rate + jolt * seconds,
            ),
            axis=-1,
        )

    def distances(self, boxes: Boxes, whole: Edges) -> tuple[Array, Array]:
        """How far each track is from each box: squared sigmas, and those with the cost of not knowing better.

        Both of shape (n, m). The second compares tracks: of two that might own a box, the one that said more exactly
        where it would be.
        """
        noise = self._noise()[:, None] + _SHAKE_PX**2 + _cut(boxes, whole)
        spread = self._cov[:, None, :, 0] + noise
        squared = ((_parts(boxes) - self._mean[:, None, :, 0]) ** 2 / spread).sum(axis=2)
        return squared, squared + np.log(spread / noise).sum(axis=2)

    def correct(self, rows: NDArray[np.intp], boxes: Boxes, whole: Edges) -> None:
        """Take the boxes that the tracks in `rows` were seen in."""
        position, shared, rate = np.moveaxis(self._cov[rows], -1, 0)
        noise = self._noise()[rows] + _cut(boxes, whole)
        spread = position + noise
        surprise = (_parts(boxes) - self._mean[rows, :, 0]) / spread
        self._mean[rows] += np.stack((position, shared), axis=-1) * surprise[:, :, None]
        self._mean[rows, 2:, 1] = np.clip(self._mean[rows, 2:, 1], -_LOG_RATE_MAX, _LOG_RATE_MAX)
        self._cov[rows] = np.stack(
            (position * noise / spread, shared * noise / spread, rate - shared**2 / spread), axis=-1
        )

    def add(self, boxes: Boxes) -> None:
        """Begin new tracks, after the others."""
        mean = np.stack((_parts(boxes), np.zeros((len(boxes), 4))), axis=-1)
        self._mean = np.concatenate((self._mean, mean))
        self._cov = np.concatenate((self._cov, np.zeros((len(boxes), 4, 3))))
        new = slice(len(self) - len(boxes), None)
        self._cov[new, :, 0] = self._noise()[new]
        self._cov[new, :, 2] = (np.array(_RATE_SIGMA) * self._sizes()[new]) ** 2

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget the others; shape (n,)."""
        self._mean, self._cov = self._mean[rows], self._cov[rows]

    def _sizes(self) -> Array:
        """What one unit of each state stands for; shape (n, 4): widths and heights in pixels, logarithms are bare."""
        return np.hstack((np.exp(self._mean[:, 2:, 0]), np.ones((len(self), 2))))

    def _noise(self) -> Array:
        """Variance of one detection; shape (n, 4)."""
        sizes_px = np.exp(self._mean[:, 2:, 0])
        edge = _EDGE_SIGMA_PX + _EDGE_SIGMA * sizes_px
        return np.hstack((edge**2 / 2, 2 * (edge / sizes_px) ** 2))


def _parts(boxes: Boxes) -> Array:
    corner, opposite = boxes[:, :2], boxes[:, 2:]
    return np.hstack(((corner + opposite) / 2, np.log(opposite - corner)))


def _cut(boxes: Boxes, whole: Edges) -> Array:
    """What is added to the variance where the frame cuts a box; shape (m, 4)."""
    x1, y1, x2, y2 = boxes.T
    across, along = ~whole.sides, ~(whole.top & whole.bottom)
    units = np.column_stack((x2 - x1, y2 - y1, np.ones((len(boxes), 2))))
    return np.asarray(np.column_stack((across, along, across, along)) * (units * np.array(_CUT_SIGMA)) ** 2)
