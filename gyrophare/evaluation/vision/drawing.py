"""What all pictures of figures need, by OpenCV, which the van has anyway."""

from __future__ import annotations

from pathlib import Path

import cv2

from gyrophare.evaluation.recording import RecordingError
from vehicle_vision.detectors import Image

INK, GRID = (40, 40, 40), (220, 220, 220)


def caption(image: Image, text: str, at: tuple[int, int]) -> None:
    """Write onto it, from the lower left corner of the text, pixels."""
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)


def write(path: Path, image: Image) -> None:
    """As the path's ending says."""
    try:
        written = cv2.imwrite(str(path), image)
    except cv2.error:
        written = False
    if not written:
        raise RecordingError(
            f"{path}: cannot be written; expected a file that ends in .png or .jpg, in a folder that is there"
        )
