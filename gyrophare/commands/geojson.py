"""Areas as a map editor saves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gyrophare.kernel.errors import GyrophareError
from lone_worker.areas import Area

_CORNERS_MIN, _CORNERS_MAX = 3, 1000


class AreaError(GyrophareError):
    """A file holds no area that can be used."""


def read_area(path: Path) -> Area:
    """The outer ring of the one polygon in the file. Raise AreaError saying what was expected."""
    try:
        polygons = list(_polygons(json.loads(path.read_text(encoding="utf-8"))))
        [rings] = polygons
        corners = [(float(latitude_deg), float(longitude_deg)) for longitude_deg, latitude_deg, *_ in rings[0]]
    except OSError as error:
        raise AreaError(f"{path} cannot be read: {error.strerror}. Expected a GeoJSON file.") from None
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise AreaError(
            f"{path} holds no single polygon. Expected GeoJSON: one Polygon, alone or in a Feature; draw it anew."
        ) from None
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if not _CORNERS_MIN <= len(corners) <= _CORNERS_MAX:
        raise AreaError(f"{path} has {len(corners)} corners. Expected {_CORNERS_MIN} to {_CORNERS_MAX}.")
    if not all(-90 <= latitude_deg <= 90 and -180 <= longitude_deg <= 180 for latitude_deg, longitude_deg in corners):
        raise AreaError(f"{path} has corners off the Earth. Expected WGS84 degrees, longitude first.")
    return corners


def _polygons(found: Any) -> Any:
    match found["type"]:
        case "Polygon":
            yield found["coordinates"]
        case "Feature":
            yield from _polygons(found["geometry"])
        case "FeatureCollection":
            for feature in found["features"]:
                yield from _polygons(feature)
