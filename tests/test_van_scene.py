"""The rendered road: what it says is true is what its pixels show."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from gyrophare.sim.van_scene.paint import Frame
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.scenarios import approach, empty, passing_traffic, receding, standing
from gyrophare.sim.van_scene.scene import Scene, Truth
from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.weather import Faults, Knock, Light, Weather
from vehicle_vision.camera import Camera, Points
from vehicle_vision.errors import CameraError, VisionError
from vehicle_vision.sizes import SIZES, Kind

CAMERA = Camera.from_field_of_view((640, 360), 35, height_m=2.2, pitch_deg=1.0)
CLEAN = Weather(noise_sigma=0)
DRAWN = (Kind.CAR, Kind.VAN, Kind.TRUCK, Kind.BUS, Kind.MOTORCYCLE)


def scene(vehicles: tuple[Vehicle, ...], weather: Weather = CLEAN, **more: object) -> Scene:
    road = more.pop("road", Road())
    assert isinstance(road, Road)
    camera = more.pop("camera", CAMERA)
    assert isinstance(camera, Camera)
    return Scene(camera, road, vehicles, weather, 3, **more)  # type: ignore[arg-type]


def only(truths: list[Truth]) -> Truth:
    (truth,) = truths
    return truth


def boxed(truth: Truth) -> tuple[float, float, float, float]:
    assert truth.xyxy is not None
    return truth.xyxy


def changed(before: Frame, after: Frame, by: int = 12) -> NDArray[np.bool_]:
    """Which pixels differ, shape (h, w)."""
    differs: NDArray[np.bool_] = np.abs(before.astype(int) - after.astype(int)).max(axis=2) > by
    return differs


def section(kind: Kind, range_m: float, lateral_m: float, deep: float, camera: Camera = CAMERA) -> Points:
    """Where the corners of its cuboid are seen, cut at that share of its length: lower left and right, upper both."""
    size = SIZES[kind]
    corners = [
        (lateral_m + side * size.width_m / 2, high * size.height_m, range_m + deep * size.length_m)
        for high in (0, 1)
        for side in (-1, 1)
    ]
    return camera.distort(camera.project(np.array(corners)))


def cuboid(kind: Kind, range_m: float, lateral_m: float, camera: Camera = CAMERA) -> Points:
    return np.vstack([section(kind, range_m, lateral_m, deep, camera) for deep in (0, 1)])


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize(("range_m", "lateral_m"), [(12.0, 0.0), (30.0, 3.5), (100.0, 0.0), (150.0, -3.5)])
def test_a_box_is_the_projection_of_the_body(kind: Kind, range_m: float, lateral_m: float) -> None:
    x1, y1, x2, y2 = boxed(only(scene(standing(range_m, lateral_m, kind)).frame(0)[1]))
    corners, axle = cuboid(kind, range_m, lateral_m), section(kind, range_m, lateral_m, 0.24)
    # A body may taper towards its top and its wheels stand back from the bumper, but no further than this:
    assert corners[:, 0].min() - 1 <= x1 <= axle[:, 0].min() + 1
    assert axle[:, 0].max() - 1 <= x2 <= corners[:, 0].max() + 1
    assert axle[:, 1].max() - 1 <= y2 <= corners[:, 1].max() + 1
    tops = np.vstack([section(kind, range_m, lateral_m, deep) for deep in (0, 1)])[2::4, 1]
    assert tops.min() - 1 <= y1 <= tops.max() + 1
    if range_m >= 100:
        assert y2 == pytest.approx(corners[:, 1].max(), abs=1)


def test_the_box_of_a_lorry_is_that_of_its_cuboid() -> None:
    """Its body is square, so that the side that is seen is exact too."""
    corners = cuboid(Kind.TRUCK, 40.0, 3.5)
    x1, y1, x2, _ = boxed(only(scene(standing(40.0, 3.5, Kind.TRUCK)).frame(0)[1]))
    assert x1 == pytest.approx(corners[:, 0].min(), abs=1.0)
    assert x2 == pytest.approx(corners[:, 0].max(), abs=1.0)
    assert y1 == pytest.approx(section(Kind.TRUCK, 40.0, 3.5, 0.24)[2, 1], abs=1.0)  # where its cargo begins


@pytest.mark.parametrize("kind", DRAWN)
def test_height_and_width_at_100_m(kind: Kind) -> None:
    """f H / z, however the camera is turned by a little."""
    camera = Camera.from_field_of_view((960, 540), 25, height_m=2.2, pitch_deg=2.0)
    _, truths = scene(standing(100.0, 0.0, kind), camera=camera).frame(0)
    x1, y1, x2, y2 = boxed(only(truths))
    size = SIZES[kind]
    assert y2 - y1 == pytest.approx(camera.fy_px * size.height_m / 100, abs=1.5)
    assert x2 - x1 == pytest.approx(camera.fx_px * size.width_m / 100, abs=1.0)


@pytest.mark.parametrize("kind", DRAWN)
def test_the_picture_changes_in_the_box_and_nowhere_else(kind: Kind) -> None:
    bare, _ = scene(empty()).frame(0)
    frame, truths = scene(standing(30.0, 1.0, kind)).frame(0)
    seen = changed(bare, frame)
    x1, y1, x2, y2 = boxed(only(truths))
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert rows[0] == pytest.approx(y1, abs=1.5)
    inside = seen[math.floor(y1) : math.ceil(y2), math.floor(x1) : math.ceil(x2)]
    assert inside.mean() > 0.45
    # Around it lies only its shadow.
    outside = seen.copy()
    outside[math.floor(y1) - 1 : math.ceil(y2) + 1, math.floor(x1) - 1 : math.ceil(x2) + 1] = False
    shadow_px = 0.3 * (x2 - x1)
    assert columns[0] >= x1 - shadow_px
    assert columns[-1] <= x2 + shadow_px
    assert not outside[: math.floor(y1)].any()
    assert not outside[math.ceil(y2) + 6 :].any()
    assert np.array_equal(bare[: int(y1) - 1], frame[: int(y1) - 1])


def test_the_same_arguments_make_the_same_frames() -> None:
    def make(seed: int = 3) -> Scene:
        weather = Weather(rain=0.5, light=Light.DUSK)
        return Scene(CAMERA, Road(), passing_traffic(800, 2), weather, seed, faults=Faults(vibration_px=1, dirt=0.1))

    one, other = make(), make()
    one.frame(9.0)  # whatever was asked before
    for at_s in (31.0, 30.0):
        (left, left_truths), (right, right_truths) = one.frame(at_s), other.frame(at_s)
        assert np.array_equal(left, right)
        assert left_truths == right_truths
    assert not np.array_equal(make(4).frame(30.0)[0], one.frame(30.0)[0])


def test_an_approach_closes_at_its_speed_and_recedes_behind_the_lens() -> None:
    watched = scene(approach(90.0))
    truth = only(watched.frame(6.0)[1])
    assert truth.range_m == pytest.approx(100.0)
    assert truth.lateral_m == pytest.approx(0.0)
    assert truth.closing_mps == pytest.approx(25.0)
    assert truth.in_corridor
    heights = [boxed(only(watched.frame(at_s)[1]))[3] - boxed(only(watched.frame(at_s)[1]))[1] for at_s in (5, 7, 9)]
    assert heights == sorted(heights)
    assert only(watched.frame(9.9)[1]).range_m == pytest.approx(2.5)
    assert only(watched.frame(10.1)[1]).xyxy is None or only(watched.frame(10.1)[1]).range_m < 0
    assert watched.frame(11.0)[1] == []


def test_one_that_drives_away_has_a_negative_closing_speed_and_shows_its_rear() -> None:
    frame, truths = scene(receding(50.0)).frame(2.0)
    truth = only(truths)
    assert truth.closing_mps == pytest.approx(-50 / 3.6)
    front, _ = scene(standing(truth.range_m)).frame(0)
    assert changed(frame, front).any()


def test_speed_profile_and_lane_change() -> None:
    braking = Vehicle(
        id=9,
        kind=Kind.CAR,
        starts_m=200.0,
        closing_mps=((0.0, 20.0), (4.0, 20.0), (8.0, 0.0)),
        offset_m=((2.0, 3.5), (6.0, 0.0)),
    )
    watched = scene((braking,))
    truths = {at_s: only(watched.frame(at_s)[1]) for at_s in (1.0, 4.0, 6.0, 9.0, 20.0)}
    assert truths[4.0].range_m == pytest.approx(120.0, abs=0.2)
    assert truths[9.0].range_m == pytest.approx(80.0, abs=0.01) == truths[20.0].range_m
    assert truths[6.0].closing_mps == pytest.approx(10.0, abs=0.3)
    assert truths[20.0].closing_mps == pytest.approx(0.0, abs=1e-6)
    assert [truths[at_s].in_corridor for at_s in (1.0, 9.0)] == [False, True]
    assert truths[4.0].lateral_m == pytest.approx(1.75, abs=0.15)


@pytest.mark.parametrize("radius_m", [300.0, -300.0])
def test_a_bend_bears_to_its_side_and_the_corridor_follows_the_road(radius_m: float) -> None:
    truth = only(scene(standing(80.0), road=Road(radius_m=radius_m)).frame(0)[1])
    along = 80.0 + SIZES[Kind.CAR].length_m / 2
    assert truth.lateral_m == pytest.approx(radius_m * (1 - math.cos(along / radius_m)), abs=0.01)
    assert truth.in_corridor
    beside = only(scene(standing(80.0, 3.5), road=Road(radius_m=radius_m)).frame(0)[1])
    assert not beside.in_corridor


@pytest.mark.parametrize("radius_m", [None, 250.0, -400.0])
def test_a_place_on_the_road_is_found_again(radius_m: float | None) -> None:
    road = Road(radius_m=radius_m)
    x, z, _ = road.place(90.0, 2.5)
    along, offset = road.locate(np.array([x], dtype=np.float32), np.array([z], dtype=np.float32))
    assert along[0] == pytest.approx(90.0, abs=0.01)
    assert offset[0] == pytest.approx(2.5, abs=0.01)


def test_what_stands_before_hides() -> None:
    lorry = replace(standing(20.0, 0.0, Kind.TRUCK)[0], id=2)
    partly = standing(40.0, 2.4)
    truths = scene((*partly, lorry)).frame(0)[1]
    assert [truth.id for truth in truths] == [2, 1]
    assert truths[0].occluded == 0
    assert 0.1 < truths[1].occluded < 0.9
    alone = boxed(only(scene(partly).frame(0)[1]))
    assert boxed(truths[1])[0] > alone[0] + 2
    assert boxed(truths[1])[2] == pytest.approx(alone[2], abs=1.0)
    hidden = scene((*standing(60.0), lorry)).frame(0)[1][1]
    assert (hidden.xyxy, hidden.occluded) == (None, 1.0)


def test_a_box_ends_at_the_frame() -> None:
    truth = only(scene(standing(4.0, 2.2, Kind.TRUCK)).frame(0)[1])
    x1, y1, x2, y2 = boxed(truth)
    assert 0 <= x1 < x2 <= 640
    assert 0 <= y1 < y2 <= 360
    assert x2 == 640


def test_traffic_keeps_its_rate_its_lane_and_its_distance() -> None:
    traffic = passing_traffic(600, 5, lasts_s=3600)
    assert 500 < len(traffic) < 700
    assert all(abs(one.offset_at(0) - 3.5) <= 0.5 for one in traffic)
    for at_s in range(100, 1000, 7):
        there = sorted((one for one in traffic if one.is_there(at_s)), key=lambda one: one.along_m(at_s))
        for before, after in pairwise(there):
            assert before.along_m(at_s) + before.body.length_m < after.along_m(at_s)
    watched = scene(traffic)
    assert not any(truth.in_corridor for at_s in range(60, 90, 3) for truth in watched.frame(at_s)[1])


def mean(frame: Frame) -> float:
    return float(frame.mean())


def test_light() -> None:
    day, dusk, night = (
        scene(standing(60.0), Weather(light=light, noise_sigma=0)) for light in (Light.DAY, Light.DUSK, Light.NIGHT)
    )
    levels = [mean(one.frame(0)[0]) for one in (day, dusk, night)]
    assert levels[0] > 2 * levels[2]
    assert levels == sorted(levels, reverse=True)
    frame, truths = night.frame(0)
    x1, y1, x2, y2 = (round(edge) for edge in boxed(only(truths)))
    car = frame[y1:y2, x1:x2].max(axis=2)
    left, right = np.array_split(car, 2, axis=1)
    assert min(left.max(), right.max()) > 230  # two headlamps
    assert car[:, (x2 - x1) // 2].max() < 200


def test_headlamps_are_seen_from_afar_and_light_the_road() -> None:
    dark = Weather(light=Light.NIGHT, noise_sigma=0)
    bare, _ = scene(empty(), dark).frame(0)
    far = changed(bare, scene(standing(250.0), dark).frame(0)[0], 60)
    assert 4 < far.sum() < 400
    frame, truths = scene(standing(40.0), dark).frame(0)
    below = frame.astype(int) - bare
    assert below[round(boxed(only(truths))[3]) + 4 :].max() > 25


def test_fog_takes_contrast_as_koschmieder_says() -> None:
    foggy = Weather(visibility_m=100.0, noise_sigma=0)
    bare = scene(empty(), foggy).frame(0)[0]
    seen = [changed(bare, scene(standing(range_m), foggy).frame(0)[0], 3) for range_m in (30.0, 160.0)]
    assert seen[0].sum() > 500
    assert not seen[1].any()
    assert float(Weather(visibility_m=100.0).transmission(100.0)) == pytest.approx(0.02)
    assert float(Weather().transmission(100.0)) > 0.95


def test_rain_moves_and_takes_contrast() -> None:
    watched = scene(empty(), Weather(rain=0.7, noise_sigma=0))
    one, other = watched.frame(0)[0], watched.frame(0.1)[0]
    assert changed(one, other).mean() > 0.003
    assert one.std() < scene(empty()).frame(0)[0].std()


def test_vibration_shakes_picture_and_boxes_alike() -> None:
    shaken = scene(standing(30.0), faults=Faults(vibration_px=2.0))
    boxes = np.array([boxed(only(shaken.frame(at_s)[1])) for at_s in np.arange(0, 2, 0.05)])
    still = np.array(boxed(only(scene(standing(30.0)).frame(0)[1])))
    assert 1.2 < (boxes - still)[:, 0].std() < 2.8
    at_s = 0.35
    bare = scene(empty(), faults=Faults(vibration_px=2.0)).frame(at_s)[0]
    rows = np.flatnonzero(changed(bare, shaken.frame(at_s)[0]).any(axis=1))
    assert rows[0] == pytest.approx(boxed(only(shaken.frame(at_s)[1]))[1], abs=1.5)


def test_a_knock_turns_everything() -> None:
    knocked = scene(standing(60.0), faults=Faults(knocks=(Knock(at_s=1.0, pitch_deg=0.5, yaw_deg=1.0),)))
    before, after = only(knocked.frame(0.9)[1]), only(knocked.frame(1.1)[1])
    moved = np.subtract(boxed(after), boxed(before))
    degree_px = CAMERA.fx_px * math.pi / 180
    assert moved[0] == pytest.approx(-degree_px, rel=0.05)
    assert moved[3] == pytest.approx(-degree_px / 2, rel=0.05)
    assert before.range_m == after.range_m
    turned = replace(CAMERA, pitch_deg=CAMERA.pitch_deg + 0.5, yaw_deg=1.0)
    assert np.array_equal(knocked.frame(1.1)[0], scene(standing(60.0), camera=turned).frame(1.1)[0])


def test_a_frozen_picture_stays_to_the_last_bit_while_the_road_goes_on() -> None:
    frozen = scene(approach(72.0), Weather(), faults=Faults(frozen_from_s=5.0))
    (first, was), (later, now) = frozen.frame(5.0), frozen.frame(7.0)
    assert np.array_equal(first, later)
    assert only(was).xyxy == only(now).xyxy
    assert only(now).range_m == pytest.approx(only(was).range_m - 40.0)
    assert not np.array_equal(frozen.frame(4.9)[0], first)


def test_a_living_picture_never_is_the_same_twice() -> None:
    watched = scene(empty(), Weather())
    assert not np.array_equal(watched.frame(0)[0], watched.frame(0.05)[0])


def test_exposure_and_dirt() -> None:
    bare = scene(empty()).frame(0)[0]
    assert (scene(empty(), faults=Faults(exposure=8)).frame(0)[0] == 255).mean() > 0.9
    assert scene(empty(), faults=Faults(exposure=0)).frame(0)[0].max() == 0
    dirty = changed(bare, scene(empty(), faults=Faults(dirt=0.2)).frame(0)[0])
    assert 0.12 < dirty.mean() < 0.35


@pytest.mark.parametrize("pitch_deg", [-25, 25])
def test_a_camera_may_see_nothing_but_sky_or_road(pitch_deg: float) -> None:
    image, truths = Scene(replace(CAMERA, pitch_deg=pitch_deg), Road(), approach(90), CLEAN, 3).frame(0.0)
    blue, red = image[..., 0].mean(), image[..., 2].mean()
    assert bool(blue > red + 10) is (pitch_deg < 0)
    assert [truth.xyxy for truth in truths] == [None]


def test_a_lens_bends_the_road_and_its_boxes() -> None:
    bent = replace(CAMERA, distortion=(-0.2, 0.05, 0.0, 0.0, 0.0))
    place = {"range_m": 20.0, "lateral_m": 5.0, "kind": Kind.TRUCK}
    frame, truths = scene(standing(**place), camera=bent).frame(0)  # type: ignore[arg-type]
    assert boxed(only(truths))[0] == pytest.approx(cuboid(Kind.TRUCK, 20.0, 5.0, bent)[:, 0].min(), abs=1.0)
    bare, _ = scene(empty(), camera=bent).frame(0)
    x1, y1, _, y2 = boxed(only(truths))
    upper = changed(bare, frame)[: round((y1 + y2) / 2)]  # no shadow there
    assert np.flatnonzero(upper.any(axis=0))[0] == pytest.approx(x1, abs=3)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Scene(Camera.from_field_of_view((640, 360), 60), Road(), empty()), "height_m is not known"),
        (lambda: Road(radius_m=20.0), "radius_m = 20.0"),
        (lambda: Road(lanes=0), "0 lanes"),
        (lambda: Weather(rain=2.0), "rain = 2.0"),
        (lambda: Weather(visibility_m=0.0), "visibility_m = 0.0"),
        (lambda: Faults(vibration_px=50.0), "vibration_px = 50.0"),
        (lambda: Scene(CAMERA, Road(), standing(10) * 2), "same id"),
        (lambda: Scene(CAMERA, Road(), standing(10, 0, Kind.TRAM)), "no shape of a tram"),
        (lambda: Scene(CAMERA, Road(), empty()).frame(math.nan), "at_s = nan"),
        (lambda: passing_traffic(0, 1), "rate_per_h = 0"),
        (lambda: approach(math.nan), "finite"),
        (lambda: Vehicle(id=1, kind=Kind.CAR, starts_m=9, closing_mps=((1, 2), (0, 2))), "times rising"),
    ],
)
def test_what_makes_no_scene_is_refused(make: object, says: str) -> None:
    assert callable(make)
    with pytest.raises((VisionError, CameraError), match=says):
        make()
