"""What a detector says of one frame, whatever network it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import Boxes, Mask
from vehicle_vision.errors import VisionError

Image = NDArray[np.uint8]
"""Shape (h, w, 3), BGR, as OpenCV reads it."""

VEHICLES = ("car", "motorcycle", "bus", "truck", "train")
"""COCO's words; `train` too, for so a small network calls far lorries."""
CONFIDENCE_MIN = 0.10
"""At 0.25 a third of the cars of 12-15 pixels is lost; what is noise, tracks and the corridor sort out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """The vehicles of one frame, n of them."""

    xyxy: Boxes
    """Pixels of the frame, float64, shape (n, 4)."""
    confidence: NDArray[np.float64]
    """0 to 1, shape (n,)."""
    labels: tuple[str, ...]
    """Of VEHICLES, or what else `vehicle_vision.sizes` understands as any vehicle."""
    whole: Mask
    """Shape (n,). False: cut by the edge of a crop, so that its size is not the vehicle's: it must not be ranged."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[Any]) -> Detections:
        """Those of a mask (n,) or of indices."""
        numbers = np.arange(len(self))[chosen]
        return Detections(
            xyxy=self.xyxy[numbers],
            confidence=self.confidence[numbers],
            labels=tuple(self.labels[number] for number in numbers),
            whole=self.whole[numbers],
        )

    def shifted(self, x_px: float, y_px: float) -> Detections:
        """The same in a frame whose origin lies so far up and to the left."""
        return replace(self, xyxy=self.xyxy + np.array((x_px, y_px, x_px, y_px), dtype=np.float64))


NOTHING = Detections(xyxy=np.empty((0, 4)), confidence=np.empty(0), labels=(), whole=np.empty(0, dtype=np.bool_))


def joined(one: Detections, other: Detections) -> Detections:
    """The ones, then the others."""
    return Detections(
        xyxy=np.concatenate((one.xyxy, other.xyxy)),
        confidence=np.concatenate((one.confidence, other.confidence)),
        labels=one.labels + other.labels,
        whole=np.concatenate((one.whole, other.whole)),
    )


class Detector(Protocol):
    """Finds vehicles in a frame."""

    def detect(self, image: Image) -> Detections:
        """`image`: uint8, shape (h, w, 3), BGR. Raise VisionError when it cannot be judged: never an empty road."""

    def scale(self, frame_wh: tuple[int, int]) -> float:
        """How many pixels of the network's input a pixel of such a frame becomes, at best."""


def expect_image(image: Image) -> tuple[int, int]:
    """The frame's width and height. Raise VisionError when it is no frame."""
    given: object = image  # a camera that failed gives None, whatever its type says
    if not isinstance(given, np.ndarray) or given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 3:
        found = f"{given.dtype} {given.shape}" if isinstance(given, np.ndarray) else type(given).__name__
        raise VisionError(f"a frame of {found}; expected uint8 of height x width x 3, blue green red")
    height, width = image.shape[:2]
    if height < 16 or width < 16:
        raise VisionError(f"a frame of {width}x{height}; expected 16 pixels each way at least. Look at the camera.")
    return width, height
