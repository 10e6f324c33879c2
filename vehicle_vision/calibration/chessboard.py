"""The lens itself from a video of a chessboard: focal length, middle and distortion, by OpenCV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vehicle_vision.camera import Camera
from vehicle_vision.errors import CameraError

_VIEWS_MIN, _VIEWS_MAX = 8, 40
_MOVED_PX = 30.0  # between two views that are kept: the same view twice teaches nothing
_MISFIT_MAX_PX = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What the views amount to."""

    camera: Camera
    views: int
    misfit_px: float
    """Root of the mean square over all corners."""


def calibrate(frames: Iterable[NDArray[np.uint8]], inner_corners: tuple[int, int]) -> Lens:
    """`frames` are BGR, uint8 (h, w, 3), of one size; `inner_corners` counts where four squares meet, across and down.

    Raise CameraError when the board is seen too seldom, or when its views contradict one another.
    """
    board = np.zeros((inner_corners[0] * inner_corners[1], 3), np.float32)
    board[:, :2] = np.mgrid[0 : inner_corners[0], 0 : inner_corners[1]].T.reshape(-1, 2)
    views: list[NDArray[np.float32]] = []
    frame_wh: tuple[int, int] | None = None
    looked = 0
    for frame in frames:
        looked += 1
        size = (frame.shape[1], frame.shape[0])
        if frame_wh is not None and size != frame_wh:
            raise CameraError(f"a frame of {size} after one of {frame_wh}; expected one resolution")
        frame_wh = size
        corners = _corners(frame, inner_corners)
        if corners is not None and all(_moved(corners, view) for view in views):
            views.append(corners)
        if len(views) == _VIEWS_MAX:
            break
    if frame_wh is None or len(views) < _VIEWS_MIN:
        raise CameraError(
            f"the board of {inner_corners[0]}x{inner_corners[1]} inner corners was found in {len(views)} different "
            f"views of {looked} frames; expected {_VIEWS_MIN} at least. Hold it still, tilted, near the edges too."
        )
    misfit_px, matrix, distortion, *_ = cv2.calibrateCamera([board] * len(views), views, frame_wh, None, None)
    if misfit_px > _MISFIT_MAX_PX:
        raise CameraError(f"the views miss one another by {misfit_px:.1f} pixels; expected a stiff, flat board")
    camera = Camera(
        frame_wh=frame_wh,
        fx_px=float(matrix[0, 0]),
        fy_px=float(matrix[1, 1]),
        cx_px=float(matrix[0, 2]),
        cy_px=float(matrix[1, 2]),
        distortion=tuple(float(one) for one in np.ravel(distortion)[:5]),  # type: ignore[arg-type]
    )
    return Lens(camera=camera, views=len(views), misfit_px=float(misfit_px))


def _corners(frame: NDArray[np.uint8], inner_corners: tuple[int, int]) -> NDArray[np.float32] | None:
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    found, corners = cv2.findChessboardCornersSB(grey, inner_corners)
    return np.asarray(corners, np.float32) if found else None


def _moved(corners: NDArray[np.float32], view: NDArray[np.float32]) -> bool:
    return float(np.abs(corners - view).reshape(-1, 2).max(axis=0).max()) > _MOVED_PX
