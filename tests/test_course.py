"""Where reports lead: in any batches, packed and unpacked, however often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.observations import Activity, Report
from lone_worker.course import Course, follow, in_turn
from lone_worker.evidence import Evidence
from lone_worker.whereabouts import NOWHERE, Whereabouts
from tests.movement import after, fix, said

fixes = st.builds(
    fix,
    at_s=st.integers(0, 3_600).map(float),
    north_m=st.sampled_from([0.0, 15.0, 30.0, 60.0, 100.0, 400.0]),
    accuracy_m=st.none() | st.floats(0, 60),
    east_m=st.floats(-20, 20),
    speed_mps=st.none() | st.floats(0, 20),
)
motions = st.builds(
    said,
    at_s=st.integers(0, 3_600).map(float),
    steps=st.sampled_from([None, None, 0, 3]),
    activity_mg=st.none() | st.floats(0, 80),
    activity=st.none() | st.sampled_from(Activity),
)
ways = st.lists(motions | fixes.map(lambda seen: said(seen.fixed_at.timestamp() - after(0).timestamp(), seen)))


@given(ways, st.data())
def test_course_is_the_same_in_any_batches_packed_in_between_and_said_twice(
    way: list[Report], data: st.DataObject
) -> None:
    reports = sorted(way, key=in_turn)
    truth = follow(Course(), reports)
    course, moved, waiting = Course(), [], reports
    while waiting:
        size = data.draw(st.integers(1, 5))
        followed = follow(course, [*waiting[:size], *waiting[:size]])
        moved += followed.moved
        course = followed.course._replace(whereabouts=Whereabouts.unpack(followed.course.whereabouts.pack()))
        waiting = waiting[size:]
    assert course == truth.course
    assert sorted(moved) == truth.moved


@given(ways)
def test_whereabouts_are_bounded_however_long_the_way(way: list[Report]) -> None:
    assert len(follow(Course(), sorted(way, key=in_turn)).course.whereabouts.pack()) < 400


def test_whereabouts_of_nobody_are_packed_as_well() -> None:
    assert Whereabouts.unpack(NOWHERE.pack()) == NOWHERE


@pytest.mark.parametrize("packed", ["", "{}", "[1,2", '["here"]'])
def test_what_was_never_packed_is_refused(packed: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Whereabouts.unpack(packed)


def test_way_that_is_proven_at_its_end_is_evidence_of_its_beginning_too() -> None:
    walk = [said(s, fix(s, 1.2 * s)) for s in range(0, 41, 10)]
    followed = follow(Course(), walk)
    assert followed.moved == [after(30), after(40)]
    assert (followed.course.moved_at, followed.course.moved_by) == (after(40), Evidence.DISPLACEMENT)


def test_fix_ahead_of_our_clock_is_evidence_of_when_it_was_heard() -> None:
    walk = [said(0, fix(0, 0)), said(1, fix(100, 400)), said(2, fix(120, 400))]
    assert follow(Course(), walk).moved == [after(2), after(2)]


def test_of_one_instant_the_first_counts() -> None:
    twice = [said(0, activity_mg=40), said(10, activity_mg=40), said(10, activity_mg=0)]
    assert follow(Course(), twice).course == follow(Course(), twice[:2]).course


def test_steps_make_a_short_way_enough_again() -> None:
    lying = [said(s, fix(s, 0)) for s in range(0, 300, 10)]
    gone = [said(s, fix(s, 60)) for s in (320, 330)]
    assert follow(Course(), [*lying, *gone]).moved == []
    assert follow(Course(), [*lying, said(300, steps=3), *gone]).moved[-1] == after(330)


def test_checkpoint_is_passed_each_quarter_of_an_hour() -> None:
    way = [said(s, fix(s, 1.2 * s)) for s in range(0, 3_600, 30)]
    followed = follow(Course(), way)
    assert len(followed.checkpoints) == 4
    for at, course in followed.checkpoints:
        rest = [report for report in way if report.happened_at >= at]
        assert follow(course, rest).course == followed.course
        assert at - timedelta(minutes=at.minute % 15, seconds=at.second) == at
