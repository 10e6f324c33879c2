"""`gyrophare evaluate ranging`: the layout it reads, what it counts, and the figures on real recordings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gyrophare.cli import app
from gyrophare.evaluation.recording import RecordingError
from gyrophare.evaluation.vision import kitti
from tests.drawn_boxes import Driven
from vehicle_vision.camera import Camera

RECORDED = Path(__file__).parents[1] / "../shared/data/kitti_tracking"
recorded = pytest.mark.skipif(not RECORDED.exists(), reason="the KITTI recordings are not beside this checkout")
CAMERA = Camera(frame_wh=(1242, 375), fx_px=721.5, fy_px=721.5, cx_px=609.6, cy_px=172.9, height_m=1.65)
P2 = "P2: 721.5 0 609.6 0 0 721.5 172.9 0 0 0 1 0\n"
KEYS = {
    "abs_rel", "rmse_m", "rmse_log", "delta_1_25", "bias_m_by_10m", "closing_speed_rmse_mps", "ttc_within_25_pct",
    "interval_coverage_pct", "n",
}  # fmt: skip


def label(car: Driven, frame: int, *, truncated: int = 0, occlusion: int = 0) -> str:
    """A line of KITTI's: turned by -90 degrees, its length lies along the optical axis."""
    at_s = frame / kitti.FRAMES_PER_S
    box = " ".join(f"{edge:.2f}" for edge in car.seen(CAMERA, at_s).xyxy)
    middle_m = car.range_at(at_s) + car.length_m / 2
    size = f"{car.height_m} {car.width_m} {car.length_m}"
    place = f"{car.lateral_m} 1.65 {middle_m:.4f}"
    return f"{frame} {car.track_id} {car.label} {truncated} {occlusion} -1.57 {box} {size} {place} -1.5707963"


def write(folder: Path, lines: list[str], calibration: str = P2) -> Path:
    for name, text in (("label_02", "\n".join(lines)), ("calib", calibration)):
        (folder / name).mkdir()
        (folder / name / "0000.txt").write_text(text)
    return folder


def evaluate(*arguments: object) -> dict[str, float]:
    result = CliRunner().invoke(app, ["evaluate", "ranging", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    figures: dict[str, float] = json.loads(result.stdout)
    return figures


def test_a_car_that_comes_is_ranged_and_counted(tmp_path: Path) -> None:
    car = Driven(range_m=70.0, speed_mps=15, lateral_m=2.0)
    figures = evaluate(write(tmp_path, [label(car, frame) for frame in range(40)]))
    assert set(figures) >= KEYS
    assert figures["n"] == 40
    assert figures["abs_rel"] < 0.06
    assert figures["closing_speed_rmse_mps"] < 3


def test_what_is_cut_hidden_too_near_or_no_vehicle_is_not_counted(tmp_path: Path) -> None:
    lines = [
        label(Driven(range_m=50.0), 0),
        label(Driven(range_m=50.0, track_id=2), 0, truncated=1),
        label(Driven(range_m=50.0, track_id=3), 0, occlusion=2),
        label(Driven(range_m=4.0, track_id=4), 0),
        label(Driven(range_m=50.0, track_id=5, label="Pedestrian"), 0),
        "0 -1 DontCare -1 -1 -10 0 0 1241 374 -1 -1 -1 -1000 -1000 -1000 -10",
    ]
    assert evaluate(write(tmp_path, lines))["n"] == 1


def test_noise_is_seeded_and_makes_it_worse(tmp_path: Path) -> None:
    lines = [
        label(Driven(range_m=20.0 + 10 * n, lateral_m=2 * n - 6, track_id=n), frame)
        for n in range(6)
        for frame in range(20)
    ]
    folder = write(tmp_path, lines)
    one, again, other = (evaluate(folder, "--noise", 2, "--seed", seed) for seed in (1, 1, 2))
    assert one == again != other
    assert one["rmse_log"] > evaluate(folder)["rmse_log"]


def test_a_van_is_a_car_when_only_the_detector_is_asked(tmp_path: Path) -> None:
    van = Driven(range_m=40.0, height_m=2.1, width_m=1.9, length_m=4.7, label="Van")
    folder = write(tmp_path, [label(van, 0)])
    assert evaluate(folder)["abs_rel"] < 0.05 < 0.1 < evaluate(folder, "--coco")["abs_rel"]


@pytest.mark.parametrize(
    ("lines", "calibration", "named"),
    [
        (["0 1 Car 0 0"], P2, r"0000\.txt, line 1: 5 fields; expected 17"),
        (["0 1 Car 0 0 0 a b c d 1 1 1 1 1 1 1"], P2, "line 1"),
        (["0 1 Car 0 0 0 nan 1 2 3 1 1 1 1 1 1 1"], P2, "line 1.*finite"),
        ([label(Driven(range_m=30.0), 0)], "P0: 1 2 3\n", "no line P2"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, lines: list[str], calibration: str, named: str) -> None:
    with pytest.raises(RecordingError, match=named):
        kitti.read(write(tmp_path, lines, calibration))


def test_a_folder_without_labels_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="Expected KITTI's tracking layout"):
        kitti.read(tmp_path)


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    folder = write(tmp_path, [label(Driven(range_m=30.0), 0)])
    evaluate(folder, "--plot", tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")


@recorded
def test_true_boxes_of_real_recordings_are_ranged_better_than_the_baseline() -> None:
    figures = evaluate(RECORDED)
    assert figures["n"] > 10_000
    assert figures["abs_rel"] <= 0.055
    assert 85 <= figures["interval_coverage_pct"] <= 95


@recorded
def test_a_detectors_words_and_noise_too() -> None:
    figures = evaluate(RECORDED, "--coco", "--noise", 1)
    assert figures["abs_rel"] <= 0.068
    assert figures["closing_speed_rmse_mps"] <= 2.2
    assert figures["ttc_within_25_pct"] >= 80
    assert figures["closing_speed_known_pct"] >= 85 and figures["ttc_known_pct"] >= 90
    assert 85 <= figures["interval_coverage_pct"] <= 95
