"""Frames of a folder of pictures, or of a video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from gyrophare.evaluation.recording import RecordingError
from vehicle_vision.detectors import Image

PICTURES = (".png", ".jpg", ".jpeg")


def picture(path: Path) -> Image:
    """Read one. Raise RecordingError when it is none: a frame that is left out would be a vehicle nobody missed."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise RecordingError(f"{path}: cannot be read; expected a picture, one of {', '.join(PICTURES)}")
    return np.asarray(image, dtype=np.uint8)


def frames(path: Path, at_most: int) -> Iterator[Image]:
    """Evenly chosen ones, `at_most` of them."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        if not files:
            raise RecordingError(f"{path}: no picture in it; expected some of {', '.join(PICTURES)}")
        for number in _spread(len(files), at_most):
            yield picture(files[number])
        return
    if not path.is_file():
        raise RecordingError(f"{path}: no such folder or file; expected pictures in a folder, or a video")
    yield from _of_video(path, at_most)


def _of_video(path: Path, at_most: int) -> Iterator[Image]:
    video = cv2.VideoCapture(str(path))
    try:
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
        if count < 1:
            raise RecordingError(f"{path}: cannot be read; expected a video with frames in it")
        wanted = set(_spread(count, at_most))
        for number in range(count):
            if not video.grab():
                return  # the count in a file's head is an estimate
            if number in wanted:
                _, image = video.retrieve()
                yield np.asarray(image, dtype=np.uint8)
    finally:
        video.release()


def _spread(count: int, at_most: int) -> list[int]:
    return [round(number) for number in np.linspace(0, count - 1, min(count, at_most))]
