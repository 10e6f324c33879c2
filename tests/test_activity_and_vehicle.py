"""Whether the body moves, and whether the wearer rides: windows and speeds, case by case."""

from __future__ import annotations

import pytest

from gyrophare.kernel.observations import Activity, Report
from lone_worker.course import Course, follow
from lone_worker.evidence import Evidence
from tests.movement import AT, after, fix, found, said


def windows(*mg: float | None, every_s: float = 10) -> list[Report]:
    return [said(n * every_s, activity_mg=one) for n, one in enumerate(mg)]


@pytest.mark.parametrize(
    ("seen", "proven_s"),
    [
        (windows(40), []),
        (windows(40, 40), [10]),
        (windows(25, 25), [10]),
        (windows(24.9, 24.9, 24.9), []),
        (windows(40, 0, 40), [20]),
        (windows(40, 0, 0, 40), []),
        (windows(40, 40, 0), [10]),
        (windows(40, 40, 40, 0, 40), [10, 20, 40]),
        # What tells of no window is none.
        (windows(40, None, None, None, 40), [40]),
        # Two windows that lie too far apart are not the last ones.
        (windows(40, 40, every_s=120), [120]),
        (windows(40, 40, every_s=121), []),
        # What the device makes of it by itself.
        ([said(0, activity=Activity.WALKING), said(10, activity=Activity.RUNNING)], [10]),
        ([said(0, activity=Activity.CYCLING), said(10, activity_mg=40)], [10]),
        ([said(s, activity=Activity.STILL) for s in (0, 10, 20)], []),
        ([said(s, activity=Activity.VEHICLE, activity_mg=90) for s in (0, 10, 20)], []),
        ([said(s, activity=Activity.STILL, activity_mg=90) for s in (0, 10)], [10]),
        # Beside a position it counts when that was measured.
        ([said(5, fix(0, 0), activity_mg=40), said(15, fix(10, 0), activity_mg=40)], [10]),
    ],
)
def test_body_moves_in_two_of_three_windows(seen: list[Report], proven_s: list[float]) -> None:
    assert found(seen) == [(at_s, Evidence.ACTIVITY) for at_s in proven_s]
    assert found(seen, engine=True) == []


def test_our_own_vibration_is_no_movement() -> None:
    seen = windows(40, 40, 40, 0, 40)
    assert found(seen, ignored=[(after(0), after(20))]) == []
    assert found(seen, ignored=[(after(5), after(15))]) == [(20, Evidence.ACTIVITY), (40, Evidence.ACTIVITY)]


# ------------------------------------------------------------------ vehicle


def riding_since(reports: list[Report]) -> float | None:
    since_at = follow(Course(), reports).course.whereabouts.vehicle_since_at
    return None if since_at is None else (since_at - AT).total_seconds()


def drive(*legs: tuple[float, float], doppler: bool = True, every_s: float = 5) -> list[Report]:
    """Legs of (metres a second, until when)."""
    reports, at_s, north_m = [], 0.0, 0.0
    for mps, until_s in legs:
        while at_s < until_s:
            reports.append(said(at_s, fix(at_s, north_m, speed_mps=mps if doppler else None)))
            at_s += every_s
            north_m += mps * every_s
    return reports


@pytest.mark.parametrize("doppler", [True, False])
@pytest.mark.parametrize(
    ("legs", "since_s"),
    [
        ([(6.9, 100)], None),
        ([(7.0, 15)], None),
        ([(7.0, 20)], 15),
        ([(1.2, 100), (12, 200)], 115),
        # A short brake begins the ten seconds anew.
        ([(12, 10), (2, 15), (12, 20)], None),
        # Slow for a minute, he has got out; for less he waits at a crossing.
        ([(12, 60), (0, 115)], 15),
        ([(12, 60), (0, 130)], None),
        ([(12, 60), (0, 100), (5, 120), (0, 160)], 15),
    ],
)
def test_wearer_rides_when_he_is_fast_and_no_more_when_he_is_slow(
    legs: list[tuple[float, float]], since_s: float | None, doppler: bool
) -> None:
    assert riding_since(drive(*legs, doppler=doppler)) == since_s


def test_bogus_speed_puts_nobody_in_a_vehicle() -> None:
    assert riding_since([said(s, fix(s, s % 3, speed_mps=30)) for s in range(0, 120, 5)]) is None


def test_one_jump_puts_nobody_in_a_vehicle() -> None:
    assert riding_since([said(s, fix(s, 0 if s < 60 else 900)) for s in range(0, 120, 5)]) is None


def test_steps_leave_the_vehicle() -> None:
    assert riding_since([*drive((12, 60)), said(61, steps=3)]) is None


def test_in_a_vehicle_the_body_is_shaken_whatever_it_does() -> None:
    shaken = [said(60 + s, activity_mg=90) for s in range(0, 60, 10)]
    proven = found([*drive((12, 60)), *shaken])
    assert proven
    assert Evidence.ACTIVITY not in {evidence for _, evidence in proven}


def test_in_a_vehicle_fifty_metres_of_progress_are_evidence() -> None:
    road = drive((12, 60), doppler=False)
    jam = [said(60 + s, fix(60 + s, 715 + s / 2)) for s in range(5, 50, 5)]
    ahead = [said(110 + s, fix(110 + s, 715 + 60)) for s in (0, 5)]
    assert found([*road, *jam, *ahead])[-1] == (115, Evidence.DISPLACEMENT)
