"""Which events and which reports can prove that the wearer moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gyrophare.kernel.observations import Activity, Doubt, EventKind, Report
from lone_worker.evidence import DELIBERATE, DOUBTED, FOLLOWED, Evidence, placed, tells
from tests.test_stillness import after, report


def test_deliberate_acts_are_those_of_a_wearer_who_is_well() -> None:
    # An SOS is deliberate as well, but it must never postpone anything; what a device notices by itself proves nothing.
    asks_for_help_or_noticed_by_itself = {
        EventKind.SOS,
        EventKind.FALL,
        EventKind.SHIFT_END,
        EventKind.WORN,
        EventKind.REMOVED,
        EventKind.CHARGING,
        EventKind.LOW_BATTERY,
        EventKind.ONLINE,
        EventKind.OFFLINE,
        EventKind.GEOFENCE_ENTER,
        EventKind.GEOFENCE_LEAVE,
        EventKind.POWER_CUT,
        EventKind.HEALTH,
        EventKind.DEVICE_ALARM,
        EventKind.HAZARD,
        EventKind.HAZARD_CLEARED,
        EventKind.DELIVERED,
        EventKind.DURESS,
    }
    assert set(EventKind) - asks_for_help_or_noticed_by_itself == DELIBERATE


def test_what_is_followed_is_what_needs_more_than_one_report() -> None:
    assert set(Evidence) - FOLLOWED == {Evidence.SHIFT_START, Evidence.STEPS, Evidence.INTERACTION}


@pytest.mark.parametrize(
    ("seen", "tells_something"),
    [
        (report(10, north_m=0), True),
        (report(-1, north_m=0), False),  # before the shift
        (report(10), False),  # a heartbeat
        (report(10, steps=0), False),
        (report(10, steps=3), True),
        (replace(report(10), activity_mg=0.0), True),  # that the body is still is news
        (replace(report(10), activity=Activity.STILL), True),
        (replace(report(10, sent=False), activity_mg=40.0), True),  # when we heard it
        (replace(report(10, sent=False), activity_mg=40.0, buffered=True), False),  # once, nobody knows when
        (replace(report(10, north_m=0, sent=False), activity_mg=40.0, buffered=True), True),  # when its fix was
        (replace(report(10, north_m=0), doubts=(Doubt.MOCK,)), False),
        (replace(report(10, north_m=0), doubts=(Doubt.MOCK,), activity_mg=40.0), True),
    ],
)
def test_report_tells_of_movement_when_it_has_a_place_or_motion(seen: Report, tells_something: bool) -> None:
    assert tells(seen, after(0)) is tells_something


@pytest.mark.parametrize(("accuracy_m", "counts"), [(None, True), (0.0, True), (50.0, True), (50.1, False)])
def test_position_counts_when_it_is_accurate(accuracy_m: float | None, counts: bool) -> None:
    seen = report(10, north_m=0)
    assert seen.fix is not None
    assert placed(replace(seen, fix=replace(seen.fix, accuracy_m=accuracy_m))) is counts


@pytest.mark.parametrize("doubt", list(Doubt))
def test_position_counts_when_no_doubt_is_of_the_position(doubt: Doubt) -> None:
    assert placed(replace(report(10, north_m=0), doubts=(Doubt.NO_SEQUENCE, doubt))) is (doubt not in DOUBTED)
