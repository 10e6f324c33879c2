"""Where 100 m lies in the frame: the strip around the horizon that is looked at in native resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vehicle_vision.boxes import Boxes
from vehicle_vision.camera import Camera
from vehicle_vision.detectors.detections import Image
from vehicle_vision.errors import CameraError

NEAREST_M = 30.0
"""Nearer, a vehicle is big enough in the whole frame scaled down."""
TALLEST_M = 4.0
"""A lorry."""
_LENS_M = (1.0, 3.0)  # where its height is not known: the road is as far below as the one, the lorry above as the other
_SLACK_DEG = 0.5  # of pitch: what the springs and the wind do
_STRIDE_PX = 32  # sizes that a network takes as they are, so that no pixel is resampled


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """A part of the frame, pixels."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """As a box."""
        return self.left_px, self.top_px, self.left_px + self.width_px, self.top_px + self.height_px

    def of(self, image: Image) -> Image:
        """Its pixels; a view."""
        left, top, right, bottom = self.xyxy
        return image[top:bottom, left:right]

    def clip(self, boxes: Boxes) -> Boxes:
        """What lies in it of boxes of the frame; shape (n, 4). Of a box outside nothing is left: it has no area."""
        left, top, right, bottom = self.xyxy
        return np.asarray(np.clip(boxes, (left, top, left, top), (right, bottom, right, bottom)))


def horizon_strip(camera: Camera, width_px: int, *, nearest_m: float = NEAREST_M) -> Crop:
    """From the tyres of what is `nearest_m` away up to the roof of a lorry there, centred on the van's axis.

    Height and width are multiples of 32, or the frame's. Raise CameraError when the horizon is outside the frame.
    """
    frame_width, frame_height = camera.frame_wh
    if width_px < _STRIDE_PX:
        raise CameraError(f"a strip {width_px} pixels wide; expected {_STRIDE_PX} at least, say 960")
    width = min(to_stride(width_px), frame_width)
    centre = float(camera.distort(np.array([[camera.vanishing_px, camera.horizon_px]]))[0, 0])
    left = _within(centre - width / 2, width, frame_width)
    first, last = _rows(camera, left, left + width, nearest_m)
    if last < 0 or first > frame_height:
        raise CameraError(
            f"the horizon is at row {camera.horizon_px:.0f} of {frame_height}, so that 100 m is not in the frame. Turn "
            "the camera, and calibrate again."
        )
    height = min(to_stride(last - first), frame_height)
    return Crop(
        left_px=left,
        top_px=_within((first + last - height) / 2, height, frame_height),
        width_px=width,
        height_px=height,
    )


def _rows(camera: Camera, left_px: int, right_px: int, nearest_m: float) -> tuple[float, float]:
    """The first row and the last one that are needed, as the lens bends them."""
    lowest_m, highest_m = _LENS_M if camera.height_m is None else (camera.height_m, camera.height_m)
    slack_px = camera.fy_px * math.tan(math.radians(_SLACK_DEG))
    above_px = camera.fy_px * max(TALLEST_M - lowest_m, 0.0) / nearest_m + slack_px
    below_px = camera.fy_px * highest_m / nearest_m + slack_px
    columns = (left_px, (left_px + right_px) / 2, right_px)
    rows = (camera.horizon_px - above_px, camera.horizon_px + below_px)
    seen = camera.distort(np.array([(x, y) for x in columns for y in rows], dtype=np.float64))[:, 1]
    return float(seen.min()), float(seen.max())


def to_stride(size_px: float) -> int:
    """The next size that a network takes."""
    return math.ceil(size_px / _STRIDE_PX) * _STRIDE_PX


def _within(start_px: float, size_px: int, frame_px: int) -> int:
    return round(min(max(start_px, 0), frame_px - size_px))
