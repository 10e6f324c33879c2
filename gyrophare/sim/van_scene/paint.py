"""Flat polygons and soft light on a frame: edges are smooth, because far vehicles are few pixels wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vehicle_vision.camera import Points

Frame = NDArray[np.uint8]
"""Shape (h, w, 3), blue green red."""
Box = tuple[float, float, float, float]
"""x1 y1 x2 y2, pixels."""

_FRACTION_BITS = 4
_FINE_PX = 320  # polygons are painted at about that size, at most eightfold, and shrunk
_MOST_FINE = 8


@dataclass(frozen=True, slots=True)
class Painted:
    """Where something was painted, and the mask of its pixels there, uint8, 255: all of the pixel."""

    rows: slice
    columns: slice
    mask: NDArray[np.uint8]


def polygons(frame: Frame, outlines: Sequence[Points], colours: NDArray[np.float64]) -> Painted | None:
    """Paint in this order; colours (n, 3), 0 to 255. None: nothing lies in the frame."""
    corners = np.vstack(outlines)
    height, width = frame.shape[:2]
    left, top = np.floor(np.maximum(corners.min(axis=0), 0)).astype(int)
    right, bottom = np.ceil(np.minimum(corners.max(axis=0), (width, height))).astype(int)
    if right <= left or bottom <= top:
        return None
    fine = max(1, min(_MOST_FINE, _FINE_PX // max(right - left, bottom - top)))
    shape = ((bottom - top) * fine, (right - left) * fine)
    canvas, mask = np.zeros((*shape, 3), dtype=np.uint8), np.zeros(shape, dtype=np.uint8)
    # OpenCV counts from the middle of a pixel, we from its corner.
    fixed = np.rint(((corners - (left, top)) * fine - 0.5) * (1 << _FRACTION_BITS)).astype(np.int32)
    ends = np.cumsum([len(outline) for outline in outlines])
    for outline, colour in zip(np.split(fixed, ends[:-1]), colours.tolist(), strict=True):
        cv2.fillPoly(canvas, [outline], colour, cv2.LINE_8, _FRACTION_BITS)
        cv2.fillPoly(mask, [outline], 255.0, cv2.LINE_8, _FRACTION_BITS)
    if fine > 1:
        size = (right - left, bottom - top)
        canvas = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA).reshape(size[::-1])
    rows, columns = slice(top, bottom), slice(left, right)
    under = cv2.multiply(frame[rows, columns], cv2.merge([255 - mask] * 3), scale=1 / 255)
    frame[rows, columns] = cv2.add(under, canvas)
    return Painted(rows, columns, mask)


def shade(frame: Frame, quad: Points, texture: NDArray[np.uint8], colour: tuple[float, float, float] | None) -> None:
    """Lay a soft texture, (s, s) uint8, on a quadrangle of the ground: as a shadow, or as light of that colour."""
    height, width = frame.shape[:2]
    left, top = np.floor(np.clip(quad.min(axis=0), 0, (width, height))).astype(int)
    right, bottom = np.ceil(np.clip(quad.max(axis=0), 0, (width, height))).astype(int)
    if right <= left or bottom <= top:
        return
    size = len(texture)
    corners = np.array(((0, 0), (size, 0), (size, size), (0, size)), dtype=np.float32)
    warp = cv2.getPerspectiveTransform(corners, (quad - (left, top)).astype(np.float32))
    laid = cv2.warpPerspective(texture, warp, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    laid = laid.reshape(bottom - top, right - left)
    part = frame[top:bottom, left:right]
    if colour is None:
        part[:] = cv2.multiply(part, cv2.merge([255 - laid] * 3), scale=1 / 255)
    else:
        part[:] = cv2.add(part, cv2.merge([cv2.convertScaleAbs(laid, alpha=level / 255) for level in colour]))


def glow(frame: Frame, centre: tuple[float, float], radius_px: float, colour: tuple[float, float, float]) -> None:
    """Add a lamp's light, brightest in its middle and gone at the radius."""
    height, width = frame.shape[:2]
    left, top = (max(0, int(middle - radius_px)) for middle in centre)
    right, bottom = (
        min(most, int(middle + radius_px) + 1) for middle, most in zip(centre, (width, height), strict=True)
    )
    if right <= left or bottom <= top:
        return
    columns = (np.arange(left, right, dtype=np.float32) + 0.5 - centre[0]) / radius_px
    rows = (np.arange(top, bottom, dtype=np.float32) + 0.5 - centre[1]) / radius_px
    far = np.minimum(np.hypot(columns[None], rows[:, None]), 1.0)
    light = 255 * (1 - far) ** 2 / (1 + 12 * far * far)
    part = frame[top:bottom, left:right]
    part[:] = cv2.add(part, cv2.merge([cv2.convertScaleAbs(light, alpha=level / 255) for level in colour]))
