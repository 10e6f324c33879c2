"""What the checks measure, from what the tiles show now and what they usually show."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from vehicle_vision.self_checks.picture import Grey
from vehicle_vision.self_checks.seen import NOTHING, TILES, Seen, Tiles

_FADED = 0.35  # of what a tile used to show
_GAINED = 2.0
NEAR = slice(6, TILES[0])
"""Rows of tiles: the road before the van."""
_NO_FOG = 0.25  # of what is usual near by: less is a cover
_BLURRED = 0.4  # of how sharp a tile used to be
_ANY_SHARPNESS = 0.4  # of a road in focus: on 85 real pictures the median is 1.05 and more
_END_WINDOWS, _END_TILES = 4, 0.75
_END_NOTHING = 0.055  # contrast there: 0.08 and more on 306 real pictures, 0.04 and less behind mud
_ANY_HORIZON = 0.15  # contrast: 0.36 and more on the same pictures


def blank(now: Seen, horizon_row: int) -> float:
    """The share of the tiles below the horizon that show nothing."""
    return float((now.contrast[horizon_row:] < NOTHING).mean())


def hidden(now: Seen, grey: Grey, noise: float, end: tuple[float, float]) -> float:
    """The share that shows nothing of where the road ends and vehicles come from, in four windows side by side.

    However clean the rest of the lens is, what lies there hides them all. `end`: that point, in tiles from the left and
    from the top. 0 where the whole width of the horizon is as empty: that is fog.
    """
    tile_rows, tile_columns = grey.shape[0] / TILES[0], grey.shape[1] / TILES[1]
    if _most(now.contrast[min(int(end[1]), TILES[0] - 1)]) < _ANY_HORIZON / 2:
        return 0.0
    rows = slice(max(round((end[1] - _END_TILES) * tile_rows), 0), round((end[1] + _END_TILES) * tile_rows))
    edges = np.rint((end[0] + np.linspace(-0.5, 0.5, _END_WINDOWS + 1)) * tile_columns).clip(0).astype(int)
    empty = 0
    for left, right in pairwise(edges.tolist()):
        window = grey[rows, left:right]
        empty += window.size == 0 or Seen.contrast_within(window, noise) < _END_NOTHING
    return empty / _END_WINDOWS


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


def _most(contrast: Tiles) -> float:
    return float(np.quantile(contrast, 0.75))
