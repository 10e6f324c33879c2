"""A frame reduced to what the checks need: grey, small, and where in it there is detail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.errors import VisionError

Grey = NDArray[np.float32]

WIDTH_PX = 480
_TILES = (9, 16)  # down, across


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`grey` float32 (h, w), 0 to 255, about 480 wide; `scale`: pixels of the frame in one of it."""

    grey: Grey
    scale: int

    @classmethod
    def of(cls, frame: NDArray[np.uint8]) -> Picture:
        """From a frame uint8 (h, w) or (h, w, 3) in BGR. Raise VisionError when it is none."""
        if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or min(frame.shape[:2]) < 32:
            raise VisionError(
                f"a frame of {frame.dtype} {frame.shape}; expected uint8 (h, w) or (h, w, 3), 32 pixels or more"
            )
        scale = max(1, round(frame.shape[1] / WIDTH_PX))
        height, width = frame.shape[0] // scale * scale, frame.shape[1] // scale * scale
        # Green is most of what grey is, and the channel with the least noise.
        plane = frame[:height, :width] if frame.ndim == 2 else frame[:height, :width, 1]
        summed = plane.reshape(height // scale, scale, width // scale, scale).mean(axis=(1, 3), dtype=np.float32)
        return cls(grey=np.asarray(summed, np.float32), scale=scale)

    def gradient(self) -> Grey:
        """How fast it changes from pixel to pixel; float32 (h - 1, w - 1), grey levels a pixel."""
        return np.hypot(np.diff(self.grey, axis=0)[:, :-1], np.diff(self.grey, axis=1)[:-1])

    def sharpness(self) -> float:
        """The variance of the Laplacian."""
        grey = self.grey
        laplacian = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
        return float(laplacian.var())

    def detail(self) -> NDArray[np.float32]:
        """The standard deviation within each tile; float32 (9, 16), grey levels."""
        rows, columns = _TILES
        height, width = self.grey.shape[0] // rows * rows, self.grey.shape[1] // columns * columns
        tiles = self.grey[:height, :width].reshape(rows, height // rows, columns, width // columns)
        return np.asarray(tiles.std(axis=(1, 3)), np.float32)
