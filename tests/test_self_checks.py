"""A blind camera is told from an empty road: each check by what breaks it, and none by a good day."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vehicle_vision.camera import Camera
from vehicle_vision.errors import VisionError
from vehicle_vision.self_checks import Check, CheckKind, SelfChecks, Verdict
from vehicle_vision.self_checks.aim import Aim
from vehicle_vision.self_checks.picture import Picture
from vehicle_vision.self_checks.shift import Reference

Frame = NDArray[np.uint8]
CAMERA = Camera.from_field_of_view((960, 540), 60, height_m=2.2)
FRAME_S = 0.05


def scene(seed: int = 1) -> NDArray[np.float32]:
    """A sky, a horizon with trees, a road: detail of all sizes where roads have it."""
    rng = np.random.default_rng(seed)
    picture = np.full((540, 960), 170, np.float32)
    for size in (3, 9, 31):
        noise = cv2.GaussianBlur(rng.standard_normal((540, 960)).astype(np.float32), (0, 0), size)
        picture[200:] += 22 * noise[200:] / noise.std()
    picture[200:] -= 60
    for x in range(20, 940, 60):
        cv2.rectangle(picture, (x, 230), (x + 14, 285), float(40 + x % 90), -1)
    cv2.line(picture, (480, 275), (250, 540), 230.0, 6)
    cv2.line(picture, (480, 275), (760, 540), 230.0, 6)
    return picture


SCENE = scene()
NOISES = [1.5 * np.random.default_rng(n).standard_normal((540, 960)).astype(np.float32) for n in range(5)]


def shoot(picture: NDArray[np.float32], frame: int) -> Frame:
    """As a sensor would: with its noise, another in each frame."""
    noise = np.roll(NOISES[frame % len(NOISES)], 131 * frame)
    grey = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]


def run(broken: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None) -> dict[CheckKind, Check]:
    """A good quarter of a minute, then ten seconds of the camera as `broken` has it."""
    checks = SelfChecks(CAMERA)
    found: tuple[Check, ...] = ()
    picture = SCENE if broken is None else broken(SCENE)
    for frame in range(46):  # a look each half second is enough of them
        found = checks.look(frame * 0.5, shoot(SCENE if frame < 26 else picture, frame))
    for frame in range(round(2 / FRAME_S) + 1):  # but not for the pace
        found = checks.look(23.0 + frame * FRAME_S, shoot(picture, frame))
    return {check.kind: check for check in found}


def shifted(right_px: float, down_px: float) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    matrix = np.array([(1, 0, right_px), (0, 1, down_px)], np.float32)
    return lambda picture: np.asarray(
        cv2.warpAffine(picture, matrix, (960, 540), borderMode=cv2.BORDER_REFLECT), np.float32
    )


def muddy(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Splashes: what lies behind them is a blur."""
    mask = np.zeros_like(picture)
    rng = np.random.default_rng(5)
    for _ in range(26):
        x, y = int(rng.integers(60, 900)), int(rng.integers(220, 500))
        cv2.circle(mask, (x, y), 60, 1.0, -1)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 6), np.float32)
    return np.asarray(picture * (1 - mask) + 90 * mask, np.float32)


