"""What proves that the wearer moves, on receivers recorded at rest, and on the same carried along."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Fix, Report, Sender, Wire
from lone_worker.course import Course, follow
from lone_worker.evidence import ACCURACY_MAX_M

AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
_M_PER_DEG = 111_195.0


def evidence_at_s(fixes: list[Fix]) -> list[float]:
    """When each movement is proven, in seconds."""
    course, found = Course(), []
    for seen in fixes:
        report = Report(
            sender=Sender(Wire.NATIVE, "w-07"),
            received_at=seen.fixed_at,
            sent_at=seen.fixed_at,
            sequence=None,
            message_key=0,
            fix=seen,
        )
        before_at, course = course.moved_at, follow(course, [report]).course
        if course.moved_at is not None and course.moved_at != before_at:
            found.append((course.moved_at - AT).total_seconds())
    return found


RECORDINGS = Path(__file__).parents[1] / "../shared/data/motion"
FIRST_S = 180.0  # a receiver that was just switched on, or somebody who has just fallen
BOGUS_MPS = 9.0


def recorded(name: str) -> list[Fix]:
    """The fixes of a recording of gpsd, as accurate as it said; skip where the development data is not at hand."""
    path = RECORDINGS / f"gpsd_{name}.chk"
    if not path.is_file():
        pytest.skip(f"{path} is not there: recordings are development data and are not part of the repository")
    reports = [json.loads(line) for line in path.read_text().splitlines() if line.startswith('{"class":"TPV"')]
    return [
        Fix(
            fixed_at=datetime.fromisoformat(report["time"]),
            position=Position(report["lat"], report["lon"]),
            accuracy_m=report.get("eph"),
        )
        for report in reports
        if "lat" in report
    ]


def claiming(fixes: list[Fix], accuracy_m: float | None) -> list[Fix]:
    return [Fix(fixed_at=seen.fixed_at, position=seen.position, accuracy_m=accuracy_m) for seen in fixes]


def moving_for_s(fixes: list[Fix], every_s: float) -> float:
    """The longest that somebody lying beside this receiver still counts as moving, whenever it was that he fell."""
    longest_s = 0.0
    for fell_at in range(0, len(fixes), 10):
        lying = thinned(fixes[fell_at:], every_s)
        begin_s = (lying[0].fixed_at - AT).total_seconds()
        longest_s = max([longest_s, *(found_s - begin_s for found_s in evidence_at_s(lying))])
    return longest_s


def thinned(fixes: list[Fix], every_s: float) -> list[Fix]:
    """As a watch would have sent them that reports once in so many seconds."""
    kept = fixes[:1]
    for seen in fixes[1:]:
        if seen.fixed_at - kept[-1].fixed_at >= timedelta(seconds=every_s):
            kept.append(seen)
    return kept


@pytest.mark.parametrize("every_s", [1, 5, 10, 30])
@pytest.mark.parametrize("says", ["its accuracy", "nothing"])
@pytest.mark.parametrize("name", ["sirf2", "ublox-glo", "skytraq-A8"])
def test_recorded_receiver_at_rest_never_moves_when_it(name: str, says: str, every_s: float) -> None:
    fixes = recorded(name) if says == "its accuracy" else claiming(recorded(name), None)
    assert moving_for_s(fixes, every_s) == 0


@pytest.mark.parametrize("claims_m", [1, 3, 5, 10, 25])
@pytest.mark.parametrize("name", ["sirf2", "ublox-glo", "skytraq-A8"])
def test_recorded_receiver_at_rest_that_claims_too_much_moves_no_longer_than_three_minutes(
    name: str, claims_m: float
) -> None:
    fixes = claiming(recorded(name), claims_m)
    assert max(moving_for_s(fixes, every_s) for every_s in (1, 10, 30)) <= FIRST_S


@pytest.mark.parametrize("pace_mps", [0.5, 0.8, 1.2, 1.8])
@pytest.mark.parametrize("name", ["sirf2", "ublox-glo"])
def test_recorded_receiver_carried_along_a_verge_moves_at_least_every_three_minutes(name: str, pace_mps: float) -> None:
    fixes = [seen for seen in recorded(name) if seen.accuracy_m is not None and seen.accuracy_m <= ACCURACY_MAX_M]
    carried = [
        Fix(
            fixed_at=seen.fixed_at,
            position=Position(
                seen.position.latitude_deg
                + pace_mps * (seen.fixed_at - fixes[0].fixed_at).total_seconds() / _M_PER_DEG,
                seen.position.longitude_deg,
            ),
            accuracy_m=seen.accuracy_m,
        )
        for seen in fixes
    ]
    begin_s, end_s = ((seen.fixed_at - AT).total_seconds() for seen in (carried[0], carried[-1]))
    found_s = [begin_s, *evidence_at_s(carried), end_s]
    assert max(later - earlier for earlier, later in pairwise(found_s)) <= FIRST_S


@pytest.mark.parametrize("name", ["sirf2", "ublox-glo", "skytraq-A8"])
def test_recorded_receiver_at_rest_moves_no_longer_when_its_speed_is_bogus(name: str) -> None:
    fixes = [replace(seen, speed_mps=BOGUS_MPS, accuracy_m=5) for seen in recorded(name)]
    assert max(moving_for_s(fixes, every_s) for every_s in (1, 10, 30)) <= FIRST_S
