"""What the checks measure, from what the tiles show now and what they usually show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.camera import Camera
from vehicle_vision.self_checks.picture import Grey
from vehicle_vision.self_checks.seen import NOTHING, TILES, Seen, Tiles

_FADED = 0.35  # of what a tile used to show
_GAINED = 2.0
NEAR = slice(6, TILES[0])
"""Rows of tiles: the road before the van."""
_NO_FOG = 0.25  # of what is usual near by: less is a cover
_BLURRED = 0.4  # of how sharp a tile used to be
_ANY_SHARPNESS = 0.4  # of a road in focus: on 85 real pictures the median is 1.05 and more
_END_WINDOWS = 4
_END_WIDE, _END_ABOVE, _END_BELOW = 0.0144, 0.024, 0.036  # rad: half a lane at 100 m, 1.4 degrees, the road at 60 m
_END_NOTHING = 0.035  # contrast there: 0.037 and more on 306 real pictures, 0.02 and less behind mud
_END_LEAST_PX = 3
_END_FOG = 0.075  # contrast of such windows over the whole width: 0.15 and more when the air is clear
_ANY_HORIZON = 0.15  # contrast: 0.36 and more on the same pictures


def blank(now: Seen, horizon_row: int) -> float:
    """The share of the tiles below the horizon that show nothing."""
    return float((now.contrast[horizon_row:] < NOTHING).mean())


def hidden(grey: Grey, noise: float, camera: Camera) -> float:
    """The share that shows nothing of where the road ends and vehicles come from, in four windows side by side.

    However clean the rest of the lens is, what lies there hides them all. 0 where the whole width of the horizon is as
    empty: that is fog.
    """
    scale = grey.shape[1] / camera.frame_wh[0]
    focal, end, horizon = camera.fx_px * scale, round(camera.vanishing_px * scale), camera.horizon_px * scale
    rows = slice(max(round(horizon - _END_ABOVE * focal), 0), max(round(horizon + _END_BELOW * focal), 0))
    wide = max(round(_END_WIDE * focal), _END_LEAST_PX)
    before, count = end // wide, (grey.shape[1] - end % wide) // wide
    band = grey[rows, end % wide :][:, : count * wide]
    if band.size == 0:
        return 1.0  # the camera does not show where the road ends
    contrast = Seen.contrast_within(band.reshape(len(band), count, wide), noise)
    if _most(contrast) < _END_FOG:
        return 0.0
    here = contrast[max(before - _END_WINDOWS // 2, 0) : max(before + _END_WINDOWS // 2, 0)]
    return 1 - float((here >= _END_NOTHING).sum()) / _END_WINDOWS


def blurred(now: Seen, usual: Seen | None) -> float | None:
    """The share of the tiles whose fine detail is gone, of those that show something; None: too few do."""
    shown = now.contrast > NOTHING
    fine: Tiles | float = _ANY_SHARPNESS
    if usual is not None:
        fine = usual.sharpness
        shown &= fine > _ANY_SHARPNESS * _BLURRED  # in the dusk or in rain some have none that rises above the noise
    if shown.sum() < TILES[1]:
        return None
    return float((now.sharpness < _BLURRED * fine)[shown].mean())


def lost(now: Seen, usual: Seen, horizon_row: int, *, hazy: bool) -> float | None:
    """The share of what is usually to be seen below the horizon that is there no more; in haze, near the van alone.

    What lies on the lens only takes away. A body that stands before it also brings edges of its own, so what has been
    gained is taken off: a lorry is not dirt. None: too little is usually to be seen.
    """
    rows = NEAR if hazy else slice(horizon_row, None)
    then, here = usual.contrast[rows], now.contrast[rows]
    shown = then > NOTHING
    if shown.sum() < TILES[1]:
        return None
    gone = shown & (here < _FADED * then) & (here < NOTHING)
    gained = (here > _GAINED * np.maximum(then, np.float32(NOTHING))) & (now.sharpness[rows] > _ANY_SHARPNESS)
    return max(0.0, float(gone.sum()) - float(gained.sum())) / float(shown.sum())


def clearness(now: Seen, usual: Seen | None, horizon_row: int) -> float | None:
    """Contrast around the horizon beside the usual one, where most of it is: fog takes the whole width, a lorry a part.

    None: there is as little to be seen near by, so that it is no fog.
    """
    far = slice(horizon_row - 1, horizon_row + 1)
    if _most(now.contrast[NEAR]) < (NOTHING if usual is None else _NO_FOG * _most(usual.contrast[NEAR])):
        return None
    return _most(now.contrast[far]) / (_ANY_HORIZON if usual is None else max(_most(usual.contrast[far]), 1e-6))


def _most(contrast: NDArray[np.float32]) -> float:
    return float(np.quantile(contrast, 0.75))
