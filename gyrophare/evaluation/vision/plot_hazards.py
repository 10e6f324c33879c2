"""Each recording's sirens by the truth as a picture, drawn with OpenCV: what the van needs anyway."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from gyrophare.evaluation.vision.drawing import GRID, caption, write
from gyrophare.evaluation.vision.hazards import HazardScore

_WIDTH_PX, _ROW_PX, _TOP_PX, _LEFT_PX, _RIGHT_PX = 900, 34, 80, 120, 40
_PARTS = (
    ("real", "real", (90, 150, 60)),
    ("in_axis", "in axis", (200, 150, 60)),
    ("false", "false", (40, 40, 200)),
    ("missed", "missed threats", (150, 150, 150)),
)


def plot_hazards(scores: Sequence[HazardScore], path: Path) -> None:
    """A bar a recording, made of its sirens and, in grey, of the threats that had none.

    Raise RecordingError when it cannot be written.
    """
    picture = np.full((_TOP_PX + _ROW_PX * max(len(scores), 1) + 50, _WIDTH_PX, 3), 255, np.uint8)
    most = max(1, *(one.sirens + one.missed for one in scores))
    one_px = (_WIDTH_PX - _LEFT_PX - _RIGHT_PX) / most
    for count in range(0, most + 1, max(1, most // 10)):
        column = round(_LEFT_PX + count * one_px)
        cv2.line(picture, (column, _TOP_PX - 8), (column, picture.shape[0] - 50), GRID, 1)
        caption(picture, str(count), (column - 6, picture.shape[0] - 26))
    for number, (_, words, colour) in enumerate(_PARTS):
        left = _LEFT_PX + 180 * number
        cv2.rectangle(picture, (left, 24), (left + 18, 42), colour, -1)
        caption(picture, words, (left + 26, 38))
    for row, score in enumerate(scores):
        top, left_px = _TOP_PX + row * _ROW_PX, float(_LEFT_PX)
        caption(picture, score.name, (12, top + 18))
        for name, _, colour in _PARTS:
            right_px = left_px + getattr(score, name) * one_px
            if right_px > left_px:
                cv2.rectangle(picture, (round(left_px), top), (round(right_px) - 2, top + _ROW_PX - 10), colour, -1)
            left_px = right_px
    write(path, picture)
