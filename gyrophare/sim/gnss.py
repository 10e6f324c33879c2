"""What a GNSS receiver makes of where it is: an error that wanders, speeds of somebody who stands, too good an opinion.

The error of a receiver is not dice thrown each second: it drifts for minutes. It is a Gauss-Markov process here, with a
stated sigma and time constant, as a sum of waves: their frequencies follow the spectrum of such a process, so that any
instant can be asked, in any order, and answers the same. The figures fit recorded receivers at rest: 95 % within 22 to
30 m of their median over ten minutes, at most 22 to 62 m, correlated by 0.4 after half a minute, and Doppler speeds of
up to 0.77 m/s.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import cos, pi, sqrt, tan

_WANDER_WAVES, _OTHER_WAVES = 16, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """What a receiver sees, and what that does to it."""

    sigma_m: float
    """Of the error along each of north and east."""
    tau_s: float
    """After so long the error is correlated with itself by 1/e."""
    speed_sigma_mps: float
    """Likewise of the Doppler speed."""
    accuracy_m: tuple[float, float]
    """The least and the most that the receiver admits: its error lies within it less often than it says."""


OPEN_SKY = Sky(sigma_m=3.0, tau_s=60.0, speed_sigma_mps=0.06, accuracy_m=(3.0, 6.0))
UNDER_TREES = Sky(sigma_m=11.0, tau_s=40.0, speed_sigma_mps=0.17, accuracy_m=(6.0, 14.0))
_SPEED_TAU_S = 2.0


class Wander:
    """A Gauss-Markov process of sigma 1 and tau 1: `at(time)`, time counted in its time constants."""

    def __init__(self, seed: str, waves: int) -> None:
        dice = random.Random(seed)  # noqa: S311  # no secret depends on it
        self._scale = sqrt(2 / waves)
        # Its spectrum is a Cauchy distribution: one frequency of each of `waves` equal parts of it.
        self._waves = [
            (tan(pi * ((number + dice.random()) / waves - 0.5)), dice.uniform(0, 2 * pi)) for number in range(waves)
        ]

    def at(self, time: float) -> float:
        return self._scale * sum([cos(frequency * time + phase) for frequency, phase in self._waves])


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """How far a receiver is off."""

    north_m: float
    east_m: float
    speed_north_mps: float
    speed_east_mps: float
    accuracy_m: float
    """What it believes, and reports."""


class Receiver:
    """One receiver. `seed` tells it from others."""

    def __init__(self, seed: str) -> None:
        self._north, self._east = (Wander(f"{seed} {axis}", _WANDER_WAVES) for axis in ("north", "east"))
        self._speed_north, self._speed_east, self._opinion = (
            Wander(f"{seed} {what}", _OTHER_WAVES) for what in ("speed north", "speed east", "accuracy")
        )

    def error(self, at_s: float, sky: Sky) -> Error:
        """Its error at `at_s`, seconds since any fixed instant."""
        time, fast = at_s / sky.tau_s, at_s / _SPEED_TAU_S
        least_m, most_m = sky.accuracy_m
        opinion = min(max(self._opinion.at(time), -2.0), 2.0)
        return Error(
            north_m=sky.sigma_m * self._north.at(time),
            east_m=sky.sigma_m * self._east.at(time),
            speed_north_mps=sky.speed_sigma_mps * self._speed_north.at(fast),
            speed_east_mps=sky.speed_sigma_mps * self._speed_east.at(fast),
            accuracy_m=least_m + (most_m - least_m) * (opinion + 2.0) / 4.0,
        )
