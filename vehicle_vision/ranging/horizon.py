"""Where the horizon is in this very frame, from the sizes and places of all vehicles in it.

A vehicle whose size is roughly known says where the horizon must be for its tyres to stand on the road. One alone says
it badly; all of them together, and the frames before, say it to a fraction of a degree (Park and Hwang 2014 call it a
virtual horizon).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_GATE = 9.0  # squared sigmas: what is farther off is given as much less weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounting:
    """How the camera moves against the road: slowly, as it settles, and quickly, with the springs."""

    drift_deg: float
    """In the root of a second."""
    nod_deg: float
    nod_s: float = 0.4


PARKED = Mounting(drift_deg=0.005, nod_deg=0.03)
DRIVING = Mounting(drift_deg=0.10, nod_deg=0.35)


class Horizon:
    """The camera's pitch beyond that of its file, radians, as a slow part and a nodding one."""

    def __init__(self, mounting: Mounting, sigma_deg: float) -> None:
        self._drift_var = math.radians(mounting.drift_deg) ** 2
        self._nod_var = math.radians(mounting.nod_deg) ** 2
        self._nod_s = mounting.nod_s
        self._mean = np.zeros(2)
        self._cov = np.diag((math.radians(sigma_deg) ** 2, self._nod_var))

    @property
    def pitch_rad(self) -> float:
        return float(self._mean.sum())

    @property
    def sigma_rad(self) -> float:
        return math.sqrt(float(self._cov.sum()))

    @property
    def settled_rad(self) -> float:
        """The slow part: what a camera's file should say."""
        return float(self._mean[0])

    @property
    def settled_sigma_rad(self) -> float:
        return math.sqrt(float(self._cov[0, 0]))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        kept = np.array((1.0, math.exp(-seconds / self._nod_s)))
        self._mean *= kept
        self._cov *= np.outer(kept, kept)
        self._cov[0, 0] += self._drift_var * seconds
        self._cov[1, 1] += self._nod_var * (1 - kept[1] ** 2)

    def look(
        self, samples_rad: NDArray[np.float64], variances: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Take what each vehicle says; shape (n,) each, a variance infinite where it says nothing.

        Return for each vehicle what all the *others* and the past say: pitch (n,) radians and variance (n,). What it
        had said itself would come back to it as if it were news.
        """
        prior, prior_var = self.pitch_rad, float(self._cov.sum())
        off = (samples_rad - prior) ** 2 / (variances + prior_var)
        variances = variances * np.maximum(1.0, off / _GATE)
        weights = 1 / variances
        information = 1 / prior_var + weights.sum()
        pull = prior / prior_var + (weights * samples_rad).sum()
        others_var = 1 / (information - weights)
        others = (pull - weights * samples_rad) * others_var
        if weights.any():
            self._update(float((weights * samples_rad).sum() / weights.sum()), float(1 / weights.sum()))
        return others, others_var

    def _update(self, pitch_rad: float, variance: float) -> None:
        gain = self._cov.sum(axis=1) / (self._cov.sum() + variance)
        self._mean += gain * (pitch_rad - self.pitch_rad)
        self._cov -= np.outer(gain, self._cov.sum(axis=0))
