"""`gyrophare van calibrate`: what it writes, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from gyrophare.cli import app
from gyrophare.kernel.errors import GyrophareError
from tests.test_calibration import board_seen
from vehicle_vision import camera_file
from vehicle_vision.camera import Camera


def calibrate(*arguments: object) -> Result:
    result = CliRunner().invoke(app, ["van", "calibrate", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_field_of_view_and_then_cones(tmp_path: Path) -> None:
    path = tmp_path / "van.toml"
    calibrate("fov", path, "--degrees", 60, "--height-m", 2.2)
    true = replace(camera_file.read(path), pitch_deg=1.7, yaw_deg=0.8)
    cones = []
    for range_m, right_m in ((12.0, 0.0), (25.0, 1.5), (50.0, -2.0)):
        ((u, v),) = true.project(np.array([(right_m, 0.0, range_m)])).tolist()
        cones += ["--cone", f"{range_m},{right_m}:{u:.1f},{v:.1f}"]
    said = calibrate("cones", path, *cones)
    found = camera_file.read(path)
    assert found.pitch_deg == pytest.approx(1.7, abs=0.05)
    assert found.yaw_deg == pytest.approx(0.8, abs=0.05)
    assert found.height_m == 2.2
    assert "+1.7" in said.output and str(path) in said.output.replace("\n", "")


def test_a_video_of_a_board_gives_the_lens(tmp_path: Path) -> None:
    true = Camera(frame_wh=(640, 480), fx_px=520.0, fy_px=520.0, cx_px=325.0, cy_px=236.0)
    video = cv2.VideoWriter(str(tmp_path / "board.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    for pose in range(24):
        video.write(board_seen(true, pose))
    video.release()
    calibrate("board", tmp_path / "van.toml", "--video", tmp_path / "board.avi", "--height-m", 2.0)
    found = camera_file.read(tmp_path / "van.toml")
    assert found.fx_px == pytest.approx(520, rel=0.04)
    assert found.height_m == 2.0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["fov", "FILE", "--degrees", "60", "--size", "wide"], "--size 'wide'; expected WIDTHxHEIGHT"),
        (["fov", "FILE", "--degrees", "200"], "field of view = 200"),
        (["board", "FILE", "--video", "none.mp4"], "none.mp4 cannot be read as a video"),
        (["board", "FILE", "--video", "none.mp4", "--corners", "2x6"], "--corners '2x6'"),
        (["cones", "FILE", "--cone", "30:1,2"], "van calibrate"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path: Path, arguments: list[str], named: str) -> None:
    path = tmp_path / "van.toml"
    with pytest.raises(GyrophareError, match=named):
        calibrate(*(path if one == "FILE" else one for one in arguments))
    assert not path.exists()


@pytest.mark.parametrize("cone", ["30", "30:1", "a:1,2", "30,1,2:1,2", "30:1,2,3"])
def test_a_cone_that_is_none_is_refused(tmp_path: Path, cone: str) -> None:
    path = tmp_path / "van.toml"
    calibrate("fov", path, "--degrees", 60, "--height-m", 2.2)
    with pytest.raises(GyrophareError, match="expected RANGE:U,V"):
        calibrate("cones", path, "--cone", cone, "--cone", "20:900,700")
