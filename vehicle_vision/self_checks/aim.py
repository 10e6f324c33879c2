"""Where the camera looks, against where it looked when all was well."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from vehicle_vision.camera import Camera
from vehicle_vision.self_checks.picture import Grey
from vehicle_vision.self_checks.shift import Reference

_LOOKS = 9  # 4 s: a picture that shakes is seen to wander by a part of what it shakes


class Aim:
    """Learns a reference once; from then on says by how many degrees the camera has been turned."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._reference: Reference | None = None
        self._turned_deg: deque[tuple[float, float]] = deque(maxlen=_LOOKS)

    def learn(self, grey: Grey) -> None:
        """From now on this is where it should look."""
        self._reference = Reference(grey)
        self._turned_deg.clear()

    def forget(self) -> None:
        self._reference = None
        self._turned_deg.clear()

    def look(self, grey: Grey) -> None:
        """Compare a picture that shows what is before the camera."""
        shift = None if self._reference is None else self._reference.shift_px(grey)
        if shift is not None:
            scale = self._camera.frame_wh[0] / grey.shape[1]
            self._turned_deg.append(
                (
                    math.degrees(shift[0] * scale / self._camera.fx_px),
                    math.degrees(shift[1] * scale / self._camera.fy_px),
                )
            )

    def turned_deg(self) -> tuple[float, float] | None:
        """How far what it shows has shifted right and down: the median of the last nine looks; None: not known."""
        if len(self._turned_deg) < _LOOKS:
            return None
        right, down = np.median(np.array(self._turned_deg), axis=0).tolist()
        return right, down
