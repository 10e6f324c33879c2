"""A frame made to fit the network's input: its shape kept, the rest grey, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import Boxes
from vehicle_vision.detectors.detections import Image

_GREY = 114  # what YOLO saw around its pictures in training


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """Where a frame lies in the input; all in pixels."""

    frame_wh: tuple[int, int]
    input_wh: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels of the input for one of the frame."""
        return min(self.input_wh[0] / self.frame_wh[0], self.input_wh[1] / self.frame_wh[1])

    @property
    def inner_wh(self) -> tuple[int, int]:
        """The size of the frame in the input."""
        return max(round(self.frame_wh[0] * self.scale), 1), max(round(self.frame_wh[1] * self.scale), 1)

    @property
    def corner(self) -> tuple[int, int]:
        """The frame's upper left corner in the input."""
        (width, height), (inner_width, inner_height) = self.input_wh, self.inner_wh
        return (width - inner_width) // 2, (height - inner_height) // 2

    def blob(self, image: Image) -> NDArray[np.float32]:
        """What the network reads: shape (1, 3, input height, input width), RGB, 0 to 1."""
        (width, height), (inner_width, inner_height), (left, top) = self.input_wh, self.inner_wh, self.corner
        canvas = np.full((height, width, 3), _GREY, dtype=np.uint8)
        # Linear resampling would step over pixels: a far car may consist of those.
        how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        canvas[top : top + inner_height, left : left + inner_width] = (
            image if self.inner_wh == self.frame_wh else cv2.resize(image, self.inner_wh, interpolation=how)
        )
        blue, green, red = cv2.split(canvas)  # and not blobFromImage, which takes thirty times as long
        return np.multiply(np.stack((red, green, blue))[None], np.float32(1 / 255), dtype=np.float32)

    def back(self, boxes: Boxes) -> Boxes:
        """Boxes of the input as boxes of the frame, cut at its edges; shape (n, 4)."""
        left, top = self.corner
        per_pixel = np.array(self.frame_wh, dtype=np.float64) / np.array(self.inner_wh)
        found = (boxes - (left, top, left, top)) * np.tile(per_pixel, 2)
        return np.asarray(np.clip(found, 0, np.tile(np.array(self.frame_wh, dtype=np.float64), 2)))
