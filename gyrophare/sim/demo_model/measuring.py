"""What a detector sees of rendered roads that it was not trained on, by the size of what is to be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.demo_model.dataset import CLASSES, LEAST_PX, any_scene, labelled
from gyrophare.sim.van_scene.weather import Light, Weather
from vehicle_vision.boxes import Boxes
from vehicle_vision.detectors import Detections, Detector
from vehicle_vision.overlap import inside, iou, pairs

CONDITIONS = {
    "day": Weather(),
    "dusk": Weather(light=Light.DUSK),
    "night": Weather(light=Light.NIGHT),
    "rain": Weather(rain=0.7),
    "fog": Weather(visibility_m=200.0),
}
HEIGHTS_PX = (LEAST_PX, 8.0, 12.0, 16.0, 24.0, 40.0, np.inf)
_IOU = 0.4
_OF_ONE = 0.5  # what lies so far in a vehicle that need not be seen is not false
_SCENES, _FRAMES = 12, 4


def _zeros() -> NDArray[np.int64]:
    return np.zeros(len(HEIGHTS_PX) - 1, dtype=np.int64)


@dataclass(slots=True)
class _Tally:
    """Counts; the arrays by height."""

    vehicles: NDArray[np.int64] = field(default_factory=_zeros)
    seen: NDArray[np.int64] = field(default_factory=_zeros)
    named_right: int = 0
    false: int = 0

    def count(self, true: Boxes, classes: list[int], may_be_seen: Boxes, found: Detections) -> None:
        """One frame: labels with their classes, all vehicles, and what was detected."""
        bins = np.digitize(true[:, 3] - true[:, 1], HEIGHTS_PX) - 1  # -1: too low to count
        counted = bins >= 0
        np.add.at(self.vehicles, bins[counted], 1)
        matched = pairs(iou(found.xyxy, true), _IOU)
        for detection, label in matched:
            if counted[label]:
                self.seen[bins[label]] += 1
                self.named_right += found.labels[detection] == CLASSES[classes[label]]
        free = np.ones(len(found), dtype=np.bool_)
        free[[detection for detection, _ in matched]] = False
        self.false += int((free & ~(inside(found.xyxy, may_be_seen) > _OF_ONE).any(axis=1)).sum())

    def as_json(self) -> dict[str, Any]:
        """Recall of each height, None where there was nothing to see; precision; the share of right classes."""
        seen, vehicles = int(self.seen.sum()), int(self.vehicles.sum())
        names = [f"{low:g}-{high:g}" if np.isfinite(high) else f"{low:g}+" for low, high in pairwise(HEIGHTS_PX)]
        return {
            "vehicles": vehicles,
            "recall": _share(seen, vehicles),
            "recall_by_height_px": {
                name: _share(int(hits), int(all_))
                for name, hits, all_ in zip(names, self.seen, self.vehicles, strict=True)
            },
            "precision": _share(seen, seen + self.false),
            "class_right": _share(self.named_right, seen),
        }


def measure(detector: Detector, seed: int) -> dict[str, Any]:
    """Figures for each of CONDITIONS, at whatever confidence the detector was told."""
    return {name: _measured(detector, weather, seed).as_json() for name, weather in CONDITIONS.items()}


def _measured(detector: Detector, weather: Weather, seed: int) -> _Tally:
    tally = _Tally()
    for number in range(_SCENES):
        dice = np.random.default_rng((seed, 31, number))
        scene = any_scene(dice, weather)
        for at_s in dice.uniform(20, 110, _FRAMES):
            frame, truths = scene.frame(float(at_s))
            seen = labelled(truths, weather)
            all_boxes = [truth.xyxy for truth in truths if truth.xyxy is not None]
            tally.count(
                np.array([box for box, _ in seen], dtype=np.float64).reshape(-1, 4),
                [number for _, number in seen],
                np.array(all_boxes, dtype=np.float64).reshape(-1, 4),
                detector.detect(frame),
            )
    return tally


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
