"""Where the camera looks: from a file, from cones, from a board, and from what drives by."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.drawn_boxes import Driven
from vehicle_vision import camera_file
from vehicle_vision.calibration.chessboard import calibrate
from vehicle_vision.calibration.cones import Cone, fit
from vehicle_vision.calibration.lane_lines import vanishing_column
from vehicle_vision.calibration.state import Calibrated, Calibration
from vehicle_vision.calibration.vanishing import Vanishing
from vehicle_vision.camera import Camera
from vehicle_vision.errors import CameraError

CAMERA = Camera.from_field_of_view((1920, 1080), 60, height_m=2.2)
TRUE = replace(CAMERA, pitch_deg=2.4, yaw_deg=-1.3)


def cones_of(camera: Camera, *places: tuple[float, float], off_px: float = 0.0, seed: int = 1) -> list[Cone]:
    """`places` are lateral and range, metres, measured; each pointed at with an error of `off_px`."""
    feet = camera.distort(camera.project(np.array([(lateral, 0.0, ahead) for lateral, ahead in places])))
    feet = feet + off_px * np.random.default_rng(seed).standard_normal(feet.shape)
    return [
        Cone(u_px=u, v_px=v, range_m=ahead, lateral_m=lateral)
        for (u, v), (lateral, ahead) in zip(feet.tolist(), places, strict=True)
    ]


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "van.toml"
    for one in (TRUE, replace(TRUE, height_m=None, distortion=(-0.3, 0.1, 0.0, 0.0, 0.0))):
        camera_file.write(one, path)
        assert camera_file.read(path) == one
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("fx_px = ", "not a TOML file"),
        ("fx_px = 1000.0", "frame_wh is missing"),
        ("focal = 3", "focal is none of"),
        ('frame_wh = "wide"\nfx_px=1\nfy_px=1\ncx_px=1\ncy_px=1', "frame_wh = 'wide'; expected a list"),
        ("frame_wh = [1, 2, 3]\nfx_px=1\nfy_px=1\ncx_px=1\ncy_px=1", "expected 2 numbers"),
        ("frame_wh = [1920, 1080]\nfx_px=true\nfy_px=1\ncx_px=1\ncy_px=1", "fx_px = True; expected a number"),
        ("frame_wh = [1920, 1080]\nfx_px=1600\nfy_px=1600\ncx_px=5000\ncy_px=540", "cx_px = 5000.0"),
        ("frame_wh = [nan, 1080]\nfx_px=1600\nfy_px=1600\ncx_px=960\ncy_px=540", "expected whole pixels"),
        ("frame_wh = [inf, 1080]\nfx_px=1600\nfy_px=1600\ncx_px=960\ncy_px=540", "expected whole pixels"),
        ("frame_wh = [1920.5, 1080]\nfx_px=1600\nfy_px=1600\ncx_px=960\ncy_px=540", "expected whole pixels"),
        ("frame_wh = [1920, 1080]\nfx_px=nan\nfy_px=1600\ncx_px=960\ncy_px=540", "fx_px = nan"),
        ("frame_wh = [1920, 1080]\nfx_px=60000\nfy_px=60000\ncx_px=960\ncy_px=540", "field of view of 5 degrees"),
        ("frame_wh = [1920, 1080]\nfx_px=1600\nfy_px=300\ncx_px=960\ncy_px=540", "fy_px = 300.0"),
    ],
)
def test_a_file_that_contradicts_itself_is_named_with_the_value(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "van.toml"
    path.write_text(text)
    with pytest.raises(CameraError, match=named) as caught:
        camera_file.read(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="van calibrate"):
        camera_file.read(tmp_path / "none.toml")


def test_two_cones_give_pitch_and_yaw() -> None:
    found = fit(CAMERA, cones_of(TRUE, (0.0, 15.0), (2.0, 60.0)))
    assert found.camera.pitch_deg == pytest.approx(2.4, abs=0.01)
    assert found.camera.yaw_deg == pytest.approx(-1.3, abs=0.01)
    assert found.misfit_px < 0.1


def test_cones_that_were_measured_by_hand_say_how_well() -> None:
    places = [(0.0, 10.0), (1.5, 20.0), (-1.0, 40.0), (2.0, 60.0)]
    errors, sigmas = [], []
    for seed in range(30):
        found = fit(CAMERA, cones_of(TRUE, *places, off_px=2.0, seed=seed)).camera
        errors.append(found.pitch_deg - 2.4)
        sigmas.append(found.pitch_sigma_deg)
    assert float(np.std(errors)) == pytest.approx(float(np.mean(sigmas)), rel=0.6)
    assert float(np.std(errors)) < 0.1


def test_four_cones_find_the_height_and_the_focal_length_too() -> None:
    taller = replace(TRUE, height_m=2.6, fx_px=1800.0, fy_px=1800.0)
    found = fit(CAMERA, cones_of(taller, (0, 8), (3, 15), (-3, 30), (2, 60)), height=True, focal=True).camera
    assert found.height_m == pytest.approx(2.6, abs=0.02)
    assert found.fx_px == pytest.approx(1800, rel=0.01)


def test_cones_that_cannot_be_are_refused() -> None:
    with pytest.raises(CameraError, match="1 cones for pitch_deg"):
        fit(CAMERA, cones_of(TRUE, (0.0, 15.0))[:1])
    with pytest.raises(CameraError, match="height_m is not known"):
        fit(replace(CAMERA, height_m=None), cones_of(TRUE, (0.0, 15.0), (0.0, 30.0)))
    swapped = cones_of(TRUE, (0.0, 10.0), (0.0, 40.0), (0.0, 60.0))
    wrong = [replace(cone, range_m=70 - cone.range_m) for cone in swapped]
    with pytest.raises(CameraError, match=r"miss by \d+ pixels"):
        fit(CAMERA, wrong)
    with pytest.raises(CameraError, match="-5"):
        fit(CAMERA, [replace(swapped[0], range_m=-5.0), *swapped[1:]])


def board_seen(camera: Camera, pose: int) -> NDArray[np.uint8]:
    """A chessboard of 9x6 inner corners, tilted, as that camera sees it: drawn by where each pixel's ray meets it."""
    rng = np.random.default_rng(pose)
    turn, _ = cv2.Rodrigues(rng.uniform(-0.5, 0.5, 3))
    place = np.array((rng.uniform(-4.5, 4.5) - 5, rng.uniform(-3, 3) - 3, rng.uniform(12, 16)))
    width, height = camera.frame_wh
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2).astype(np.float64)
    flat = camera.undistort(pixels)
    rays = np.column_stack(((flat - (camera.cx_px, camera.cy_px)) / (camera.fx_px, camera.fy_px), np.ones(len(flat))))
    normal = turn[:, 2]
    along = (normal @ place) / (rays @ normal)
    on_board = (rays * along[:, None] - place) @ turn[:, :2]
    column, row = np.floor(on_board[:, 0] + 1).astype(int), np.floor(on_board[:, 1] + 1).astype(int)
    inside = (column >= 0) & (column < 10) & (row >= 0) & (row < 7)
    grey = np.where(inside & ((column + row) % 2 == 0), 30, 220).astype(np.uint8).reshape(height, width)
    return np.asarray(cv2.cvtColor(cv2.GaussianBlur(grey, (0, 0), 0.8), cv2.COLOR_GRAY2BGR), np.uint8)


