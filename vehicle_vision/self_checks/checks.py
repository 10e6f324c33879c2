"""All checks of one camera: called with each frame, cheap enough for that."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.camera import Camera
from vehicle_vision.errors import VisionError
from vehicle_vision.self_checks.check import Check, CheckKind, Verdict, judge
from vehicle_vision.self_checks.picture import Picture
from vehicle_vision.self_checks.shift import Reference

_LEARN_S = 10.0  # of good pictures before anything is compared with what was
_LOOK_S = 0.5  # what changes slowly is looked at so often
_PACE_S = 2.0
_CHANGE = 0.02  # grey levels: the noise of any sensor is more
_DETAIL = 1.5  # grey levels in a tile: less is a wall, the sky, or mud
_FADED = 0.35  # of what a tile used to show
_MOVED_LOOKS = 5
_WHITE = 250.0
_FOLLOW = 0.0005  # a look's share in what is usual, some ten minutes: the sun goes round, mud comes sooner


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What the camera shows when all is well."""

    sharpness: float
    detail: NDArray[np.float32]
    horizon: float


class SelfChecks:
    """Remembers what is usual; `look` says how it is now, one check of each kind."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._at_s: float | None = None
        self._looked_s = -math.inf
        self._times: deque[float] = deque()
        self._last: Picture | None = None
        self._changed_s = 0.0
        self._good_s: float | None = None
        self._usual: Usual | None = None
        self._reference: Reference | None = None
        self._shifts_deg: deque[tuple[float, float]] = deque(maxlen=_MOVED_LOOKS)
        self._slow: tuple[Check, ...] = ()

    def look(self, at_s: float, frame: NDArray[np.uint8]) -> tuple[Check, ...]:
        """Take a frame, uint8 (h, w, 3) in BGR, and its monotonic time. Raise VisionError when it is no frame."""
        if not math.isfinite(at_s) or (self._at_s is not None and at_s < self._at_s):
            raise VisionError(f"a frame of {at_s} s after one of {self._at_s} s; expected times that go forward")
        picture = Picture.of(frame)
        if self._at_s is None:
            self._changed_s = at_s
        self._at_s = at_s
        quick = (self._frozen(at_s, picture), self._pace(at_s))
        if at_s - self._looked_s >= _LOOK_S:
            self._looked_s = at_s
            self._slow = self._look_slowly(at_s, picture)
        return (*quick, *self._slow)

    @property
    def shift_deg(self) -> tuple[float, float] | None:
        """How far what it shows has shifted right and down since it was learnt; None: not known."""
        if len(self._shifts_deg) < _MOVED_LOOKS:
            return None
        right, down = np.median(np.array(self._shifts_deg), axis=0).tolist()
        return right, down

    def learn_anew(self) -> None:
        """The camera was looked after: what it shows from now on is what it should."""
        self._usual, self._reference, self._good_s = None, None, None
        self._shifts_deg.clear()

    def _frozen(self, at_s: float, picture: Picture) -> Check:
        last, self._last = self._last, picture
        same_size = last is not None and last.grey.shape == picture.grey.shape
        if last is None or not same_size or float(np.abs(picture.grey - last.grey).mean()) > _CHANGE:
            self._changed_s = at_s
        return judge(CheckKind.FROZEN, at_s - self._changed_s, fault=1.0)

    def _pace(self, at_s: float) -> Check:
        self._times.append(at_s)
        while at_s - self._times[0] > _PACE_S:
            self._times.popleft()
        span_s = at_s - self._times[0]
        known = len(self._times) > 1 and span_s >= _PACE_S / 2
        value = (len(self._times) - 1) / span_s if known else None
        return judge(CheckKind.PACE, value, degraded=15.0, fault=8.0, low=True)

    def _look_slowly(self, at_s: float, picture: Picture) -> tuple[Check, ...]:
        mean = float(picture.grey.mean())
        now = Usual(sharpness=picture.sharpness(), detail=picture.detail(), horizon=self._horizon(picture))
        white = float((picture.grey > _WHITE).mean())
        flat = float((now.detail < _DETAIL).mean())
        seeing = (
            judge(CheckKind.BLACK, mean, fault=6.0, low=True),
            judge(CheckKind.OVEREXPOSED, white, degraded=0.25, fault=0.6),
            judge(CheckKind.BLOCKED, flat, degraded=0.75, fault=0.92),
            judge(CheckKind.NIGHT, mean, degraded=45.0, low=True),
        )
        compared = self._compare(picture, now)
        if all(check.verdict in (Verdict.OK, Verdict.UNKNOWN) for check in compared) and not any(
            check.verdict is Verdict.FAULT for check in seeing
        ):
            self._get_used_to(at_s, picture, now)
        else:
            self._good_s = None
        return (*seeing, *compared)

    def _compare(self, picture: Picture, now: Usual) -> tuple[Check, ...]:
        usual, sharp, faded, clear, moved_deg = self._usual, None, None, None, None
        if usual is not None and usual.detail.shape == now.detail.shape:
            sharp = now.sharpness / max(usual.sharpness, 1e-6)
            shown = usual.detail > 2 * _DETAIL
            faded = float((now.detail[shown] < _FADED * usual.detail[shown]).mean()) if shown.any() else None
            clear = now.horizon / max(usual.horizon, 1e-6)
            moved_deg = self._moved_deg(picture)
        return (
            judge(CheckKind.BLURRED, sharp, degraded=0.4, fault=0.12, low=True),
            judge(CheckKind.DIRTY, faded, degraded=0.12, fault=0.45),
            judge(CheckKind.FOG, clear, degraded=0.5, fault=0.2, low=True),
            judge(CheckKind.MOVED, moved_deg, degraded=0.1, fault=1.0),
        )

    def _moved_deg(self, picture: Picture) -> float | None:
        shift = None if self._reference is None else self._reference.shift_px(picture)
        if shift is not None:
            right, down = shift[0] * picture.scale / self._camera.fx_px, shift[1] * picture.scale / self._camera.fy_px
            self._shifts_deg.append((math.degrees(right), math.degrees(down)))
        return None if self.shift_deg is None else math.hypot(*self.shift_deg)

    def _horizon(self, picture: Picture) -> float:
        """How much detail there is around the horizon beside that of the road near by."""
        rows = picture.grey.shape[0]
        at = min(max(int(self._camera.horizon_px / picture.scale), rows // 8), rows - rows // 4)
        band = rows // 10
        far, near = picture.grey[at - band : at + band // 2], picture.grey[rows - 3 * band : rows - band]
        return float(np.abs(np.diff(far, axis=1)).mean() / (np.abs(np.diff(near, axis=1)).mean() + 0.5))

    def _get_used_to(self, at_s: float, picture: Picture, now: Usual) -> None:
        if self._good_s is None:
            self._good_s = at_s
        if self._usual is None:
            if at_s - self._good_s >= _LEARN_S:
                self._usual, self._reference = now, Reference(picture)
            return
        if self._usual.detail.shape != now.detail.shape:
            self.learn_anew()
            return
        usual = self._usual
        self._usual = Usual(
            sharpness=usual.sharpness + _FOLLOW * (now.sharpness - usual.sharpness),
            detail=usual.detail + np.float32(_FOLLOW) * (now.detail - usual.detail),
            horizon=usual.horizon + _FOLLOW * (now.horizon - usual.horizon),
        )
