"""Boxes of vehicles that drive as they are told, as a perfect detector would draw them, and with its noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vehicle_vision.camera import Camera
from vehicle_vision.ranging import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """A cuboid on the road; negative `speed_mps` is away from us."""

    range_m: float
    speed_mps: float = 0.0
    lateral_m: float = 0.0
    height_m: float = 1.53
    width_m: float = 1.63
    length_m: float = 3.9
    label: str = "Car"
    track_id: int = 1

    def range_at(self, at_s: float) -> float:
        return self.range_m - self.speed_mps * at_s

    def seen(self, camera: Camera, at_s: float, rng: np.random.Generator | None = None) -> Seen:
        near = self.range_at(at_s)
        corners = np.array(
            [
                (self.lateral_m + side * self.width_m / 2, up * self.height_m, ahead)
                for side in (-1, 1)
                for up in (0, 1)
                for ahead in (near, near + self.length_m)
            ]
        )
        points = camera.project(corners)
        box = np.concatenate((points.min(axis=0), points.max(axis=0)))
        if rng is not None:
            size = np.tile(box[2:] - box[:2], 2)
            box = box + (0.8 + 0.015 * size) * rng.standard_normal(4)
        return Seen(track_id=self.track_id, label=self.label, xyxy=tuple(box.tolist()))