def test_a_board_gives_the_lens() -> None:
    true = Camera(
        frame_wh=(640, 480), fx_px=520.0, fy_px=520.0, cx_px=325.0, cy_px=236.0, distortion=(-0.2, 0.05, 0, 0, 0)
    )
    found = calibrate((board_seen(true, pose) for pose in range(30)), (9, 6))
    assert found.views >= 8
    assert found.misfit_px < 1
    assert found.camera.fx_px == pytest.approx(520, rel=0.03)
    corners = np.array([(20.0, 20.0), (620.0, 460.0)])
    assert found.camera.undistort(corners) == pytest.approx(true.undistort(corners), abs=8)


def test_a_video_without_a_board_is_refused() -> None:
    blank = np.full((480, 640, 3), 200, np.uint8)
    with pytest.raises(CameraError, match="0 different views of 5 frames"):
        calibrate([blank] * 5, (9, 6))


def drive_by(true: Camera, vanishing: Vanishing, count: int, *, first_id: int = 0, lateral_m: float = 3.5) -> None:
    for number in range(count):
        car = Driven(range_m=120.0, speed_mps=25, lateral_m=lateral_m - 7 * (number % 2), track_id=first_id + number)
        begin_s = (first_id + number) * 10.0
        rng = np.random.default_rng(number)
        for frame in range(80):
            seen = car.seen(true, frame * 0.05, rng)
            vanishing.look(begin_s + frame * 0.05, [(seen.track_id, seen.xyxy)], true.horizon_px, 0.5)
    vanishing.look((first_id + count) * 10.0 + 10, [], true.horizon_px, 0.5)


