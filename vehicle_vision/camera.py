"""The camera: where a pixel looks, and how high above the road it stands.

Axes: x right, y down, z along the optical axis. Pitch is positive when the camera looks down, yaw positive when it
looks to the right of the van's axis; both are small, so that rows and columns shift by `f * angle`. Points are
undistorted, never images: a detector wants the pixels as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.errors import CameraError

Points = NDArray[np.float64]
"""Shape (n, 2), pixels, origin at the top left corner."""

_UNDISTORTIONS = 8  # each divides the error by ten and more for the lenses that are sold for roads


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A pinhole with radial and tangential distortion (OpenCV's k1 k2 p1 p2 k3), fixed to a van.

    `height_m` is that of the lens above the road; None: not measured, so that there is no ground plane.
    """

    frame_wh: tuple[int, int]
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    height_m: float | None = None
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0
    pitch_sigma_deg: float = 1.0
    """How well the pitch was known when it was written down."""
    yaw_sigma_deg: float = 1.0

    def __post_init__(self) -> None:
        width, height = self.frame_wh
        _expect(16 <= width <= 16_384 and 16 <= height <= 16_384, "frame_wh", self.frame_wh, "16 to 16384 pixels each")
        for name in ("fx_px", "fy_px"):
            _expect(_finite(value := getattr(self, name)) and value >= 16, name, value, "16 pixels or more")
        _expect(self.fx_px <= 12 * width, "fx_px", self.fx_px, f"at most {12 * width}: a field of view of 5 degrees")
        _expect(
            0.5 <= self.fy_px / self.fx_px <= 2, "fy_px", self.fy_px, f"about fx_px = {self.fx_px!r}: square pixels"
        )
        _expect(_finite(self.cx_px) and 0 < self.cx_px < width, "cx_px", self.cx_px, f"a column of 0 to {width}")
        _expect(
            _finite(self.cy_px) and 0 < self.cy_px < height, "cy_px", self.cy_px, f"inside the frame, 0 to {height}"
        )
        _expect(
            all(map(_finite, self.distortion)),
            "distortion",
            self.distortion,
            "five numbers k1 k2 p1 p2 k3",
        )
        _expect(
            self.height_m is None or (_finite(self.height_m) and 0.3 <= self.height_m <= 12),
            "height_m",
            self.height_m,
            "0.3 to 12 m above the road",
        )
        for name in ("pitch_deg", "yaw_deg"):
            _expect(_finite(value := getattr(self, name)) and abs(value) <= 30, name, value, "-30 to 30 degrees")
        for name in ("pitch_sigma_deg", "yaw_sigma_deg"):
            _expect(_finite(value := getattr(self, name)) and 0 < value <= 30, name, value, "more than 0, at most 30")
        if any(self.distortion):
            self._expect_invertible()

    @classmethod
    def from_field_of_view(
        cls, frame_wh: tuple[int, int], horizontal_deg: float, *, height_m: float | None = None, **known: Any
    ) -> Camera:
        """When nothing better is known: square pixels, the axis in the middle of the frame."""
        _expect(
            _finite(horizontal_deg) and 5 <= horizontal_deg <= 130, "field of view", horizontal_deg, "5 to 130 degrees"
        )
        width, height = frame_wh
        focal_px = width / 2 / math.tan(math.radians(horizontal_deg) / 2)
        return cls(
            frame_wh=frame_wh,
            fx_px=focal_px,
            fy_px=focal_px,
            cx_px=width / 2,
            cy_px=height / 2,
            height_m=height_m,
            **known,
        )

    @property
    def horizontal_fov_deg(self) -> float:
        """The angle between the left edge and the right one, distortion left out."""
        left, right = self.cx_px / self.fx_px, (self.frame_wh[0] - self.cx_px) / self.fx_px
        return math.degrees(math.atan(left) + math.atan(right))

    @property
    def horizon_px(self) -> float:
        """The row of a level road at infinity."""
        return self.cy_px - self.fy_px * math.tan(math.radians(self.pitch_deg))

    @property
    def vanishing_px(self) -> float:
        """The column where the van's axis meets the horizon."""
        return self.cx_px - self.fx_px * math.tan(math.radians(self.yaw_deg))

    def scaled_to(self, frame_wh: tuple[int, int]) -> Camera:
        """The same camera read at another resolution of the same shape. Raise CameraError when it has another shape."""
        ratio, other = (new / old for new, old in zip(frame_wh, self.frame_wh, strict=True))
        if abs(ratio / other - 1) > 0.01:
            raise CameraError(
                f"frames of {frame_wh[0]}x{frame_wh[1]}; the camera's file is for "
                f"{self.frame_wh[0]}x{self.frame_wh[1]}, and another resolution must have the same shape. Calibrate "
                "again, or set the camera's resolution back."
            )
        return replace(
            self,
            frame_wh=frame_wh,
            fx_px=self.fx_px * ratio,
            fy_px=self.fy_px * other,
            cx_px=self.cx_px * ratio,
            cy_px=self.cy_px * other,
        )

    def undistort(self, points: Points) -> Points:
        """Where the points would be without the lens's distortion; shape (n, 2), pixels."""
        if not any(self.distortion):
            return points
        distorted = self._rays(points)
        rays = distorted.copy()
        for _ in range(_UNDISTORTIONS):
            rays += distorted - self._bent(rays)
        return rays * self._focal + self._centre

    def distort(self, points: Points) -> Points:
        """The inverse of `undistort`."""
        if not any(self.distortion):
            return points
        return self._bent(self._rays(points)) * self._focal + self._centre

    def project(self, points_m: NDArray[np.float64]) -> Points:
        """Where points are seen, undistorted; shape (n, 3), metres: x right of the axis, y up from the road, z ahead.

        Raise CameraError when the height is unknown or a point is not ahead of the lens.
        """
        if self.height_m is None:
            raise CameraError("height_m is not known; expected the height of the lens above the road, in metres")
        pitch, yaw = math.radians(self.pitch_deg), math.radians(self.yaw_deg)
        x, y, z = points_m[:, 0], self.height_m - points_m[:, 1], points_m[:, 2]
        x, z = x * math.cos(yaw) - z * math.sin(yaw), x * math.sin(yaw) + z * math.cos(yaw)
        y, z = y * math.cos(pitch) - z * math.sin(pitch), y * math.sin(pitch) + z * math.cos(pitch)
        if not np.all(z > 0):
            raise CameraError("a point lies behind the lens; expected points ahead of it")
        return np.column_stack((x / z, y / z)) * self._focal + self._centre

    @property
    def _focal(self) -> NDArray[np.float64]:
        return np.array((self.fx_px, self.fy_px))

    @property
    def _centre(self) -> NDArray[np.float64]:
        return np.array((self.cx_px, self.cy_px))

    def _rays(self, points: Points) -> Points:
        rays: Points = (points - self._centre) / self._focal
        return rays

    def _bent(self, rays: Points) -> Points:
        k1, k2, p1, p2, k3 = self.distortion
        x, y = rays[:, 0], rays[:, 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        return np.column_stack(
            (
                x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            )
        )

    def _expect_invertible(self) -> None:
        """A polynomial that folds back inside the frame would put two places of the road on one pixel."""
        width, height = self.frame_wh
        edge = np.array([(x, y) for x in (0, width / 2, width) for y in (0, height / 2, height)], dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            back = self.distort(self.undistort(edge))
        off_px = float(np.abs(back - edge).max())
        _expect(
            math.isfinite(off_px) and off_px < 0.5,
            "distortion",
            self.distortion,
            "a lens that can be undone over the whole frame: calibrate with the board near the edges too",
        )


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _expect(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise CameraError(f"{name} = {value!r}; expected {expected}")
