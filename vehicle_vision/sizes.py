"""How big vehicles are, and what a detector's word for one tells of its size.

A label never settles it: a nano network calls a van a car, and a far lorry a train. Each track therefore keeps all
kinds at once, weighted (`vehicle_vision.ranging.size_bank`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Kind(StrEnum):
    """What a vehicle is, by its size."""

    MOTORCYCLE = "motorcycle"
    CAR = "car"
    VAN = "van"
    TRUCK = "truck"
    BUS = "bus"
    TRAM = "tram"


KINDS = tuple(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Height, width and length, metres; `sigma` is the spread of the height's logarithm."""

    height_m: float
    sigma: float
    width_m: float
    length_m: float


# Cars, vans and lorries as they stand on European roads; a motorcycle with its rider.
SIZES: Mapping[Kind, Size] = {
    Kind.MOTORCYCLE: Size(height_m=1.50, sigma=0.15, width_m=0.80, length_m=2.1),
    Kind.CAR: Size(height_m=1.53, sigma=0.08, width_m=1.63, length_m=3.9),
    Kind.VAN: Size(height_m=2.10, sigma=0.14, width_m=1.88, length_m=4.7),
    Kind.TRUCK: Size(height_m=3.30, sigma=0.15, width_m=2.50, length_m=8.5),
    Kind.BUS: Size(height_m=3.30, sigma=0.12, width_m=2.55, length_m=12.0),
    Kind.TRAM: Size(height_m=3.50, sigma=0.12, width_m=2.50, length_m=15.0),
}

# How a label shares out among the kinds: of detectors with COCO's words, then of people who knew.
_LABELS: Mapping[str, Mapping[Kind, float]] = {
    "car": {Kind.CAR: 0.88, Kind.VAN: 0.12},
    "motorcycle": {Kind.MOTORCYCLE: 0.97, Kind.CAR: 0.03},
    "bus": {Kind.BUS: 0.60, Kind.TRUCK: 0.20, Kind.VAN: 0.20},
    "truck": {Kind.TRUCK: 0.70, Kind.VAN: 0.30},
    "train": {Kind.TRAM: 0.50, Kind.TRUCK: 0.40, Kind.BUS: 0.10},
    "Car": {Kind.CAR: 1.0},
    "Van": {Kind.VAN: 1.0},
    "Truck": {Kind.TRUCK: 1.0},
    "Tram": {Kind.TRAM: 1.0},
}
# A detector that is told of one super-class only, or a word nobody has heard: everything a road carries.
_ANY: Mapping[Kind, float] = {
    Kind.MOTORCYCLE: 0.04,
    Kind.CAR: 0.74,
    Kind.VAN: 0.12,
    Kind.TRUCK: 0.07,
    Kind.BUS: 0.02,
    Kind.TRAM: 0.01,
}
_LEAST = 1e-4  # nothing is excluded by a word


def shares(label: str) -> NDArray[np.float64]:
    """How probable each of KINDS is when a vehicle is called `label`; shape (6,), sums to 1.

    Any label is understood: an unknown one tells no more than that it is a vehicle.
    """
    said = _LABELS.get(label, _ANY)
    found = np.array([said.get(kind, 0.0) for kind in KINDS]) + _LEAST
    return found / float(found.sum())
