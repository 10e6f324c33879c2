"""`gyrophare evaluate detection` on pictures of white cells, whose figures are known, and on a real road."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from gyrophare.cli import app
from gyrophare.evaluation.recording import RecordingError
from tests.blobs import blob_model

RUN = CliRunner()
SHARED = Path(__file__).parents[2] / "shared/data"
P2 = "P2: 200 0 128 0 0 200 30.2 0 0 0 1 0\n"
SEEN, SMALL, MISSED, MAY = (64, 32, 80, 48), (160, 28, 168, 36), (208, 32, 224, 48), (64, 80, 80, 96)
FALSE, UNLABELLED = (128, 80, 144, 96), (192, 128, 208, 144)


def label(kind: str, box: tuple[int, ...], nearest_m: float, *, occluded: int = 0, truncated: float = 0.0) -> str:
    """A line of KITTI: 4 m long, end on."""
    x1, y1, x2, y2 = box
    return f"{kind} {truncated} {occluded} 0 {x1} {y1} {x2} {y2} 1.5 1.6 4 0 1.65 {nearest_m + 2} -1.5708"


def kitti(folder: Path, lines: list[str], white: list[tuple[int, ...]]) -> Path:
    for name in ("image_2", "label_2", "calib"):
        (folder / name).mkdir(parents=True)
    image = np.zeros((192, 256, 3), dtype=np.uint8)
    for x1, y1, x2, y2 in white:
        image[y1:y2, x1:x2] = 255
    cv2.imwrite(str(folder / "image_2/000000.png"), image)
    (folder / "label_2/000000.txt").write_text("\n".join(lines) + "\n")
    (folder / "calib/000000.txt").write_text("P0: 1 0 0 0 0 1 0 0 0 0 1 0\n" + P2)
    return folder


def evaluated(folder: Path, model: Path, *more: str) -> dict[str, Any]:
    args = ["evaluate", "detection", str(folder), "--model", str(model), "--json", *more]
    said = RUN.invoke(app, args, catch_exceptions=False)
    assert said.exit_code == 0, said.output
    found: dict[str, Any] = json.loads(said.stdout)
    return found


@pytest.fixture
def road(tmp_path: Path) -> Path:
    lines = [
        label("Car", SEEN, 18.0),
        label("Van", MISSED, 25.0, occluded=1),
        label("Truck", MAY, 9.0, occluded=2),
        label("Pedestrian", (10, 10, 20, 40), 9.0),
        "DontCare -1 -1 -10 190 120 230 160 -1 -1 -1 -1000 -1000 -1000 -10",
    ]
    return kitti(tmp_path / "kitti", lines, [SEEN, MAY, FALSE, UNLABELLED])


def test_figures_of_cells_are_those_that_were_drawn(road: Path, tmp_path: Path) -> None:
    found = evaluated(road, blob_model(tmp_path / "m.onnx"))
    assert (found["frames"], found["n"], found["recall"], found["precision"]) == (1, 2, 0.5, 0.5)
    (cells,) = [row for row in found["by_height_px"] if row["n"] or row["found"]]
    assert cells == {"from": 8, "to": 10, "n": 2, "recall": 0.5, "found": 2, "precision": 0.5}, "8 px at the input"
    assert [(row["from"], row["n"], row["recall"]) for row in found["by_range_m"] if row["n"]] == [
        (10, 1, 1),
        (20, 1, 0),
    ]
    assert found["missed"] == [{"picture": "000000", "kind": "Van", "height_px": 8.0, "range_m": 25.0}]
    assert (found["n_20_px"], found["recall_20_px"]) == (0, None)


def test_range_is_that_of_a_car_of_this_height_on_this_road(road: Path, tmp_path: Path) -> None:
    """16 pixels of 200 focal ones: 1.53 m at 18 m, boxes being 6 % low; and its tyres stand there."""
    found = evaluated(road, blob_model(tmp_path / "m.onnx"))["range"]
    assert found["n"] == 1
    assert found["abs_rel"] < 0.10
    assert found["bias_m_by_10m"].keys() == {"10-20"}
    assert found["rmse_m"] == pytest.approx(found["abs_rel"] * 18, abs=0.01)


def test_strip_is_looked_at_in_native_resolution(road: Path, tmp_path: Path) -> None:
    """The strip sees a cell of which the whole frame, scaled down, keeps a fourth."""
    folder = kitti(tmp_path / "small", [label("Car", SMALL, 36.0)], [SMALL])
    whole, strip = blob_model(tmp_path / "m.onnx"), blob_model(tmp_path / "s.onnx", wh=(256, 64))
    assert evaluated(folder, whole)["recall"] == 0
    seen = evaluated(folder, whole, "--strip", str(strip), "--strip-width", "256")
    assert seen["recall"] == 1
    assert seen["boxes"]["n"] == 1
    assert [row["from"] for row in seen["by_height_px"] if row["n"]] == [8]


def test_sheet_shows_what_was_seen_missed_and_invented(road: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    evaluated(road, blob_model(tmp_path / "m.onnx"), "--plot", str(sheet))
    drawn = cv2.imread(str(sheet))
    assert drawn is not None
    colours = {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}
    for name, (blue, green, red) in {"seen": (80, 200, 80), "missed": (40, 40, 230), "false": (0, 140, 255)}.items():
        close = [c for c in colours if abs(c[0] - blue) < 40 and abs(c[1] - green) < 40 and abs(c[2] - red) < 40]
        assert close, name


def test_table_says_it_in_a_sentence(road: Path, tmp_path: Path) -> None:
    args = ["evaluate", "detection", str(road), "--model", str(blob_model(tmp_path / "m.onnx"))]
    said = RUN.invoke(app, args, catch_exceptions=False).stdout
    assert "2 vehicles in 1 pictures: recall 0.50, precision 0.50" in said
    assert "Range of 1: AbsRel 0." in said


def test_missing_and_broken_files_are_errors(road: Path, tmp_path: Path) -> None:
    model = blob_model(tmp_path / "m.onnx")
    with pytest.raises(RecordingError, match="no picture there; expected KITTI's layout"):
        evaluated(tmp_path, model)
    file = road / "label_2/000000.txt"
    file.write_text("Car 0 0 1 2\n")
    with pytest.raises(RecordingError, match=r"000000\.txt, line 1: .* expected a kind and 14 numbers"):
        evaluated(road, model)
    file.unlink()
    with pytest.raises(RecordingError, match=r"label_2/000000\.txt: cannot be read"):
        evaluated(road, model)
    file.write_text("")
    (road / "calib/000000.txt").write_text("P3: 1 2\n")
    with pytest.raises(RecordingError, match="no line P2"):
        evaluated(road, model)
    (road / "calib/000000.txt").write_text(P2)
    with pytest.raises(RecordingError, match=r"cannot be written; expected a file that ends in \.png"):
        evaluated(road, model, "--plot", str(tmp_path / "none/sheet.png"))
    assert evaluated(road, model)["n"] == 0, "a road without labels has figures, unknown ones"


def test_real_road_by_a_quantised_network() -> None:
    """Without torch, on half the pixels; bounds, not the figures."""
    frames, model = SHARED / "clips/kitti_frames", SHARED / "weights/yolo11n_int8_openvino_model"
    if not frames.is_dir() or not model.is_dir():
        pytest.skip(f"{SHARED} is not there: pictures and weights are development data and no part of the repository")
    found = evaluated(frames, model)
    assert found["frames"] == 7
    assert found["n"] >= 8
    assert found["recall"] >= 0.75
    assert found["recall_20_px"] == 1
    assert found["range"]["abs_rel"] <= 0.17
