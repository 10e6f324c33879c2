"""The whole judgement of a frame: from boxes to the verdict, through a real lens, and with what should not come."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gyrophare.evaluation.vision.encounters import as_detected
from tests.drawn_boxes import Driven
from vehicle_vision.boxes import CUBOIDS
from vehicle_vision.camera import Camera
from vehicle_vision.errors import VisionError
from vehicle_vision.hazard import Level, Policy
from vehicle_vision.lookout import Judged, Lookout

FRAME_WH = (1920, 1080)
CAMERA = Camera.from_field_of_view(FRAME_WH, 60, height_m=2.2, pitch_sigma_deg=0.1, yaw_sigma_deg=0.1)
WIDE_ANGLE = replace(CAMERA, distortion=(-0.25, 0.05, 0.0, 0.0, 0.0))
COMING = Driven(range_m=130.0, speed_mps=25.0)


def boxes(car: Driven, at_s: float, camera: Camera = CAMERA) -> NDArray[np.float64]:
    corners = np.array(car.seen(camera, at_s).xyxy).reshape(2, 2)
    return camera.distort(corners).reshape(1, 4)


def watch(
    lookout: Lookout, car: Driven, *, rate: float = 20.0, label: str = "car", camera: Camera = CAMERA
) -> Iterator[tuple[float, Judged]]:
    for number in range(round(4.0 * rate)):
        at_s = number / rate
        _, judged = lookout.look(at_s, boxes(car, at_s, camera), np.array([0.8]), [label], FRAME_WH)
        yield car.range_at(at_s), judged


def siren_m(frames: Iterator[tuple[float, Judged]]) -> float | None:
    """How far away the vehicle is when the siren first sounds."""
    return next((range_m for range_m, judged in frames if judged.verdict.level >= Level.ALERT), None)


@pytest.mark.parametrize("rate", [10.0, 20.0, 30.0])
@pytest.mark.parametrize("label", ["car", "a word nobody has heard"])
def test_what_comes_in_the_axis_sounds(rate: float, label: str) -> None:
    found = siren_m(watch(Lookout(CAMERA, boxes=CUBOIDS), COMING, rate=rate, label=label))
    assert found is not None
    assert 93 < found < 125


def test_a_lens_that_bends_changes_nothing() -> None:
    plain, bent = (
        siren_m(watch(Lookout(camera, boxes=CUBOIDS), COMING, camera=camera)) for camera in (CAMERA, WIDE_ANGLE)
    )
    assert plain == pytest.approx(bent, abs=2.6)


@pytest.mark.parametrize("lateral_m", [-3.5, 3.5])
def test_what_passes_is_silent(lateral_m: float) -> None:
    assert siren_m(watch(Lookout(CAMERA, boxes=CUBOIDS), replace(COMING, lateral_m=lateral_m))) is None


def test_danger_comes_before_it_is_here() -> None:
    levels = [judged.verdict.level for _, judged in watch(Lookout(CAMERA, boxes=CUBOIDS), COMING)]
    assert levels == sorted(levels), "WATCH, ALERT, DANGER"
    assert levels[-1] == Level.DANGER


def test_a_frame_that_is_refused_does_not_end_the_watch() -> None:
    lookout, found = Lookout(CAMERA, boxes=CUBOIDS), None
    for number, (range_m, judged) in enumerate(watch(lookout, COMING)):
        for xyxy, at_s in ((np.full((1, 4), math.nan), number / 20), (boxes(COMING, 0.0), number / 20 - 0.1)):
            with pytest.raises(VisionError):
                lookout.look(at_s, xyxy, np.array([0.8]), ["car"], FRAME_WH)
        if found is None and judged.verdict.level >= Level.ALERT:
            found = range_m
    assert found == siren_m(watch(Lookout(CAMERA, boxes=CUBOIDS), COMING))


def test_the_policy_is_obeyed() -> None:
    policy = Policy(alert_range_m=50.0, early_ttc_s=0.5)
    found = siren_m(watch(Lookout(CAMERA, boxes=CUBOIDS, policy=policy), COMING))
    assert found is not None
    assert 45 < found < 75


def test_a_vehicle_that_a_crop_has_cut_is_not_farther_away() -> None:
    """It stands 20 m away, and from now on the crop shows what is above its wheels only."""
    standing, found = Driven(range_m=20.0), []
    for told in (False, True):
        lookout = Lookout(CAMERA, boxes=CUBOIDS)
        for number in range(60):
            cut, box = number >= 20, boxes(standing, 0.0)
            if cut:
                box[0, 3] -= 0.15 * (box[0, 3] - box[0, 1])
            whole = np.array([not (cut and told)])
            _, judged = lookout.look(number / 20, box, np.array([0.8]), ["car"], FRAME_WH, whole)
        found.append(next(iter(judged.ranges.values())).range_m)
    believed_m, ignored_m = found
    assert ignored_m == pytest.approx(20.0, rel=0.05)
    assert believed_m > 1.1 * ignored_m


def test_a_parked_car_that_is_lost_and_found_does_not_turn_the_axis() -> None:
    """Beside us, unseen for 1.2 s in every 10: each time a new track, whose box shakes along a line through itself."""
    lookout, rng = Lookout(CAMERA, boxes=CUBOIDS), np.random.default_rng(0)
    parked = Driven(range_m=20.0, lateral_m=3.5)
    for number in range(1200):
        at_s = number / 10 - 200
        box = np.array([parked.seen(CAMERA, 0.0, rng).xyxy])[: at_s % 10 > 1.2]
        lookout.look(at_s, box, np.full(len(box), 0.8), ["car"] * len(box), FRAME_WH)
    assert abs(lookout.calibration.yaw_off_deg) < 0.05
    found = siren_m(watch(lookout, COMING))
    assert found is not None
    assert 93 < found < 125


@pytest.mark.parametrize("speed_mps", [14.0, 30.0])
def test_what_passes_to_the_end_shows_where_the_road_goes(speed_mps: float) -> None:
    """The edges of the picture cut its last boxes; those say nothing."""
    true = replace(CAMERA, yaw_deg=0.5)
    lookout, rng = Lookout(replace(CAMERA, yaw_sigma_deg=0.5), boxes=CUBOIDS), np.random.default_rng(0)
    for number in range(10):
        passing = Driven(range_m=150.0, speed_mps=speed_mps, lateral_m=(-3.5, 3.2)[number % 2])
        for frame in range(int(145 / speed_mps * 20)):
            box = np.clip(passing.seen(true, frame / 20, rng).xyxy, 0.0, np.tile(FRAME_WH, 2)).reshape(1, 4)
            lookout.look(number * 30.0 + frame / 20, box, np.array([0.8]), ["car"], FRAME_WH)
    lookout.look(400.0, np.empty((0, 4)), np.empty(0), [], FRAME_WH)
    known = lookout.calibration
    assert known.yaw_off_deg == pytest.approx(-0.5, abs=0.15)
    assert known.yaw_sigma_deg < 0.3


@pytest.mark.parametrize("kmh", [6, 8, 12])
def test_a_lorry_that_backs_up_at_a_walk_is_not_taken_for_one_that_stands(kmh: int) -> None:
    rng = np.random.default_rng(kmh)
    for _ in range(5):
        assert _sounds(rng, Driven(range_m=50.0, speed_mps=kmh / 3.6), lasts_s=10.0)


def test_what_stands_before_the_van_stays_silent() -> None:
    rng = np.random.default_rng(3)
    for range_m in (15.0, 30.0, 45.0, 60.0, 75.0):
        assert not _sounds(rng, Driven(range_m=range_m, speed_mps=0.0), lasts_s=20.0)


def _sounds(rng: np.random.Generator, car: Driven, *, lasts_s: float) -> bool:
    """Whether it sounds for a car whose boxes are as good as a detector's."""
    lookout = Lookout(CAMERA)
    for number in range(round(lasts_s * 20)):
        at_s = number / 20
        noisy, confidence = as_detected(rng, boxes(car, at_s), FRAME_WH)
        seen = confidence > 0
        _, judged = lookout.look(at_s, noisy[seen], confidence[seen], ["car"] * int(seen.sum()), FRAME_WH)
        if judged.verdict.level >= Level.ALERT:
            return True
    return False
