"""What the last layer of a YOLO means: boxes, scores, classes.

Two kinds: the dense one of v8 and 11, (1, 4 + classes, n) with centre, size and a score for each class, of which many
mean the same vehicle; and the end-to-end one of 10 and 26, (1, n, 6) with corners, score and class. All in pixels of
the input.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import usable
from vehicle_vision.detectors.detections import VEHICLES, Detections
from vehicle_vision.errors import VisionError

_SAME_IOU = 0.6  # of two boxes of one vehicle, whatever classes they have
_END_TO_END = 6  # corners, score, class
_Read = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]  # xyxy (n, 4), scores (n,), classes (n,)


class Head:
    """Reads the output of one model, whose classes are `names`, by number."""

    def __init__(self, names: Mapping[int, str], confidence_min: float) -> None:
        if not 0 < confidence_min < 1:
            raise VisionError(f"confidence_min = {confidence_min}; expected more than 0 and less than 1, say 0.10")
        self._classes = np.array(sorted(number for number, name in names.items() if name in VEHICLES), dtype=np.intp)
        if not self._classes.size:
            raise VisionError(
                f"the model knows {', '.join(list(names.values())[:8])}; expected one or more of {', '.join(VEHICLES)}."
                " Take a model that was trained on vehicles, such as yolo11n."
            )
        self._names = names
        self._confidence_min = confidence_min

    def expect(self, shape: tuple[int, ...]) -> None:
        """Raise VisionError when that is no shape of an output that can be read; unknown sizes are -1."""
        if len(shape) == 3 and shape[0] in (1, -1) and (self._dense(shape) or shape[2] == _END_TO_END):
            return
        raise VisionError(
            f"the model's output has the shape {shape}; expected (1, {4 + len(self._names)}, n) of a YOLO detector "
            f"with {len(self._names)} classes, or (1, n, {_END_TO_END}) of an end-to-end one. Models that outline, "
            "follow poses or turn their boxes do not serve."
        )

    def read(self, output: NDArray[np.floating]) -> Detections:
        """The vehicles, most confident first, boxes in pixels of the input.

        Raise VisionError when a figure is not finite: a network that overflows would otherwise see an empty road.
        """
        self.expect(output.shape)
        if not np.isfinite(output).all():
            raise VisionError(
                "the model's output holds figures that are not finite; expected boxes and scores. Run it with "
                "precision f32, or export it again."
            )
        read = self._from_dense if self._dense(output.shape) else self._from_end_to_end
        xyxy, scores, classes = read(output[0])
        sized = usable(xyxy)
        xyxy, scores, classes = xyxy[sized], scores[sized], classes[sized]
        kept = np.array(cv2.dnn.NMSBoxes(_xywh(xyxy), scores.tolist(), self._confidence_min, _SAME_IOU), dtype=np.intp)
        return Detections(
            xyxy=xyxy[kept],
            confidence=np.minimum(scores[kept], 1.0),
            labels=tuple(self._names[int(number)] for number in classes[kept]),
            whole=np.ones(len(kept), dtype=np.bool_),
        )

    def _dense(self, shape: tuple[int, ...]) -> bool:
        return shape[1] == 4 + len(self._names)

    def _from_dense(self, found: NDArray[np.floating]) -> _Read:
        of_vehicles = found[4 + self._classes]
        best, scores = of_vehicles.argmax(axis=0), of_vehicles.max(axis=0).astype(np.float64)
        sure = scores >= self._confidence_min
        boxes = found[:4, sure].T.astype(np.float64)
        centre, half = boxes[:, :2], boxes[:, 2:] / 2
        return np.hstack((centre - half, centre + half)), scores[sure], self._classes[best[sure]]

    def _from_end_to_end(self, found: NDArray[np.floating]) -> _Read:
        classes, scores = found[:, 5].astype(np.intp), found[:, 4].astype(np.float64)
        sure = np.isin(classes, self._classes) & (scores >= self._confidence_min)
        return found[sure, :4].astype(np.float64), scores[sure], classes[sure]


def _xywh(xyxy: NDArray[np.float64]) -> list[list[float]]:
    found: list[list[float]] = np.hstack((xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2])).tolist()
    return found
