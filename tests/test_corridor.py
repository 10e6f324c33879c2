"""The corridor: how far beside the axis a body is, where its path ends, and what traffic usually does."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from vehicle_vision.camera import Camera
from vehicle_vision.corridor import Body, Corridor, Place, RoadAxis, State, UsualPath, look, place
from vehicle_vision.corridor.body import overlap
from vehicle_vision.corridor.usual import learn
from vehicle_vision.ranging import RangeEstimate
from vehicle_vision.sizes import Kind

CAMERA = Camera.from_field_of_view((1920, 1080), 60, height_m=2.2)
LANE = Corridor()


def estimate(range_m: float, *, kind: Kind = Kind.CAR, sigma: float = 0.1) -> RangeEstimate:
    return RangeEstimate(
        range_m=range_m,
        range_sigma=sigma,
        range_low_m=range_m * 0.85,
        range_high_m=range_m * 1.15,
        closing_mps=20.0,
        closing_sigma_mps=1.0,
        ttc_s=range_m / 20,
        ttc_low_s=range_m / 22,
        kind=kind,
        seen_s=1.0,
    )


def xyxy(
    range_m: float, lateral_m: float, *, camera: Camera = CAMERA, hwl_m: tuple[float, float, float] = (1.5, 1.75, 3.9)
) -> tuple[float, float, float, float]:
    """The box around a vehicle's corners, cut by the frame."""
    height_m, width_m, length_m = hwl_m
    corners = [
        (lateral_m + side * width_m / 2, up, range_m + along)
        for side in (-1, 1)
        for up in (0.0, height_m)
        for along in (0.0, length_m)
    ]
    seen = camera.project(np.array(corners))
    (x1, y1), (x2, y2) = seen.min(axis=0).tolist(), seen.max(axis=0).tolist()
    width, height = camera.frame_wh
    return max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))


def drive(
    *way_m: tuple[float, float],
    lane: Corridor = LANE,
    state: State | None = None,
    track_id: int = 1,
    begin_s: float = 0.0,
    range_error: float = 1.0,
    hwl_m: tuple[float, float, float] = (1.5, 1.75, 3.9),
    kind: Kind = Kind.CAR,
    camera: Camera = CAMERA,
) -> tuple[State, list[Place]]:
    """One vehicle at these ranges and laterals, 20 frames a second; then it is gone."""
    state, places = state or State(), []
    for number, (range_m, lateral_m) in enumerate(way_m):
        box = xyxy(range_m, lateral_m, hwl_m=hwl_m, camera=camera)
        body = place(box, estimate(range_m * range_error, kind=kind), CAMERA)
        state, found = look(state, begin_s + number / 20, {track_id: body}, {track_id}, lane)
        places.append(found[track_id])
    state, _ = look(state, begin_s + len(way_m) / 20, {}, set(), lane)
    return state, places


def straight(lateral_m: float, far_m: float = 120.0, near_m: float = 20.0) -> list[tuple[float, float]]:
    return [(range_m, lateral_m) for range_m in np.arange(far_m, near_m, -1.0).tolist()]


@pytest.mark.parametrize("lateral_m", [-5.0, -3.0, 0.0, 0.5, 3.0])
@pytest.mark.parametrize("range_m", [12.0, 40.0, 100.0])
def test_a_body_lies_where_its_nearest_face_is(range_m: float, lateral_m: float) -> None:
    """Not where its box ends: beside us that is the corner of its far end."""
    body = place(xyxy(range_m, lateral_m), estimate(range_m), CAMERA)
    assert body.left_m == pytest.approx(lateral_m - 0.875, abs=0.12)
    assert body.right_m == pytest.approx(lateral_m + 0.875, abs=0.12)


@pytest.mark.parametrize(
    ("centre_m", "half_m", "sigma_m", "expected"),
    [
        (0.0, 0.9, 0.2, 1.0),
        (2.4, 0.9, 0.2, 0.5),  # its side on the corridor's
        (-2.4, 0.9, 0.2, 0.5),
        (2.2, 0.9, 0.2, 0.841),
        (3.0, 0.9, 0.2, 0.001),
        (3.0, 0.9, 0.6, 0.159),
        (0.0, 0.9, 24.0, 0.080),  # nobody knows where it is
    ],
)
def test_the_body_overlaps_not_its_centre(centre_m: float, half_m: float, sigma_m: float, expected: float) -> None:
    assert overlap(centre_m, half_m, sigma_m, LANE.half_m) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    ("lateral_m", "hwl_m", "kind", "reaches"),
    [
        pytest.param(0.0, (1.5, 1.75, 3.9), Kind.CAR, True, id="car ahead"),
        pytest.param(1.7, (1.5, 1.75, 3.9), Kind.CAR, True, id="car that would touch the van's side"),
        pytest.param(3.0, (1.5, 1.75, 3.9), Kind.CAR, False, id="car in the next lane"),
        pytest.param(3.0, (3.4, 2.5, 8.5), Kind.TRUCK, False, id="lorry in the next lane"),
        pytest.param(-3.0, (3.4, 2.5, 8.5), Kind.TRUCK, False, id="lorry on the other side"),
        pytest.param(2.0, (3.4, 2.5, 8.5), Kind.TRUCK, True, id="lorry half in ours"),
    ],
)
def test_who_is_in_the_axis(lateral_m: float, hwl_m: tuple[float, float, float], kind: Kind, reaches: bool) -> None:
    _, places = drive(*straight(lateral_m), hwl_m=hwl_m, kind=kind)
    for one in places[20:]:
        assert (one.in_axis > 0.9) == reaches
        assert one.at_van_m == pytest.approx(lateral_m, abs=0.3)
    assert (places[-1].enters > 0.9) == reaches


