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
_SURPRISE_MAX, _SURPRISE_S = 1.0, 30.0  # sigmas, on average over that time: then what was known is wrong
_NOT_KNOWN_DEG = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounting:
    """How the camera moves against the road: slowly, as it settles, and quickly, with the springs."""

    drift_deg: float
    """In the root of a second."""
    nod_deg: float
    nod_s: float = 0.4
    same_s: float = 0.0
    """For how long a vehicle errs in the same way: its size and the road under it are what they are."""


PARKED = Mounting(drift_deg=0.005, nod_deg=0.03, same_s=5.0)
"""From here what stands looks the same for hours, and may be no vehicle at all: only what moves says anything."""
DRIVING = Mounting(drift_deg=0.10, nod_deg=0.35)


class Horizon:
    """The camera's pitch beyond that of its file, radians, as a slow part and a nodding one."""

    def __init__(self, mounting: Mounting, sigma_deg: float) -> None:
        self._drift_var = math.radians(mounting.drift_deg) ** 2
        self._nod_var = math.radians(mounting.nod_deg) ** 2
        self._nod_s = mounting.nod_s
        self._same_s = mounting.same_s
        self._passed_s = 1.0
        self._surprise = 0.0
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
        self._passed_s = max(seconds, 1e-3)

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
            said, said_var = float((weights * samples_rad).sum() / weights.sum()), float(1 / weights.sum())
            self._doubt((said - prior) / math.sqrt(prior_var + said_var))
            self._update(said, said_var)
        return others, others_var

    def _doubt(self, surprise: float) -> None:
        """Vehicle after vehicle says the same other thing: the camera was knocked, or its file is wrong."""
        self._surprise += (1 - math.exp(-self._passed_s / _SURPRISE_S)) * (surprise - self._surprise)
        if self._same_s and abs(self._surprise) > _SURPRISE_MAX:
            self._surprise = 0.0
            self._cov[0, 0] += math.radians(_NOT_KNOWN_DEG) ** 2

    def _update(self, pitch_rad: float, variance: float) -> None:
        """Of the slow part a frame tells as little as it lasts, beside the time for which errors stay the same."""
        noise = variance * np.array((max(1.0, self._same_s / self._passed_s), 1.0))
        gain = self._cov.sum(axis=1) / (self._cov.sum() + noise)
        self._mean += gain * (pitch_rad - self.pitch_rad)
        left = np.eye(2) - gain[:, None]
        self._cov = left @ self._cov @ left.T + np.outer(gain, gain) * np.sqrt(np.outer(noise, noise))
