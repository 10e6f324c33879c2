"""Quantiles of a mixture of normal distributions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SPAN = 5.0  # sigmas on either side: beyond lies less than a part in a million
_STEPS = 241


def quantiles(weights: Array, means: Array, sigmas: Array, shares: tuple[float, ...]) -> list[float]:
    """Below which values these shares of the mixture lie; weights, means and sigmas of shape (k,)."""
    grid = np.linspace((means - _SPAN * sigmas).min(), (means + _SPAN * sigmas).max(), _STEPS)
    below = weights @ _below((grid - means[:, None]) / sigmas[:, None])
    return [float(value) for value in np.interp(shares, below, grid)]


def _below(scores: Array) -> Array:
    """The normal distribution's share below each score; off by 2e-4 at most (its logistic likeness)."""
    scores = np.clip(scores, -_SPAN, _SPAN)  # a narrow part far from a wide one: its exponential would overflow
    return np.asarray(1 / (1 + np.exp(-scores * (1.5976 + 0.070566 * scores**2))))


def moments(weights: Array, means: Array, variances: Array) -> tuple[float, float]:
    """Mean and standard deviation of the mixture."""
    mean = float(weights @ means)
    return mean, math.sqrt(float(weights @ (variances + (means - mean) ** 2)))


def significant(weights: Array) -> NDArray[np.bool_]:
    """Which parts are worth a quantile's time."""
    return np.asarray(weights > 1e-3)
