"""The guard: from a frame to what the crew must know. The story of a camera frame is here, stage by stage.

Whatever fails, `look` says so and never raises: a frame that cannot be judged is no empty road.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from gyrophare.kernel.errors import GyrophareError
from vehicle_vision.boxes import DETECTED, BoxModel
from vehicle_vision.calibration.lane_lines import vanishing_column
from vehicle_vision.calibration.state import Calibrated, Calibration
from vehicle_vision.camera import Camera
from vehicle_vision.detectors import Detector, Image
from vehicle_vision.detectors.detections import expect_image
from vehicle_vision.errors import VisionError
from vehicle_vision.hazard import Level, Policy
from vehicle_vision.lookout import Judged, Lookout
from vehicle_vision.self_checks import Check, CheckKind, SelfChecks, Verdict

log = logging.getLogger(__name__)

_BLIND_AFTER_S, _LOST_MAX = 0.5, 10  # a frame that is lost now and then is no blindness; nor is there always a time
_LINES_EVERY_S, _LINES_LOOKS, _LINES_MIN = 2.0, 10, 6
_AIM_DEG = 0.2  # the strip has half a degree to spare
_SHIFT_SIGMA_DEG = 0.05
_MOVED_S, _MOVED_MAX_S = 3.0, 13.0  # the longer while something comes: what is followed would be forgotten
_COMES_MPS = 1.0
_TOUCHED_DEG = 1.0


class Protection(StrEnum):
    """Whether the crew may rely on it."""

    PROTECTED = "protected"
    DEGRADED = "degraded"
    """It sees less far or less surely, or does not know yet how well."""
    BLIND = "blind"
    """Nobody is protected: say so aloud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one frame amounts to."""

    at_s: float
    level: Level | None
    """None: nothing is known of the road. It is not NONE."""
    protection: Protection
    error: str | None
    """Why this frame could not be judged."""
    checks: tuple[Check, ...]
    calibration: Calibration
    judged: Judged | None
    """None: it was not."""
    stages_ms: Mapping[str, float]
    """How long each stage took."""

    @property
    def wrong(self) -> tuple[str, ...]:
        """What takes from the protection, in words for whoever looks after the van."""
        found = [f"{check.kind} {check.verdict}" for check in self.checks if check.verdict is not Verdict.OK]
        if not self.calibration.well or self.calibration.state is Calibrated.KNOCKED:
            found.append(f"calibrated {self.calibration.state}")
        return (*found, self.error) if self.error is not None else tuple(found)


class Guard:
    """Call `look` with each frame of one parked van's camera, as soon as it is there."""

    def __init__(
        self,
        camera: Camera,
        detector: Detector,
        *,
        policy: Policy | None = None,
        boxes: BoxModel = DETECTED,
        aim: Callable[[Camera], None] | None = None,
        stopwatch_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`aim` is told when the camera is found to look elsewhere than its file says: `TwoCrops.aim`."""
        self._detector, self._aim = detector, aim
        self._policy, self._boxes = policy or Policy(), boxes
        self._stopwatch_s = stopwatch_s
        self._at_s = self._judged_s = -math.inf
        self._ahead_s, self._lost = 0.0, 0
        self._checks = SelfChecks(camera)
        self._said: tuple[Check, ...] = ()
        self._believe(camera)

    def look(self, at_s: float, image: Image) -> Told:
        """Judge the frame taken at `at_s`, monotonic seconds; uint8, shape (h, w, 3), BGR."""
        times = _Times(self._stopwatch_s)
        try:
            now_s = self._time(at_s)
            self._expect_size(image)
            self._said = self._checks.look(now_s, image)
            times.end("checks")
            found = self._detector.detect(image)
            times.end("detect")
            _, judged = self._lookout.look(
                now_s, found.xyxy, found.confidence, found.labels, self._camera.frame_wh, found.whole
            )
            times.end("judge")
        except Exception as error:
            self._lost += 1
            level = Level.NONE
            if math.isfinite(self._at_s):  # else there was no frame yet
                self._checks.lose(self._at_s)
                level = self._lookout.miss(self._at_s).level
            return self._told(at_s, level, times, error=_words(error))
        self._judged_s, self._lost, error_words = now_s, 0, None
        try:
            self._calibrate(now_s, image, judged)
            times.end("calibrate")
        except Exception as error:  # what was judged is told all the same
            error_words = _words(error)
        return self._told(at_s, judged.verdict.level, times, judged=judged, error=error_words)

    def look_after(self) -> None:
        """Somebody had his hands on the camera: it shows what it should, and where it looks must be learnt again."""
        self._checks.learn_anew()
        pitch_sigma_deg, yaw_sigma_deg = (
            max(sigma_deg, _TOUCHED_DEG) for sigma_deg in (self._camera.pitch_sigma_deg, self._camera.yaw_sigma_deg)
        )
        self._believe(replace(self._camera, pitch_sigma_deg=pitch_sigma_deg, yaw_sigma_deg=yaw_sigma_deg))

    # ------------------------------------------------------------------ what it is told

    def _time(self, at_s: float) -> float:
        """Time as it goes here: on. Raise VisionError for a frame that is no newer than the last; newer ones go on."""
        if not math.isfinite(at_s):
            raise VisionError(f"a frame of {at_s} s; expected monotonic seconds")
        if at_s + self._ahead_s <= self._at_s:
            self._ahead_s = self._at_s - at_s
            raise VisionError("a frame no newer than the one before it; expected times that go forward")
        self._at_s = at_s + self._ahead_s
        return self._at_s

    def _expect_size(self, image: Image) -> None:
        width, height = expect_image(image)
        expected = self._camera.frame_wh
        if (width, height) != expected:
            raise VisionError(
                f"a frame of {width}x{height}; the camera's file is for {expected[0]}x{expected[1]}. "
                "Set the resolution back, or calibrate again."
            )

    # ------------------------------------------------------------------ what it says

    def _told(
        self, at_s: float, level: Level, times: _Times, *, judged: Judged | None = None, error: str | None = None
    ) -> Told:
        calibration = self._lookout.calibration
        protection = self._protection(calibration, error)
        known = judged is not None and protection is not Protection.BLIND
        return Told(
            at_s=at_s,
            level=level if known or level >= Level.ALERT else None,
            protection=protection,
            error=error,
            checks=self._said,
            calibration=calibration,
            judged=judged,
            stages_ms=times.stages_ms,
        )

    def _protection(self, calibration: Calibration, error: str | None) -> Protection:
        verdicts = {check.verdict for check in self._said}
        knocked = calibration.state is Calibrated.KNOCKED
        lost = self._lost >= _LOST_MAX or not self._at_s - self._judged_s <= _BLIND_AFTER_S
        if Verdict.FAULT in verdicts or knocked or lost:
            return Protection.BLIND
        if verdicts != {Verdict.OK} or error is not None or not calibration.well:
            return Protection.DEGRADED
        return Protection.PROTECTED

    # ------------------------------------------------------------------ where it looks

    def _believe(self, camera: Camera) -> None:
        """Judge from now on as seen from `camera`; what was followed is forgotten."""
        self._camera, self._aimed_off_deg = camera, (0.0, 0.0)
        self._lookout = Lookout(camera, policy=self._policy, boxes=self._boxes)
        self._lines: list[float] = []
        self._lines_at_s, self._lines_looks = -math.inf, 0
        self._moved_since_s: float | None = None
        self._point(camera)

    def _point(self, camera: Camera) -> None:
        """Tell those who look where the road ends."""
        self._checks.believe(camera)
        if self._aim is not None:
            self._aim(camera)

    def _calibrate(self, now_s: float, image: Image, judged: Judged) -> None:
        """Not while there is danger: it can wait, and what is followed must not be forgotten."""
        moved_s = self._moved_for_s(now_s)
        if judged.verdict.level >= Level.ALERT:
            return
        long_enough_s = _MOVED_MAX_S if _comes(judged) else _MOVED_S
        if moved_s >= long_enough_s and (shift_deg := self._checks.shift_deg) is not None:
            self._checks.learn_anew()
            self._believe(_learnt(self._camera, self._lookout.calibration, shift_deg))
            return
        self._see_lines(now_s, image)
        known = self._lookout.calibration
        off_deg = known.pitch_off_deg, known.yaw_off_deg
        if max(abs(off - then) for off, then in zip(off_deg, self._aimed_off_deg, strict=True)) > _AIM_DEG:
            self._aimed_off_deg = off_deg
            self._point(_learnt(self._camera, known))

    def _moved_for_s(self, now_s: float) -> float:
        """For how long the camera has been knocked a little: a gust passes. A fault is for somebody to see."""
        moved = any(check.kind is CheckKind.MOVED and check.verdict is Verdict.DEGRADED for check in self._said)
        if not moved:
            self._moved_since_s = None
        elif self._moved_since_s is None:
            self._moved_since_s = now_s
        return 0.0 if self._moved_since_s is None else now_s - self._moved_since_s

    def _see_lines(self, now_s: float, image: Image) -> None:
        """Some looks at the painted lines, and one word of them all: they do not move, and err the same each time."""
        if self._lines_looks >= _LINES_LOOKS or now_s - self._lines_at_s < _LINES_EVERY_S:
            return
        self._lines_at_s, self._lines_looks = now_s, self._lines_looks + 1
        if (found := vanishing_column(image, self._camera)) is not None:
            self._lines.append(found)
        if self._lines_looks == _LINES_LOOKS and len(self._lines) >= _LINES_MIN:
            self._lookout.see_lines(float(np.median(self._lines)), float(np.std(self._lines)))


class _Times:
    """How long each stage takes."""

    def __init__(self, stopwatch_s: Callable[[], float]) -> None:
        self._stopwatch_s = stopwatch_s
        self._since_s = stopwatch_s()
        self.stages_ms: dict[str, float] = {}

    def end(self, stage: str) -> None:
        now_s = self._stopwatch_s()
        self.stages_ms[stage] = (now_s - self._since_s) * 1000
        self._since_s = now_s


def _comes(judged: Judged) -> bool:
    """Whether a vehicle is near that comes, or may."""
    near = (judged.ranges[track_id] for track_id in judged.verdict.tracks if track_id in judged.ranges)
    return any(one.closing_mps is None or one.closing_mps > _COMES_MPS for one in near)


def _words(error: Exception) -> str:
    """Why a frame could not be judged; what is not ours to refuse goes into the log whole."""
    if not isinstance(error, GyrophareError):
        log.error("A frame could not be judged", exc_info=error, extra={"action": "frame"})
    return str(error) or type(error).__name__


def _learnt(camera: Camera, known: Calibration, shift_deg: tuple[float, float] = (0.0, 0.0)) -> Camera:
    """The camera as it is known to look, and after its picture has shifted right and down since."""
    right_deg, down_deg = shift_deg
    return replace(
        camera,
        pitch_deg=camera.pitch_deg + known.pitch_off_deg - down_deg,
        yaw_deg=camera.yaw_deg - known.yaw_off_deg - right_deg,
        pitch_sigma_deg=math.hypot(known.pitch_sigma_deg, _SHIFT_SIGMA_DEG),
        yaw_sigma_deg=math.hypot(known.yaw_sigma_deg, _SHIFT_SIGMA_DEG),
    )
