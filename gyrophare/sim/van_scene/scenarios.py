"""Who drives past the van, and how."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.weather import Colour
from vehicle_vision.errors import VisionError
from vehicle_vision.sizes import SIZES, Kind, Size

_KMH = 1 / 3.6
_FROM_M = 250.0
_COLOURS: tuple[Colour, ...] = (
    (228, 230, 230),
    (176, 176, 174),
    (112, 110, 108),
    (44, 42, 42),
    (128, 72, 34),
    (42, 38, 152),
    (150, 176, 190),
    (70, 96, 58),
    (58, 118, 190),
)
TRAFFIC: Mapping[Kind, float] = {
    Kind.CAR: 0.72,
    Kind.VAN: 0.13,
    Kind.TRUCK: 0.09,
    Kind.BUS: 0.02,
    Kind.MOTORCYCLE: 0.04,
}
_GAP_S = 1.6
_LEAST_MPS = 8.0


def approach(
    speed_kmh: float, lateral_m: float = 0.0, kind: Kind = Kind.CAR, *, from_m: float = _FROM_M
) -> tuple[Vehicle, ...]:
    """One vehicle that comes at a constant speed, so far right of the van's path, and drives on past the lens."""
    return (_alone(kind, from_m, speed_kmh, lateral_m),)


def receding(
    speed_kmh: float, lateral_m: float = 0.0, kind: Kind = Kind.CAR, *, from_m: float = 10.0
) -> tuple[Vehicle, ...]:
    """One that drives away."""
    return (_alone(kind, from_m, -speed_kmh, lateral_m),)


def standing(range_m: float, lateral_m: float = 0.0, kind: Kind = Kind.CAR) -> tuple[Vehicle, ...]:
    """One that does not move."""
    return (_alone(kind, range_m, 0.0, lateral_m),)


def empty() -> tuple[Vehicle, ...]:
    """Nobody."""
    return ()


def passing_traffic(
    rate_per_h: float,
    seed: int,
    *,
    lasts_s: float = 3600.0,
    lateral_m: float = 3.5,
    speed_kmh: float = 85.0,
    backwards: bool = False,
    kinds: Mapping[Kind, float] = TRAFFIC,
) -> tuple[Vehicle, ...]:
    """Traffic that keeps to its lane, `lateral_m` right of the van's path: towards the van, or `backwards` away.

    Sizes, colours and speeds differ, `kinds` is the share of each kind; nobody catches up with the one before him.
    """
    if not 0 < rate_per_h <= 2000:
        raise VisionError(f"rate_per_h = {rate_per_h}; expected more than 0, at most 2000 in one lane")
    dice = np.random.default_rng((seed, 11))
    found: list[Vehicle] = []
    comes_s, leaves_s = 0.0, -_GAP_S
    while True:
        comes_s += _GAP_S + float(dice.exponential(max(3600 / rate_per_h - _GAP_S, 0.05)))
        if comes_s >= lasts_s:
            return tuple(found)
        wanted_mps = max(float(dice.normal(speed_kmh, 0.1 * speed_kmh)) * _KMH, _LEAST_MPS)
        leaves_s = max(comes_s + _FROM_M / wanted_mps, leaves_s + _GAP_S)
        mps = _FROM_M / (leaves_s - comes_s)
        side_m = lateral_m + float(np.clip(dice.normal(0, 0.2), -0.5, 0.5))
        kind = Kind(dice.choice([*kinds], p=[*kinds.values()]))
        found.append(
            Vehicle(
                id=len(found) + 1,
                kind=kind,
                starts_m=0.0 if backwards else _FROM_M,
                closing_mps=((comes_s, -mps if backwards else mps),),
                offset_m=((0.0, side_m),),
                size=some_size(kind, dice),
                colour=some_colour(dice),
                backwards=backwards,
            )
        )


def some_size(kind: Kind, dice: np.random.Generator) -> Size:
    """As vehicles of a kind differ."""
    usual = SIZES[kind]
    high, wide = np.exp(np.clip(dice.normal(0, (usual.sigma, 0.05)), -0.25, 0.25))
    return Size(
        height_m=usual.height_m * float(high),
        sigma=usual.sigma,
        width_m=usual.width_m * float(wide),
        length_m=usual.length_m * float(wide),
    )


def some_colour(dice: np.random.Generator) -> Colour:
    """As vehicles are painted."""
    return _COLOURS[int(dice.integers(len(_COLOURS)))]


def _alone(kind: Kind, from_m: float, closing_kmh: float, lateral_m: float) -> Vehicle:
    return Vehicle(
        id=1,
        kind=kind,
        starts_m=from_m,
        closing_mps=((0.0, closing_kmh * _KMH),),
        offset_m=((0.0, lateral_m),),
        backwards=closing_kmh < 0,
    )
