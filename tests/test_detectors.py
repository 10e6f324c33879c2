"""A network in a file becomes boxes in the frame: both runtimes, both heads, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest
import yaml

from tests.blobs import NAMES, blob_model
from vehicle_vision.detectors import NOTHING, Detections, Image, Precision, Runtime, open_detector
from vehicle_vision.detectors.heads import Head
from vehicle_vision.detectors.letterbox import Letterbox
from vehicle_vision.errors import VisionError

RUNTIMES = list(Runtime)


def frame(*white: tuple[int, int, int, int], wh: tuple[int, int] = (256, 192)) -> Image:
    """Black, but for white boxes."""
    image = np.zeros((wh[1], wh[0], 3), dtype=np.uint8)
    for x1, y1, x2, y2 in white:
        image[y1:y2, x1:x2] = 255
    return image


def openvino_folder(path: Path, **said: object) -> Path:
    """The blob network as ultralytics writes an OpenVINO export."""
    folder = path / "blobs_openvino_model"
    folder.mkdir()
    openvino.save_model(openvino.Core().read_model(blob_model(path / "b.onnx")), folder / "blobs.xml")
    described = {"names": NAMES, "imgsz": [96, 128], "task": "detect"} | said
    (folder / "metadata.yaml").write_text(yaml.safe_dump(described))
    return folder


@pytest.mark.parametrize("end_to_end", [False, True])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_box_comes_back_in_pixels_of_the_frame(tmp_path: Path, runtime: Runtime, end_to_end: bool) -> None:
    model = blob_model(tmp_path / "m.onnx", end_to_end=end_to_end)
    found = open_detector(model, runtime=runtime).detect(frame((64, 32, 80, 48), (128, 96, 144, 112)))
    assert sorted(map(tuple, found.xyxy.tolist())) == [(64, 32, 80, 48), (128, 96, 144, 112)]
    assert found.labels == ("car", "car")
    assert found.confidence == pytest.approx([1, 1], abs=0.01)
    assert found.whole.all()


@pytest.mark.parametrize("wh", [(256, 96), (100, 192), (512, 384), (64, 48), (1242, 375)])
def test_letterbox_is_undone_whatever_the_shape(tmp_path: Path, wh: tuple[int, int]) -> None:
    """A white cell of the input, wherever the frame lies in it, is found where it was drawn; grey is no vehicle."""
    detector = open_detector(blob_model(tmp_path / "m.onnx"))
    box = Letterbox(frame_wh=wh, input_wh=(128, 96))
    left, top = box.corner
    column, row = -(-left // 8) + 2, -(-top // 8) + 2
    drawn = box.back(np.array([[column, row, column + 1, row + 1]], dtype=np.float64) * 8)[0]
    x1, y1, x2, y2 = np.round(drawn).astype(int).tolist()
    found = detector.detect(frame((x1, y1, x2, y2), wh=wh))
    assert found.confidence.max() > 0.8
    assert found.xyxy[0] == pytest.approx(drawn, abs=1.5)
    assert detector.scale(wh) == pytest.approx(min(128 / wh[0], 96 / wh[1]))
    assert (found.xyxy >= 0).all()
    assert (found.xyxy[:, 2:] <= wh).all()


def test_shrinking_keeps_what_linear_resampling_steps_over(tmp_path: Path) -> None:
    """One pixel in eight is bright, at a place that a linear look from the middle of eight does not touch."""
    image = np.zeros((768, 1024, 3), dtype=np.uint8)
    image[:, ::8] = 255
    found = open_detector(blob_model(tmp_path / "m.onnx")).detect(image)
    assert len(found) > 100
    assert found.confidence == pytest.approx(1 / 8, abs=0.02)


def test_openvino_folder_of_ultralytics_is_read(tmp_path: Path) -> None:
    detector = open_detector(openvino_folder(tmp_path), precision=Precision.F32, threads=1)
    assert detector.input_wh == (128, 96)
    assert detector.detect(frame((64, 32, 80, 48))).xyxy.tolist() == [[64, 32, 80, 48]]


def test_nothing_white_is_nothing(tmp_path: Path) -> None:
    found = open_detector(blob_model(tmp_path / "m.onnx")).detect(frame(wh=(256, 192)))
    assert len(found) == 0
    assert found.xyxy.shape == (0, 4)


def test_threshold_is_that_of_small_cars(tmp_path: Path) -> None:
    """0.10, and what is less is noise."""
    image = frame((64, 32, 80, 48))
    for share, seen in ((0.12, 1), (0.08, 0)):
        dim = (image * share).astype(np.uint8)
        assert len(open_detector(blob_model(tmp_path / "m.onnx")).detect(dim)) == seen


def dense(*columns: tuple[float, ...]) -> np.ndarray:
    """The output of a head with classes person, car, truck."""
    return np.array(columns, dtype=np.float32).T[None]


def test_classes_that_overlap_are_one_vehicle() -> None:
    found = Head(NAMES, 0.1).read(
        dense((50, 50, 20, 10, 0, 0.4, 0.3), (51, 50, 20, 10, 0, 0.2, 0.6), (90, 50, 20, 10, 0.9, 0, 0))
    )
    assert found.labels == ("truck",)
    assert found.confidence == pytest.approx([0.6])
    assert found.xyxy == pytest.approx(np.array([[41, 45, 61, 55]]))


def test_vehicle_that_is_rather_a_person_is_still_seen() -> None:
    """Who rides a motorcycle is both; the better class must not hide the other."""
    assert len(Head(NAMES, 0.1).read(dense((50, 50, 20, 10, 0.9, 0.3, 0)))) == 1


def test_neighbours_that_overlap_a_little_stay_two() -> None:
    assert len(Head(NAMES, 0.1).read(dense((50, 50, 20, 10, 0, 0.4, 0), (58, 50, 20, 10, 0, 0.5, 0)))) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_output_that_is_not_finite_is_an_error_and_no_empty_road(bad: float) -> None:
    with pytest.raises(VisionError, match=r"not finite; expected boxes and scores\. Run it with precision f32"):
        Head(NAMES, 0.1).read(dense((50, 50, 20, 10, 0, bad, 0), (90, 50, 20, 10, 0, 0.5, 0)))


def test_model_without_vehicles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VisionError, match="knows cat, dog; expected one or more of car, motorcycle, bus, truck, train"):
        Head({0: "cat", 1: "dog"}, 0.1)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_head_of_another_shape_is_refused(tmp_path: Path, runtime: Runtime) -> None:
    """A model that outlines has 32 rows more: read as a detector's, it would give boxes all the same."""
    with pytest.raises(VisionError, match=r"shape \(1, 39, 192\); expected \(1, 7, n\)"):
        open_detector(blob_model(tmp_path / "m.onnx", rows_more=32), runtime=runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_file_that_is_no_model_is_refused(tmp_path: Path, runtime: Runtime) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(VisionError, match=r"m\.onnx: no network that can be read .* expected an export of a YOLO"):
        open_detector(path, runtime=runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_model_that_does_not_say_its_classes_is_refused(tmp_path: Path, runtime: Runtime) -> None:
    with pytest.raises(VisionError, match="does not say which classes it knows"):
        open_detector(blob_model(tmp_path / "m.onnx", describe=False), runtime=runtime)


def test_model_for_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VisionError, match="a model for 'segment'; expected one for 'detect'"):
        open_detector(blob_model(tmp_path / "m.onnx", task="segment"))


def test_missing_and_contradictory_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VisionError, match=r"none\.onnx: no such model"):
        open_detector(tmp_path / "none.onnx")
    with pytest.raises(VisionError, match=r"none\.pt: no such model"):
        open_detector(tmp_path / "none.pt")
    folder = openvino_folder(tmp_path, names="car")
    with pytest.raises(VisionError, match="does not say which classes it knows"):
        open_detector(folder)
    (folder / "metadata.yaml").unlink()
    with pytest.raises(VisionError, match=r"metadata\.yaml: cannot be read"):
        open_detector(folder)
    (folder / "blobs.bin").unlink()
    with pytest.raises(VisionError, match=r"its weights, blobs\.bin, are not beside it"):
        open_detector(folder)
    with pytest.raises(VisionError, match=r"ONNX Runtime reads \.onnx only"):
        (folder / "blobs.bin").write_bytes(b"")
        open_detector(folder, runtime=Runtime.ONNXRUNTIME)


