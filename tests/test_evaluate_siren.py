"""`gyrophare evaluate approach` and `hazards`: what they draw, what they count, and the figures asked of the siren."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from gyrophare.cli import app
from gyrophare.evaluation.vision.approach import Siren, Task, run, score, tasks
from gyrophare.evaluation.vision.encounters import CAR, LORRY, as_detected, believed_camera, encounter
from tests.drawn_boxes import Driven
from tests.test_evaluate_ranging import RECORDED, label, recorded, write
from vehicle_vision.hazard import Mode, Policy


def evaluate(*arguments: object) -> Any:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def task(speed_kmh: float, *, runs: int, passing: bool = False, mode: Mode = Mode.AXIS) -> Task:
    return Task(
        seed=(3,),
        speeds_kmh=(speed_kmh,) * runs,
        passing=passing,
        camera_sigma_deg=0.1,
        passed=0,
        policy=Policy(mode=mode),
    )


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("speed_kmh", [50.0, 110.0])
def test_the_siren_sounds_in_time(speed_kmh: float, mode: Mode) -> None:
    sirens = run(task(speed_kmh, runs=8, mode=mode))
    for one in sirens:
        assert one.range_m is not None
        assert one.lead_s is not None
        assert one.range_m > 88
        assert one.lead_s == pytest.approx(one.range_m / speed_kmh * 3.6)


@pytest.mark.parametrize("mode", Mode)
def test_traffic_in_the_next_lane_is_silent(mode: Mode) -> None:
    assert run(task(110.0, runs=8, passing=True, mode=mode)) == [Siren(range_m=None, lead_s=None)] * 8


def test_figures_of_known_runs() -> None:
    todo = tasks(2, 0, 0.1, 0, Policy())
    done = [[Siren(range_m=110.0, lead_s=4.0), Siren(range_m=None, lead_s=None)] for _ in todo]
    scored = score(todo, done).as_json()
    assert [one["speed_kmh"] for one in scored["runs"]] == [50, 70, 80, 90, 110, 130]
    assert scored["passing"] == {"runs": 2, "sirens": 1}
    one = scored["runs"][0]
    assert (one["missed"], one["siren_m_p50"], one["lead_s_p50"]) == (1, 55.0, 2.0)
    assert one["siren_m_p5"] < 6, "a vehicle that was missed is no better than a siren when it is here"


def test_detections_are_those_of_the_table() -> None:
    """A car of 13 px is seen in 0.82 of the frames, in 0.64 with a confidence of a quarter; edges err as said."""
    boxes = np.tile((500.0, 500.0, 516.0, 513.0), (20_000, 1))
    xyxy, confidence = as_detected(np.random.default_rng(1), boxes, (1920, 1080))
    assert np.mean(confidence >= 0.10) == pytest.approx(0.82, abs=0.01)
    assert np.mean(confidence >= 0.25) == pytest.approx(0.64, abs=0.01)
    assert np.std(xyxy[:, 3]) == pytest.approx(0.8 + 0.015 * 13, rel=0.03)


def test_an_encounter_is_drawn_again_by_its_seed_and_stands_where_it_is_told() -> None:
    one, again, other = (
        encounter(np.random.default_rng(seed), CAR, 25.0, 3.0, believed_camera(0.1)) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.xyxy, again.xyxy)
    assert not np.array_equal(one.xyxy[:50], other.xyxy[:50])
    assert np.diff(one.range_m) == pytest.approx(-25 / 20)
    lorry = encounter(np.random.default_rng(1), LORRY, 25.0, 0.0, believed_camera(0.1))
    at_100_m = int(np.argmin(np.abs(lorry.range_m - 100)))
    assert lorry.xyxy[at_100_m, 2] - lorry.xyxy[at_100_m, 0] == pytest.approx(2.5 * 1663 / 100, abs=6)


def test_the_command_draws_and_counts(tmp_path: Path) -> None:
    picture = tmp_path / "sirens.png"
    found = evaluate("approach", "--runs", 1, "--processes", 1, "--json", "--plot", picture)
    assert len(found["runs"]) == 6
    assert set(found["runs"][0]) >= {"speed_kmh", "siren_m_p5", "siren_m_p50", "lead_s_p5", "lead_s_p50", "missed"}
    assert found["passing"] == {"runs": 1, "sirens": 0}
    assert cv2.imread(str(picture)) is not None
    again = evaluate("approach", "--runs", 1, "--processes", 2, "--json")
    assert again == found


def drive(car: Driven, frames: int) -> list[str]:
    return [label(car, frame) for frame in range(frames)]


@pytest.mark.parametrize(
    ("car", "frames", "expected"),
    [
        pytest.param(
            Driven(range_m=70.0, speed_mps=15.0), 44, {"threats": 1, "real": 1, "missed": 0, "false": 0}, id="threat"
        ),
        pytest.param(Driven(range_m=70.0, speed_mps=15.0, lateral_m=4.0), 40, {"threats": 0, "sirens": 0}, id="passes"),
        pytest.param(Driven(range_m=30.0), 40, {"threats": 0, "sirens": 0}, id="stands"),
        pytest.param(Driven(range_m=30.0, speed_mps=-8.0), 40, {"threats": 0, "sirens": 0}, id="recedes"),
        pytest.param(
            Driven(range_m=80.0, speed_mps=6.0), 50, {"threats": 0, "sirens": 1, "in_axis": 1, "real": 0}, id="comes"
        ),
    ],
)
def test_sirens_are_counted_by_the_truth(tmp_path: Path, car: Driven, frames: int, expected: dict[str, int]) -> None:
    found = evaluate("hazards", write(tmp_path, drive(car, frames)), "--json", "--plot", tmp_path / "drawn.png")[
        "totals"
    ]
    assert {name: found[name] for name in expected} == expected
    if expected["threats"]:
        assert 3.0 < found["lead_s_p50"] < 5.0


def test_what_is_hidden_is_missed(tmp_path: Path) -> None:
    car = Driven(range_m=70.0, speed_mps=15.0)
    lines = [label(car, frame, occlusion=2) for frame in range(44)]
    found = evaluate("hazards", write(tmp_path, lines), "--json")["totals"]
    assert (found["threats"], found["missed"], found["sirens"]) == (1, 1, 0)


@recorded
def test_recorded_traffic_sounds_no_siren_without_a_reason() -> None:
    found = evaluate("hazards", RECORDED, "--json")
    assert len(found["recordings"]) >= 13
    assert found["totals"]["vehicles"] > 300
    assert found["totals"]["false"] <= 2
    assert found["totals"]["real"] >= 5
