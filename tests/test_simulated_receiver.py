"""A simulated receiver errs as recorded ones do: it wanders for minutes, and thinks too well of itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, exp, hypot, radians
from pathlib import Path
from statistics import mean, median, pstdev

import pytest

from gyrophare.kernel.geo import distance_m
from gyrophare.sim.activities import LIE, RIDE, WALK, Plan
from gyrophare.sim.body import Body
from gyrophare.sim.cote_dor import route
from gyrophare.sim.gnss import OPEN_SKY, UNDER_TREES, Error, Receiver, Sky

SINCE = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
SEEDS = [str(seed) for seed in range(40)]
RECORDED = Path(__file__).parents[2] / "shared/data/motion"


def ten_minutes(seed: str, sky: Sky) -> list[Error]:
    receiver = Receiver(seed)
    return [receiver.error(SINCE.timestamp() + second, sky) for second in range(600)]


def from_median_m(north_m: list[float], east_m: list[float]) -> list[float]:
    """How far each of these places lies from their median, in order of size."""
    north0_m, east0_m = median(north_m), median(east_m)
    return sorted(hypot(n - north0_m, e - east0_m) for n, e in zip(north_m, east_m, strict=True))


def wander_m(seed: str, sky: Sky) -> tuple[float, float]:
    """95 % of ten minutes, and all of them, lie within so much of their median."""
    errors = ten_minutes(seed, sky)
    away_m = from_median_m([error.north_m for error in errors], [error.east_m for error in errors])
    return away_m[round(0.95 * len(away_m))], away_m[-1]


@pytest.mark.parametrize("sky", [OPEN_SKY, UNDER_TREES], ids=["open sky", "under trees"])
def test_error_has_the_stated_sigma(sky: Sky) -> None:
    errors = [error for seed in SEEDS for error in ten_minutes(seed, sky)]
    for axis in ([error.north_m for error in errors], [error.east_m for error in errors]):
        assert pstdev(axis, 0.0) == pytest.approx(sky.sigma_m, rel=0.1)
        assert mean(axis) == pytest.approx(0, abs=0.3 * sky.sigma_m)


@pytest.mark.parametrize("sky", [OPEN_SKY, UNDER_TREES], ids=["open sky", "under trees"])
@pytest.mark.parametrize("lag_s", [1, 10, 30, 60, 120])
def test_error_is_correlated_with_the_stated_time_constant(sky: Sky, lag_s: int) -> None:
    """Noise thrown anew each second would have none, and no rule for stillness would ever be put to the test."""
    products = [
        early.north_m * late.north_m
        for seed in SEEDS
        for errors in (ten_minutes(seed, sky),)
        for early, late in zip(errors, errors[lag_s:], strict=False)
    ]
    assert mean(products) / sky.sigma_m**2 == pytest.approx(exp(-lag_s / sky.tau_s), abs=0.12)


def test_receiver_under_trees_wanders_as_recorded_ones_at_rest() -> None:
    wandered = [wander_m(seed, UNDER_TREES) for seed in SEEDS]
    assert 20 <= median(most for most, _ in wandered) <= 30
    assert 22 <= median(farthest for _, farthest in wandered) <= 62
    assert max(farthest for _, farthest in wandered) <= 62


def test_receiver_under_open_sky_stays_within_the_radius_that_proves_a_movement() -> None:
    assert max(farthest for _, farthest in (wander_m(seed, OPEN_SKY) for seed in SEEDS)) < 20


@pytest.mark.parametrize("name", ["sirf2", "ublox-glo"])
def test_recorded_receivers_at_rest_wander_as_the_simulated_ones(name: str) -> None:
    """What the bounds above were taken from."""
    path = RECORDED / f"gpsd_{name}.chk"
    if not path.exists():
        pytest.skip(f"the recording {path.name} is not beside the repository")
    lines = [line for line in path.read_text(errors="replace").splitlines() if '"class":"TPV"' in line]
    fixes = [fix for fix in map(json.loads, lines) if fix.get("mode", 0) >= 2 and "lat" in fix]
    north_m = [fix["lat"] * 111_195 for fix in fixes]
    east_m = [fix["lon"] * 111_195 * cos(radians(fixes[0]["lat"])) for fix in fixes]
    away_m = from_median_m(north_m, east_m)
    assert 20 <= away_m[round(0.95 * len(away_m))] <= 31
    assert 22 <= away_m[-1] <= 62
    assert max(fix.get("speed", 0.0) for fix in fixes) <= 0.78


def test_doppler_speed_of_somebody_who_lies_still_is_not_zero() -> None:
    speeds_mps = [
        hypot(error.speed_north_mps, error.speed_east_mps) for seed in SEEDS for error in ten_minutes(seed, UNDER_TREES)
    ]
    assert 0.1 < median(speeds_mps) < 0.3
    assert 0.5 < max(speeds_mps) <= 0.77


def test_reported_accuracy_promises_more_than_the_receiver_holds() -> None:
    """A radius of 68 % is what such a number means to those who read it."""
    errors = [error for seed in SEEDS for error in ten_minutes(seed, UNDER_TREES)]
    held = mean(hypot(error.north_m, error.east_m) <= error.accuracy_m for error in errors)
    assert held < 0.5
    assert all(6 <= error.accuracy_m <= 14 for error in errors)


def test_receivers_err_each_in_its_own_way() -> None:
    assert Receiver("1").error(SINCE.timestamp(), OPEN_SKY) != Receiver("2").error(SINCE.timestamp(), OPEN_SKY)
    assert Receiver("1").error(SINCE.timestamp(), OPEN_SKY) == Receiver("1").error(SINCE.timestamp(), OPEN_SKY)


def test_sky_belongs_to_the_place() -> None:
    walker = Body(route=route("w-10"), plan=Plan.only(WALK, SINCE), seed=5, wooded=0.4)
    skies = [walker.sky(SINCE + timedelta(seconds=second)) for second in range(0, 20_000, 10)]
    assert skies.count(UNDER_TREES) / len(skies) == pytest.approx(0.4, abs=0.2)
    changes = sum(one is not next_ for one, next_ in pairwise(skies))
    assert changes <= 20_000 * 1.2 / 150 + 2  # no more often than the wood can change
    lying = Body(route=route("w-10"), plan=Plan.only(LIE, SINCE), seed=5, wooded=0.4)
    assert len({lying.sky(SINCE + timedelta(seconds=second)).sigma_m for second in range(0, 20_000, 10)}) == 1


def test_receiver_of_somebody_who_lies_still_goes_on_wandering() -> None:
    lying = Body(route=route("w-01"), plan=Plan.only(LIE, SINCE), seed=1)
    measured = [lying.measured(SINCE + timedelta(seconds=second)) for second in range(600)]
    assert len({one.position for one in measured}) > 500  # it does not freeze, as real ones do not
    away_m = [distance_m(lying.position(SINCE), one.position) for one in measured]
    assert 1 < max(away_m) < 20
    assert {one.course_deg for one in measured} == {None}  # who stands has no course


def test_course_and_speed_of_a_ride_are_those_of_the_road() -> None:
    rider = Body(route=route("w-03"), plan=Plan.only(RIDE, SINCE), seed=0)
    for second in range(5, 60, 5):
        measured = rider.measured(SINCE + timedelta(seconds=second))
        assert measured.speed_mps == pytest.approx(14, abs=0.5)
        here, there = (rider.position(SINCE + timedelta(seconds=second + ahead)) for ahead in (0, 1))
        assert measured.course_deg is not None
        towards = radians(measured.course_deg)
        north_m = (there.latitude_deg - here.latitude_deg) * 111_195
        east_m = (there.longitude_deg - here.longitude_deg) * 111_195 * cos(radians(here.latitude_deg))
        assert (north_m * cos(towards) + east_m * cos(radians(90) - towards)) / 14 == pytest.approx(1, abs=0.02)
