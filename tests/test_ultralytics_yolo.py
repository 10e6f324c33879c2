"""Weights by torch, and their exports: the same network, whoever runs it. Skipped where torch is not installed."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vehicle_vision.detectors import Runtime, open_detector
from vehicle_vision.detectors.likeness import compare
from vehicle_vision.detectors.weights import Form, export, fetch
from vehicle_vision.errors import VisionError

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("default"),  # torch warns of itself
]
SHARED = Path(__file__).parents[2] / "shared/data"
WH = (96, 64)


@pytest.fixture(scope="module")
def ultralytics() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        try:
            from vehicle_vision.detectors.ultralytics_yolo import ultralytics as load

            return load()
        except VisionError as error:
            pytest.skip(f"{error}")


@pytest.fixture(scope="module", params=["yolo11n", "yolo26n"])
def weights(ultralytics: Any, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained ones, of COCO's classes; the seed is fixed."""
    import torch

    torch.manual_seed(7)
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.pt"
    return untrained(ultralytics, f"{request.param}.yaml", path)


def untrained(ultralytics: Any, architecture: str, path: Path) -> Path:
    model = ultralytics.YOLO(architecture)
    model.model.names = {number: "car" if number == 2 else f"thing {number}" for number in range(80)}
    model.save(path)
    return path


def raw(detector: Any, blob: np.ndarray) -> np.ndarray:
    """The network's bare output, boxes and best score of each."""
    return np.asarray(detector._network.run(blob))


@pytest.mark.parametrize(("form", "runtime"), [(Form.ONNX, Runtime.ONNXRUNTIME), (Form.OPENVINO, Runtime.OPENVINO)])
def test_export_says_what_its_source_says(weights: Path, tmp_path: Path, form: Form, runtime: Runtime) -> None:
    from vehicle_vision.detectors import Precision

    made = export(weights, form, WH, tmp_path)
    assert made.name.startswith(f"{weights.stem}_96x64")
    source = open_detector(weights, input_wh=WH)
    detector = open_detector(made, runtime=runtime, precision=Precision.F32)
    assert detector.input_wh == WH
    blob = np.random.default_rng(1).random((1, 3, WH[1], WH[0]), dtype=np.float32)
    one, other = raw(source, blob), raw(detector, blob)
    assert one.shape == other.shape
    if one.shape[2] == 6:  # the best first, and equals in any order
        one, other = np.sort(one[0, :, 4]), np.sort(other[0, :, 4])
    assert other == pytest.approx(one, abs=2e-2)


def test_sizes_lie_beside_each_other_and_a_second_export_replaces_the_first(weights: Path, tmp_path: Path) -> None:
    for wh in (WH, (64, 64), WH):
        export(weights, Form.OPENVINO, wh, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_size_that_is_no_multiple_is_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(VisionError, match="an input of 100x64; expected multiples of 32 pixels"):
        export(weights, Form.ONNX, (100, 64), tmp_path)


class Evil:
    """A pickle that would run a program."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path("run-by-weights"),)  # type: ignore[return-value]


def test_weights_that_hold_a_program_are_refused_and_not_run(
    ultralytics: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    torch.save({"model": Evil()}, tmp_path / "evil.pt", pickle_module=pickle)
    with pytest.raises(VisionError, match=r"evil\.pt: ultralytics cannot load it"):
        open_detector(tmp_path / "evil.pt")
    assert not Path("run-by-weights").exists()


def test_what_is_no_weights_is_refused(ultralytics: Any, tmp_path: Path) -> None:
    for name in ("w.pt", "w.txt"):
        (tmp_path / name).write_bytes(b"no weights")
        with pytest.raises(VisionError, match=f"{name}: ultralytics cannot load it"):
            open_detector(tmp_path / name)


def test_model_for_outlines_is_refused(ultralytics: Any, tmp_path: Path) -> None:
    path = untrained(ultralytics, "yolo11n-seg.yaml", tmp_path / "seg.pt")
    with pytest.raises(VisionError, match="a model for 'segment'; expected one for 'detect'"):
        open_detector(path)


def test_fetching_without_the_internet_leaves_nothing_behind(
    ultralytics: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ultralytics.utils import downloads

    def torn(file: Path, **_: Any) -> str:
        Path(file).write_bytes(b"half")
        raise ConnectionError("Environment may be offline")

    monkeypatch.setattr(downloads, "attempt_download_asset", torn)
    with pytest.raises(VisionError, match=r"yolo11n\.pt cannot be fetched \(Environment may be offline\)"):
        fetch("yolo11n", tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(VisionError, match=r"publishes no yolo12345\.pt"):
        fetch("yolo12345", tmp_path)
    with pytest.raises(VisionError, match="expected the name of a model"):
        fetch("../yolo11n", tmp_path)


def test_ultralytics_stays_off_the_network(ultralytics: Any) -> None:
    assert not ultralytics.utils.ONLINE
    assert not ultralytics.utils.AUTOINSTALL


@pytest.mark.parametrize("name", ["yolo11n", "yolo26n"])
def test_export_of_real_weights_sees_the_real_road(ultralytics: Any, tmp_path: Path, name: str) -> None:
    weights, video = SHARED / f"weights/{name}_coco_dequant.pt", SHARED / "clips/carnd_solidWhiteRight.mp4"
    if not weights.is_file() or not video.is_file():
        pytest.skip(f"{SHARED} is not there: pictures and weights are development data and no part of the repository")
    from gyrophare.evaluation.vision.frames import frames

    made = export(weights, Form.OPENVINO, (640, 384), tmp_path)
    found = compare(open_detector(weights, input_wh=(640, 384)), open_detector(made), frames(video, 8))
    assert found.alike, found
