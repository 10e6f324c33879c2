"""Pictures with labels and calibration, laid out as KITTI's for objects: `image_2`, `label_2`, `calib`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gyrophare.evaluation.recording import RecordingError
from gyrophare.evaluation.vision.frames import PICTURES, picture
from vehicle_vision.boxes import Boxes
from vehicle_vision.camera import Camera
from vehicle_vision.detectors import Image

VEHICLES = ("Car", "Van", "Truck", "Tram")
_HEIGHT_M = 1.65  # of the recording car's camera
_PITCH_SIGMA_DEG = 0.4  # as it brakes, starts and meets bumps
_OCCLUSION_MAX = 1
_EDGE_PX = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One object, as people drew it."""

    kind: str
    xyxy: tuple[float, float, float, float]
    range_m: float | None
    """Of its nearest corner along the optical axis; None: a region in which nothing was labelled."""
    counts: bool
    """A vehicle, not cut by the picture, at most partly hidden: what a detector is to see. The rest it may see."""
    hidden: bool
    """Partly, by something before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One frame."""

    name: str
    image: Image
    camera: Camera
    objects: tuple[Labelled, ...]

    @property
    def xyxy(self) -> Boxes:
        """Of its objects; shape (n, 4)."""
        return np.array([one.xyxy for one in self.objects], dtype=np.float64).reshape(-1, 4)


def read(folder: Path) -> Iterator[Picture]:
    """All of them, in order. Raise RecordingError when a file is missing or cannot be understood."""
    images = folder / "image_2"
    files = sorted(file for file in images.iterdir() if file.suffix.lower() in PICTURES) if images.is_dir() else []
    if not files:
        raise RecordingError(f"{images}: no picture there; expected KITTI's layout, image_2, label_2 and calib")
    for file in files:
        image = picture(file)
        frame_wh = (image.shape[1], image.shape[0])
        yield Picture(
            name=file.stem,
            image=image,
            camera=_camera(folder / "calib" / f"{file.stem}.txt", frame_wh),
            objects=_objects(folder / "label_2" / f"{file.stem}.txt", frame_wh),
        )


def _camera(path: Path, frame_wh: tuple[int, int]) -> Camera:
    """The left colour camera, P2."""
    for line in _lines(path):
        name, _, numbers = line.partition(":")
        if name == "P2":
            try:
                fx, _, cx, _, _, fy, cy, *_ = map(float, numbers.split())
            except ValueError as error:
                raise RecordingError(f"{path}: P2 = {numbers.strip()[:60]!r}; expected 12 numbers") from error
            return Camera(
                frame_wh=frame_wh,
                fx_px=fx,
                fy_px=fy,
                cx_px=cx,
                cy_px=cy,
                height_m=_HEIGHT_M,
                pitch_sigma_deg=_PITCH_SIGMA_DEG,
            )
    raise RecordingError(f"{path}: no line P2; expected KITTI's calibration")


def _objects(path: Path, frame_wh: tuple[int, int]) -> tuple[Labelled, ...]:
    found = []
    for number, line in enumerate(_lines(path), 1):
        kind, *rest = line.split()
        try:
            truncated, occluded, _, x1, y1, x2, y2, _, width_m, length_m, _, _, z_m, turn, *_ = map(float, rest)
        except ValueError as error:
            raise RecordingError(f"{path}, line {number}: {line[:60]!r}; expected a kind and 14 numbers") from error
        inside = x1 > _EDGE_PX and y1 > _EDGE_PX and x2 < frame_wh[0] - _EDGE_PX and y2 < frame_wh[1] - _EDGE_PX
        found.append(
            Labelled(
                kind=kind,
                xyxy=(x1, y1, x2, y2),
                range_m=None if z_m < 0 else _nearest_m(z_m, width_m, length_m, turn),
                counts=kind in VEHICLES and truncated == 0 and 0 <= occluded <= _OCCLUSION_MAX and inside,
                hidden=occluded > 0,
            )
        )
    return tuple(found)


def _nearest_m(z_m: float, width_m: float, length_m: float, turn_rad: float) -> float:
    return z_m - (abs(math.sin(turn_rad)) * length_m + abs(math.cos(turn_rad)) * width_m) / 2


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: cannot be read ({error}); expected KITTI's, one for each picture") from error
