"""Pitch, yaw, and what else is asked for, from things on the road at measured places.

Two cones give the pitch, one that stands beside the axis the yaw; with three and more the height or the focal length
can be found too, and how well they fit says how well all of it is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.camera import Camera
from vehicle_vision.errors import CameraError

_ROUNDS = 20
_CLICK_PX = 1.5  # nobody points better than that
_MISFIT_MAX_PX = 15.0
_STEP = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cone:
    """The middle of its foot in the picture, and where it stands: ahead of the lens, and right of the van's axis.

    `lateral_m` None: not measured; then it says nothing of the yaw.
    """

    u_px: float
    v_px: float
    range_m: float
    lateral_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A camera, and by how many pixels the cones miss where it would see them (root of the mean square)."""

    camera: Camera
    misfit_px: float


def fit(camera: Camera, cones: Sequence[Cone], *, height: bool = False, focal: bool = False) -> Fitted:
    """The camera that sees the cones where they are. Raise CameraError when they are too few or contradict one another.

    `height`, `focal`: find these too; the camera's own are where the search begins.
    """
    if camera.height_m is None:
        raise CameraError("height_m is not known; measure the height of the lens above the road first")
    for cone in cones:
        if not (math.isfinite(cone.range_m) and 2 <= cone.range_m <= 300):
            raise CameraError(f"a cone at {cone.range_m} m; expected 2 to 300 m")
    aside = any(cone.lateral_m is not None for cone in cones)
    names = [
        "pitch_deg",
        *(["yaw_deg"] if aside else []),
        *(["height_m"] if height else []),
        *(["focal"] if focal else []),
    ]
    seen = camera.undistort(np.array([(cone.u_px, cone.v_px) for cone in cones], dtype=np.float64).reshape(-1, 2))
    count = len(cones) + sum(cone.lateral_m is not None for cone in cones)
    if len(cones) < 2 or count < len(names):
        raise CameraError(f"{len(cones)} cones for {', '.join(names)}; expected more, at different ranges")
    values = np.array([camera.fx_px if name == "focal" else getattr(camera, name) for name in names])
    for _ in range(_ROUNDS):
        slopes, misses = _slopes(camera, names, values, cones, seen)
        change, *_ = np.linalg.lstsq(slopes, -misses, rcond=None)
        values = values + change
    slopes, misses = _slopes(camera, names, values, cones, seen)
    misfit_px = float(np.sqrt(np.mean(misses**2)))
    if not math.isfinite(misfit_px) or misfit_px > _MISFIT_MAX_PX:
        raise CameraError(
            f"the cones miss by {misfit_px:.0f} pixels; expected {_MISFIT_MAX_PX:.0f} at most. "
            "Measure their ranges again, and the height of the lens."
        )
    sigma_px = max(_CLICK_PX, misfit_px)
    spread = np.sqrt(np.diag(np.linalg.pinv(slopes.T @ slopes))) * sigma_px
    return Fitted(camera=_known(_with(camera, names, values), names, spread), misfit_px=misfit_px)


def _slopes(
    camera: Camera, names: list[str], values: NDArray[np.float64], cones: Sequence[Cone], seen: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    misses = _misses(_with(camera, names, values), cones, seen)
    columns = []
    for index in range(len(names)):
        step = max(abs(values[index]), 1.0) * _STEP
        moved = values.copy()
        moved[index] += step
        columns.append((_misses(_with(camera, names, moved), cones, seen) - misses) / step)
    return np.column_stack(columns), misses


def _misses(camera: Camera, cones: Sequence[Cone], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the camera would see them, less where they are seen: each cone's row, and the columns of those beside."""
    feet = camera.project(np.array([(cone.lateral_m or 0.0, 0.0, cone.range_m) for cone in cones]))
    off = feet - seen
    beside = np.array([cone.lateral_m is not None for cone in cones])
    return np.concatenate((off[:, 1], off[beside, 0]))


def _with(camera: Camera, names: list[str], values: NDArray[np.float64]) -> Camera:
    found = dict(zip(names, values.tolist(), strict=True))
    focal_px = found.get("focal", camera.fx_px)
    return replace(
        camera,
        pitch_deg=found["pitch_deg"],
        yaw_deg=found.get("yaw_deg", camera.yaw_deg),
        height_m=found.get("height_m", camera.height_m),
        fx_px=focal_px,
        fy_px=focal_px * camera.fy_px / camera.fx_px,
    )


def _known(camera: Camera, names: list[str], spread: NDArray[np.float64]) -> Camera:
    sigmas = dict(zip(names, spread.tolist(), strict=True))
    return replace(
        camera,
        pitch_sigma_deg=min(max(sigmas["pitch_deg"], 0.01), 30.0),
        yaw_sigma_deg=min(max(sigmas["yaw_deg"], 0.01), 30.0) if "yaw_deg" in sigmas else camera.yaw_sigma_deg,
    )
