"""Real vehicles on the rendered road: cut out of a picture, pasted at the exact scale of where they are driven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene.paint import Box, Frame, Painted
from vehicle_vision.errors import VisionError
from vehicle_vision.sizes import Kind

_LEAST_PX = 24
# The outline of a vehicle seen end-on: half widths, as shares of the box, from the road up.
_OUTLINES: Mapping[Kind, tuple[tuple[float, float], ...]] = {
    Kind.CAR: ((0.0, 0.47), (0.08, 0.49), (0.6, 0.48), (0.94, 0.38), (1.0, 0.3)),
    Kind.VAN: ((0.0, 0.47), (0.08, 0.49), (0.55, 0.48), (0.96, 0.42), (1.0, 0.36)),
    Kind.TRUCK: ((0.0, 0.48), (0.98, 0.49), (1.0, 0.47)),
    Kind.BUS: ((0.0, 0.48), (0.96, 0.48), (1.0, 0.44)),
    Kind.MOTORCYCLE: ((0.0, 0.14), (0.4, 0.3), (0.62, 0.46), (0.8, 0.34), (0.88, 0.17), (1.0, 0.12)),
}


@dataclass(frozen=True, slots=True)
class Cutout:
    """A vehicle seen end-on: `image` (h, w, 3) uint8 BGR, and its `mask` (h, w) uint8, 255: all of the pixel.

    Both end where its box did.
    """

    image: Frame
    mask: NDArray[np.uint8]


def cut_out(picture: Frame, xyxy: Box, kind: Kind) -> Cutout:
    """The vehicle in a box of a picture, seen end-on, without the corners that it does not fill.

    Raise VisionError when the box is no use.
    """
    height, width = picture.shape[:2]
    if kind not in _OUTLINES:
        raise VisionError(f"there is no outline of a {kind}; expected one of {', '.join(_OUTLINES)}")
    if not np.isfinite(xyxy).all():
        raise VisionError(f"a box of {xyxy}; expected four finite pixels")
    left, top, right, bottom = (round(edge) for edge in xyxy)
    if left < 0 or top < 0 or right > width or bottom > height or min(right - left, bottom - top) < _LEAST_PX:
        raise VisionError(
            f"a box of {xyxy} in a picture of {width}x{height}; expected one inside it, at least {_LEAST_PX} pixels "
            "wide and high"
        )
    image = picture[top:bottom, left:right].copy()
    right_side = [(0.5 + half, 1 - up) for up, half in _OUTLINES[kind]]
    left_side = [(0.5 - half, 1 - up) for up, half in reversed(_OUTLINES[kind])]
    outline = np.array(right_side + left_side) * (right - left, bottom - top)
    mask = np.zeros(image.shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 255.0)
    return Cutout(image, mask)


def paste(frame: Frame, cutout: Cutout, xyxy: Box, gain: float, haze: NDArray[np.float64]) -> Painted | None:
    """Lay it into a box of the frame, its light times `gain`, plus `haze`. None: nothing of the box is in the frame."""
    height, width = frame.shape[:2]
    x1, y1, x2, y2 = xyxy
    left, top = max(int(np.floor(x1)), 0), max(int(np.floor(y1)), 0)
    right, bottom = min(int(np.ceil(x2)), width), min(int(np.ceil(y2)), height)
    if right <= left or bottom <= top:
        return None
    image, mask = cutout.image, cutout.mask
    while image.shape[1] >= 2 * (x2 - x1) and min(image.shape[:2]) >= 4:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image, mask = (_resized(one, half) for one in (image, mask))
    across, down = (x2 - x1) / image.shape[1], (y2 - y1) / image.shape[0]
    # OpenCV counts from the middle of a pixel, we from its corner.
    move = np.array(((across, 0, x1 - left + across / 2 - 0.5), (0, down, y1 - top + down / 2 - 0.5)))
    size = (right - left, bottom - top)
    laid = cv2.warpAffine(image, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = np.asarray(cv2.warpAffine(mask, move, size, flags=cv2.INTER_LINEAR), dtype=np.uint8).reshape(size[::-1])
    rows, columns = slice(top, bottom), slice(left, right)
    share = cover[..., None].astype(np.float32) / 255
    seen = laid.astype(np.float32) * gain + haze.astype(np.float32)
    part = frame[rows, columns]
    part[:] = np.clip(part * (1 - share) + seen * share, 0, 255).astype(np.uint8)
    return Painted(rows, columns, cover)


def _resized(image: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), dtype=np.uint8)
