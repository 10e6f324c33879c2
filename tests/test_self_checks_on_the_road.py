"""The self checks on the rendered road: silent through traffic and weather, and quick to say what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from gyrophare.sim.van_scene.paint import Frame
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.scenarios import empty, passing_traffic, standing
from gyrophare.sim.van_scene.scene import Scene
from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.weather import Faults, Knock, Light, Weather
from vehicle_vision.camera import Camera
from vehicle_vision.self_checks import CheckKind, SelfChecks, Verdict
from vehicle_vision.sizes import Kind

CAMERA = Camera.from_field_of_view((960, 540), 60, height_m=2.2, pitch_deg=2.0)
DAY, DUSK, NIGHT = (Weather(light=light) for light in Light)
RAIN = Weather(rain=0.7)
LOOK_S = 0.5  # what a look needs no more often; pace, which does, is tried elsewhere
LEARNT_S = 15.0
SAID_WITHIN_S = 10.0
BAD = (Verdict.DEGRADED, Verdict.FAULT)
TRAFFIC = passing_traffic(600, 4, lasts_s=60)
LORRIES = passing_traffic(400, 4, lasts_s=60, speed_kmh=40, lateral_m=3.0, kinds={Kind.TRUCK: 1.0})
STAYING = (
    Vehicle(
        id=1,
        kind=Kind.TRUCK,
        starts_m=34.0,
        closing_mps=((10.0, 12.0), (15.0, 0.0), (50.0, 0.0), (51.0, 6.0)),
        offset_m=((0.0, 3.0),),
    ),
)

Verdicts = dict[CheckKind, Verdict]
Spoil = Callable[[Frame], Frame]


def scene(vehicles: tuple[Vehicle, ...] = TRAFFIC, weather: Weather = DAY, faults: Faults | None = None) -> Scene:
    return Scene(CAMERA, Road(), vehicles, weather, 4, faults=faults or Faults())


def shots(of: Scene, from_s: float, to_s: float) -> Iterator[tuple[float, Frame]]:
    for look in range(round(from_s / LOOK_S), round(to_s / LOOK_S)):
        yield look * LOOK_S, of.frame(look * LOOK_S)[0]


def watch(checks: SelfChecks, frames: Iterable[tuple[float, Frame]]) -> list[tuple[float, Verdicts]]:
    """What is said at each time."""
    return [
        (at_s, {check.kind: check.verdict for check in checks.look(at_s, frame) if check.kind is not CheckKind.PACE})
        for at_s, frame in frames
    ]


@cache
def once_learnt(weather: Weather) -> SelfChecks:
    checks = SelfChecks(CAMERA)
    assert not complaints(watch(checks, shots(scene(weather=weather), 0, LEARNT_S)))
    return checks


def learnt(weather: Weather = DAY) -> SelfChecks:
    """Checks that know the road of that weather; each call gives some of its own."""
    return deepcopy(once_learnt(weather))


def complaints(said: Iterable[tuple[float, Verdicts]]) -> set[tuple[CheckKind, Verdict]]:
    return {(kind, verdict) for _, verdicts in said for kind, verdict in verdicts.items() if verdict in BAD}


def lit(frame: Frame, gain: float) -> Frame:
    return np.asarray(cv2.convertScaleAbs(frame, alpha=gain), np.uint8)


def overlaid(frame: Frame, colour: int, share: float) -> Frame:
    """So much of it from the left behind something that lies on the lens, out of focus, with the sensor's noise."""
    height, width = frame.shape[:2]
    mask = np.zeros((height, width), np.float32)
    mask[:, : int(share * width)] = 1
    if share < 1:
        mask = np.asarray(cv2.blur(mask, (31, 31)), np.float32)
    noise = np.random.default_rng(int(frame[::40, ::40].sum())).normal(0, 1.5, (height, width)).astype(np.float32)
    mixed = frame * (1 - mask[..., None]) + ((colour + noise) * mask)[..., None]
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


def blurred(frame: Frame, sigma_px: float) -> Frame:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma_px), np.uint8)


def wet(frame: Frame) -> Frame:
    """Drops over two thirds of the lens: behind each the road is a blur."""
    dice = np.random.default_rng(4)
    mask = np.zeros(frame.shape[:2], np.float32)
    while mask.mean() < 0.65:
        cv2.circle(mask, (int(dice.integers(960)), int(dice.integers(540))), int(dice.integers(20, 66)), 1.0, -1)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 4), np.float32)[..., None]
    return np.asarray(frame * (1 - mask) + blurred(frame, 10) * mask, np.uint8)


