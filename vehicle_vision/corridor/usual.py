"""The way that traffic usually goes past: it shows how the road bends, and what is normal here.

A vehicle that has passed leaves one place for each ten metres of its way. The bend that most of them share is the
road's, whatever the lane, unless a change of lanes would explain it: that ends where it began, along the road. How many
went through a place says whether one more there is worth a thought.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BIN_M, BINS = 10.0, 16
_LATERAL_M, _LATERAL_MAX_M = 0.5, 20.0
_FORGET_S = 600.0  # roadworks move, and so does the traffic beside them
_KEPT = 60  # tracks for the bend of the road
_SPAN_M, _OFF_MAX_M = 50.0, 0.5  # a way too short, or no bend of a road, says nothing of it
_TRACKS_MIN = 6
_BEND_MAX = 1 / 125  # beyond, no road that is driven at 50 km/h
_SLOPE_MAX = 0.02  # a van stands along its road
_LANE_M = 4.0  # no lane is wider
_CHANGED_M, _CHANGE_M = np.arange(10.0, 220.0, 10.0), np.array((6.0, 10.0, 15.0, 20.0, 28.0, 40.0))
_BETTER = 1.1  # by how much a bend must fit better than any change of lanes
_PLACE_SIGMA_M, _FIT_MIN_M = 0.2, 0.05
_NORMAL_SHARE, _NORMAL_MIN = 0.10, 3.0

_LATERALS = round(2 * _LATERAL_MAX_M / _LATERAL_M)
Trail = Mapping[int, tuple[float, float]]
"""Of one vehicle: range and lateral, metres, by bin of range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadAxis:
    """The line on which a vehicle would come at the van: straight ahead, or as the road bends."""

    slope: float
    slope_sigma: float
    bend: float = 0.0
    """Inverse of the radius, 1/m, positive to the right."""

    def lateral_m(self, range_m: float) -> float:
        return self.slope * range_m + self.bend * range_m**2 / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualPath:
    """What is learnt of the ways past the van."""

    at_s: float = 0.0
    fits: tuple[tuple[float, tuple[float, float] | None], ...] = ()
    """Of the last vehicles: when, and slope and bend; None: it went straight on, or changed lanes."""
    passed: NDArray[np.float64] = field(default_factory=lambda: np.zeros((BINS, _LATERALS)))
    """How many went through each place, the older ones fading; shape (ranges, laterals)."""

    def axis(self) -> RoadAxis | None:
        """The road's axis through the van where it bends; None: straight on, or not enough vehicles agree on one."""
        bent = [fit for _, fit in self.fits if fit is not None]
        if len(bent) < max(_TRACKS_MIN, len(self.fits) / 2):
            return None
        found = np.array(bent)
        slope, bend = np.median(found, axis=0)
        spread = 1.4826 * np.median(np.abs(found - (slope, bend)), axis=0) / math.sqrt(len(found))
        if spread[1] > _BEND_MAX / 8:
            return None
        return RoadAxis(slope=float(slope), bend=float(bend), slope_sigma=float(spread[0]) + 0.001)

    def is_normal(self, range_m: float, lateral_m: float) -> bool:
        """Whether a good share of all vehicles went through this place and then passed the van."""
        if (cell := _cell(range_m, lateral_m)) is None:
            return False
        row = self.passed[cell[0]]
        near = float(row[max(cell[1] - 1, 0) : cell[1] + 2].sum())
        return near >= max(_NORMAL_MIN, _NORMAL_SHARE * float(row.sum()))


def learn(usual: UsualPath, trail: Trail, at_s: float, straight: RoadAxis) -> UsualPath:
    """Take the way of a vehicle that has passed the van; `straight`: where the road goes if it does not bend."""
    passed = usual.passed * math.exp(-(at_s - usual.at_s) / _FORGET_S)
    for range_m, lateral_m in trail.values():
        if (cell := _cell(range_m, lateral_m)) is not None:
            passed[cell] += 1
    fits = tuple(one for one in usual.fits if at_s - one[0] < _FORGET_S)
    ranges_m, laterals_m = np.array(list(trail.values()), dtype=np.float64).reshape(-1, 2).T
    if len(ranges_m) >= 5 and np.ptp(ranges_m) >= _SPAN_M:
        changed_m = _change_misfit_m(ranges_m, laterals_m, straight)
        fit = _bend(ranges_m, laterals_m, changed_m / _BETTER)
        if fit is not None or changed_m < _OFF_MAX_M:
            fits = (*fits, (at_s, fit))[-_KEPT:]
    return UsualPath(at_s=at_s, fits=fits, passed=passed)


def bin_of(range_m: float) -> int:
    return int(range_m // BIN_M)


def _cell(range_m: float, lateral_m: float) -> tuple[int, int] | None:
    row, column = bin_of(range_m), math.floor((lateral_m + _LATERAL_MAX_M) / _LATERAL_M)
    return (row, column) if 0 <= row < BINS and 0 <= column < _LATERALS else None


def _bend(
    ranges_m: NDArray[np.float64], laterals_m: NDArray[np.float64], off_max_m: float
) -> tuple[float, float] | None:
    """Slope and bend of one way; None where it is off by more than that, or as no road bends."""
    basis = np.column_stack((np.ones_like(ranges_m), ranges_m, ranges_m**2 / 2))
    found, *_ = np.linalg.lstsq(basis, laterals_m, rcond=None)
    off_m = _misfit_m(basis @ found - laterals_m)
    slope, bend = float(found[1]), float(found[2])
    known = off_m < min(off_max_m, _OFF_MAX_M) and abs(slope) < _SLOPE_MAX and abs(bend) < _BEND_MAX
    return (slope, bend) if known else None


def _change_misfit_m(ranges_m: NDArray[np.float64], laterals_m: NDArray[np.float64], straight: RoadAxis) -> float:
    """How far off the way is, root mean square, from the best one straight on with one change of lanes, or none.

    What is known of the road's direction counts as one more place.
    """
    weight_m = _PLACE_SIGMA_M / straight.slope_sigma
    lines = np.column_stack((np.append(np.ones_like(ranges_m), 0.0), np.append(ranges_m, weight_m)))
    places_m = np.append(laterals_m, weight_m * straight.slope)
    middles_m, scales_m = (grid.reshape(-1, 1) for grid in np.meshgrid(_CHANGED_M, _CHANGE_M))
    changes = 1 / (1 + np.exp(np.clip((ranges_m - middles_m) / scales_m, -50.0, 50.0)))
    changes = np.column_stack((changes, np.zeros(len(changes))))
    basis, _ = np.linalg.qr(lines)
    left_m, changes = places_m - basis @ (basis.T @ places_m), changes - (changes @ basis) @ basis.T
    steps_m = np.clip(changes @ left_m / np.maximum((changes**2).sum(axis=1), 1e-9), -_LANE_M, _LANE_M)
    return min(map(_misfit_m, left_m - steps_m[:, None] * changes))


def _misfit_m(off_m: NDArray[np.float64]) -> float:
    return math.hypot(float(np.sqrt(np.mean(off_m**2))), _FIT_MIN_M)
