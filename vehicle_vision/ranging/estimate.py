"""What is known of a track's range; None where it is not known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vehicle_vision.ranging.mixture import moments, quantiles, significant
from vehicle_vision.ranging.size_bank import SizeBank
from vehicle_vision.sizes import KINDS, Kind

_CLOSING_SIGMA_MAX_MPS = 4.0  # beyond, a speed is a guess
_TTC_SIGMA_MAX = 0.7  # of itself
_TTC_MAX_S = 60.0
_INTERVAL = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeEstimate:
    """Of the vehicle's nearest face along the camera's axis."""

    range_m: float
    """The median: as likely too far as too near."""
    range_sigma: float
    """Of the range's logarithm: 0.08 is about 8 %."""
    range_low_m: float
    """Nearer with a probability of 5 %."""
    range_high_m: float
    """Farther with a probability of 5 %."""
    closing_mps: float | None
    """Positive when it comes."""
    closing_sigma_mps: float
    ttc_s: float | None
    """Until it is here, going on as now; None: it does not come, or that is not known. Needs no calibration."""
    ttc_low_s: float | None
    """Sooner with a probability of 10 %; None: hardly at all."""
    kind: Kind
    """The likeliest."""
    seen_s: float
    """For how long it has been followed."""


def estimate(bank: SizeBank, seen_s: float) -> RangeEstimate:
    """What the filters of one track amount to."""
    kept = significant(bank.weights)
    weights = bank.weights[kept] / bank.weights[kept].sum()
    mean, cov = bank.mean[kept], bank.cov[kept]
    low, middle, high = quantiles(weights, mean[:, 0], np.sqrt(cov[:, 0, 0]), _INTERVAL)
    _, log_sigma = moments(weights, mean[:, 0], cov[:, 0, 0])
    rate_mps, closing_sigma_mps = moments(weights, mean[:, 1], cov[:, 1, 1])
    # Range over closing speed as its inverse: that is what the growth of the box shows, whatever the vehicle's size.
    ranges_m = np.exp(mean[:, 0])
    inverse = -mean[:, 1] / ranges_m
    variance = cov[:, 1, 1] / ranges_m**2 + inverse**2 * cov[:, 0, 0] + 2 * inverse / ranges_m * cov[:, 0, 1]
    inverse_middle, inverse_high = quantiles(weights, inverse, np.sqrt(np.maximum(variance, 1e-12)), (0.5, 0.9))
    _, inverse_sigma = moments(weights, inverse, variance)
    known = closing_sigma_mps <= _CLOSING_SIGMA_MAX_MPS
    return RangeEstimate(
        range_m=math.exp(middle),
        range_sigma=log_sigma,
        range_low_m=math.exp(low),
        range_high_m=math.exp(high),
        closing_mps=-rate_mps if known else None,
        closing_sigma_mps=closing_sigma_mps,
        ttc_s=_time_s(inverse_middle) if inverse_sigma <= _TTC_SIGMA_MAX * inverse_middle else None,
        ttc_low_s=_time_s(inverse_high),
        kind=KINDS[int(bank.weights.argmax())],
        seen_s=seen_s,
    )


def _time_s(inverse: float) -> float | None:
    return 1 / inverse if inverse > 1 / _TTC_MAX_S else None
