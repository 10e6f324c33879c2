"""Places on the Earth and the distance between them."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import NamedTuple

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


class Position(NamedTuple):
    """A place without time, WGS84 degrees."""

    latitude_deg: float
    longitude_deg: float


def distance_m(a: Position, b: Position) -> float:
    """Great-circle distance in metres (haversine: good to 0.5 %, stable for short distances)."""
    latitude_a, latitude_b = radians(a.latitude_deg), radians(b.latitude_deg)
    half_dlat = (latitude_b - latitude_a) / 2
    half_dlon = radians(b.longitude_deg - a.longitude_deg) / 2
    h = sin(half_dlat) ** 2 + cos(latitude_a) * cos(latitude_b) * sin(half_dlon) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(h)))
