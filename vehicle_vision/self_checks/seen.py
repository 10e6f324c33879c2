"""What the tiles of a picture show, when what the sensor's own noise explains is taken off."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.self_checks.picture import Grey

Tiles = NDArray[np.float32]
"""Shape (9, 16), from the top left corner."""

TILES = (9, 16)  # down, across
NOTHING = 0.03  # contrast: on 85 real pictures at most 3 tiles of 100 below the horizon have less; mud and fog have
_DARK = 20.0  # grey levels: what a black thing may still be lit by
_NOISE_SURE = 1.2  # times the noise's variance: it is known from few pixels
_RECENT_LOOKS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`contrast`: the standard deviation within each tile beside its brightness, so that more light changes nothing.

    `sharpness`: how much of that changes from pixel to pixel (standard deviation of the Laplacian), about 1 on a road
    in focus whatever the light or the haze; it means nothing where the contrast is NOTHING.
    """

    contrast: Tiles
    sharpness: Tiles

    @classmethod
    def of(cls, grey: Grey, noise: float) -> Seen:
        """Of a picture, `noise` in grey levels, standard deviation of a pixel."""
        laplacian = np.zeros_like(grey)
        laplacian[1:-1, 1:-1] = (
            4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
        )
        explained = np.float32(_NOISE_SURE * noise**2)
        tiles = _tiles(grey)
        detail = np.sqrt(np.maximum(tiles.var(axis=(1, 3)) - explained, 0))
        fine = np.sqrt(np.maximum(_tiles(laplacian).var(axis=(1, 3)) - 20 * explained, 0))
        return cls(
            contrast=detail / (tiles.mean(axis=(1, 3)) + np.float32(_DARK)),
            sharpness=fine / np.maximum(detail, np.float32(1e-3)),
        )

    @staticmethod
    def contrast_within(windows: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
        """Of each window side by side, shape (height, windows, width), as if it were one tile."""
        detail = np.sqrt(np.maximum(windows.var(axis=(0, 2)) - np.float32(_NOISE_SURE * noise**2), 0))
        return np.asarray(detail / (windows.mean(axis=(0, 2)) + np.float32(_DARK)), np.float32)

    def towards(self, other: Seen, share: float) -> Seen:
        """So much of the way to another."""
        part = np.float32(share)
        return Seen(
            contrast=self.contrast + part * (other.contrast - self.contrast),
            sharpness=self.sharpness + part * (other.sharpness - self.sharpness),
        )


class Recent:
    """The last 5 s as one picture: rain, noise and shaking fade in it, and what drives past leaves little."""

    def __init__(self) -> None:
        self._greys: deque[Grey] = deque(maxlen=_RECENT_LOOKS)
        self._differ: deque[float] = deque(maxlen=_RECENT_LOOKS)

    @property
    def full(self) -> bool:
        """Whether it has been looked at for 5 s."""
        return len(self._greys) == _RECENT_LOOKS

    def add(self, grey: Grey) -> None:
        """All of one shape."""
        if self._greys:
            # Where least has changed since the last look it is noise that has.
            self._differ.append(float(np.quantile(_tiles(grey - self._greys[-1]).std(axis=(1, 3)), 0.25)))
        self._greys.append(grey)

    def mean(self) -> Grey:
        """Of one look at least."""
        found = self._greys[0].copy()
        for grey in islice(self._greys, 1, None):
            found += grey
        found *= np.float32(1 / len(self._greys))
        return found

    def noise(self) -> float:
        """What is left of it in the mean, grey levels; 0 while there is but one look."""
        return float(np.median(self._differ)) / (2 * len(self._greys)) ** 0.5 if self._differ else 0.0


def _tiles(grey: Grey) -> NDArray[np.float32]:
    rows, columns = TILES
    height, width = grey.shape[0] // rows, grey.shape[1] // columns
    return grey[: height * rows, : width * columns].reshape(rows, height, columns, width)