def test_a_van_that_is_called_a_car_in_the_next_lane_is_not_in_ours() -> None:
    """Its height reads 27 % too near, which would put it 2.2 m beside us; its width says 2.7 m."""
    _, places = drive(*straight(3.0), hwl_m=(2.1, 1.95, 4.7), range_error=0.73)
    assert max(one.in_axis for one in places[20:]) < 0.6
    assert min(one.lateral_m for one in places[20:]) > 2.5


def test_half_a_vehicle_is_not_moved_away_by_more_than_a_van() -> None:
    left, top, right, bottom = xyxy(60.0, 1.0)
    body = place(((left + right) / 2 + 8, top, right, bottom), estimate(60.0), CAMERA)
    _, found = look(State(), 0.0, {1: body}, {1}, LANE)
    assert found[1].lateral_m < 1.36 * body.centre_m


def test_a_turned_camera_turns_the_place_but_not_where_the_path_ends() -> None:
    turned = replace(CAMERA, yaw_deg=1.0)
    _, places = drive(*straight(0.0), camera=turned)
    assert places[60].lateral_m == pytest.approx(-math.tan(math.radians(1)) * 60, abs=0.1)
    assert places[60].at_van_m == pytest.approx(0.0, abs=0.2)


def test_a_path_that_bends_into_the_van_is_seen_before_it_is_in_the_axis() -> None:
    _, places = drive(*((range_m, 0.08 * range_m) for range_m in np.arange(120.0, 40.0, -1.0).tolist()))
    assert places[-1].in_axis < 0.1
    assert places[-1].enters > 0.9


def test_a_path_that_crosses_the_axis_and_leaves_it_ends_elsewhere() -> None:
    _, places = drive(*((range_m, 0.1 * (range_m - 60.0)) for range_m in np.arange(120.0, 60.0, -1.0).tolist()))
    assert places[-1].in_axis > 0.9
    assert places[-1].enters < 0.1
    assert places[-1].at_van_m == pytest.approx(-6.0, abs=0.5)


def test_what_leaves_the_picture_beside_us_does_not_come_nearer_by_being_cut() -> None:
    _, places = drive(*straight(3.0, far_m=60.0, near_m=2.0), hwl_m=(3.4, 2.5, 9.5), kind=Kind.TRUCK)
    assert max(one.in_axis for one in places) < 0.9


def curve(offset_m: float, radius_m: float) -> list[tuple[float, float]]:
    return [(z, offset_m + z**2 / 2 / radius_m) for z in np.arange(140.0, 15.0, -2.0).tolist()]


def test_traffic_shows_how_the_road_bends() -> None:
    """Before, a vehicle on our own line is beside us until it is near; after, it is in our axis from afar."""
    state = State()
    _, before = drive(*curve(0.0, 400.0))
    for number in range(12):
        passing = curve(3.0 + 0.1 * (number % 3), 400.0)
        state, _ = drive(*passing, state=state, track_id=number, begin_s=10.0 * number)
    assert state.axis is not None
    assert state.axis.bend == pytest.approx(1 / 400, rel=0.1)
    _, after = drive(*curve(0.0, 400.0), state=state, track_id=99, begin_s=130.0)
    assert (before[20].in_axis < 0.1, after[20].in_axis > 0.9) == (True, True), "at 100 m"
    _, passing_places = drive(*curve(3.2, 400.0), state=state, track_id=100, begin_s=140.0)
    assert max(one.in_axis for one in passing_places) < 0.6
    assert passing_places[20].normal
    assert not after[20].normal


def test_a_lane_change_is_no_bend_of_the_road() -> None:
    state = State()
    merging = [(z, 3.2 / (1 + math.exp((z - 60) / 5))) for z in np.arange(140.0, 15.0, -2.0).tolist()]
    for number in range(12):
        state, _ = drive(*merging, state=state, track_id=number, begin_s=10.0 * number)
    assert state.axis is None
    _, places = drive(*merging, state=state, track_id=99, begin_s=130.0)
    assert places[20].normal, "in our axis at 100 m, where all drive who then leave it"
    _, coming = drive(*straight(0.0, 140.0), state=state, track_id=100, begin_s=140.0)
    assert not coming[105].normal, "in our axis at 35 m, where nobody drives"


