"""Where the camera looks, against where it looked when all was well."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from vehicle_vision.camera import Camera
from vehicle_vision.self_checks.picture import Grey
from vehicle_vision.self_checks.shift import WELL, Reference

_LOOKS = 9  # 4 s: a picture that shakes is seen to wander by a part of what it shakes
_ELSEWHERE_LOOKS = 60  # 30 s: no row of lorries that stands there for a moment
_LATELY_S = 600.0  # in such a time the light wanders a little; after longer in the dark or in fog all may be under snow

Shift = tuple[float, float]
"""Rightwards and downwards."""


class Aim:
    """Learns a reference once; from then on says by how many degrees the camera has been turned.

    What the road looked like some minutes ago is remembered beside it, with how far it was turned then: of a sun that
    goes round the reference knows nothing.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self.forget()

    def forget(self) -> None:
        self._reference: Reference | None = None
        self._lately: tuple[float, Reference, Shift] | None = None
        self._matched_s = 0.0
        self._strange_s: float | None = None  # since when it has looked like nothing that is known
        self._strange_looks = 0
        self._turned_deg: deque[Shift | None] = deque(maxlen=_LOOKS)

    def learn(self, at_s: float, grey: Grey) -> None:
        """From now on this is where it should look."""
        self.forget()
        self._reference = Reference(grey)
        self._matched_s = at_s

    def look(self, at_s: float, grey: Grey) -> None:
        """Compare a picture that shows what is before the camera."""
        if self._reference is None:
            return
        shift = self._shift_px(self._reference, grey)
        if shift is None:
            self._strange_s = at_s if self._strange_s is None else self._strange_s
            self._strange_looks += 1
            self._turned_deg.append(None)
            return
        self._matched_s, self._strange_s, self._strange_looks = at_s, None, 0
        if self._lately is None or at_s - self._lately[0] >= _LATELY_S:
            self._lately = at_s, Reference(grey), shift
        scale = self._camera.frame_wh[0] / grey.shape[1]
        self._turned_deg.append(
            (
                math.degrees(shift[0] * scale / self._camera.fx_px),
                math.degrees(shift[1] * scale / self._camera.fy_px),
            )
        )

    def turned_deg(self) -> Shift | None:
        """How far what it shows has shifted right and down: the median of those of the last nine looks that know it.
        None: most do not."""
        known = [turned for turned in self._turned_deg if turned is not None]
        if len(self._turned_deg) < _LOOKS or 2 * len(known) < _LOOKS:
            return None
        right, down = np.median(np.array(known), axis=0).tolist()
        return right, down

    @property
    def elsewhere(self) -> bool:
        """Whether for half a minute it has looked like nothing that is known, and before that it was known."""
        return (
            self._strange_s is not None
            and self._strange_looks >= _ELSEWHERE_LOOKS
            and self._strange_s - self._matched_s < _LATELY_S
        )

    def _shift_px(self, reference: Reference, grey: Grey) -> Shift | None:
        """Of what is hardly known any more the reference says little that is exact: then against what was lately."""
        shift = reference.shift_px(grey, WELL)
        if shift is None and self._lately is not None:
            _, lately, before = self._lately
            since = lately.shift_px(grey)
            shift = None if since is None else (before[0] + since[0], before[1] + since[1])
        return reference.shift_px(grey) if shift is None else shift
