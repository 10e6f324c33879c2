"""`gyrophare van replay`: what the van would have told, of a rehearsal and of a recording; and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner, Result

from gyrophare.cli import app
from gyrophare.sim.van_scene.rehearsals import REHEARSALS, rehearsal
from vehicle_vision import camera_file
from vehicle_vision.camera import Camera

SMALL = Camera.from_field_of_view((320, 192), 35, height_m=2.2)


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["van", "replay", *map(str, arguments)])


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    path = tmp_path / "camera.toml"
    camera_file.write(SMALL, path)
    return path


def test_a_rehearsal_says_what_the_crew_would_have_heard_and_draws_it(camera: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    result = replay("--scene", "knock", "--demo", "--camera", camera, "--film", film, "--seconds", 3)
    assert result.exit_code == 0, result.output
    assert "degraded (pace unknown" in result.stdout
    assert "60 frames" in result.stdout
    shown = cv2.VideoCapture(str(film))
    assert shown.get(cv2.CAP_PROP_FRAME_COUNT) == 60


def test_a_recording_is_summed_up_for_programs(camera: Path, tmp_path: Path) -> None:
    video = tmp_path / "road.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 10, SMALL.frame_wh)
    for number, (_, frame) in enumerate(rehearsal("day", SMALL, 1)):
        if number < 40:
            writer.write(frame)
    writer.release()
    result = replay(video, "--camera", camera, "--demo", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["frames"] == 40
    assert sum(found["protection_s"].values()) == pytest.approx(4.0)
    assert set(found["stages_ms"]) == {"checks", "detect", "judge", "calibrate"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "a VIDEO or --scene"),
        (("road.mp4", "--scene", "day"), "a VIDEO or --scene"),
        (("--scene", "desert", "--demo"), "expected one of day"),
        (("--scene", "day"), "--model"),
        (("road.mp4", "--demo"), "--camera"),
        (("--scene", "day", "--model", "vehicle_vision/models/demo.onnx"), "NOT FOR THE ROAD"),
        (("none.mp4", "--demo", "--camera", "CAMERA"), "cannot be read as a video"),
    ],
)
def test_what_cannot_be_is_said(arguments: tuple[str, ...], word: str, camera: Path) -> None:
    result = replay(*(str(camera) if one == "CAMERA" else one for one in arguments))
    assert result.exit_code != 0
    assert word in f"{result.output} {result.exception}"


@pytest.mark.parametrize("name", REHEARSALS)
def test_every_rehearsal_is_drawn(name: str) -> None:
    at_s, frame = next(rehearsal(name, SMALL, 1))
    assert (at_s, frame.shape) == (0.0, (192, 320, 3))
