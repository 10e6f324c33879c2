"""A picture that stands still, even where old frames take turns or a clock runs over them.

The noise of a sensor changes every tile of a living picture with every frame; an old frame is some earlier one again.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.self_checks.picture import Grey
from vehicle_vision.self_checks.seen import TILES

_EARLIER = 8  # frames
_SIDE_PX = 8  # of a tile: at least so many of its pixels are looked at, down and across
_CHANGE = 0.02  # grey levels, mean: the noise of any sensor is more
_KEY_S = 2.0  # between two whole pictures of a compressed stream; where nothing moves there may be no change between
_BLACK, _WHITE = 3.0, 250.0  # grey levels: a tile beyond them has no noise to show
_TELLING = 9  # tiles


class Frozen:
    """Told each frame, says for how long nothing of the picture has lived."""

    def __init__(self) -> None:
        self._earlier: deque[Grey] = deque(maxlen=_EARLIER)
        self._changed_s = np.zeros(TILES)

    def still_s(self, at_s: float, grey: Grey) -> float | None:
        """Of a frame not before the last one: s since a tile changed, or since most did less what a compressed stream
        may take for that. None: it is burnt white, and cannot tell."""
        step = max(min(grey.shape[0] // TILES[0], grey.shape[1] // TILES[1]) // _SIDE_PX, 1)
        tile = grey.shape[0] // step // TILES[0], grey.shape[1] // step // TILES[1]
        small = np.ascontiguousarray(grey[::step, ::step][: tile[0] * TILES[0], : tile[1] * TILES[1]])
        if self._earlier and self._earlier[-1].shape != small.shape:
            self._earlier.clear()
        mean = _means(small[None])[0]
        telling = (mean > _BLACK) & (mean < _WHITE)
        if telling.sum() < _TELLING:
            telling = mean < _WHITE  # a black picture that stands still is no good sign
        changed = ~telling
        if self._earlier:
            changed |= _means(np.abs(np.array(self._earlier) - small)).min(axis=0) > _CHANGE
        else:
            changed[:] = True
        self._earlier.append(small)
        self._changed_s[changed] = at_s
        if telling.sum() < _TELLING:
            return None
        still_s = at_s - self._changed_s[telling]
        return max(float(still_s.min()), float(np.median(still_s)) - _KEY_S)


def _means(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of the tiles of each, shape (pictures, *TILES). Axis by axis: four times faster than a mean over two."""
    count, height, width = pictures.shape
    rows, columns = TILES
    sums = pictures.reshape(count, rows, height // rows, width).sum(axis=2)
    sums = sums.reshape(count, rows, columns, width // columns).sum(axis=3)
    return np.asarray(sums * np.float32(rows * columns / (height * width)), np.float32)
