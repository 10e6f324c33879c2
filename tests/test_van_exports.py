"""`gyrophare van model`: an export that sees less than its source is refused, and what is missing is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from gyrophare.cli import app
from gyrophare.kernel.errors import GyrophareError, NotReadyError
from tests.blobs import blob_model
from vehicle_vision.detectors import Detections, Image
from vehicle_vision.detectors.likeness import compare
from vehicle_vision.errors import VisionError

RUN = CliRunner()
SPOTS = [(x, y) for x in range(16, 240, 48) for y in range(16, 180, 48)]  # 20


def road(folder: Path, spots: list[tuple[int, int]], *, grey: int = 255) -> Path:
    """A folder with one picture of 256x192, in which each spot is a cell of the blob network."""
    folder.mkdir(exist_ok=True)
    image = np.zeros((192, 256, 3), dtype=np.uint8)
    for x, y in spots:
        image[y : y + 16, x : x + 16] = grey
    cv2.imwrite(str(folder / "0.png"), image)
    return folder


def test_export_that_sees_the_same_may_stand_for_its_source(tmp_path: Path) -> None:
    source, export = blob_model(tmp_path / "s.onnx"), blob_model(tmp_path / "e.onnx", end_to_end=True, scale=0.9)
    args = ["van", "model", "check", str(export), "--source", str(source), "--frames", str(road(tmp_path / "f", SPOTS))]
    said = RUN.invoke(app, [*args, "--json"], catch_exceptions=False)
    assert said.exit_code == 0
    found = json.loads(said.stdout)
    assert (found["vehicles"], found["seen"], found["more"], found["recall"], found["alike"]) == (20, 20, 0, 1.0, True)
    assert found["mean_iou"] == pytest.approx(1, abs=0.01)
    assert found["confidence_shift"] == pytest.approx(-0.1, abs=0.02)
    assert "It may stand for its source." in RUN.invoke(app, args).stdout


def test_export_that_lost_its_scores_is_refused(tmp_path: Path) -> None:
    """It still draws the boxes, but down where the noise is."""
    source, export = blob_model(tmp_path / "s.onnx"), blob_model(tmp_path / "e.onnx", scale=0.19)
    args = ["van", "model", "check", str(export), "--source", str(source), "--frames", str(road(tmp_path / "f", SPOTS))]
    said = RUN.invoke(app, args, catch_exceptions=False)
    assert said.exit_code == 1
    assert "It sees less than its source." in said.stdout
    assert "sure of 20 vehicles; the model sees 0 of them" in said.stdout


def test_road_without_traffic_proves_nothing(tmp_path: Path) -> None:
    model = blob_model(tmp_path / "s.onnx")
    args = ["van", "model", "check", str(model), "--source", str(model), "--frames"]
    for number, spots in enumerate(([], SPOTS[:19])):
        said = RUN.invoke(app, [*args, str(road(tmp_path / str(number), spots))], catch_exceptions=False)
        assert said.exit_code == 1
        assert "Too few to tell." in said.stdout


class Said:
    """A detector that says what it is told, frame after frame."""

    def __init__(self, *frames: list[tuple[float, float]], height_px: float = 20.0) -> None:
        self._frames = iter(frames)
        self._height_px = height_px

    def detect(self, image: Image) -> Detections:
        """Boxes 20 pixels wide at (x, confidence)."""
        del image
        said = next(self._frames)
        return Detections(
            xyxy=np.array([(x, 0.0, x + 20, self._height_px) for x, _ in said]).reshape(-1, 4),
            confidence=np.array([confidence for _, confidence in said]),
            labels=("car",) * len(said),
            whole=np.ones(len(said), dtype=np.bool_),
        )

    def scale(self, frame_wh: tuple[int, int]) -> float:
        del frame_wh
        return 1.0


def test_likeness_counts_what_is_lost_and_what_is_new() -> None:
    frame = np.zeros((32, 32, 3), dtype=np.uint8)
    source = Said([(0, 0.9), (100, 0.3), (200, 0.24)], [(0, 0.5)])
    export = Said([(2, 0.8), (100, 0.15), (300, 0.4)], [])
    found = compare(source, export, [frame, frame])
    assert (found.frames, found.vehicles, found.seen, found.more) == (2, 3, 1, 1)
    assert found.mean_iou == pytest.approx(18 / 22)
    assert found.confidence_shift == pytest.approx(-0.1)
    assert not found.enough


def test_one_in_fifty_may_be_lost_and_not_two() -> None:
    frame = np.zeros((32, 32, 3), dtype=np.uint8)
    fifty = [(100.0 * number, 0.5) for number in range(50)]
    assert compare(Said(fifty), Said(fifty[1:]), [frame]).alike
    assert not compare(Said(fifty), Said(fifty[2:]), [frame]).alike


def test_boxes_drawn_lower_than_the_sources_are_refused() -> None:
    """All are seen, and all would be ranged 4 % too far."""
    frame = np.zeros((32, 32, 3), dtype=np.uint8)
    fifty = [(100.0 * number, 0.5) for number in range(50)]
    found = compare(Said(fifty), Said(fifty, height_px=19.2), [frame])
    assert found.height_ratio == pytest.approx(0.96)
    assert found.sees_as_much
    assert not found.alike
    assert compare(Said(fifty), Said(fifty, height_px=19.6), [frame]).alike


def test_frames_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    model = blob_model(tmp_path / "s.onnx")
    args = ["van", "model", "check", str(model), "--source", str(model), "--frames"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn/0.jpg").write_bytes(b"\xff\xd8 torn")
    (tmp_path / "no.mp4").write_bytes(b"no video")
    for name, said in (
        ("empty", "no picture in it"),
        ("torn", "expected a picture"),
        ("no.mp4", "expected a video"),
        ("none", "no such folder or file"),
    ):
        with pytest.raises(GyrophareError, match=said):
            RUN.invoke(app, [*args, str(tmp_path / name)], catch_exceptions=False)


def test_video_is_read_at_evenly_chosen_frames(tmp_path: Path) -> None:
    model, path = blob_model(tmp_path / "s.onnx"), tmp_path / "road.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (256, 192))
    image = cv2.imread(str(road(tmp_path / "f", SPOTS) / "0.png"))
    assert image is not None
    for _ in range(9):
        video.write(image)
    video.release()
    args = ["van", "model", "check", str(model), "--source", str(model), "--frames", str(path), "--at-most", "3"]
    said = RUN.invoke(app, [*args, "--json"], catch_exceptions=False)
    assert json.loads(said.stdout)["frames"] == 3
    assert json.loads(said.stdout)["vehicles"] == 60


@pytest.mark.parametrize("command", [["fetch"], ["export", "x.pt"]])
def test_without_torch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.pt").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(VisionError, match=r"ultralytics is not installed .* with its extra `torch`"):
        RUN.invoke(app, ["van", "model", *command], catch_exceptions=False)


def test_size_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    said = RUN.invoke(app, ["van", "model", "export", "x.pt", "--size", "960"])
    assert said.exit_code == 2
    assert "expected width x height in pixels" in said.output


def test_server_without_the_vans_libraries_still_has_its_commands() -> None:
    """OpenCV and numpy are of the extra `van`: nothing but the van's own commands may need them."""
    code = "import sys; sys.modules.update(numpy=None, cv2=None); import gyrophare.cli"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_vans_commands_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(NotReadyError, match=r"cv2 is not installed\. Install Gyrophare with its extra `van`"):
        RUN.invoke(app, ["evaluate", "detection", "x", "--model", "y"], catch_exceptions=False)
