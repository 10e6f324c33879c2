"""Any YOLO: a frame made to fit, a network, its head read, and back to the frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import usable
from vehicle_vision.detectors.detections import Detections, Image, expect_image
from vehicle_vision.detectors.heads import Head
from vehicle_vision.detectors.letterbox import Letterbox
from vehicle_vision.errors import VisionError

_STRIDE_PX = 32  # of the coarsest layer


class Network(Protocol):
    """Takes a blob, gives a tensor."""

    def run(self, blob: NDArray[np.float32]) -> NDArray[np.floating]:
        """`blob`: shape (1, 3, h, w), RGB, 0 to 1. Raise VisionError when the runtime fails."""


class Yolo:
    """One network with one size of input; not for two threads at once."""

    def __init__(
        self, network: Network, names: Mapping[int, str], input_wh: tuple[int, int], confidence_min: float
    ) -> None:
        if min(input_wh) < _STRIDE_PX or any(side % _STRIDE_PX for side in input_wh):
            raise VisionError(f"an input of {input_wh[0]}x{input_wh[1]}; expected multiples of {_STRIDE_PX} pixels")
        self._network = network
        self.head = Head(names, confidence_min)
        self.input_wh = input_wh

    def detect(self, image: Image) -> Detections:
        """The vehicles, most confident first, boxes cut at the frame's edges."""
        box = Letterbox(frame_wh=expect_image(image), input_wh=self.input_wh)
        found = self.head.read(self._network.run(box.blob(image)))
        found = replace(found, xyxy=box.back(found.xyxy))
        return found.take(usable(found.xyxy))  # not what lies in the grey alone

    def scale(self, frame_wh: tuple[int, int]) -> float:
        """Pixels of the input for one of the frame."""
        return Letterbox(frame_wh=frame_wh, input_wh=self.input_wh).scale
