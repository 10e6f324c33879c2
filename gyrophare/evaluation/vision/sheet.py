"""All pictures on one sheet, with what was seen, missed and invented: what a figure does not tell."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from gyrophare.evaluation.vision.detection import Looked
from vehicle_vision.detectors import Image

_SEEN, _MAY, _FALSE, _MISSED = (80, 200, 80), (190, 190, 190), (0, 140, 255), (40, 40, 230)  # blue, green, red
_WIDTH_PX = 1242
_MOST = 24  # pictures: more would be a sheet that nobody looks at


def sheet(images: Sequence[Image], looks: Sequence[Looked]) -> Image:
    """Seen: green; missed: red; of nothing: orange; of what need not be seen: grey. One below the other."""
    rows = [_drawn(image, looked) for image, looked in list(zip(images, looks, strict=True))[:_MOST]]
    return np.vstack([cv2.resize(row, (_WIDTH_PX, round(row.shape[0] * _WIDTH_PX / row.shape[1]))) for row in rows])


def _drawn(image: Image, looked: Looked) -> Image:
    drawn = image.copy()
    for xyxy, confidence, label, true, false in zip(
        looked.found.xyxy, looked.found.confidence, looked.found.labels, looked.true, looked.false, strict=True
    ):
        colour = _SEEN if true else _FALSE if false else _MAY
        _box(drawn, xyxy, colour, f"{label} {confidence:.2f}")
    for one in looked.sightings:
        if one.confidence is None:
            _box(drawn, np.array(one.label.xyxy), _MISSED, f"{one.label.kind} {one.height_px:.0f} px")
    cv2.putText(drawn, looked.name, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return drawn


def _box(image: Image, xyxy: np.ndarray, colour: tuple[int, int, int], text: str) -> None:
    x1, y1, x2, y2 = np.round(xyxy).astype(int).tolist()
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, 1, cv2.LINE_AA)
    cv2.putText(image, text, (x1, max(y1 - 3, 10)), cv2.FONT_HERSHEY_SIMPLEX, 0.35, colour, 1, cv2.LINE_AA)
