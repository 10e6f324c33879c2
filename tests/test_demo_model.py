"""The network that is shipped: it is what its description says, and it sees the rendered road."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gyrophare.cli import app
from gyrophare.sim.demo_model.dataset import CLASSES, CROP_WH, LEAST_PX, samples, write
from gyrophare.sim.demo_model.measuring import CONDITIONS, HEIGHTS_PX, measure
from gyrophare.sim.demo_model.training import Recipe, train
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.scenarios import empty, some_colour, standing
from gyrophare.sim.van_scene.scene import Scene
from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.weather import Weather
from vehicle_vision.camera import Camera
from vehicle_vision.detectors import NOTHING, Detections, Image, Runtime, open_detector
from vehicle_vision.detectors.onnx_yolo import OnnxYolo
from vehicle_vision.errors import VisionError
from vehicle_vision.models import DEMO, is_demo
from vehicle_vision.overlap import iou

CAMERA = Camera.from_field_of_view((640, 360), 22, height_m=2.2, pitch_deg=1.0)  # as sharp as 1080p and 60 degrees
SEEDS = range(100, 120)


def at_100_m(seed: int) -> tuple[Vehicle, ...]:
    dice = np.random.default_rng(seed)
    (car,) = standing(100.0, float(dice.uniform(-1, 1)))
    return (replace(car, colour=some_colour(dice), backwards=bool(dice.random() < 0.3)),)


def test_it_is_the_file_that_its_description_names() -> None:
    said = json.loads(DEMO.with_suffix(".json").read_text(encoding="utf-8"))
    content = DEMO.read_bytes()
    assert said["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(content) <= 3_000_000
    assert said["for_the_road"] is False
    assert said["classes"] == list(CLASSES)
    assert tuple(OnnxYolo(DEMO).file.names.values()) == CLASSES
    for told in (b"/tmp", b"/work", b"/home", b"site-packages"):
        assert told not in content


def test_it_says_itself_that_it_is_not_for_the_road(tmp_path: Path) -> None:
    assert is_demo(DEMO)
    copy = tmp_path / "yolo11n.onnx"
    copy.write_bytes(DEMO.read_bytes())
    assert is_demo(copy)  # whatever it is called
    other = tmp_path / "other.onnx"
    other.write_bytes(b"\x08\x08")
    assert not is_demo(other)
    (tmp_path / "metadata.yaml").write_text("description: 'NOT FOR THE ROAD: ...'\n", encoding="utf-8")
    assert is_demo(tmp_path)
    with pytest.raises(VisionError, match="cannot be read"):
        is_demo(tmp_path / "none.onnx")


def test_it_finds_a_car_at_100_m_and_leaves_an_empty_road_alone() -> None:
    detector = open_detector(DEMO, input_wh=(640, 384), runtime=Runtime.ONNXRUNTIME, threads=1, confidence_min=0.25)
    found = false = 0
    for seed in SEEDS:
        frame, (truth,) = Scene(CAMERA, Road(), at_100_m(seed), seed=seed).frame(0)
        assert truth.xyxy is not None
        found += bool((iou(detector.detect(frame).xyxy, np.array([truth.xyxy])) > 0.5).any())
        false += len(detector.detect(Scene(CAMERA, Road(), empty(), seed=seed).frame(0)[0]))
    assert found >= 18
    assert false <= 8


def test_pictures_are_the_same_for_a_seed_and_their_labels_lie_in_them() -> None:
    one, again, other = (list(samples(20, seed)) for seed in (1, 1, 2))
    assert all(
        np.array_equal(a.image, b.image) and np.array_equal(a.boxes, b.boxes) for a, b in zip(one, again, strict=True)
    )
    assert not all(np.array_equal(a.image, b.image) for a, b in zip(one, other, strict=True))
    boxes = np.vstack([sample.boxes for sample in one])
    assert len(boxes) > 20
    assert (boxes >= 0).all()
    assert (boxes <= np.tile(CROP_WH, 2)).all()
    assert (boxes[:, 3] - boxes[:, 1] >= LEAST_PX).all()
    assert {sample.image.shape for sample in one} == {(CROP_WH[1], CROP_WH[0], 3)}


def test_some_roads_are_empty() -> None:
    mixed = list(samples(20, 1, empty_every=2))
    assert np.array_equal(mixed[0].image, next(samples(1, 1)).image)
    assert sum(len(sample.boxes) for sample in mixed[:16]) > 16
    assert sum(len(sample.boxes) for sample in mixed[16:]) == 0


def test_the_folder_is_as_ultralytics_reads_it(tmp_path: Path) -> None:
    described = write(tmp_path, train=3, validate=1, seed=4)
    assert described.read_text(encoding="utf-8").count("\n") == 4 + len(CLASSES)
    for name, count in (("train", 3), ("val", 1)):
        assert len(list((tmp_path / "images" / name).glob("*.jpg"))) == count
        for file in (tmp_path / "labels" / name).glob("*.txt"):
            for line in file.read_text(encoding="ascii").splitlines():
                number, *box = line.split()
                assert int(number) < len(CLASSES)
                assert all(0 <= float(value) <= 1 for value in box)


class _Blind:
    """Sees nothing, or one thing that is not there."""

    def __init__(self, *, imagines: bool) -> None:
        self._found = NOTHING
        if imagines:
            self._found = Detections(
                xyxy=np.array([[1.0, 1.0, 30.0, 30.0]]),
                confidence=np.array([0.9]),
                labels=("car",),
                whole=np.array([True]),
            )

    def detect(self, image: Image) -> Detections:
        assert image.dtype == np.uint8
        return self._found

    def scale(self, frame_wh: tuple[int, int]) -> float:
        return 1.0


def test_who_sees_nothing_is_measured_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gyrophare.sim.demo_model.measuring._SCENES", 1)
    monkeypatch.setattr("gyrophare.sim.demo_model.measuring.CONDITIONS", {"day": Weather()})
    blind, dreaming = (measure(_Blind(imagines=imagines), 5)["day"] for imagines in (False, True))
    assert blind["vehicles"] == dreaming["vehicles"] > 0
    assert len(blind["recall_by_height_px"]) == len(HEIGHTS_PX) - 1
    assert (blind["recall"], blind["precision"]) == (0.0, None)
    assert (dreaming["recall"], dreaming["precision"]) == (0.0, 0.0)


def test_training_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(VisionError, match="extra `torch`"):
        train(Recipe(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_command_shows_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Recipe] = []

    def trained(recipe: Recipe, into: Path) -> Path:
        asked.append(recipe)
        by_height = {"5-8": None, "8+": 0.75}
        roads = {"fog": {"recall": 0.625, "recall_by_height_px": by_height, "precision": 0.5, "class_right": 1.0}}
        (into / "demo.json").write_text(json.dumps({"measured": {"at_confidence": {"0.1": roads}}}), encoding="utf-8")
        return into / "demo.onnx"

    monkeypatch.setattr("gyrophare.sim.demo_model.training.train", trained)
    command = ["van", "model", "train-demo", "--into", str(tmp_path), "--seed", "0", "--epochs", "3", "--epochs", "2"]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0, shown.output
    assert asked == [replace(Recipe(), seed=0, epochs=(3, 2))]
    line = next(line for line in shown.output.splitlines() if line.strip().startswith("fog"))
    assert line.split()[1:] == ["0.62", "–", "0.75", "0.50", "1.00"]
    assert json.loads(CliRunner().invoke(app, [*command, "--json"]).output)["measured"]


@pytest.mark.torch
@pytest.mark.filterwarnings("default")  # torch warns of itself
def test_it_is_trained_for_real(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra `torch`")
    model = train(Recipe(pictures=16, validation_pictures=4, epochs=(1, 1)), tmp_path)
    said = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    assert said["recipe"]["epochs"] == [1, 1]
    assert set(said["measured"]["at_confidence"]["0.25"]) == set(CONDITIONS)
    assert is_demo(model)
    assert tmp_path.name.encode() not in model.read_bytes()
    assert OnnxYolo(model, input_wh=(640, 384)).file.names[0] == "car"