@pytest.mark.parametrize("yaw_deg", [-2.0, 0.3, 1.5])
def test_what_drives_by_shows_where_the_road_goes(yaw_deg: float) -> None:
    vanishing = Vanishing(CAMERA)
    drive_by(replace(CAMERA, yaw_deg=yaw_deg), vanishing, 20)
    assert vanishing.off_deg == pytest.approx(-yaw_deg, abs=3 * vanishing.sigma_deg)
    assert vanishing.sigma_deg < 0.15
    assert vanishing.counted >= 15


def test_one_that_turns_off_changes_nothing_and_a_knock_is_believed_after_five() -> None:
    vanishing = Vanishing(CAMERA)
    drive_by(CAMERA, vanishing, 20)
    before = vanishing.off_deg
    drive_by(replace(CAMERA, yaw_deg=4.0), vanishing, 1, first_id=100)
    assert vanishing.off_deg == before
    drive_by(replace(CAMERA, yaw_deg=4.0), vanishing, 10, first_id=200)
    assert vanishing.off_deg == pytest.approx(-4.0, abs=0.5)


@pytest.mark.parametrize("shakes", [1.0, 3.0])
@pytest.mark.parametrize(
    "places_m", [[(12.0, 3.5)], [(25.0, 3.5)], [(14.0, -3.0), (20.0, -3.0), (26.0, -3.0), (32.0, -3.0)]]
)
def test_what_stands_says_nothing_however_often_it_is_found_again(
    places_m: list[tuple[float, float]], shakes: float
) -> None:
    """One parked car, and a queue; a detector's noise, and as much more as when somebody walks about it."""
    vanishing = Vanishing(CAMERA)
    rng = np.random.default_rng(1)
    for found in range(20):
        for frame in range(200):
            tracks = []
            for number, (range_m, lateral_m) in enumerate(places_m):
                true = np.array(Driven(range_m=range_m, lateral_m=lateral_m).seen(CAMERA, 0.0).xyxy)
                sigmas_px = shakes * (0.8 + 0.015 * np.tile(true[2:] - true[:2], 2))
                x1, y1, x2, y2 = (true + sigmas_px * rng.standard_normal(4)).tolist()
                tracks.append((100 * found + number, (x1, y1, x2, y2)))
            vanishing.look(found * 20.0 + frame * 0.05, tracks, CAMERA.horizon_px, 0.5)
    vanishing.look(420.0, [], CAMERA.horizon_px, 0.5)
    assert (vanishing.counted, vanishing.off_deg) == (0, 0.0)


