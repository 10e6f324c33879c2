"""Whether a place lies in an area drawn on the map. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gyrophare.kernel.geo import Position

Area = Sequence[tuple[float, float]]
"""The corners of a polygon, each a latitude and a longitude in degrees; the last one joins the first. None crosses a
pole or the 180th meridian."""


def inside(area: Area, place: Position) -> bool:
    """Whether `place` lies in `area`: a ray to the north crosses its border an odd number of times."""
    latitude_deg, longitude_deg = place.latitude_deg, place.longitude_deg
    crossings = 0
    for (lat_a, lon_a), (lat_b, lon_b) in zip(area, [*area[1:], *area[:1]], strict=True):
        if (lon_a > longitude_deg) != (lon_b > longitude_deg):
            crossed_at = lat_a + (lat_b - lat_a) * (longitude_deg - lon_a) / (lon_b - lon_a)
            crossings += crossed_at > latitude_deg
    return crossings % 2 == 1
