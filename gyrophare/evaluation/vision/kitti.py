"""KITTI's tracking layout: `label_02/0000.txt` with one box of one frame a line, `calib/0000.txt` with the camera.

The format is described in KITTI's own development kit. Places are those of the rectified reference camera: x right, y
down, z ahead, metres; a place is the middle of the vehicle's underside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from gyrophare.evaluation.recording import RecordingError
from gyrophare.kernel.values import value
from vehicle_vision.camera import Camera

FRAMES_PER_S = 10.0
CAMERA_HEIGHT_M = 1.65
VEHICLES = {"Car": "car", "Van": "car", "Truck": "truck", "Tram": "train"}
"""Of its words those for vehicles, and what a detector with COCO's words calls them."""
_FIELDS, _WIDTH_MIN_PX = 17, 1200
_FRAME_WH = (1242, 375)


@value
class LabelledBox:
    """One vehicle in one frame, as people labelled it."""

    frame: int
    track_id: int
    label: str
    truncated: float
    occlusion: int
    """0 all to be seen, 1 partly, 2 hardly, 3 unknown."""
    xyxy: tuple[float, float, float, float]
    height_m: float
    width_m: float
    length_m: float
    place_m: tuple[float, float, float]
    turned_rad: float

    @property
    def range_m(self) -> float:
        """Of the nearest corner of its 3D box, along the optical axis."""
        along, across = self.length_m / 2 * math.sin(self.turned_rad), self.width_m / 2 * math.cos(self.turned_rad)
        return self.place_m[2] - abs(along) - abs(across)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """One recording: its camera and, by frame, its vehicles."""

    name: str
    camera: Camera
    frames: tuple[tuple[LabelledBox, ...], ...]


def read(folder: Path) -> list[Sequence]:
    """Every sequence of the folder. Raise RecordingError when there is none, or one cannot be read."""
    labels = sorted((folder / "label_02").glob("*.txt"))
    if not labels:
        raise RecordingError(
            f"{folder}: there is no label_02/*.txt. Expected KITTI's tracking layout: label_02 and calib."
        )
    return [_sequence(path, folder / "calib" / path.name) for path in labels]


def _sequence(labels: Path, calibration: Path) -> Sequence:
    boxes: list[LabelledBox] = []
    right, bottom = 0.0, 0.0
    for number, line in enumerate(labels.read_text(encoding="ascii").splitlines(), start=1):
        words = line.split()
        try:
            if len(words) < _FIELDS:
                raise ValueError(f"{len(words)} fields; expected {_FIELDS}")
            right, bottom = max(right, float(words[8])), max(bottom, float(words[9]))
            if words[2] in VEHICLES:
                boxes.append(_box(words))
        except ValueError as error:
            raise RecordingError(f"{labels}, line {number}: {error}") from None
    frames: list[list[LabelledBox]] = [[] for _ in range(1 + max((box.frame for box in boxes), default=-1))]
    for box in boxes:
        frames[box.frame].append(box)
    # The labels do not say how big the pictures are, but what leaves them is cut at their last pixel.
    frame_wh = (round(right) + 1, round(bottom) + 1) if right >= _WIDTH_MIN_PX else _FRAME_WH
    return Sequence(name=labels.stem, camera=_camera(calibration, frame_wh), frames=tuple(map(tuple, frames)))


def _box(words: list[str]) -> LabelledBox:
    numbers = [float(word) for word in words[3:_FIELDS]]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is none; expected finite numbers")
    return LabelledBox(
        frame=int(words[0]),
        track_id=int(words[1]),
        label=words[2],
        truncated=numbers[0],
        occlusion=int(numbers[1]),
        xyxy=(numbers[3], numbers[4], numbers[5], numbers[6]),
        height_m=numbers[7],
        width_m=numbers[8],
        length_m=numbers[9],
        place_m=(numbers[10], numbers[11], numbers[12]),
        turned_rad=numbers[13],
    )


def _camera(path: Path, frame_wh: tuple[int, int]) -> Camera:
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}. Expected the camera of the sequence of that name.") from None
    row = next((row for row in rows if row and row[0].rstrip(":") == "P2"), None)
    if row is None or len(row) != 13:
        raise RecordingError(f"{path}: there is no line P2 with twelve numbers, the left colour camera's projection.")
    p2 = [float(word) for word in row[1:]]
    return Camera(frame_wh=frame_wh, fx_px=p2[0], fy_px=p2[5], cx_px=p2[2], cy_px=p2[6], height_m=CAMERA_HEIGHT_M)
