"""Whether an export sees what its source sees: many a conversion has lost the small cars, and nobody noticed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vehicle_vision.detectors.detections import Detections, Detector, Image
from vehicle_vision.overlap import iou, pairs

SOURCE_CONFIDENCE = 0.25
"""What the source is sure of, its export must see."""
EXPORT_CONFIDENCE = 0.20
"""With at least that: scores may move a little, but not down to where noise is."""
IOU = 0.5
RECALL_MIN = 0.98
HEIGHT_OFF_MAX = 0.03
"""Of its boxes' heights, on average: the range is off by as much."""
VEHICLES_MIN = 20
"""Fewer prove nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Of an export with its source on the same frames."""

    frames: int
    vehicles: int
    """That the source is sure of."""
    seen: int
    """Of those, by the export."""
    more: int
    """That the export is sure of and the source does not see."""
    mean_iou: float | None
    """Of what both see."""
    height_ratio: float | None
    """Of the export's boxes beside the source's, the median of what both see."""
    confidence_shift: float | None
    """The export's less the source's, on average, of what both see."""

    @property
    def recall(self) -> float | None:
        """None: the source saw nothing."""
        return self.seen / self.vehicles if self.vehicles else None

    @property
    def enough(self) -> bool:
        """Whether the frames show enough vehicles to judge by."""
        return self.vehicles >= VEHICLES_MIN

    @property
    def alike(self) -> bool:
        """Whether the export may stand for its source."""
        return self.enough and self.sees_as_much and self.draws_alike

    @property
    def sees_as_much(self) -> bool:
        """Nearly all of what its source is sure of."""
        return self.seen >= RECALL_MIN * self.vehicles

    @property
    def draws_alike(self) -> bool:
        """So that it may be ranged by its boxes."""
        return self.height_ratio is not None and abs(self.height_ratio - 1) <= HEIGHT_OFF_MAX


def compare(source: Detector, export: Detector, frames: Iterable[Image]) -> Likeness:
    """Run both on each frame."""
    count = vehicles = more = 0
    overlaps: list[float] = []
    ratios: list[float] = []
    shifts: list[float] = []
    for frame in frames:
        count += 1
        truth, found = source.detect(frame), export.detect(frame)
        sure, sure_found = _surer(truth, SOURCE_CONFIDENCE), _surer(found, EXPORT_CONFIDENCE)
        for number, other in pairs(iou(sure.xyxy, sure_found.xyxy), IOU):
            overlaps.append(float(iou(sure.xyxy[[number]], sure_found.xyxy[[other]])[0, 0]))
            ratios.append(_height(sure_found, other) / _height(sure, number))
            shifts.append(float(sure_found.confidence[other] - sure.confidence[number]))
        vehicles += len(sure)
        of_export = _surer(found, SOURCE_CONFIDENCE)
        more += len(of_export) - len(pairs(iou(of_export.xyxy, truth.xyxy), IOU))
    return Likeness(
        frames=count,
        vehicles=vehicles,
        seen=len(overlaps),
        more=more,
        mean_iou=float(np.mean(overlaps)) if overlaps else None,
        height_ratio=float(np.median(ratios)) if ratios else None,
        confidence_shift=float(np.mean(shifts)) if shifts else None,
    )


def _height(found: Detections, number: int) -> float:
    return float(found.xyxy[number, 3] - found.xyxy[number, 1])


def _surer(found: Detections, confidence: float) -> Detections:
    return found.take(found.confidence >= confidence)
