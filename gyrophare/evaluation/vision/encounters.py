"""Vehicles that drive towards a parked van, or past it, as a detector would box them: the truth and the boxes.

Recall by height and the noise of edges are those of yolo11n at its native resolution (confidence 0.10 and 0.25); a
miss and an error of one frame tell nothing of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import DETECTED, usable
from vehicle_vision.camera import Camera

Array = NDArray[np.float64]

FRAME_WH, FIELD_OF_VIEW_DEG, CAMERA_HEIGHT_M, FRAMES_PER_S = (1920, 1080), 60.0, 2.2, 20.0
SIZE_SIGMA = 0.08  # of one factor for all three sizes: a tall car is also a wide one, and looks like a near one
_BEGIN_M, _END_M = 200.0, 3.0
_EDGE_PX, _EDGE = 0.8, 0.015
_HEIGHTS_PX = np.array((6, 8, 10, 12, 15, 20, 25, 32, 48))
_SEEN_AT_10 = np.array((0.0, 0.45, 0.67, 0.79, 0.82, 0.94, 1.0, 0.98, 0.97, 1.0))
_SEEN_AT_25 = np.array((0.0, 0.16, 0.44, 0.45, 0.64, 0.91, 0.80, 0.95, 0.87, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """Height, width and length, metres, and what a detector calls it."""

    label: str
    hwl_m: tuple[float, float, float]
    wide: bool = False
    """As wide as the law allows, whatever its height."""


CAR = Vehicle(label="car", hwl_m=(1.50, 1.80, 4.3))
VAN = Vehicle(label="car", hwl_m=(2.10, 1.95, 5.0))
LORRY = Vehicle(label="truck", hwl_m=(3.40, 2.50, 9.0), wide=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """One vehicle's way, frame by frame."""

    at_s: Array
    """Shape (frames,)."""
    range_m: Array
    """Of its nearest face; shape (frames,)."""
    xyxy: Array
    """Pixels, as detected; shape (frames, 4)."""
    confidence: Array
    """Shape (frames,); 0 where it was not detected."""
    label: str
    speed_mps: float


def believed_camera(sigma_deg: float) -> Camera:
    """The camera as its file describes it."""
    return Camera.from_field_of_view(
        FRAME_WH,
        FIELD_OF_VIEW_DEG,
        height_m=CAMERA_HEIGHT_M,
        pitch_sigma_deg=sigma_deg,
        yaw_sigma_deg=sigma_deg,
    )


def true_camera(rng: np.random.Generator, sigma_deg: float) -> Camera:
    """The camera as it is: turned and tilted by a draw of `sigma_deg` against what its file says."""
    pitch_deg, yaw_deg = rng.normal(0.0, sigma_deg, 2)
    return Camera.from_field_of_view(
        FRAME_WH, FIELD_OF_VIEW_DEG, height_m=CAMERA_HEIGHT_M, pitch_deg=pitch_deg, yaw_deg=yaw_deg
    )


def encounter(
    rng: np.random.Generator, vehicle: Vehicle, speed_mps: float, lateral_m: float, camera: Camera
) -> Encounter:
    """A vehicle on a straight road, from afar to the van, its centre `lateral_m` to the right of the van's axis."""
    at_s = np.arange(0.0, (_BEGIN_M - _END_M) / speed_mps, 1 / FRAMES_PER_S) + rng.uniform(0, 1 / FRAMES_PER_S)
    range_m = _BEGIN_M - speed_mps * at_s
    size_m = np.array(vehicle.hwl_m) * np.exp(rng.normal(0.0, SIZE_SIGMA) * np.array((1, not vehicle.wide, 1)))
    boxes = _true_boxes(camera, size_m, range_m, lateral_m)
    xyxy, confidence = as_detected(rng, boxes, FRAME_WH)
    return Encounter(
        at_s=at_s, range_m=range_m, xyxy=xyxy, confidence=confidence, label=vehicle.label, speed_mps=speed_mps
    )


def as_detected(rng: np.random.Generator, boxes: Array, frame_wh: tuple[int, int]) -> tuple[Array, Array]:
    """Boxes with a detector's errors, cut by the frame, and its confidence; 0 where it found nothing."""
    sizes_px = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    noisy = boxes + rng.normal(size=boxes.shape) * (_EDGE_PX + _EDGE * sizes_px)
    noisy = np.clip(noisy, 0.0, np.tile(frame_wh, 2))
    confidence = _confidences(rng, sizes_px[:, 1])
    confidence[~usable(noisy)] = 0.0
    return noisy, confidence


def _true_boxes(camera: Camera, hwl_m: Array, range_m: Array, lateral_m: float) -> Array:
    """As a detector draws them, but for the noise: somewhat lower than the vehicle; shape (frames, 4)."""
    height_m, width_m, length_m = hwl_m
    corners = np.array(
        [
            (lateral_m + side * width_m / 2, up, along)
            for side in (-1, 1)
            for up in (0.0, height_m)
            for along in (0.0, length_m)
        ]
    )
    points = np.tile(corners, (len(range_m), 1, 1))
    points[:, :, 2] += range_m[:, None]
    seen = camera.project(points.reshape(-1, 3)).reshape(len(range_m), -1, 2)
    boxes = np.hstack((seen.min(axis=1), seen.max(axis=1)))
    heights_px = boxes[:, 3] - boxes[:, 1]
    boxes[:, 1] += (1 - DETECTED.height_ratio - DETECTED.bottom_lift) * heights_px
    boxes[:, 3] -= DETECTED.bottom_lift * heights_px
    return boxes


def _confidences(rng: np.random.Generator, heights_px: Array) -> Array:
    """Drawn so that the shares above 0.10 and 0.25 are those of the table; 0 where nothing was detected."""
    row = np.searchsorted(_HEIGHTS_PX, heights_px, side="right")
    luck = rng.random(len(row))
    sure, doubtful = rng.uniform(0.25, 0.9, len(row)), rng.uniform(0.10, 0.25, len(row))
    return np.where(luck < _SEEN_AT_25[row], sure, np.where(luck < _SEEN_AT_10[row], doubtful, 0.0))
