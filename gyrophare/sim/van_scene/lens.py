"""What lies between the road and the picture: rain, dirt, exposure, and the sensor's noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene.ground import soft_noise
from gyrophare.sim.van_scene.paint import Frame
from gyrophare.sim.van_scene.weather import Faults, Weather

_SLIDE_PX = 64  # layers are so much larger than the frame, and moved about under it
_RAIN_LAYERS = 3
_DIRT = np.array((58, 72, 84), dtype=np.float32)


class Lens:
    """Made once for a scene; what it adds to a frame is drawn with that frame's dice."""

    def __init__(self, frame_wh: tuple[int, int], weather: Weather, faults: Faults, seed: int) -> None:
        self._weather, self._faults = weather, faults
        dice = np.random.default_rng((seed, 6))
        large = (frame_wh[0] + _SLIDE_PX, frame_wh[1] + _SLIDE_PX)
        self._rain = [_streaks(large, weather, dice) for _ in range(_RAIN_LAYERS if weather.rain else 0)]
        self._grain = _grain(large, weather.grain, dice) if weather.grain else None
        self._dirt = _dirt(frame_wh, faults.dirt, weather.ambient, dice) if faults.dirt else None

    def seen_through(self, frame: Frame, dice: np.random.Generator) -> Frame:
        """The frame as the sensor gives it."""
        if self._rain:
            rain = self._weather.rain
            lift = 26 * rain * self._weather.ambient
            frame = _as_frame(cv2.convertScaleAbs(frame, alpha=1 - 0.22 * rain, beta=lift))
            frame = _as_frame(cv2.add(frame, _slid(self._rain[dice.integers(_RAIN_LAYERS)], frame, dice)))
        if self._dirt is not None:
            kept, added = self._dirt
            frame = _as_frame(cv2.add(cv2.multiply(frame, kept, scale=1 / 255), added))
        if self._faults.exposure != 1:
            frame = _as_frame(cv2.convertScaleAbs(frame, alpha=self._faults.exposure))
        if self._grain is not None:
            frame = _as_frame(cv2.addWeighted(frame, 1, _slid(self._grain, frame, dice), 1, -128))
        return frame


def _streaks(size_wh: tuple[int, int], weather: Weather, dice: np.random.Generator) -> Frame:
    width, height = size_wh
    found = np.zeros((height, width, 3), dtype=np.uint8)
    scale = height / 1080
    for _ in range(int(900 * weather.rain)):
        x, y = dice.uniform(0, width), dice.uniform(0, height)
        length, level = dice.uniform(14, 60) * scale, dice.uniform(20, 75) * (0.25 + 0.75 * weather.ambient)
        end = (int(x + 0.08 * length), int(y + length))
        cv2.line(found, (int(x), int(y)), end, (level, level, level), 1 + int(scale > 0.7 and dice.random() < 0.3))
    return _as_frame(cv2.GaussianBlur(found, (0, 0), 0.8))


def _grain(size_wh: tuple[int, int], sigma: float, dice: np.random.Generator) -> Frame:
    """Around 128, which is taken off again when it is added."""
    noise = dice.standard_normal((size_wh[1], size_wh[0], 3), dtype=np.float32)
    return np.asarray(np.clip(np.rint(128 + sigma * noise), 0, 255), dtype=np.uint8)


def _dirt(frame_wh: tuple[int, int], share: float, ambient: float, dice: np.random.Generator) -> tuple[Frame, Frame]:
    """What it lets through, 255: all, and what it adds: soft spots over that share of the picture."""
    spots = cv2.resize(soft_noise(dice, 128)[:18, :32], frame_wh, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    edge = float(np.quantile(spots, 1 - share))
    cover: NDArray[np.float32] = np.clip((spots - edge) / 10 + 0.5, 0, 1).astype(np.float32) * 0.92
    added = cover[..., None] * _DIRT * ambient
    kept = np.repeat(255 * (1 - cover)[..., None], 3, axis=2)
    return np.asarray(kept, dtype=np.uint8), np.asarray(added, dtype=np.uint8)


def _slid(layer: Frame, frame: Frame, dice: np.random.Generator) -> Frame:
    down, right = dice.integers(_SLIDE_PX, size=2)
    return layer[down : down + frame.shape[0], right : right + frame.shape[1]]


def _as_frame(image: object) -> Frame:
    return np.asarray(image, dtype=np.uint8)