@pytest.fixture(scope="module", params=["day", "dusk", "rain"])
def weather(request: pytest.FixtureRequest) -> Weather:
    return {"day": DAY, "dusk": DUSK, "rain": RAIN}[request.param]


@pytest.fixture(scope="module")
def road(weather: Weather) -> list[tuple[float, Frame]]:
    """Traffic in that weather, from when it was learnt: a fault's ten seconds, and ten more."""
    return list(shots(scene(weather=weather), LEARNT_S, LEARNT_S + 2 * SAID_WITHIN_S))


FAULTY = round(SAID_WITHIN_S / LOOK_S)


def spoilt(
    weather: Weather, road: list[tuple[float, Frame]], spoil: Spoil
) -> tuple[list[tuple[float, Verdicts]], Verdicts]:
    """What is said while the fault lasts, and ten seconds after its end."""
    checks = learnt(weather)
    said = watch(checks, [(at_s, spoil(frame)) for at_s, frame in road[:FAULTY]])
    return said, watch(checks, road[FAULTY:])[-1][1]


@pytest.mark.parametrize(
    "through",
    [
        scene(empty()),
        scene(LORRIES),
        scene(STAYING),
        scene(weather=DUSK),
        scene(weather=RAIN),
        scene(faults=Faults(vibration_px=1.0)),
    ],
    ids=["empty", "lorries", "a lorry that stays", "dusk", "rain", "shaking"],
)
def test_a_good_camera_is_not_complained_of(through: Scene) -> None:
    said = watch(SelfChecks(CAMERA), shots(through, 0, 60))
    assert complaints(said) == set()
    assert set(said[-1][1].values()) == {Verdict.OK}


def test_neither_a_cloud_nor_the_course_of_the_day_is_a_fault() -> None:
    def light(at_s: float) -> float:
        cloud = 1 - 0.4 * np.clip((at_s - 18) / 3, 0, 1) + 0.4 * np.clip((at_s - 28) / 3, 0, 1)
        return float(cloud * 2 ** (-np.clip((at_s - 33) / 25, 0, 1)))

    said = watch(SelfChecks(CAMERA), ((at_s, lit(frame, light(at_s))) for at_s, frame in shots(scene(), 0, 60)))
    assert complaints(said) == set()


def test_rain_that_begins_is_no_fault() -> None:
    said = watch(learnt(), shots(scene(weather=RAIN), LEARNT_S, 40))
    assert complaints(said) == set()


@pytest.mark.parametrize(
    ("kind", "spoil", "verdict"),
    [
        (CheckKind.BLACK, lambda frame: frame * 0, Verdict.FAULT),
        (CheckKind.BLOCKED, lambda frame: overlaid(frame, 12, 1), Verdict.FAULT),
        (CheckKind.BLOCKED, lambda frame: overlaid(frame, 200, 1), Verdict.FAULT),
        (CheckKind.DIRTY, lambda frame: overlaid(frame, 70, 0.5), Verdict.FAULT),
        (CheckKind.OVEREXPOSED, lambda frame: lit(frame, 12), Verdict.FAULT),
        (CheckKind.BLURRED, lambda frame: blurred(frame, 3), Verdict.FAULT),
        (CheckKind.BLURRED, wet, Verdict.DEGRADED),
    ],
    ids=["black", "a cap that leaks light", "paper", "half of it", "white", "out of focus", "drops"],
)
def test_a_fault_is_said_within_ten_seconds_and_no_longer_than_it_lasts(
    weather: Weather, road: list[tuple[float, Frame]], kind: CheckKind, spoil: Spoil, verdict: Verdict
) -> None:
    said, after = spoilt(weather, road, spoil)
    assert said[-1][1][kind] is verdict
    assert set(after.values()) == {Verdict.OK}


@pytest.mark.parametrize(("dirt", "verdict"), [(0.45, Verdict.DEGRADED), (0.85, Verdict.FAULT)])
def test_dirt_is_said_and_so_is_that_it_was_wiped_off(
    road: list[tuple[float, Frame]], weather: Weather, dirt: float, verdict: Verdict
) -> None:
    dirty = shots(scene(weather=weather, faults=Faults(dirt=dirt)), 15, 25)
    checks = learnt(weather)
    assert watch(checks, dirty)[-1][1][CheckKind.DIRTY] is verdict
    assert set(watch(checks, road[FAULTY:])[-1][1].values()) == {Verdict.OK}


