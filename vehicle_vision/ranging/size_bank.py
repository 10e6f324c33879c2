"""One track: how far its nearest face is and how fast that changes, under each kind of vehicle it may be.

For each kind a Kalman filter of five: the logarithm of the range (m), the range's rate (m/s, negative when it comes),
the logarithm of the vehicle's height (m), by how much the road under it is tilted against ours (radians), and the
logarithm of the breadth it shows (m). In logarithms an error of the size is one of the range, the same at any distance;
and as the size does not change while the range does, what the road under it says near by corrects what its size says
far away. The breadth says nothing of the range, for nobody knows how the vehicle is turned; but its growth is that of
the height, measured a second time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import BoxModel
from vehicle_vision.ranging.mixture import moments
from vehicle_vision.sizes import KINDS, SIZES, shares

Array = NDArray[np.float64]

_RANGE, _RATE, _HEIGHT, _TILT, _BREADTH = range(5)
_STATES = 5
_HEIGHTS = np.log(np.array([SIZES[kind].height_m for kind in KINDS]))
_BREADTHS = np.log(np.array([SIZES[kind].width_m for kind in KINDS]))
_SPREADS = np.array([SIZES[kind].sigma for kind in KINDS])
_LENGTHS_M = np.array([SIZES[kind].length_m for kind in KINDS])

_RANGE_SIGMA = 1.0  # of the logarithm: a third to three times as far
_LOG_RANGES = math.log(0.5), math.log(1000)
_RATE_SIGMA_MPS = 20.0  # before anything is known of it: whatever drives on roads
_ACCELERATION_MPS2 = 2.5  # in the root of a second
_TILT_SIGMA, _TILT_S = math.radians(0.8), 10.0
_BREADTH_SIGMA = 0.5  # from its front to its flank
_TURN, _TURN_ASIDE = 0.06, 0.2  # of the breadth in the root of a second: straight ahead, and for each radian beside
_TEMPER = 0.3  # errors of one frame are those of the next: ten frames do not tell of a kind ten times as much
_LABELS_KEPT = 20  # of a detector's words: their mean counts, for they do not err independently
_LOG_EVIDENCE_MIN = -8.0  # no kind is ever excluded for good
_STILL_MPS = 2.0
_MOVED_MAX = 0.5  # of the range in one frame: more is a time that is wrong, not a vehicle


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What ranging needs of the camera in one frame; the horizon's own error is not in `horizon_px`."""

    focal_px: float
    horizon_px: float
    height_m: float | None


