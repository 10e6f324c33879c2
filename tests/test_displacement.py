"""Whether the wearer has gone from where he was: fixes, case by case, then whatever fixes come."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.geo import Position, distance_m
from gyrophare.kernel.observations import Fix
from lone_worker.course import Course, follow
from lone_worker.displacement import RADIUS_MAX_M, RADIUS_MIN_M, Place, apart_m, radius_m
from lone_worker.evidence import ACCURACY_MAX_M, Evidence
from tests.movement import fix, found, reported

Found = list[tuple[float, str]]


def walk(pace_mps: float, until_s: float, every_s: float = 10, accuracy_m: float | None = 6.0) -> list[Fix]:
    return [fix(n * every_s, pace_mps * n * every_s, accuracy_m) for n in range(int(until_s / every_s) + 1)]


def lie(at_s: float, until_s: float, north_m: float = 0.0, accuracy_m: float | None = 6.0) -> list[Fix]:
    return [fix(at_s + 10 * n, north_m, accuracy_m) for n in range(int((until_s - at_s) / 10) + 1)]


@pytest.mark.parametrize(
    ("fixes", "moved_s"),
    [
        # The very first fix is only a centre: from where would he have moved?
        ([fix(0, 500)], []),
        # One far jump proves nothing, however far; nor does one that comes back: a reflection from a façade.
        ([fix(0, 0), fix(10, 5_000)], []),
        ([fix(0, 0), fix(10, 300), fix(20, 0), fix(30, 0)], []),
        # Two far fixes five seconds apart are a displacement; four seconds apart they may be the same reflection.
        ([fix(0, 0), fix(10, 300), fix(15, 300)], [15]),
        ([fix(0, 0), fix(10, 300), fix(14, 300)], []),
        # It counts from the first far fix, not from the last: one fix a second still confirms.
        ([fix(0, 0), *(fix(10 + s, 300) for s in range(7))], [15]),
        # A fix back home in between begins the count again.
        ([fix(0, 0), fix(10, 300), fix(13, 0), fix(16, 300), fix(20, 300)], []),
        ([fix(0, 0), fix(10, 300), fix(13, 0), fix(16, 300), fix(21, 300)], [21]),
        # Staying there is no further evidence.
        ([fix(0, 0), fix(10, 300), fix(15, 300), fix(30, 300), fix(60, 300)], [15]),
        # A walk is evidence again and again, a slow one too.
        (walk(1.25, 120), [40, 70, 90, 110]),
        (walk(0.5, 300), [100, 150, 210, 270]),
        # A leap of 60 m that stays: it did not come on legs, and the radius is that much wider.
        ([*lie(0, 60), *lie(70, 400, 60)], []),
        # Nor when it comes back, however often.
        ([*lie(0, 60), *lie(70, 120, 60), *lie(130, 200), *lie(210, 300, 60), *lie(310, 400)], []),
        # A vehicle leaps too, and goes on.
        ([fix(s, 15 * s) for s in range(0, 31, 5)], [15, 20, 25, 30]),
        # Who has lain for three minutes must go 110 m, whatever the fixes claim ...
        ([*lie(0, 300), *lie(310, 600, 90)], []),
        ([*lie(0, 300), *lie(310, 600, 130)], [320]),
        # ... after which 40 m are enough again.
        ([*lie(0, 300), *(fix(300 + s, 1.25 * s) for s in range(10, 201, 10))], [420, 430, 460, 490]),
        # A slow drift is followed, not taken for a walk.
        ([fix(s, s / 20) for s in range(0, 3_600, 10)], []),
        # Inside the smallest radius nothing counts, however exact the receiver says it is.
        ([fix(0, 0, 1), *lie(60, 120, 38, 1)], []),
        ([fix(0, 0, 1), *lie(60, 120, 46, 1)], [70]),
        # The radius grows with both accuracies, to 75 m.
        ([fix(0, 0, 30), *lie(60, 120, 52, 30)], []),
        ([fix(0, 0, 30), *lie(60, 120, 60, 30)], [70]),
        ([fix(0, 0, 50), *lie(60, 120, 74, 50)], []),
        ([fix(0, 0, 50), *lie(60, 120, 80, 50)], [70]),
        # A fix worse than 50 m is only drawn: neither centre, nor evidence, nor the end of a suspicion.
        ([fix(0, 0, 51), fix(10, 300), fix(20, 300)], []),
        ([fix(0, 0), fix(10, 300, 51), fix(20, 300, 51)], []),
        ([fix(0, 0), fix(10, 300), fix(12, 0, 51), fix(20, 300)], [20]),
        # Without an accuracy 24 m is assumed.
        ([fix(0, 0, None), *lie(60, 120, 41, None)], []),
        ([fix(0, 0, None), *lie(60, 120, 49, None)], [70]),
        # One in the near zone is the first of two only if the second does not leap.
        ([fix(0, 0), fix(20, 30), fix(30, 30), fix(31, 500), fix(32, 30), fix(40, 30)], []),
    ],
)
def test_displacement_when_these_fixes_come(fixes: list[Fix], moved_s: list[float]) -> None:
    assert found(reported(fixes)) == [(at_s, Evidence.DISPLACEMENT) for at_s in moved_s]


@pytest.mark.parametrize(
    ("speeds_mps", "north_m", "accuracy_m", "proven"),
    [
        ([0, 2, 2], 30, 6, True),
        ([2, 0, 2], 30, 6, True),
        ([2, 2, 0], 30, 6, False),  # he stands now
        ([0, 0, 2], 30, 6, False),
        ([0, 1.4, 1.4], 30, 6, False),
        ([None, None, None], 30, 6, False),
        ([0, 2, 2], 30, 21, False),
        ([0, 2, 2], 30, None, True),
        # The places must agree: that they went half as far, and left half the radius.
        ([0, 9, 9], 30, 6, False),
        ([0, 2, 2], 18, 6, False),
    ],
)
def test_speed_proves_movement_when(
    speeds_mps: Sequence[float | None], north_m: float, accuracy_m: float | None, proven: bool
) -> None:
    fixes = [fix(0, 0, accuracy_m)]
    fixes += [fix(8.0 * n, north_m * n / 3, accuracy_m, speed_mps=mps) for n, mps in enumerate(speeds_mps, start=1)]
    assert found(reported(fixes)) == ([(24, Evidence.SPEED)] if proven else [])


@pytest.mark.parametrize(
    ("here_m", "there_m", "expected_m"), [(0, 0, 40), (3, 4, 40), (24, 32, 50), (30, 30, 53.03), (50, 50, 75)]
)
def test_radius_grows_with_both_accuracies(here_m: float, there_m: float, expected_m: float) -> None:
    assert radius_m(here_m, there_m) == pytest.approx(expected_m, abs=0.01)


# ------------------------------------------------------------------ whatever fixes come

accuracies = st.none() | st.floats(0, 200)
places = st.builds(
    fix,
    at_s=st.floats(0, 3_600),
    north_m=st.floats(-2_000, 2_000),
    accuracy_m=accuracies,
    east_m=st.floats(-2_000, 2_000),
    speed_mps=st.none() | st.floats(0, 40),
)


def place_after(course: Course) -> Place | None:
    return course.whereabouts.place


@given(st.lists(places, max_size=30))
def test_displacement_is_always_a_far_and_confirmed_one(fixes: list[Fix]) -> None:
    course = Course()
    for seen in reported(sorted(fixes, key=lambda one: one.fixed_at)):
        before, course = course, follow(course, [seen]).course
        if course.moved_at == before.moved_at:
            continue
        place = place_after(before)
        assert place is not None
        assert seen.fix is not None
        far_m = distance_m(Position(place.latitude_deg, place.longitude_deg), seen.fix.position)
        assert seen.fix.accuracy_m is None or seen.fix.accuracy_m <= ACCURACY_MAX_M
        if course.moved_by is Evidence.DISPLACEMENT:
            assert place.away is not None
            assert seen.fix.fixed_at.timestamp() - place.away.at_s >= 5
            assert far_m > RADIUS_MIN_M * 0.99
        else:
            assert course.moved_by is Evidence.SPEED
            assert far_m > RADIUS_MIN_M / 2 * 0.99


@given(
    st.lists(st.tuples(st.floats(0, 360), st.floats(0, 11.9), st.none() | st.floats(0, 50)), max_size=50),
    st.floats(1, 60),
)
def test_receiver_wandering_near_its_place_never_moves(
    wander: list[tuple[float, float, float | None]], every_s: float
) -> None:
    fixes = [
        fix(number * every_s, away_m * cos(radians(way)), accuracy_m, away_m * cos(radians(way - 90)))
        for number, (way, away_m, accuracy_m) in enumerate(wander)
    ]
    assert found(reported(fixes)) == []


@given(st.lists(st.tuples(st.floats(0, 360), st.floats(0, 50)), min_size=1, max_size=60), st.integers(1, 60))
def test_receiver_that_has_lain_for_three_minutes_never_moves_however_it_wanders(
    wander: list[tuple[float, float]], every_s: int
) -> None:
    fixes = lie(0, 200)
    fixes += [
        fix(200 + n * every_s, away_m * cos(radians(way)), 1, away_m * cos(radians(way - 90)))
        for n, (way, away_m) in enumerate(wander, start=1)
    ]
    assert found(reported(fixes)) == []


@given(st.floats(0, 50), st.floats(0, 50))
def test_radius_stays_between_its_bounds_and_is_even_handed(here_m: float, there_m: float) -> None:
    assert RADIUS_MIN_M <= radius_m(here_m, there_m) == radius_m(there_m, here_m) <= RADIUS_MAX_M


@given(st.floats(-70, 70), st.floats(-170, 170), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_distance_on_a_plane_is_that_on_the_earth(
    latitude_deg: float, longitude_deg: float, north_deg: float, east_deg: float
) -> None:
    there = Position(latitude_deg + north_deg, longitude_deg + east_deg)
    on_earth_m = distance_m(Position(latitude_deg, longitude_deg), there)
    assert apart_m(latitude_deg, longitude_deg, there.latitude_deg, there.longitude_deg) == pytest.approx(
        on_earth_m, rel=0.002, abs=0.01
    )