def test_a_frozen_picture_is_said_and_so_is_its_thaw(weather: Weather, road: list[tuple[float, Frame]]) -> None:
    said, after = spoilt(weather, road, lambda _: road[0][1])
    assert said[4][1][CheckKind.FROZEN] is Verdict.FAULT
    assert set(after.values()) == {Verdict.OK}


@pytest.mark.parametrize(
    ("turned", "verdict"),
    [
        ({"yaw_deg": 0.1}, Verdict.DEGRADED),
        ({"pitch_deg": -0.2}, Verdict.DEGRADED),
        ({"pitch_deg": 1.1}, Verdict.FAULT),
        ({"yaw_deg": -3.0}, Verdict.FAULT),
        ({"yaw_deg": 20.0}, Verdict.FAULT),
    ],
)
def test_a_camera_that_was_knocked_is_said_to_be_until_it_learns_anew(
    turned: dict[str, float], verdict: Verdict
) -> None:
    checks = learnt()
    knocked = scene(faults=Faults(knocks=(Knock(at_s=15.0, **turned),)))
    said = watch(checks, shots(knocked, 15, 30))
    assert {verdicts[CheckKind.MOVED] for at_s, verdicts in said if at_s >= 25} == {verdict}
    checks.learn_anew()
    anew = watch(checks, shots(knocked, 30, 45))
    assert anew[0][1][CheckKind.MOVED] is Verdict.UNKNOWN
    assert anew[-1][1][CheckKind.MOVED] is Verdict.OK


def test_a_knock_is_remembered_behind_a_cover() -> None:
    checks = learnt()
    knocked = scene(faults=Faults(knocks=(Knock(at_s=15.0, pitch_deg=2.0),)))
    watch(checks, shots(knocked, 15, 25))
    hidden = watch(checks, ((at_s, overlaid(frame, 60, 1)) for at_s, frame in shots(knocked, 25, 35)))
    assert hidden[-1][1][CheckKind.MOVED] is Verdict.FAULT


@pytest.mark.parametrize(("visibility_m", "verdict"), [(150.0, Verdict.DEGRADED), (60.0, Verdict.FAULT)])
def test_fog_that_comes_is_said(
    road: list[tuple[float, Frame]], weather: Weather, visibility_m: float, verdict: Verdict
) -> None:
    checks = learnt(weather)
    fog = Weather(light=weather.light, rain=weather.rain, visibility_m=visibility_m)
    said = watch(checks, shots(scene(weather=fog), 15, 25))
    assert said[-1][1][CheckKind.FOG] is verdict
    assert said[-1][1][CheckKind.DIRTY] is not Verdict.FAULT
    assert watch(checks, road[FAULTY:])[-1][1][CheckKind.FOG] is Verdict.OK


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (CheckKind.FOG, scene(weather=Weather(visibility_m=100))),
        (CheckKind.BLOCKED, scene(faults=Faults(dirt=0.75))),
        (CheckKind.BLACK, scene(faults=Faults(exposure=0.0))),
        (CheckKind.OVEREXPOSED, scene(faults=Faults(exposure=8.0))),
    ],
)
def test_what_is_bad_from_the_start_is_not_learnt_as_usual(kind: CheckKind, bad: Scene) -> None:
    said = watch(SelfChecks(CAMERA), shots(bad, 0, 25))
    assert {verdicts[kind] for at_s, verdicts in said if at_s >= 10} <= set(BAD)
    assert said[-1][1][CheckKind.DIRTY] is Verdict.UNKNOWN
    assert said[-1][1][CheckKind.MOVED] is Verdict.UNKNOWN


def test_a_lens_out_of_focus_from_the_start_is_said() -> None:
    said = watch(SelfChecks(CAMERA), ((at_s, blurred(frame, 4)) for at_s, frame in shots(scene(), 0, 20)))
    assert said[-1][1][CheckKind.BLURRED] in BAD


def glaring(frame: Frame, wide: float) -> Frame:
    """Headlights straight into the lens: a white spot, and a veil over all."""
    rows, columns = np.mgrid[:540, :960].astype(np.float32)
    spot = 255 * np.exp(-((columns - 560) ** 2 + (rows - 280) ** 2) / (2 * (wide * 960) ** 2)) + 45
    return np.asarray(np.clip(frame + spot[..., None], 0, 255), np.uint8)