def test_another_size_than_the_exported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VisionError, match=r"its input is 128x96; 640x384 was asked for\. Export it at that size"):
        open_detector(blob_model(tmp_path / "m.onnx"), input_wh=(640, 384))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (None, "a frame of NoneType"),
        (np.zeros((96, 128), np.uint8), r"a frame of uint8 \(96, 128\)"),
        (np.zeros((96, 128, 3), np.float32), r"a frame of float32 \(96, 128, 3\)"),
        (np.zeros((0, 128, 3), np.uint8), "a frame of 128x0"),
    ],
)
def test_what_is_no_frame_is_an_error(tmp_path: Path, image: Image, said: str) -> None:
    with pytest.raises(VisionError, match=said):
        open_detector(blob_model(tmp_path / "m.onnx")).detect(image)


def test_one_vehicle_hides_no_other_label() -> None:
    some = Detections(
        xyxy=np.array([[0.0, 0, 9, 9], [5, 5, 20, 20]]),
        confidence=np.array([0.3, 0.9]),
        labels=("bus", "car"),
        whole=np.array([True, False]),
    )
    assert some.take(np.array([False, True])).labels == ("car",)
    assert some.take(np.array([1, 0])).labels == ("car", "bus")
    assert some.shifted(10, 1).xyxy.tolist() == [[10, 1, 19, 10], [15, 6, 30, 21]]
    assert len(NOTHING) == 0