def foggy(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Seen through 80 m of visibility: what is far goes first."""
    rows = np.arange(540, dtype=np.float32)
    far_m = np.where(rows > 275, CAMERA.fy_px * 2.2 / np.maximum(rows - 270, 1), 400)
    seen = np.exp(-3.9 * np.minimum(far_m, 400) / 80)[:, None].astype(np.float32)
    return np.asarray(picture * seen + 180 * (1 - seen), np.float32)


def test_a_good_day_has_no_finding() -> None:
    found = run(None)
    assert {kind: check.verdict for kind, check in found.items()} == dict.fromkeys(CheckKind, Verdict.OK)


@pytest.mark.parametrize(
    ("kind", "broken", "verdict"),
    [
        (CheckKind.BLACK, lambda picture: picture * 0, Verdict.FAULT),
        (CheckKind.OVEREXPOSED, lambda picture: picture * 0 + 300, Verdict.FAULT),
        (CheckKind.NIGHT, lambda picture: picture * 0.2, Verdict.DEGRADED),
        (CheckKind.BLURRED, lambda picture: cv2.GaussianBlur(picture, (0, 0), 12), Verdict.FAULT),
        (CheckKind.DIRTY, muddy, Verdict.DEGRADED),
        (CheckKind.BLOCKED, lambda picture: picture * 0 + 90, Verdict.FAULT),
        (CheckKind.MOVED, shifted(5.0, 0.0), Verdict.DEGRADED),
        (CheckKind.MOVED, shifted(0.0, 18.0), Verdict.FAULT),
        (CheckKind.FOG, foggy, Verdict.DEGRADED),
    ],
)
def test_each_check_finds_what_breaks_it(
    kind: CheckKind, broken: Callable[[NDArray[np.float32]], NDArray[np.float32]], verdict: Verdict
) -> None:
    found = run(broken)[kind]
    if verdict is Verdict.DEGRADED:
        assert found.verdict in (Verdict.DEGRADED, Verdict.FAULT)
    else:
        assert found.verdict is Verdict.FAULT


def test_a_shift_is_measured_in_degrees() -> None:
    found = run(shifted(12.0, 9.0))[CheckKind.MOVED]
    assert found.value == pytest.approx(math.degrees(15 / CAMERA.fx_px), rel=0.15)


def test_a_darker_day_is_no_moved_camera() -> None:
    found = run(lambda picture: picture * 0.6 + 20)
    assert found[CheckKind.MOVED].verdict is Verdict.OK
    assert found[CheckKind.DIRTY].verdict is Verdict.OK


def test_a_picture_that_stands_still_is_frozen_and_a_still_road_is_not() -> None:
    checks = SelfChecks(CAMERA)
    frozen = shoot(SCENE, 1)
    for frame in range(30):
        checks.look(frame * FRAME_S, frozen)
    verdicts = {check.kind: check.verdict for check in checks.look(1.5, frozen)}
    assert verdicts[CheckKind.FROZEN] is Verdict.FAULT
    assert {check.kind: check.verdict for check in checks.look(1.55, shoot(SCENE, 2))}[CheckKind.FROZEN] is Verdict.OK


def verdict_after(frames: Iterable[Frame], kind: CheckKind) -> Verdict:
    """What is said of frames that come 20 a second."""
    checks = SelfChecks(CAMERA)
    found = [checks.look(n * FRAME_S, frame) for n, frame in enumerate(frames)][-1]
    return {check.kind: check.verdict for check in found}[kind]


@pytest.mark.parametrize("turns", [2, 3, 8])
def test_old_frames_that_take_turns_are_frozen(turns: int) -> None:
    frames = [shoot(SCENE, n) for n in range(turns)]
    assert verdict_after((frames[n % turns] for n in range(40)), CheckKind.FROZEN) is Verdict.FAULT


def test_a_clock_that_runs_over_an_old_frame_does_not_make_it_live() -> None:
    def overlaid(n: int) -> Frame:
        frame = shoot(SCENE, 0)
        cv2.putText(frame, f"07:42:{n / 20:05.2f}", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
        return frame

    assert verdict_after((overlaid(n) for n in range(80)), CheckKind.FROZEN) is Verdict.FAULT


def test_a_compressed_stream_whose_road_stands_still_between_whole_pictures_is_not_frozen() -> None:
    def streamed(n: int) -> Frame:
        frame = shoot(SCENE, n // 40)  # a whole picture each 2 s, and between them what moves
        cv2.circle(frame, (300 + 3 * n, 300), 12, (40, 40, 40), -1)
        return frame

    assert verdict_after((streamed(n) for n in range(79)), CheckKind.FROZEN) is Verdict.OK


def test_a_picture_that_is_burnt_white_cannot_tell_and_one_that_is_black_is_frozen() -> None:
    white, black = (np.full((540, 960, 3), grey, np.uint8) for grey in (255, 0))
    assert verdict_after([white] * 120, CheckKind.FROZEN) is Verdict.UNKNOWN
    assert verdict_after([white] * 120, CheckKind.OVEREXPOSED) is Verdict.FAULT
    assert verdict_after([black] * 40, CheckKind.FROZEN) is Verdict.FAULT


def test_a_night_whose_dark_is_black_is_not_frozen() -> None:
    """Where there is no light there is no noise either: a few lamps must be enough to tell."""

    def night(n: int) -> Frame:
        frame = shoot(SCENE, n)
        frame[:, 300:] = 0
        return frame

    assert verdict_after((night(n) for n in range(80)), CheckKind.FROZEN) is Verdict.OK


def test_a_clock_that_stands_still_costs_no_memory() -> None:
    checks = SelfChecks(CAMERA)
    frame = np.zeros((32, 32), np.uint8)
    sizes = []
    for _ in range(3):
        for _ in range(1500):
            checks.look(1.0, frame)
        sizes.append(len(pickle.dumps(checks)))
    assert sizes[2] == sizes[1]


@pytest.mark.parametrize(("frame_s", "verdict"), [(0.05, Verdict.OK), (0.1, Verdict.DEGRADED), (0.25, Verdict.FAULT)])
def test_too_few_frames_a_second_are_found(frame_s: float, verdict: Verdict) -> None:
    checks = SelfChecks(CAMERA)
    found: tuple[Check, ...] = ()
    for frame in range(round(3 / frame_s)):
        found = checks.look(frame * frame_s, shoot(SCENE, frame))
    assert {check.kind: check.verdict for check in found}[CheckKind.PACE] is verdict


def test_one_frame_after_a_long_silence_is_no_pace() -> None:
    checks = SelfChecks(CAMERA)
    for frame in range(60):
        checks.look(frame * FRAME_S, shoot(SCENE, frame))
    found = {check.kind: check for check in checks.look(13.0, shoot(SCENE, 1))}
    assert found[CheckKind.PACE].verdict is Verdict.FAULT


def test_before_it_has_learnt_nothing_is_said_to_be_well() -> None:
    found = {check.kind: check.verdict for check in SelfChecks(CAMERA).look(0.0, shoot(SCENE, 0))}
    for kind in (CheckKind.BLURRED, CheckKind.DIRTY, CheckKind.FOG, CheckKind.MOVED, CheckKind.PACE):
        assert found[kind] is Verdict.UNKNOWN
    assert found[CheckKind.BLACK] is Verdict.OK


def test_another_resolution_is_learnt_anew_and_not_taken_for_a_moved_camera() -> None:
    checks = SelfChecks(CAMERA)
    for frame in range(24):
        checks.look(frame * 0.5, shoot(SCENE, frame))
    half = np.asarray(cv2.resize(shoot(SCENE, 1), (480, 270), interpolation=cv2.INTER_AREA), np.uint8)
    found = {check.kind: check for check in checks.look(13.0, half)}
    assert found[CheckKind.MOVED].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "frame",
    [np.zeros((540, 960), np.float32), np.zeros((8, 8, 3), np.uint8), np.zeros((540, 960, 3, 1), np.uint8)],
)
def test_what_is_no_frame_is_refused(frame: Frame) -> None:
    with pytest.raises(VisionError, match="expected uint8"):
        SelfChecks(CAMERA).look(0.0, frame)


def test_time_that_goes_back_is_refused() -> None:
    checks = SelfChecks(CAMERA)
    checks.look(2.0, shoot(SCENE, 0))
    with pytest.raises(VisionError, match="go forward"):
        checks.look(1.0, shoot(SCENE, 1))


def elsewhere() -> NDArray[np.float32]:
    """Another street, up a hill."""
    matrix = cv2.getRotationMatrix2D((480, 270), 8, 1.0)
    return np.asarray(cv2.warpAffine(scene(2), matrix, (960, 540), borderMode=cv2.BORDER_REFLECT), np.float32)


def moved(checks: SelfChecks, picture: NDArray[np.float32], from_s: float, to_s: float) -> Verdict:
    """What is said of where it looks, after it was shown that."""
    for look in range(round(from_s * 2), round(to_s * 2)):
        found = checks.look(look / 2, shoot(picture, look))
    return {check.kind: check.verdict for check in found}[CheckKind.MOVED]


def test_a_camera_that_looks_somewhere_else_is_not_well_and_after_half_a_minute_a_fault() -> None:
    checks = SelfChecks(CAMERA)
    assert moved(checks, SCENE, 0, 20) is Verdict.OK
    other = elsewhere()
    assert moved(checks, other, 20, 30) is Verdict.UNKNOWN
    assert moved(checks, other, 30, 45) is Verdict.UNKNOWN
    assert moved(checks, other, 45, 60) is Verdict.FAULT
    assert moved(checks, SCENE, 60, 70) is Verdict.OK


def test_after_a_night_a_road_that_is_not_known_again_is_no_fault() -> None:
    """There may be snow on it."""
    checks = SelfChecks(CAMERA)
    moved(checks, SCENE, 0, 20)
    for minute in range(1, 21):
        checks.look(20 + 60 * minute, shoot(SCENE * 0.8**minute, minute))
    assert moved(checks, elsewhere(), 1300, 1360) is Verdict.UNKNOWN


def test_a_road_whose_light_wanders_is_known_all_day() -> None:
    aim, other = Aim(CAMERA), elsewhere()
    small, small_other = (Picture.of(shoot(picture, n)).grey for n, picture in enumerate((SCENE, other)))
    aim.learn(0.0, small)
    for minute in range(121):
        aim.look(60.0 * minute, small + min(minute / 100, 1) * (small_other - small))
    assert Reference(small).shift_px(small_other) is None
    assert aim.turned_deg() == pytest.approx((0, 0), abs=0.05)
    assert not aim.elsewhere
