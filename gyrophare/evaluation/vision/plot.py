"""Pictures of the figures, drawn with OpenCV: what the van needs anyway."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from gyrophare.evaluation.vision.drawing import GRID, caption, write
from vehicle_vision.ranging import RangeEstimate

_SIZE_PX, _MARGIN_PX = 900, 70
_DOT, _LINE = (200, 120, 40), (40, 40, 200)


def plot_ranging(found: Sequence[tuple[float, RangeEstimate]], path: Path) -> None:
    """Estimated over true range, a dot a box; the line is the truth. Raise RecordingError when it cannot be written."""
    picture = np.full((_SIZE_PX, _SIZE_PX, 3), 255, np.uint8)
    most_m = 100
    for metres in range(0, most_m + 1, 20):
        at = _at(metres, most_m)
        for start, end in (
            ((at, _MARGIN_PX), (at, _SIZE_PX - _MARGIN_PX)),
            ((_MARGIN_PX, _SIZE_PX - at), (_SIZE_PX - _MARGIN_PX, _SIZE_PX - at)),
        ):
            cv2.line(picture, start, end, GRID, 1)
        caption(picture, str(metres), (at - 12, _SIZE_PX - _MARGIN_PX + 28))
        caption(picture, str(metres), (_MARGIN_PX - 48, _SIZE_PX - at + 6))
    cv2.line(picture, _place(0, 0, most_m), _place(most_m, most_m, most_m), _LINE, 1, cv2.LINE_AA)
    for true_m, estimate in found:
        if true_m <= most_m and estimate.range_m <= most_m * 1.05:
            cv2.circle(picture, _place(true_m, estimate.range_m, most_m), 1, _DOT, -1, cv2.LINE_AA)
    caption(picture, "true range, m", (_SIZE_PX // 2 - 60, _SIZE_PX - 14))
    caption(picture, "estimated range, m", (12, _MARGIN_PX - 26))
    write(path, picture)


def _at(metres: float, most_m: float) -> int:
    return round(_MARGIN_PX + metres / most_m * (_SIZE_PX - 2 * _MARGIN_PX))


def _place(true_m: float, estimated_m: float, most_m: float) -> tuple[int, int]:
    return _at(true_m, most_m), _SIZE_PX - _at(estimated_m, most_m)