def test_at_night_what_cannot_be_told_is_unknown_even_with_headlights_in_the_lens() -> None:
    dark = scene(weather=NIGHT)
    said = watch(
        SelfChecks(CAMERA),
        ((at_s, glaring(frame, 0.1) if 20 <= at_s < 40 else frame) for at_s, frame in shots(dark, 0, 60)),
    )
    assert complaints(said) == {(CheckKind.NIGHT, Verdict.DEGRADED)}
    for _, verdicts in said:
        assert verdicts[CheckKind.NIGHT] is Verdict.DEGRADED
        for kind in (CheckKind.BLURRED, CheckKind.DIRTY, CheckKind.BLOCKED, CheckKind.FOG, CheckKind.MOVED):
            assert verdicts[kind] is Verdict.UNKNOWN


def test_what_was_learnt_by_day_holds_after_the_night() -> None:
    checks = learnt()
    day = [frame for _, frame in shots(scene(), 20, 30)]
    fall = ((20.0 + 5 * look, lit(day[look % 20], 10 ** (-look / 120))) for look in range(121))  # ten minutes
    at_night = watch(checks, fall)
    assert complaints(at_night) == {(CheckKind.NIGHT, Verdict.DEGRADED)}
    assert at_night[-1][1][CheckKind.MOVED] is Verdict.UNKNOWN
    next_day = watch(checks, ((700.0 + LOOK_S * look, frame) for look, frame in enumerate(day)))
    assert set(next_day[-1][1].values()) == {Verdict.OK}


def test_a_body_before_the_lens_is_no_dirt_but_what_hides_the_road_is_said() -> None:
    checks = SelfChecks(CAMERA)
    watch(checks, shots(scene(empty()), 0, 20))
    near = watch(checks, shots(scene(standing(1.5, 1.0, Kind.TRUCK)), 20, 40))
    assert near[-1][1][CheckKind.BLOCKED] is Verdict.FAULT
    assert near[-1][1][CheckKind.DIRTY] is not Verdict.FAULT


def muddy(frame: Frame, camera: Camera, radius_px: int) -> Frame:
    """A spot on the lens just where the road ends."""
    mask = np.zeros(frame.shape[:2], np.float32)
    cv2.circle(mask, (round(camera.vanishing_px), round(camera.horizon_px)), radius_px, 1.0, -1)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 6), np.float32)[..., None] * 0.95
    return np.asarray(frame * (1 - mask) + 80 * mask, np.uint8)


@pytest.mark.parametrize(("radius_px", "verdicts"), [(40, BAD), (45, (Verdict.FAULT,))])
@pytest.mark.parametrize("from_the_start", [False, True])
def test_mud_where_vehicles_come_from_is_said_however_clean_the_rest_is(
    weather: Weather,
    road: list[tuple[float, Frame]],
    from_the_start: bool,
    radius_px: int,
    verdicts: tuple[Verdict, ...],
) -> None:
    """Also when it was there from the start, and so is all that was ever seen."""
    checks = SelfChecks(CAMERA) if from_the_start else learnt(weather)
    found = watch(checks, ((at_s, muddy(frame, CAMERA, radius_px)) for at_s, frame in road[:FAULTY]))
    assert found[-1][1][CheckKind.BLOCKED] in verdicts


def test_mud_is_said_where_the_road_was_learnt_to_end_and_not_where_the_file_has_it() -> None:
    askew = replace(CAMERA, yaw_deg=5.0)
    of = Scene(askew, Road(), TRAFFIC, DAY, 4)
    checks = SelfChecks(CAMERA)
    checks.believe(askew)
    found = watch(checks, ((at_s, muddy(frame, askew, 45)) for at_s, frame in shots(of, 0, 10)))
    assert found[-1][1][CheckKind.BLOCKED] is Verdict.FAULT
    clean = SelfChecks(CAMERA)
    clean.believe(askew)
    assert complaints(watch(clean, shots(of, 0, 10))) == set()


@pytest.mark.parametrize("visibility_m", [200.0, 400.0])
def test_haze_where_the_road_ends_is_no_mud(visibility_m: float) -> None:
    said = watch(SelfChecks(CAMERA), shots(scene(weather=Weather(visibility_m=visibility_m)), 0, 10))
    assert complaints(said) <= {(CheckKind.FOG, Verdict.DEGRADED)}