class SizeBank:
    """The filters of one track, in the order of KINDS."""

    def __init__(self, label: str, height_px: float, view: View, model: BoxModel) -> None:
        count = len(KINDS)
        self._model = model
        self._shares, self._labels = shares(label), 1
        self._evidence = np.zeros(count)
        self.mean = np.zeros((count, _STATES))
        self.mean[:, _HEIGHT] = _HEIGHTS
        self.mean[:, _BREADTH] = _BREADTHS
        self.mean[:, _RANGE] = math.log(view.focal_px * model.height_ratio / height_px) + _HEIGHTS
        self.cov = np.zeros((count, _STATES, _STATES))
        self.cov[:] = np.diag((_RANGE_SIGMA**2, _RATE_SIGMA_MPS**2, 0.0, _TILT_SIGMA**2, _BREADTH_SIGMA**2))
        self.cov[:, _HEIGHT, _HEIGHT] = _SPREADS**2

    @property
    def weights(self) -> Array:
        """How probable each kind is; shape (kinds,), sums to 1."""
        weights = self._shares * np.exp(self._evidence)
        return np.asarray(weights / weights.sum())

    @property
    def moves(self) -> bool:
        """Whether it comes or goes, beyond doubt."""
        rate_mps, sigma_mps = moments(self.weights, self.mean[:, _RATE], self.cov[:, _RATE, _RATE])
        return abs(rate_mps) > _STILL_MPS + 2 * sigma_mps

    def call(self, label: str) -> None:
        """The detector says again what it is."""
        self._labels = min(self._labels + 1, _LABELS_KEPT)
        self._shares += (shares(label) - self._shares) / self._labels

    def advance(self, seconds: float, aside: float) -> None:
        """Let time pass; `aside` is the tangent of the angle at which the vehicle is seen beside the axis."""
        ranges_m = np.exp(self.mean[:, _RANGE])
        moved = np.clip(self.mean[:, _RATE] * seconds / ranges_m, -_MOVED_MAX, _MOVED_MAX)
        kept = math.exp(-seconds / _TILT_S)
        change = np.zeros((len(KINDS), _STATES, _STATES))
        change[:] = np.diag((1.0, 1.0, 1.0, kept, 1.0))
        change[:, _RANGE, _RANGE] -= moved
        change[:, _RANGE, _RATE] = seconds / ranges_m
        self.mean[:, _RANGE] += moved
        self.mean[:, _TILT] *= kept
        self.cov = change @ self.cov @ change.transpose(0, 2, 1)
        jolt = _ACCELERATION_MPS2**2 * seconds
        self.cov[:, _RATE, _RATE] += jolt
        self.cov[:, _RANGE, _RANGE] += jolt * seconds**2 / 3 / ranges_m**2
        shared = jolt * seconds / 2 / ranges_m
        self.cov[:, _RANGE, _RATE] += shared
        self.cov[:, _RATE, _RANGE] += shared
        self._lose_sight()
        self.cov[:, _TILT, _TILT] += (1 - kept**2) * _TILT_SIGMA**2
        self.cov[:, _BREADTH, _BREADTH] += (_TURN + _TURN_ASIDE * abs(aside)) ** 2 * seconds

    def _lose_sight(self) -> None:
        """Where it may be anywhere by now only its size is kept: it is looked for as on the first day."""
        lost = self.cov[:, _RANGE, _RANGE] > _RANGE_SIGMA**2
        for state, sigma in ((_RANGE, _RANGE_SIGMA), (_RATE, _RATE_SIGMA_MPS)):
            self.cov[lost, state, :] = 0
            self.cov[lost, :, state] = 0
            self.cov[lost, state, state] = sigma**2
        self.mean[lost, _RATE] = 0
        self.mean[:, _RANGE] = np.clip(self.mean[:, _RANGE], *_LOG_RANGES)

    def see_height(self, height_px: float, view: View) -> None:
        """Take the height of its box."""
        apparent_m, slope = self._apparent_height(view)
        expected = np.log(view.focal_px * self._model.height_ratio * apparent_m) - self.mean[:, _RANGE]
        noise = 2 * (self._edge_sigma_px(height_px) / height_px) ** 2
        self._weigh(*self._update(slope, math.log(height_px) - expected, noise))

    def see_width(self, width_px: float, view: View) -> None:
        """Take the width of its box; it tells nothing of the kind."""
        expected = math.log(view.focal_px) + self.mean[:, _BREADTH] - self.mean[:, _RANGE]
        slope = np.zeros_like(self.mean)
        slope[:, _RANGE] = -1
        slope[:, _BREADTH] = 1
        noise = 2 * (self._edge_sigma_px(width_px) / width_px) ** 2
        self._update(slope, math.log(width_px) - expected, noise)

    def see_ground(self, bottom_px: float, height_px: float, view: View, pitch_rad: float, pitch_var: float) -> None:
        """Take the place of its tyres; `pitch_rad` is the camera's beyond the view's, as the other vehicles say."""
        if view.height_m is None:
            return
        drop_px = view.focal_px * view.height_m * np.exp(-self.mean[:, _RANGE])
        below_px = self._tyres_px(bottom_px, height_px) - view.horizon_px
        expected = drop_px + view.focal_px * (self.mean[:, _TILT] - pitch_rad)
        slope = np.zeros_like(self.mean)
        slope[:, _RANGE] = -drop_px
        slope[:, _TILT] = view.focal_px
        noise = self._edge_sigma_px(height_px) ** 2 + view.focal_px**2 * pitch_var
        self._weigh(*self._update(slope, below_px - expected, noise))

    def say_pitch(self, bottom_px: float, height_px: float, view: View) -> tuple[float, float]:
        """What the camera's pitch must be beyond that of the view for this vehicle to stand on a level road, radians.

        And its variance, the tilt of the road under it included; infinite without a height of the camera.
        """
        if view.height_m is None:
            return 0.0, math.inf
        weights = self.weights
        drops = view.height_m * np.exp(-self.mean[:, _RANGE])
        below = (self._tyres_px(bottom_px, height_px) - view.horizon_px) / view.focal_px
        said = drops - below
        mean = float(weights @ said)
        variance = float(weights @ (drops**2 * self.cov[:, _RANGE, _RANGE] + (said - mean) ** 2))
        return mean, variance + (self._edge_sigma_px(height_px) / view.focal_px) ** 2 + _TILT_SIGMA**2

    def _apparent_height(self, view: View) -> tuple[Array, Array]:
        """The height its box stands for, and what the box's logarithm gains with each part of the state.

        From above, the upper edge of a low vehicle is that of its far end.
        """
        ranges_m, heights_m = np.exp(self.mean[:, _RANGE]), np.exp(self.mean[:, _HEIGHT])
        far_m = ranges_m + _LENGTHS_M
        under_m = np.maximum((view.height_m or 0.0) - heights_m, 0.0)
        apparent_m = heights_m + under_m * _LENGTHS_M / far_m
        slope = np.zeros_like(self.mean)
        slope[:, _RANGE] = -1 - under_m * _LENGTHS_M * ranges_m / far_m**2 / apparent_m
        slope[:, _HEIGHT] = heights_m * np.where(under_m > 0, ranges_m / far_m, 1.0) / apparent_m
        return apparent_m, slope

    def _tyres_px(self, bottom_px: float, height_px: float) -> float:
        return bottom_px + self._model.bottom_lift * height_px

    def _edge_sigma_px(self, size_px: float) -> float:
        return self._model.edge_sigma_px + self._model.edge_sigma * size_px

    def _update(self, slope: Array, surprise: Array, noise: float) -> tuple[Array, Array]:
        """Return the surprise and its variance, shape (kinds,) each."""
        spread = np.einsum("kij,kj->ki", self.cov, slope)
        variance = np.einsum("ki,ki->k", spread, slope) + noise
        self.mean += spread * (surprise / variance)[:, None]
        self.cov -= spread[:, :, None] * spread[:, None, :] / variance[:, None, None]
        return surprise, variance

    def _weigh(self, surprise: Array, variance: Array) -> None:
        evidence = self._evidence - _TEMPER / 2 * (surprise**2 / variance + np.log(variance))
        self._evidence = np.maximum(evidence - evidence.max(), _LOG_EVIDENCE_MIN)
