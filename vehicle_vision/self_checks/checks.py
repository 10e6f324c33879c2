"""All checks of one camera: called with each frame, cheap enough for that."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.camera import Camera
from vehicle_vision.errors import VisionError
from vehicle_vision.self_checks import compare
from vehicle_vision.self_checks.aim import Aim
from vehicle_vision.self_checks.check import Check, CheckKind, Verdict, judge
from vehicle_vision.self_checks.darkness import DARK, Darkness
from vehicle_vision.self_checks.frozen import Frozen
from vehicle_vision.self_checks.picture import Grey, Picture
from vehicle_vision.self_checks.seen import TILES, Recent, Seen

_LEARN_LOOKS = 11  # good ones, each of 5 s: 10 s before anything is compared with what was
_LOOK_S = 0.5  # what changes slowly is looked at so often
_PACE_S, _PACE_FRAMES = 2.0, 1000
_WHITE = 250.0
_FOLLOW = 0.0005  # a look's share in what is usual, some ten minutes: the sun goes round, mud comes sooner
_COMPARED = (CheckKind.BLOCKED, CheckKind.BLURRED, CheckKind.DIRTY, CheckKind.FOG)


class SelfChecks:
    """Remembers what is usual; `look` says how it is now, one check of each kind.

    All but frozen and pace are judged on the mean picture of the last 5 s: what drives past is no fault.
    """

    def __init__(self, camera: Camera) -> None:
        self.believe(camera)
        self._at_s: float | None = None
        self._looked_s = -math.inf
        self._times: deque[float] = deque(maxlen=_PACE_FRAMES)
        self._shape: tuple[int, ...] | None = None
        self._frozen = Frozen()
        self._recent = Recent()
        self._darkness = Darkness()
        self._good: list[Grey] = []
        self._usual: Seen | None = None
        self._aim = Aim(camera)
        self._slow: tuple[Check, ...] = ()

    def believe(self, camera: Camera) -> None:
        """It has been learnt where it looks: there vehicles come from."""
        self._camera = camera
        row = round(camera.horizon_px / camera.frame_wh[1] * TILES[0])
        self._horizon_row = min(max(row, 1), compare.NEAR.start)

    def look(self, at_s: float, frame: NDArray[np.uint8]) -> tuple[Check, ...]:
        """Take a frame, uint8 (h, w, 3) in BGR, and its monotonic time. Raise VisionError when it is no frame."""
        if not math.isfinite(at_s) or (self._at_s is not None and at_s < self._at_s):
            raise VisionError(f"a frame of {at_s} s after one of {self._at_s} s; expected times that go forward")
        grey = Picture.of(frame).grey
        self._at_s = at_s
        if self._shape not in (None, grey.shape):
            self.learn_anew()
        self._shape = grey.shape
        quick = (judge(CheckKind.FROZEN, self._frozen.still_s(at_s, grey), fault=1.0), self._pace(at_s))
        if at_s - self._looked_s >= _LOOK_S:
            self._looked_s = at_s
            self._recent.add(grey)
            self._slow = self._look_slowly(at_s)
        return (*quick, *self._slow)

    @property
    def shift_deg(self) -> tuple[float, float] | None:
        """How far what it shows has shifted right and down since it was learnt; None: not known."""
        return self._aim.turned_deg()

    def lose(self, at_s: float) -> None:
        """The frame of that time could not be judged: it counts for no pace."""
        if self._times and self._times[-1] == at_s:
            self._times.pop()

    def learn_anew(self) -> None:
        """The camera was looked after: what it shows from now on is what it should."""
        self._usual, self._good = None, []
        self._recent, self._darkness = Recent(), Darkness()
        self._aim.forget()
        self._looked_s = -math.inf

    def _pace(self, at_s: float) -> Check:
        self._times.append(at_s)
        while len(self._times) > 2 and at_s - self._times[1] >= _PACE_S:
            self._times.popleft()
        span_s = at_s - self._times[0]
        value = (len(self._times) - 1) / span_s if span_s >= _PACE_S / 2 else None
        return judge(CheckKind.PACE, value, degraded=15.0, fault=8.0, low=True)

    def _look_slowly(self, at_s: float) -> tuple[Check, ...]:
        mean = self._recent.mean()
        noise = self._recent.noise()
        now, brightness = Seen.of(mean, noise), float(mean.mean())
        blank = max(compare.blank(now, self._horizon_row), compare.hidden(mean, noise, self._camera))
        blocked = judge(CheckKind.BLOCKED, blank, degraded=0.25, fault=0.7)
        white = judge(CheckKind.OVEREXPOSED, float((mean > _WHITE).mean()), degraded=0.25, fault=0.6)
        night = self._darkness.is_night(at_s, brightness, road_seen=blocked.verdict is Verdict.OK)
        # Of a night that headlights light up the brightness says nothing.
        dark = judge(CheckKind.NIGHT, brightness, degraded=math.inf if night else DARK, low=True)
        light = (judge(CheckKind.BLACK, brightness, fault=3.0, low=True), white, dark)
        if night or not self._recent.full:
            self._good.clear()
            # Noise and a few lamps are no road to compare with: what is not known is not well.
            return (*light, *(judge(kind, None) for kind in _COMPARED), self._moved(clear=False))
        compared = self._compare(now, dazzled=white.verdict is not Verdict.OK)
        clear = all(check.verdict is not Verdict.FAULT for check in (white, blocked, *compared))
        if clear:
            self._aim.look(at_s, mean)
        checks = (*light, blocked, *compared, self._moved(clear=clear))
        if all(check.verdict in (Verdict.OK, Verdict.UNKNOWN) for check in checks):
            self._get_used_to(at_s, mean, now)
        else:
            self._good.clear()
        return checks

    def _compare(self, now: Seen, *, dazzled: bool) -> tuple[Check, ...]:
        usual, horizon = self._usual, self._horizon_row
        clearness = compare.clearness(now, usual, horizon)
        fog = self._known(judge(CheckKind.FOG, clearness, degraded=0.5, fault=0.2, low=True))
        hazy = fog.verdict in (Verdict.DEGRADED, Verdict.FAULT)
        blur = None if hazy else compare.blurred(now, usual)
        lost = None if usual is None or dazzled else compare.lost(now, usual, horizon, hazy=hazy)
        return (
            self._known(judge(CheckKind.BLURRED, blur, degraded=0.27, fault=0.6)),
            judge(CheckKind.DIRTY, lost, degraded=0.08, fault=0.4),
            fog,
        )

    def _known(self, check: Check) -> Check:
        """Before it is known what is usual it is compared with what any road shows: bad can be said, well cannot."""
        if self._usual is None and check.verdict is Verdict.OK:
            return Check(kind=check.kind, value=check.value, verdict=Verdict.UNKNOWN)
        return check

    def _moved(self, *, clear: bool) -> Check:
        """`clear`: it was looked at. What was found before stays, unless it was well."""
        if self._aim.elsewhere:
            return Check(kind=CheckKind.MOVED, value=None, verdict=Verdict.FAULT)
        turned = None if self.shift_deg is None else math.hypot(*self.shift_deg)
        check = judge(CheckKind.MOVED, turned, degraded=0.095, fault=1.0)
        if not clear and check.verdict is Verdict.OK:
            return Check(kind=CheckKind.MOVED, value=None, verdict=Verdict.UNKNOWN)
        return check

    def _get_used_to(self, at_s: float, mean: Grey, now: Seen) -> None:
        if self._usual is not None:
            self._usual = self._usual.towards(now, _FOLLOW)
            return
        self._good.append(mean)
        if len(self._good) == _LEARN_LOOKS:
            self._usual = now
            self._aim.learn(at_s, np.mean(self._good, axis=0, dtype=np.float32))
            self._good.clear()
