"""What light and weather make of the picture, and what may be wrong with the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.errors import VisionError

Colour = tuple[float, float, float]
"""Blue, green, red; 0 to 255."""

_CLEAR_M = 15_000.0
_HEAVY_RAIN_M = 900.0
_CONTRAST_SEEN = 0.02  # Koschmieder: visibility is where a black thing keeps so much of its contrast


class Light(StrEnum):
    """How much of it there is."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


_AMBIENT = {Light.DAY: 1.0, Light.DUSK: 0.38, Light.NIGHT: 0.05}
_NOISE_SIGMA = {Light.DAY: 1.5, Light.DUSK: 3.0, Light.NIGHT: 4.0}
_HAZE: dict[Light, Colour] = {Light.DAY: (214, 208, 200), Light.DUSK: (120, 112, 128), Light.NIGHT: (16, 13, 12)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """`rain` is 0 (none) to 1 (heavy). `visibility_m`: that of a fog; None: clear. `noise_sigma`: of the sensor, in
    grey levels; None: as the light has it."""

    light: Light = Light.DAY
    rain: float = 0.0
    visibility_m: float | None = None
    noise_sigma: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rain <= 1:
            raise VisionError(f"rain = {self.rain}; expected 0 (none) to 1 (heavy)")
        if self.visibility_m is not None and not 10 <= self.visibility_m < math.inf:
            raise VisionError(f"visibility_m = {self.visibility_m}; expected 10 m or more, or None for clear air")
        if self.noise_sigma is not None and not 0 <= self.noise_sigma <= 40:
            raise VisionError(f"noise_sigma = {self.noise_sigma}; expected 0 to 40 grey levels, or None")

    @property
    def ambient(self) -> float:
        """The share of daylight that falls on things."""
        return _AMBIENT[self.light]

    @property
    def haze(self) -> Colour:
        """What the air adds: everything far enough away has this colour."""
        return _HAZE[self.light]

    @property
    def grain(self) -> float:
        """Noise of the sensor, in grey levels."""
        return _NOISE_SIGMA[self.light] if self.noise_sigma is None else self.noise_sigma

    def transmission(self, range_m: NDArray[np.float32] | float) -> NDArray[np.float32]:
        """The share of a thing's own light that arrives (Koschmieder), 0 to 1."""
        seen_m = self.visibility_m or _CLEAR_M
        if self.rain:
            seen_m = min(seen_m, _HEAVY_RAIN_M / self.rain)
        return np.asarray(_CONTRAST_SEEN ** (np.asarray(range_m, dtype=np.float32) / seen_m), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """At `at_s` the camera is turned, and stays so."""

    at_s: float
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong with the camera: the share of the lens under dirt, 0 to 1; how far the picture shakes, standard
    deviation in pixels; knocks; since when it shows the same frame; how much too long it exposes (1: right)."""

    dirt: float = 0.0
    vibration_px: float = 0.0
    knocks: tuple[Knock, ...] = ()
    frozen_from_s: float | None = None
    exposure: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.dirt <= 1:
            raise VisionError(f"dirt = {self.dirt}; expected the share of the lens, 0 to 1")
        if not 0 <= self.vibration_px <= 8:
            raise VisionError(f"vibration_px = {self.vibration_px}; expected 0 to 8 pixels")
        if not 0 <= self.exposure <= 50:
            raise VisionError(f"exposure = {self.exposure}; expected 0 (black) to 50, 1 is right")

    def turned_deg(self, at_s: float) -> tuple[float, float]:
        """Pitch and yaw that the knocks until then have added."""
        until = [knock for knock in self.knocks if knock.at_s <= at_s]
        return sum(knock.pitch_deg for knock in until), sum(knock.yaw_deg for knock in until)


SOUND = Faults()
