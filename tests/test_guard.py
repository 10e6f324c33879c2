"""From a frame to what the crew must know: in time, through a knock of the camera, never silent when it is blind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.scenarios import approach, passing_traffic, standing
from gyrophare.sim.van_scene.scene import Scene, Truth
from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.weather import SOUND, Faults, Knock, Weather
from vehicle_vision.boxes import CUBOIDS
from vehicle_vision.calibration.state import Calibrated
from vehicle_vision.camera import Camera
from vehicle_vision.detectors import NOTHING, Detections, Image
from vehicle_vision.errors import VisionError
from vehicle_vision.guard import Guard, Protection, Told
from vehicle_vision.hazard import Level
from vehicle_vision.models import DEMO
from vehicle_vision.opening import open_guard

CAMERA = Camera.from_field_of_view((640, 360), 35, height_m=2.2, pitch_sigma_deg=0.1, yaw_sigma_deg=0.1)
FPS = 20


class TrueBoxes:
    """A detector that never errs: it is told what is in the frame."""

    def __init__(self) -> None:
        self.truths: list[Truth] = []

    def detect(self, image: Image) -> Detections:
        seen = [one for one in self.truths if one.xyxy is not None and one.xyxy[3] - one.xyxy[1] >= 6]
        if not seen:
            return NOTHING
        return Detections(
            xyxy=np.array([one.xyxy for one in seen], dtype=np.float64),
            confidence=np.full(len(seen), 0.9),
            labels=tuple(str(one.kind) for one in seen),
            whole=np.ones(len(seen), np.bool_),
        )

    def scale(self, frame_wh: tuple[int, int]) -> float:
        return 1.0


class Van:
    """A parked van before a rendered road: what its guard tells, frame by frame."""

    def __init__(
        self,
        vehicles: tuple[Vehicle, ...] = (),
        *,
        true: Camera = CAMERA,
        file: Camera = CAMERA,
        faults: Faults = SOUND,
    ) -> None:
        self.scene = Scene(true, Road(), vehicles, Weather(), 3, faults=faults)
        self.detector = TrueBoxes()
        self.aimed: list[Camera] = []
        self.guard = Guard(file, self.detector, boxes=CUBOIDS, aim=self.aimed.append)
        self.frame = 0

    def look(self) -> Told:
        at_s = self.frame / FPS
        self.frame += 1
        image, self.detector.truths = self.scene.frame(at_s)
        return self.guard.look(at_s, image)

    def watch(self, seconds: float) -> Iterator[Told]:
        for _ in range(round(seconds * FPS)):
            yield self.look()

    def after(self, seconds: float) -> Told:
        *_, told = self.watch(seconds)
        return told


def nearest_m(van: Van) -> float:
    return min((one.range_m for one in van.detector.truths), default=math.inf)


def test_all_is_well_and_said_when_it_is_known() -> None:
    van = Van(standing(60.0, 6.0))
    first = van.look()
    assert (first.protection, first.level) == (Protection.DEGRADED, Level.WATCH)
    assert "pace unknown" in first.wrong
    told = van.after(14.0)
    assert (told.protection, told.wrong, told.error) == (Protection.PROTECTED, (), None)
    assert set(told.stages_ms) == {"checks", "detect", "judge", "calibrate"}


def test_what_comes_sounds_and_what_passes_does_not() -> None:
    van = Van((*approach(90, from_m=200),))
    sounded_m = next(nearest_m(van) for told in van.watch(6) if told.level is not None and told.level >= Level.ALERT)
    assert 93 < sounded_m < 125
    passing = Van(passing_traffic(900, 5, lasts_s=30))
    assert all(told.level is not None and told.level < Level.ALERT for told in passing.watch(30))


def test_the_shipped_network_sees_what_comes_on_the_rendered_road() -> None:
    van = Van((*approach(70, from_m=150),))
    guard, sounded_m = open_guard(CAMERA, DEMO, demo=True), None
    for number in range(5 * FPS):
        image, truths = van.scene.frame(number / FPS)
        told = guard.look(number / FPS, image)
        if told.level is not None and told.level >= Level.ALERT:
            sounded_m = truths[0].range_m
            break
    assert sounded_m is not None
    assert sounded_m > 70


def test_the_network_of_the_demo_protects_nobody_unless_told_that_it_is_one() -> None:
    with pytest.raises(VisionError, match="NOT FOR THE ROAD"):
        open_guard(CAMERA, DEMO)
    with pytest.raises(VisionError, match="no such model"):
        open_guard(CAMERA, Path("none.onnx"))
    with pytest.raises(VisionError, match="NOT FOR THE ROAD"):
        open_guard(CAMERA, Path("none.onnx"), strip_model=DEMO)


def test_a_frame_whose_width_no_network_takes_is_looked_at_all_the_same() -> None:
    camera = Camera.from_field_of_view((720, 576), 35, height_m=2.2)
    image, _ = Scene(camera, Road(), standing(60.0, 6.0), Weather(), 3).frame(0.0)
    told = open_guard(camera, DEMO, demo=True).look(0.0, image)
    assert (told.error, told.judged is None) == (None, False)


FRAME = np.full((360, 640, 3), 90, np.uint8)


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (None, "NoneType"),
        (FRAME.astype(np.float32), "float32"),
        (FRAME[:, :, 0], "(360, 640)"),
        (FRAME[:8, :8], "8x8"),
        (FRAME[:180, :320], "the camera's file is for 640x360"),
    ],
)
def test_what_is_no_frame_of_this_camera_is_a_fault_and_no_empty_road(image: object, word: str) -> None:
    van = Van()
    van.after(2.0)
    since_s = van.frame / FPS
    told = [van.guard.look(since_s + n / FPS, image) for n in range(20)]  # type: ignore[arg-type]
    assert all(one.level is None and one.error is not None and word in one.error for one in told)
    assert told[0].protection is Protection.DEGRADED  # one lost frame is no blindness
    assert told[-1].protection is Protection.BLIND
    van.frame += 20
    seeing = van.look()
    assert (seeing.error, seeing.level, seeing.protection) == (None, Level.NONE, Protection.DEGRADED)


def test_a_guard_that_never_saw_a_frame_is_blind() -> None:
    told = Van().guard.look(0.0, None)  # type: ignore[arg-type]
    assert (told.level, told.protection, told.judged) == (None, Protection.BLIND, None)


@pytest.mark.parametrize("at_s", [-5.0, math.nan, math.inf])
def test_a_time_that_cannot_be_costs_one_frame(at_s: float) -> None:
    van = Van((*approach(90, from_m=200),))
    van.after(3.0)
    image, _ = van.scene.frame(3.0)
    refused = van.guard.look(at_s, image)
    assert (refused.level, refused.protection) == (None, Protection.DEGRADED)
    assert refused.error is not None
    later_s = at_s if math.isfinite(at_s) else 3.0  # the clock goes on from there
    sounded_m = None
    for number in range(1, 3 * FPS):
        image, van.detector.truths = van.scene.frame(3.0 + number / FPS)
        told = van.guard.look(later_s + number / FPS, image)
        assert told.error is None
        if sounded_m is None and told.level is not None and told.level >= Level.ALERT:
            sounded_m = nearest_m(van)
    assert sounded_m is not None
    assert 93 < sounded_m < 125


def test_whatever_the_detector_does_is_told() -> None:
    class Broken(TrueBoxes):
        fails: Callable[[], Detections] | None = None

        def detect(self, image: Image) -> Detections:
            return self.fails() if self.fails is not None else super().detect(image)

    def bad_box() -> Detections:
        return Detections(
            xyxy=np.array([[10.0, math.nan, 30.0, 40.0]]),
            confidence=np.array([0.9]),
            labels=("car",),
            whole=np.array([True]),
        )

    def crash() -> Detections:
        raise RuntimeError("the device was unplugged")

    image, _ = Van().scene.frame(0.0)
    detector = Broken()
    guard = Guard(CAMERA, detector)
    for number, fails in enumerate([None, bad_box, crash, None]):
        detector.fails = fails
        told = guard.look(number / FPS, image)
        assert (told.level is None, told.error is None) == (fails is not None, fails is None)
    detector.fails = crash
    assert "unplugged" in str(guard.look(1.0, image).error)


def test_a_camera_without_a_time_is_blind() -> None:
    image, _ = Van().scene.frame(0.0)
    guard = Guard(CAMERA, TrueBoxes())
    guard.look(0.0, image)
    told = [guard.look(math.nan, image) for _ in range(20)]
    assert [one.level for one in told] == [None] * 20
    assert told[-1].protection is Protection.BLIND


def test_what_was_judged_is_told_though_calibration_failed(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(camera: Camera) -> None:
        if guard is not None:
            raise OSError("no such strip")

    guard: Guard | None = None
    van = Van((*approach(90, from_m=200),), true=replace(CAMERA, yaw_deg=0.8), file=replace(CAMERA, yaw_sigma_deg=1.0))
    guard = Guard(replace(CAMERA, yaw_sigma_deg=1.0), TrueBoxes(), boxes=CUBOIDS, aim=refuse)
    van.guard = guard
    told = list(van.watch(21.0))
    failed = [one for one in told if one.error is not None]
    assert failed
    assert all(one.judged is not None and "no such strip" in str(one.error) for one in failed)
    assert "A frame could not be judged" in caplog.text


def test_the_siren_goes_on_through_frames_that_are_lost() -> None:
    van = Van((*approach(90, from_m=200),))
    for told in van.watch(6.0):
        if told.level is not None and told.level >= Level.ALERT:
            break
    lost = [van.guard.look((van.frame + n) / FPS, None) for n in range(30)]  # type: ignore[arg-type]
    levels = [one.level for one in lost]
    assert all(level is not None and level >= Level.ALERT for level in levels[:FPS])
    assert levels[-1] is None
    assert all(one.judged is None for one in lost)


def test_a_picture_that_stands_still_is_no_empty_road() -> None:
    van = Van(faults=Faults(frozen_from_s=3.0))
    van.after(3.5)
    told = van.after(2.0)
    assert (told.level, told.protection) == (None, Protection.BLIND)
    assert "frozen fault" in told.wrong


def test_a_camera_that_is_knocked_a_little_is_corrected_and_one_that_is_knocked_hard_is_a_fault() -> None:
    for degrees, corrected in ((0.4, True), (2.0, False)):
        van = Van(
            standing(60.0, 6.0), faults=Faults(knocks=(Knock(at_s=20.0, pitch_deg=degrees / 2, yaw_deg=degrees),))
        )
        van.after(20.0)
        aimed = len(van.aimed)
        told = van.after(12.0)
        assert (len(van.aimed) > aimed) is corrected
        if corrected:
            assert van.aimed[-1].yaw_deg == pytest.approx(degrees, abs=0.05)
            assert van.aimed[-1].pitch_deg == pytest.approx(degrees / 2, abs=0.05)
            assert van.after(16.0).protection is Protection.PROTECTED
        else:
            assert (told.protection, "moved fault" in told.wrong) == (Protection.BLIND, True)
            van.guard.look_after()
            assert van.look().protection is Protection.DEGRADED


def test_what_comes_is_not_forgotten_because_the_camera_was_knocked() -> None:
    knock = Faults(knocks=(Knock(at_s=20.0, pitch_deg=0.2, yaw_deg=0.4),))
    van = Van(approach(90, from_m=740), faults=knock)
    van.after(20.0)
    aimed = len(van.aimed)
    sounded_m = next(nearest_m(van) for told in van.watch(12) if told.level is not None and told.level >= Level.ALERT)
    assert len(van.aimed) == aimed
    assert sounded_m > 93


def test_a_clock_that_stands_still_is_blindness() -> None:
    van = Van((*approach(90, from_m=230),))
    van.after(2.0)
    told = [van.guard.look((van.frame - 1) / FPS, van.scene.frame(2.0 + n / FPS)[0]) for n in range(20)]
    assert all(one.level is None and "no newer" in str(one.error) for one in told)
    assert told[-1].protection is Protection.BLIND
    van.frame += 20
    assert van.look().error is None


@pytest.mark.parametrize(("every", "protection"), [(2, Protection.DEGRADED), (3, Protection.BLIND)])
def test_frames_that_are_lost_are_no_evidence_that_nothing_comes(every: int, protection: Protection) -> None:
    class Flaky(TrueBoxes):
        frame = 0

        def detect(self, image: Image) -> Detections:
            self.frame += 1
            if self.frame % every:
                raise VisionError("the device is busy")
            return super().detect(image)

    van = Van((*approach(90, from_m=250),))
    van.detector = Flaky()
    van.guard = Guard(CAMERA, van.detector, boxes=CUBOIDS)
    told, sounded_m = van.look(), None
    for told in van.watch(9):
        if sounded_m is None and told.level is not None and told.level >= Level.ALERT:
            sounded_m = nearest_m(van)
    assert sounded_m is not None
    assert sounded_m > 85
    assert told.protection is protection


def test_whoever_had_his_hands_on_the_camera_is_not_believed_to_have_put_it_right() -> None:
    van = Van(standing(60.0, 6.0), faults=Faults(knocks=(Knock(at_s=20.0, pitch_deg=-1.5, yaw_deg=2.0),)))
    van.after(32.0)
    van.guard.look_after()
    told = van.after(20.0)
    assert (told.protection, told.calibration.well) == (Protection.DEGRADED, False)
    assert "moved fault" not in told.wrong


def test_painted_lines_show_where_the_road_goes_though_the_file_does_not_say() -> None:
    van = Van(true=replace(CAMERA, yaw_deg=0.8), file=replace(CAMERA, yaw_sigma_deg=1.0))
    assert van.look().calibration.state is Calibrated.BADLY
    told = van.after(22.0)
    assert told.calibration.yaw_off_deg == pytest.approx(-0.8, abs=0.1)
    assert told.calibration.well


def test_mud_is_looked_for_where_the_road_was_learnt_to_end() -> None:
    true = replace(CAMERA, yaw_deg=1.8)
    van = Van(true=true, file=replace(CAMERA, yaw_sigma_deg=1.0))
    van.after(22.0)
    for _ in range(10 * FPS):
        image, _truths = van.scene.frame(van.frame / FPS)
        cv2.circle(image, (round(true.vanishing_px), round(true.horizon_px)), 50, (80, 80, 80), -1)
        told = van.guard.look(van.frame / FPS, image)
        van.frame += 1
    assert "blocked fault" in told.wrong


def test_a_camera_that_looks_elsewhere_than_its_file_says_is_a_fault_once_traffic_has_shown_it() -> None:
    van = Van(passing_traffic(1200, 2, lasts_s=60), true=replace(CAMERA, pitch_deg=2.5))
    assert van.look().protection is Protection.DEGRADED
    told = van.after(50.0)
    assert told.calibration.state is Calibrated.KNOCKED
    assert told.protection is Protection.BLIND
