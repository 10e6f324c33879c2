"""The ground as it is seen: asphalt, lane marks, verge and fields, each pixel averaged over the ground that it covers.

Arrays are float32 of one shape, metres; colours shape (n, 3), blue green red, 0 to 255.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene.road import Metres, Road

Colours = NDArray[np.float32]

_ASPHALT = np.array((92, 92, 94), dtype=np.float32)
_GRAVEL = np.array((112, 124, 132), dtype=np.float32)
_GRASS = np.array((62, 112, 96), dtype=np.float32)
_FIELD = np.array((92, 150, 160), dtype=np.float32)
_PAINT = np.array((206, 210, 210), dtype=np.float32)
_SHOULDER_M = 1.2
_VERGE_M = 9.0
_LINE_M = 0.15
_DASH_M, _PERIOD_M = 3.0, 13.0
_TEXTURE_PX = 512


def ground(road: Road, x: Metres, z: Metres, focal_px: float, lens_m: float, seed: int) -> Colours:
    """The colour of the ground at x right and z ahead of the lens."""
    along, right = road.locate(x, z)
    # How much ground one pixel covers.
    ahead = np.maximum(z, 0.5)
    wide = np.asarray(ahead / focal_px, dtype=np.float32)
    deep = np.asarray(np.minimum(wide * ahead / lens_m, 60.0), dtype=np.float32)
    texture = soft_noise(np.random.default_rng((seed, 1)), _TEXTURE_PX)
    found = np.broadcast_to(_FIELD, (len(x), 3)).copy()
    _lay(found, _GRASS, _band(right, wide, road.left_m - _VERGE_M, road.right_m + _VERGE_M))
    found *= 1 + _grain(texture, right, along, deep, ((0.07, 0.5), (0.5, 0.35), (3.0, 0.3)))[:, None]
    _lay(found, _GRAVEL, _band(right, wide, road.left_m - _SHOULDER_M, road.right_m + _SHOULDER_M))
    worn = 1 + _grain(texture, right * 2, along * 0.3, deep * 0.3, ((0.2, 0.25), (1.0, 0.2), (9.0, 0.25)))
    _lay(found, _ASPHALT * worn[:, None], _band(right, wide, road.left_m - 0.3, road.right_m + 0.3))
    _lay(found, _PAINT * (0.5 + 0.5 * worn[:, None]), _marks(road, along, right, wide, deep))
    return found


def soft_noise(dice: np.random.Generator, size_px: int) -> NDArray[np.uint8]:
    """A texture that repeats without a seam, (size, size) uint8, mean 128."""
    rough = dice.normal(0, 1, (size_px, size_px)).astype(np.float32)
    half = size_px // 2
    soft = cv2.GaussianBlur(np.tile(rough, (2, 2)), (0, 0), 1.5)[half:-half, half:-half]
    return np.asarray(np.clip(128 + soft / soft.std() * 40, 0, 255), dtype=np.uint8)


def sampled(texture: NDArray[np.uint8], columns: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The repeating texture at fractional places, -1 to 1, shape as theirs (one axis)."""
    if not len(columns):
        return np.zeros(0, dtype=np.float32)
    size = len(texture)
    wrapped = (np.mod(columns, size)[None], np.mod(rows, size)[None])
    # remap takes no more than 32767 columns
    parts = [
        cv2.remap(texture, a, b, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        for a, b in zip(*(np.array_split(w, 1 + w.shape[1] // 32_000, axis=1) for w in wrapped), strict=True)
    ]
    return np.asarray((np.hstack(parts)[0].astype(np.float32) - 128) / 128, dtype=np.float32)


def _grain(
    texture: NDArray[np.uint8], x: Metres, z: Metres, deep: Metres, octaves: tuple[tuple[float, float], ...]
) -> NDArray[np.float32]:
    """Noise of several sizes; what is smaller than a pixel's ground has no effect.

    Octaves: waves a metre, amplitude.
    """
    found = np.zeros(len(x), dtype=np.float32)
    for scale, amplitude in octaves:
        fade = np.clip(1.5 - deep * scale * 0.5, 0.0, 1.0)
        found += fade * amplitude * sampled(texture, x * scale * 4, z * scale * 4)
    return found


def _marks(road: Road, along: Metres, right: Metres, wide: Metres, deep: Metres) -> NDArray[np.float32]:
    """The share of each pixel that is white paint: solid lines at the edges, dashes between the lanes."""
    half = _LINE_M / 2
    found = np.zeros(len(along), dtype=np.float32)
    for edge in (road.left_m + 0.2, road.right_m - 0.2):
        found = np.maximum(found, _band(right, wide, edge - half, edge + half))
    before, after = (np.asarray(along + side * deep, dtype=np.float32) for side in (-0.5, 0.5))
    dashes = (_painted(after) - _painted(before)) / deep
    for lane in range(1, road.lanes):
        middle = road.left_m + lane * road.lane_m
        found = np.maximum(found, dashes * _band(right, wide, middle - half, middle + half))
    return found


def _painted(along: Metres) -> Metres:
    """Metres of dash from the van to there."""
    periods = np.floor(along / _PERIOD_M)
    return np.asarray(periods * _DASH_M + np.minimum(along - periods * _PERIOD_M, _DASH_M), dtype=np.float32)


def _band(across: Metres, wide: Metres, left: float, right: float) -> NDArray[np.float32]:
    """The share of each pixel that lies between two edges."""
    inside = np.minimum(across + wide / 2, right) - np.maximum(across - wide / 2, left)
    return np.asarray(np.clip(inside / wide, 0.0, 1.0), dtype=np.float32)


def _lay(under: Colours, colour: Colours, share: NDArray[np.float32]) -> None:
    under += (colour - under) * share[:, None]
