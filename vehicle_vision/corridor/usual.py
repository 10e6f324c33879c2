"""The way that traffic usually goes past: it shows how the road bends, and what is normal here.

A vehicle that has passed leaves one place for each ten metres of its way. Their common bend is the road's, whatever
the lane; how many went through a place says whether one more there is worth a thought.
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
_SLOPE_MAX = 0.02  # a van stands along its road; ways that end at an angle are of vehicles that change their lane
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
    fits: tuple[tuple[float, float, float], ...] = ()
    """Of the last vehicles: when, slope, bend."""
    passed: NDArray[np.float64] = field(default_factory=lambda: np.zeros((BINS, _LATERALS)))
    """How many went through each place, the older ones fading; shape (ranges, laterals)."""

    def axis(self) -> RoadAxis | None:
        """The road's axis through the van; None until enough vehicles agree on one."""
        if len(self.fits) < _TRACKS_MIN:
            return None
        found = np.array(self.fits)[:, 1:]
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


def learn(usual: UsualPath, trail: Trail, at_s: float) -> UsualPath:
    """Take the way of a vehicle that has passed the van."""
    passed = usual.passed * math.exp(-(at_s - usual.at_s) / _FORGET_S)
    for range_m, lateral_m in trail.values():
        if (cell := _cell(range_m, lateral_m)) is not None:
            passed[cell] += 1
    fits = tuple(one for one in usual.fits if at_s - one[0] < _FORGET_S)
    if (fit := _fit(trail)) is not None:
        fits = (*fits, (at_s, *fit))[-_KEPT:]
    return UsualPath(at_s=at_s, fits=fits, passed=passed)


def bin_of(range_m: float) -> int:
    return int(range_m // BIN_M)


def _cell(range_m: float, lateral_m: float) -> tuple[int, int] | None:
    row, column = bin_of(range_m), math.floor((lateral_m + _LATERAL_MAX_M) / _LATERAL_M)
    return (row, column) if 0 <= row < BINS and 0 <= column < _LATERALS else None


def _fit(trail: Trail) -> tuple[float, float] | None:
    """Slope and bend of one way; None where it is too short, or as no road bends."""
    ranges_m, laterals_m = np.array(list(trail.values()), dtype=np.float64).reshape(-1, 2).T
    if len(ranges_m) < 5 or np.ptp(ranges_m) < _SPAN_M:
        return None
    basis = np.column_stack((np.ones_like(ranges_m), ranges_m, ranges_m**2 / 2))
    found, *_ = np.linalg.lstsq(basis, laterals_m, rcond=None)
    off_m = float(np.sqrt(np.mean((basis @ found - laterals_m) ** 2)))
    slope, bend = float(found[1]), float(found[2])
    return (slope, bend) if off_m < _OFF_MAX_M and abs(slope) < _SLOPE_MAX and abs(bend) < _BEND_MAX else None
