"""A recording through the van's whole judgement: what it would have told, how long it took, and a film of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from vehicle_vision.detectors import Image
from vehicle_vision.errors import VisionError
from vehicle_vision.guard import Protection, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Frames and their times, seconds from the beginning."""

    frames: Iterator[tuple[float, Image]]
    count: int
    fps: float


def recorded(video: Path) -> Source:
    """Of a file that OpenCV reads. Raise VisionError when it does not, or it does not say how fast it was taken."""
    capture = cv2.VideoCapture(str(video))
    fps = float(capture.get(cv2.CAP_PROP_FPS)) if capture.isOpened() else 0.0
    if not fps > 0:
        raise VisionError(f"{video} cannot be read as a video. Expected a file that OpenCV opens, MP4 or AVI.")

    def frames() -> Iterator[tuple[float, Image]]:
        number = 0
        try:
            while (read := capture.read())[0]:
                yield number / fps, np.asarray(read[1], np.uint8)
                number += 1
        finally:
            capture.release()

    return Source(frames=frames(), count=max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0), fps=fps)


@dataclass(slots=True)
class Summary:
    """What all frames come to."""

    frames: int = 0
    alerts: list[dict[str, Any]] = field(default_factory=list)
    protection_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(map(str, Protection), 0.0))
    stages_ms: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def take(self, told: Told, frame_s: float) -> None:
        self.frames += 1
        self.protection_s[told.protection] += frame_s
        for stage, took_ms in told.stages_ms.items():
            self.stages_ms[stage].append(took_ms)
        if told.judged is not None:
            self.alerts += [alert(told, track_id) for track_id in told.judged.verdict.raised]

    def as_json(self) -> dict[str, Any]:
        """Alerts, seconds of each protection, milliseconds of each stage: median and 95th percentile."""
        return {
            "frames": self.frames,
            "alerts": self.alerts,
            "protection_s": {name: round(seconds, 1) for name, seconds in self.protection_s.items()},
            "stages_ms": {
                stage: [round(float(one), 1) for one in np.percentile(took_ms, (50, 95))]
                for stage, took_ms in self.stages_ms.items()
            },
        }


def alert(told: Told, track_id: int) -> dict[str, Any]:
    """An alert as it begins: when, and what is known of the vehicle."""
    assert told.judged is not None  # noqa: S101  # it was raised by a judgement
    known, level = told.judged.ranges.get(track_id), told.judged.verdict.tracks.get(track_id)
    found: dict[str, Any] = {"at_s": round(told.at_s, 2), "track": track_id, "level": level.name if level else None}
    if known is not None:
        found |= {
            "range_m": round(known.range_m, 1),
            "range_low_m": round(known.range_low_m, 1),
            "closing_kmh": None if known.closing_mps is None else round(known.closing_mps * 3.6),
            "ttc_s": None if known.ttc_s is None else round(known.ttc_s, 1),
        }
    return found


class Film:
    """The frames with what was judged drawn into them, as MP4."""

    def __init__(self, path: Path, frame_wh: tuple[int, int], fps: float) -> None:
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, frame_wh)
        if not self._writer.isOpened():
            raise VisionError(f"{path} cannot be written; expected a folder that is there, and a name ending in .mp4")

    def __enter__(self) -> Film:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._writer.release()

    def show(self, image: Image, told: Told) -> None:
        self._writer.write(drawn(image, told))


_COLOURS = {"NONE": (110, 170, 80), "WATCH": (0, 200, 255), "ALERT": (0, 120, 255), "DANGER": (30, 30, 230)}
_GREY, _WHITE, _BAR_PX = (120, 120, 120), (255, 255, 255), 34


def drawn(image: Image, told: Told) -> Image:
    """A copy with each vehicle's box, range and speed, and a bar that says the level and what is wrong."""
    picture = image.copy()
    level = "not known" if told.level is None else told.level.name
    if told.judged is not None:
        for track_id, known in told.judged.ranges.items():
            of = told.judged.verdict.tracks.get(track_id)
            colour = _COLOURS[of.name if of else "NONE"]
            left, top, right, bottom = (round(one) for one in told.judged.boxes[track_id])
            cv2.rectangle(picture, (left, top), (right, bottom), colour, 2)
            speed = "" if known.closing_mps is None else f" {known.closing_mps * 3.6:.0f} km/h"
            _write(picture, f"{known.range_m:.0f} m{speed}", (left, max(top - 6, _BAR_PX + 14)), colour)
    cv2.rectangle(picture, (0, 0), (picture.shape[1], _BAR_PX), _COLOURS.get(level, _GREY), -1)
    _write(picture, f"{told.at_s:6.2f} s  {level}  {told.protection} {', '.join(told.wrong)}", (10, 23), _WHITE)
    return picture


def _write(picture: Image, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.55, colour, 2, cv2.LINE_AA)