def far_curve(offset_m: float, radius_m: float) -> list[tuple[float, float]]:
    return [(z, offset_m + z**2 / 2 / radius_m) for z in np.arange(200.0, 5.0, -2.0).tolist()]


def merging(side_m: float, middle_m: float, scale_m: float) -> list[tuple[float, float]]:
    """Out of our lane, as drivers do who see from afar that it ends."""
    return [(z, side_m / (1 + math.exp((z - middle_m) / scale_m))) for z in np.arange(200.0, 5.0, -2.0).tolist()]


@pytest.mark.parametrize(
    ("middle_m", "scale_m"), [(110.0, 18.0), (120.0, 18.0), (120.0, 25.0), (130.0, 25.0), (60.0, 25.0), (150.0, 18.0)]
)
def test_where_all_leave_our_lane_the_road_goes_straight_on(middle_m: float, scale_m: float) -> None:
    state = State()
    rng = np.random.default_rng(1)
    for number in range(14):
        way = merging(rng.normal(3.4, 0.15), middle_m + rng.normal(0.0, 8.0), scale_m)
        state, _ = drive(*way, state=state, track_id=number, begin_s=10.0 * number)
    assert len(state.usual.fits) > 6
    assert state.axis is None
    _, beside = drive(*straight(1.2, 140.0), state=state, track_id=99, begin_s=150.0)
    assert beside[40].in_axis > 0.8, "at 100 m"
    _, passing = drive(*straight(-3.0, 140.0), state=state, track_id=100, begin_s=160.0)
    assert max(one.in_axis for one in passing) < 0.3


@pytest.mark.parametrize("radius_m", [-400.0, 700.0, -1000.0, 2000.0])
def test_a_bend_is_learnt_where_some_change_lanes_and_some_go_straight_on(radius_m: float) -> None:
    state = State()
    for number in range(12):
        way = merging(3.4, 120.0, 18.0) if number % 4 == 0 else far_curve(3.0 + 0.1 * (number % 3), radius_m)
        state, _ = drive(*way, state=state, track_id=number, begin_s=10.0 * number)
    assert state.axis is not None
    assert state.axis.bend == pytest.approx(1 / radius_m, rel=0.1)


def test_a_bend_that_few_drive_is_none_of_the_road() -> None:
    state = State()
    for number in range(20):
        way = far_curve(3.0, 700.0) if number % 3 == 0 else straight(3.0, 200.0, 5.0)
        state, _ = drive(*way, state=state, track_id=number, begin_s=10.0 * number)
    assert state.axis is None


def test_few_vehicles_teach_nothing_and_what_is_learnt_fades() -> None:
    trail = {n: (10.0 * n + 5, 3.0 + (10.0 * n + 5) ** 2 / 800) for n in range(2, 14)}
    usual = UsualPath()
    for number in range(5):
        usual = learn(usual, trail, float(number), LANE.axis)
    assert usual.axis() is None
    usual = learn(usual, trail, 5.0, LANE.axis)
    assert usual.axis() is not None
    usual = learn(usual, {}, 5.0 + 3600, LANE.axis)
    assert usual.axis() is None
    assert not usual.is_normal(55.0, trail[5][1])


def test_what_came_into_the_axis_was_lost_far_away_or_stands_teaches_nothing() -> None:
    state = State()
    for number, way in enumerate((straight(0.0), straight(3.0, 140.0, 60.0), [(30.0, 3.0)] * 20)):
        state, _ = drive(*way, state=state, track_id=number, begin_s=10.0 * number)
    assert not state.usual.passed.any()


def test_without_a_road_learnt_the_axis_is_where_the_camera_is_believed_to_look() -> None:
    assert Corridor(yaw=0.01, yaw_sigma=0.002).axis == RoadAxis(slope=0.01, slope_sigma=0.002)
    assert RoadAxis(slope=0.01, slope_sigma=0.002, bend=1 / 500).lateral_m(100.0) == pytest.approx(11.0)
    _, straight_on = drive(*straight(1.0, 100.0, 90.0))
    _, turned = drive(*straight(1.0, 100.0, 90.0), lane=Corridor(yaw=0.01))
    assert turned[-1].lateral_m == pytest.approx(straight_on[-1].lateral_m - 0.9, abs=0.1)


def test_a_body_knows_its_middle() -> None:
    body = Body(range_m=50.0, range_sigma=0.1, left_m=1.0, right_m=3.0, pixel_sigma_m=0.05, height_m=1.5, farther=1.0)
    assert (body.centre_m, body.half_m) == (2.0, 1.0)
