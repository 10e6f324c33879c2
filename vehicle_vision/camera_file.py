"""A camera's file: TOML, written by `gyrophare van calibrate` and read by the van.

frame_wh = [1920, 1080]
fx_px = 1663.0
fy_px = 1663.0
cx_px = 960.0
cy_px = 540.0
distortion = [0.0, 0.0, 0.0, 0.0, 0.0]   # k1 k2 p1 p2 k3, as OpenCV says them
height_m = 2.2                           # of the lens above the road; left out: not measured
pitch_deg = 0.0                          # positive: it looks down
yaw_deg = 0.0                            # positive: it looks to the right of the van's axis
pitch_sigma_deg = 0.3
yaw_sigma_deg = 0.5
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from vehicle_vision.camera import Camera
from vehicle_vision.errors import CameraError

_NEEDED = ("frame_wh", "fx_px", "fy_px", "cx_px", "cy_px")
_LENGTHS = {"frame_wh": 2, "distortion": 5}


def read(path: Path) -> Camera:
    """Raise CameraError when there is no such file, or one of its values cannot be."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CameraError(
            f"{path}: {error.strerror}. Expected the camera's file; `gyrophare van calibrate` writes one."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CameraError(f"{path}: not a TOML file: {error}") from None
    try:
        return _camera(given)
    except CameraError as error:
        raise CameraError(f"{path}: {error}") from None


def write(camera: Camera, path: Path) -> None:
    """Whole or not at all: the van may be reading it."""
    lines = [f"{name} = {_toml(value)}" for name, value in asdict(camera).items() if value is not None]
    new = path.with_name(path.name + ".new")
    new.write_text("\n".join(lines) + "\n", encoding="utf-8")
    new.replace(path)


def _camera(given: dict[str, Any]) -> Camera:
    known = {one.name for one in fields(Camera)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise CameraError(f"{unknown[0]} is none of {', '.join(sorted(known))}")
    missing = [name for name in _NEEDED if name not in given]
    if missing:
        raise CameraError(f"{missing[0]} is missing; expected {', '.join(_NEEDED)} at least")
    for name, value in given.items():
        length = _LENGTHS.get(name)
        numbers = value if length is not None else [value]
        if not isinstance(numbers, list) or not all(_number(one) for one in numbers):
            raise CameraError(f"{name} = {value!r}; expected {'a list of numbers' if length else 'a number'}")
        if name == "frame_wh" and not all(math.isfinite(one) and one == int(one) for one in numbers):
            raise CameraError(f"{name} = {value!r}; expected whole pixels")
        if length is not None and len(numbers) != length:
            raise CameraError(f"{name} = {value!r}; expected {length} numbers")
        given[name] = tuple(map(int if name == "frame_wh" else float, numbers)) if length else float(value)
    return Camera(**given)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _toml(value: Any) -> str:
    return f"[{', '.join(map(repr, value))}]" if isinstance(value, tuple) else repr(value)
