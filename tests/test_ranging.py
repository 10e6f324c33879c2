"""How far, how fast and how sure: vehicles that drive as they are told, and what no camera can know."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.drawn_boxes import Driven
from vehicle_vision.boxes import CUBOIDS, DETECTED
from vehicle_vision.camera import Camera
from vehicle_vision.errors import VisionError
from vehicle_vision.ranging import RangeEstimate, Ranger, Seen
from vehicle_vision.sizes import Kind

VAN = Camera.from_field_of_view((1920, 1080), 60, height_m=2.2, pitch_sigma_deg=0.3)
FRAME_S = 0.05
KMH = 1 / 3.6


def follow(vehicle: Driven, seconds: float, *, camera: Camera = VAN, seed: int | None = None) -> RangeEstimate:
    """The estimate after that time, of a van that looks through `VAN` but whose camera stands as `camera` does."""
    ranger = Ranger(VAN, boxes=CUBOIDS)
    rng = None if seed is None else np.random.default_rng(seed)
    found: RangeEstimate | None = None
    for frame in range(round(seconds / FRAME_S) + 1):
        at_s = frame * FRAME_S
        found = ranger.look(at_s, [vehicle.seen(camera, at_s, rng)]).get(vehicle.track_id)
    assert found is not None
    return found


@pytest.mark.parametrize("range_m", [20.0, 50.0, 100.0])
def test_a_standing_car_is_where_it_stands_and_not_known_better_than_its_size(range_m: float) -> None:
    found = follow(Driven(range_m=range_m), 3.0)
    assert found.range_m == pytest.approx(range_m, rel=0.04)
    assert found.range_low_m < range_m < found.range_high_m
    assert 0.01 < found.range_sigma < 0.12
    assert found.closing_mps == pytest.approx(0, abs=0.5)
    assert found.ttc_s is None


@pytest.mark.parametrize("kmh", [50, 90, 130])
def test_a_car_that_comes_is_timed(kmh: int) -> None:
    car = Driven(range_m=130.0, speed_mps=kmh * KMH)
    seconds = 0.6 * car.range_m / car.speed_mps
    found = follow(car, seconds, seed=3)
    assert found.range_m == pytest.approx(car.range_at(seconds), rel=0.15)
    assert found.closing_mps == pytest.approx(car.speed_mps, rel=0.2)
    assert found.ttc_s == pytest.approx(car.range_at(seconds) / car.speed_mps, rel=0.2)
    assert found.ttc_low_s is not None and found.ttc_s is not None and found.ttc_low_s <= found.ttc_s


def test_a_car_that_leaves_never_arrives() -> None:
    found = follow(Driven(range_m=30.0, speed_mps=-15), 2.0, seed=4)
    assert found.closing_mps is not None and found.closing_mps < -10
    assert found.ttc_s is None


def test_time_to_collision_needs_no_calibration() -> None:
    """The camera stands lower and looks elsewhere than its file says: the range is wrong, the time is not."""
    van = Driven(range_m=120.0, speed_mps=25, height_m=2.4, width_m=2.0)
    found = follow(van, 3.0, camera=replace(VAN, pitch_deg=0.5), seed=5)
    assert found.ttc_s == pytest.approx(van.range_at(3.0) / 25, rel=0.15)


def test_the_first_frame_tells_of_no_speed() -> None:
    found = follow(Driven(range_m=80.0, speed_mps=30), 0.0)
    assert found.closing_mps is None and found.ttc_s is None
    assert found.closing_sigma_mps > 4


def test_what_a_lorry_is_called_does_not_bring_it_near() -> None:
    """Called nothing at all it is put right by the road it stands on: at least half way, and never too far."""
    lorry = Driven(range_m=35.0, height_m=3.3, width_m=2.5, length_m=8.5, label="truck")
    called_right = follow(lorry, 3.0)
    called_nothing = follow(replace(lorry, label="vehicle"), 3.0)
    assert called_right.range_m == pytest.approx(35, rel=0.1) and called_right.kind is Kind.TRUCK
    as_a_car_m = 35 * 1.53 / 3.3
    assert (as_a_car_m + 35) / 2 < called_nothing.range_m < 35 * 1.1


HEIGHTS_M = [1.40, 1.46, 1.50, 1.55, 1.60, 1.66]


def test_all_vehicles_together_find_the_horizon() -> None:
    """The camera looks half a degree lower than its file says; twenty metres of error for one car alone at 100 m."""
    knocked, ranger = replace(VAN, pitch_deg=0.5), Ranger(replace(VAN, pitch_sigma_deg=1.0), boxes=CUBOIDS)
    for frame in range(2000):
        begin, at_s = divmod(frame, 100)
        cars = [
            Driven(range_m=60.0 + 9 * n, lateral_m=2.0, height_m=height_m, speed_mps=10, track_id=10 * begin + n)
            for n, height_m in enumerate(HEIGHTS_M)
        ]
        ranger.look(frame * FRAME_S, [car.seen(knocked, at_s * FRAME_S) for car in cars])
    assert math.degrees(ranger.horizon.settled_rad) == pytest.approx(0.5, abs=0.1)
    assert 0.03 < math.degrees(ranger.horizon.settled_sigma_rad) < 0.15


def test_what_stands_for_hours_does_not_tell_where_the_horizon_is() -> None:
    """Windows of a house, which a network takes for cars, or cars on a bank: each frame says the same wrong thing."""
    ranger = Ranger(replace(VAN, pitch_sigma_deg=1.0), boxes=CUBOIDS)
    cars = [Driven(range_m=20.0 + 5 * n, lateral_m=-6.0, height_m=2.6, track_id=n) for n in range(4)]
    rng = np.random.default_rng(1)
    for frame in range(1000):
        ranger.look(frame * FRAME_S, [car.seen(VAN, 0.0, rng) for car in cars])
    assert math.degrees(ranger.horizon.settled_sigma_rad) > 0.5


def test_without_a_height_there_is_no_ground_and_still_a_range() -> None:
    car = Driven(range_m=60.0)
    found = Ranger(replace(VAN, height_m=None), boxes=CUBOIDS).look(0.0, [car.seen(VAN, 0.0)])
    assert found[1].range_m == pytest.approx(60, rel=0.1)


def test_a_box_cut_by_the_frame_is_not_measured() -> None:
    """It stands so near that the frame ends above its tyres: half a car is not a car twice as far away."""
    ranger = Ranger(VAN, boxes=CUBOIDS)
    car = Driven(range_m=12.0, speed_mps=4.0)
    found: RangeEstimate | None = None
    for frame in range(50):
        seen = car.seen(VAN, frame * FRAME_S)
        x1, y1, x2, y2 = seen.xyxy
        found = ranger.look(frame * FRAME_S, [replace(seen, xyxy=(x1, y1, x2, min(y2, 1080.0)))])[1]
    assert found is not None
    assert found.range_m == pytest.approx(car.range_at(49 * FRAME_S), rel=0.35)


def test_a_car_behind_a_car_is_not_measured_by_what_is_left_of_it() -> None:
    near, far = Driven(range_m=25.0, track_id=1), Driven(range_m=60.0, track_id=2)
    ranger = Ranger(VAN, boxes=DETECTED)
    front, back = near.seen(VAN, 0.0), far.seen(VAN, 0.0)
    for frame in range(10):
        before = ranger.look(frame * FRAME_S, [back])[2].range_m
    x1, y1, x2, y2 = back.xyxy
    half_hidden = replace(back, xyxy=(x1, y1, x2, (y1 + y2) / 2))
    for frame in range(10, 20):
        after = ranger.look(frame * FRAME_S, [front, half_hidden])[2].range_m
    assert after == pytest.approx(before, rel=0.05)


@pytest.mark.parametrize(
    "xyxy", [(math.nan, 0, 10, 10), (5, 5, 5, 20), (20, 20, 10, 10), (0, 0, math.inf, 10), (1, 1, 1.5, 9)]
)
def test_what_is_no_box_is_left_out_and_the_others_are_not(xyxy: tuple[float, float, float, float]) -> None:
    good = Driven(range_m=60.0, track_id=7).seen(VAN, 0.0)
    found = Ranger(VAN).look(0.0, [Seen(track_id=1, label="car", xyxy=xyxy), good])
    assert set(found) == {7}


def test_time_that_goes_back_is_refused() -> None:
    ranger = Ranger(VAN)
    ranger.look(5.0, [])
    with pytest.raises(VisionError, match=r"4\.9 s after one of 5\.0 s"):
        ranger.look(4.9, [])
    with pytest.raises(VisionError):
        ranger.look(math.nan, [])


def test_a_vehicle_that_was_lost_for_long_is_looked_for_anew() -> None:
    """Nothing overflows, and its old speed is not believed any more."""
    ranger = Ranger(VAN, boxes=CUBOIDS)
    car = Driven(range_m=90.0, speed_mps=20)
    for frame in range(20):
        ranger.look(frame * FRAME_S, [car.seen(VAN, frame * FRAME_S)])
    found = ranger.look(25.0, [Driven(range_m=60.0).seen(VAN, 0.0)])[1]
    assert found.range_m == pytest.approx(60, rel=0.1)
    assert found.closing_mps is None


def test_a_hundred_frames_without_anything_and_any_label_are_borne() -> None:
    ranger = Ranger(VAN)
    for frame in range(100):
        assert ranger.look(frame * FRAME_S, []) == {}
    seen = replace(Driven(range_m=50.0).seen(VAN, 0.0), label="Raumschiff")
    assert ranger.look(5.0, [seen])[1].range_m == pytest.approx(50, rel=0.2)


def test_part_of_a_car_that_a_crop_cut_is_not_measured() -> None:
    """The strip shows its upper half: as a whole car it would stand far away, and stop coming."""
    car = Driven(range_m=40.0, speed_mps=15.0)
    ranges: dict[bool, list[float]] = {True: [], False: []}
    for whole, found in ranges.items():
        ranger = Ranger(VAN, boxes=CUBOIDS)
        for frame in range(31):
            seen = car.seen(VAN, frame * FRAME_S)
            x1, y1, x2, y2 = seen.xyxy
            if frame > 20:
                seen = replace(seen, xyxy=(x1, y1, x2, (y1 + y2) / 2), whole=whole)
            found.append(ranger.look(frame * FRAME_S, [seen])[car.track_id].range_m)
    assert ranges[False][-1] == pytest.approx(car.range_at(1.5), rel=0.1)
    assert ranges[True][-1] > 1.2 * car.range_at(1.5)
