"""Between the van's metres and the pixels of one frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.camera import Camera, Points
from vehicle_vision.errors import CameraError

NEAR_M = 0.4  # nearer than that to the lens nothing is drawn


@dataclass(frozen=True, slots=True)
class View:
    """A camera as it is turned now, its picture moved by `shift_px` (right, down) as it shakes."""

    camera: Camera
    shift_px: tuple[float, float] = (0.0, 0.0)

    def depth_m(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far points lie ahead of the lens along its optical axis, shape (n,)."""
        pitch, yaw = math.radians(self.camera.pitch_deg), math.radians(self.camera.yaw_deg)
        ahead = points_m[:, 0] * math.sin(yaw) + points_m[:, 2] * math.cos(yaw)
        depth: NDArray[np.float64] = (self.lens_m - points_m[:, 1]) * math.sin(pitch) + ahead * math.cos(pitch)
        return depth

    @property
    def lens_m(self) -> float:
        """Height of the lens above the road."""
        if self.camera.height_m is None:
            raise CameraError("height_m is not known; expected the height of the lens above the road, in metres")
        return self.camera.height_m

    def pixels(self, points_m: NDArray[np.float64]) -> Points:
        """Where points ahead of the lens are seen; shape (n, 3) in, (n, 2) out."""
        return self.camera.distort(self.camera.project(points_m)) + self.shift_px

    def outline(self, polygon_m: NDArray[np.float64]) -> Points:
        """Where a polygon is seen, without what lies behind the lens; (k, 2), k may be 0."""
        depth = self.depth_m(polygon_m)
        if (depth < NEAR_M).any():
            polygon_m = _clipped(polygon_m, depth)
        return self.pixels(polygon_m) if len(polygon_m) else np.empty((0, 2))

    def rays(self, points: Points) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Where pixels look: x right, y down, z ahead, in the van's axes and not of unit length; shape (n,) each."""
        camera = self.camera
        pitch, yaw = math.radians(camera.pitch_deg), math.radians(camera.yaw_deg)
        seen = camera.undistort(points - self.shift_px)
        across = ((seen[:, 0] - camera.cx_px) / camera.fx_px).astype(np.float32)
        down = ((seen[:, 1] - camera.cy_px) / camera.fy_px).astype(np.float32)
        y = down * math.cos(pitch) + math.sin(pitch)
        ahead = math.cos(pitch) - down * math.sin(pitch)
        x = across * math.cos(yaw) + ahead * math.sin(yaw)
        z = ahead * math.cos(yaw) - across * math.sin(yaw)
        return x.astype(np.float32), y.astype(np.float32), z.astype(np.float32)


def _clipped(polygon: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sutherland and Hodgman's, for the one plane before the lens."""
    kept: list[NDArray[np.float64]] = []
    for number in range(len(polygon)):
        before, after = polygon[number - 1], polygon[number]
        from_m, to_m = depth[number - 1] - NEAR_M, depth[number] - NEAR_M
        if (from_m < 0) != (to_m < 0):
            kept.append(before + (after - before) * from_m / (from_m - to_m))
        if to_m >= 0:
            kept.append(after)
    return np.array(kept).reshape(-1, 3)