@pytest.mark.parametrize(("middle_m", "scale_m"), [(120.0, 18.0), (80.0, 25.0), (60.0, 25.0), (100.0, 40.0)])
def test_ways_that_change_lanes_gently_do_not_turn_the_road(middle_m: float, scale_m: float) -> None:
    vanishing = Vanishing(replace(CAMERA, yaw_sigma_deg=0.1))
    rng = np.random.default_rng(1)
    for number in range(15):
        for frame in range(100):
            range_m = 130.0 - 1.2 * frame
            lateral_m = 3.4 / (1 + math.exp((range_m - middle_m) / scale_m))
            seen = Driven(range_m=range_m, lateral_m=lateral_m).seen(CAMERA, 0.0, rng)
            vanishing.look(number * 20.0 + frame * 0.05, [(number, seen.xyxy)], CAMERA.horizon_px, 3.0)
    vanishing.look(400.0, [], CAMERA.horizon_px, 3.0)
    assert vanishing.off_deg == pytest.approx(0.0, abs=0.1)


def road_picture(camera: Camera, seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(90, 6, (camera.frame_wh[1], camera.frame_wh[0], 3))
    picture = np.clip(noise, 0, 255).astype(np.uint8)
    for lateral_m in (-5.2, -1.7, 1.8, 5.3):
        ends = camera.project(np.array([(lateral_m, 0.0, 7.0), (lateral_m, 0.0, 90.0)]))
        cv2.line(picture, ends[0].astype(int).tolist(), ends[1].astype(int).tolist(), (235, 235, 235), 5, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("yaw_deg", [-1.5, 0.0, 2.0])
def test_painted_lines_meet_where_the_road_goes(yaw_deg: float) -> None:
    camera = replace(CAMERA, yaw_deg=yaw_deg)
    found = vanishing_column(road_picture(camera, 1), CAMERA)
    assert found == pytest.approx(camera.vanishing_px, abs=8)


def test_painted_lines_meet_there_through_a_lens_that_bends_them() -> None:
    camera = replace(CAMERA, yaw_deg=1.0)
    bent = replace(camera, distortion=(-0.25, 0.05, 0.0, 0.0, 0.0))
    rows, columns = np.mgrid[: camera.frame_wh[1], : camera.frame_wh[0]].astype(np.float64)
    straight = bent.undistort(np.column_stack((columns.ravel(), rows.ravel()))).astype(np.float32)
    x, y = straight.T.reshape(2, *rows.shape)
    seen = cv2.remap(road_picture(camera, 1), x, y, cv2.INTER_LINEAR)
    assert vanishing_column(seen, bent) == pytest.approx(camera.vanishing_px, abs=8)  # type: ignore[arg-type]


def test_a_road_without_lines_says_nothing() -> None:
    blank = np.full((1080, 1920, 3), 90, np.uint8)
    assert vanishing_column(blank, CAMERA) is None
    assert vanishing_column(blank, replace(CAMERA, cy_px=1079.0)) is None


@pytest.mark.parametrize(
    ("pitch", "yaw", "state"),
    [
        ((0.0, 0.05), (0.0, 0.1), Calibrated.WELL),
        ((0.0, 0.3), (0.0, 0.1), Calibrated.ROUGHLY),
        ((0.0, 1.0), (0.0, 0.1), Calibrated.BADLY),
        ((0.2, 0.3), (0.0, 0.1), Calibrated.ROUGHLY),
        ((0.4, 0.05), (0.0, 0.1), Calibrated.MOVED),
        ((0.0, 0.05), (-0.5, 0.1), Calibrated.MOVED),
        ((-1.4, 0.1), (0.0, 0.1), Calibrated.KNOCKED),
        ((0.0, 0.1), (3.0, 0.1), Calibrated.MOVED),  # the van stands askew
    ],
)
def test_the_state_says_how_well_it_is_known(
    pitch: tuple[float, float], yaw: tuple[float, float], state: Calibrated
) -> None:
    found = Calibration(pitch_off_deg=pitch[0], pitch_sigma_deg=pitch[1], yaw_off_deg=yaw[0], yaw_sigma_deg=yaw[1])
    assert found.state is state
    assert found.well == (max(pitch[1], yaw[1]) <= 0.15)
