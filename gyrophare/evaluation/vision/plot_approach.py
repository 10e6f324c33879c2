"""The siren's distances as a picture, drawn with OpenCV: what the van needs anyway."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gyrophare.evaluation.vision.approach import ApproachScore
from gyrophare.evaluation.vision.drawing import GRID, caption, write

_WIDTH_PX, _HEIGHT_PX, _MARGIN_PX = 900, 600, 70
_BOX, _LINE = (200, 120, 40), (40, 40, 200)
_MOST_M, _ASKED_M = 160, 92


def plot_approach(scored: ApproachScore, path: Path) -> None:
    """A column a speed: from p5 to p95, the median across; the line is what is asked of p5."""
    picture = np.full((_HEIGHT_PX, _WIDTH_PX, 3), 255, np.uint8)
    for metres in range(0, _MOST_M + 1, 20):
        _across(picture, metres, GRID, 1)
        caption(picture, str(metres), (_MARGIN_PX - 48, _row(metres) + 6))
    _across(picture, _ASKED_M, _LINE, 1)
    step_px = (_WIDTH_PX - 2 * _MARGIN_PX) / max(len(scored.sirens_m), 1)
    for number, (speed_kmh, sirens_m) in enumerate(scored.sirens_m.items()):
        column = round(_MARGIN_PX + (number + 0.5) * step_px)
        caption(picture, f"{speed_kmh:g}", (column - 14, _HEIGHT_PX - _MARGIN_PX + 28))
        if sirens_m:
            low_m, middle_m, high_m = np.percentile(sirens_m, (5, 50, 95))
            cv2.rectangle(picture, (column - 18, _row(high_m)), (column + 18, _row(low_m)), _BOX, 2, cv2.LINE_AA)
            cv2.line(picture, (column - 18, _row(middle_m)), (column + 18, _row(middle_m)), _BOX, 2, cv2.LINE_AA)
    caption(picture, "km/h", (_WIDTH_PX // 2 - 20, _HEIGHT_PX - 14))
    caption(picture, "siren at, m", (12, _MARGIN_PX - 26))
    write(path, picture)


def _row(metres: float) -> int:
    return round(_HEIGHT_PX - _MARGIN_PX - metres / _MOST_M * (_HEIGHT_PX - 2 * _MARGIN_PX))


def _across(picture: NDArray[np.uint8], metres: float, colour: tuple[int, int, int], thickness: int) -> None:
    cv2.line(picture, (_MARGIN_PX, _row(metres)), (_WIDTH_PX - _MARGIN_PX, _row(metres)), colour, thickness)
