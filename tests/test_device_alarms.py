"""Alarms of a device that have no kind of ours: somebody's, unless they are known for a vehicle's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gyrophare.kernel.observations import EventKind
from lone_worker.device_alarms import of_a_vehicle
from tests.test_stillness import event


@pytest.mark.parametrize(
    ("alarm", "expected"),
    [
        ("overspeed", True),
        ("OVERSPEED", True),
        ("hardBraking", True),
        ("hardbraking", True),
        ("idle", True),
        # What may be a person's.
        ("vibration", False),
        ("temperature", False),
        ("tampering", False),
        ("accident", False),
        ("medical", False),
        ("general", False),
        # What nobody knows is taken for somebody's, and so is what says two things.
        ("", False),
        ("overspeed,medical", False),
        (None, False),
        (7, False),
    ],
)
def test_alarm_is_of_a_vehicle_only_when_it_is_known_for_that(alarm: object, expected: bool) -> None:
    said = replace(event(EventKind.DEVICE_ALARM, 60), detail={"alarm": alarm})
    assert of_a_vehicle(said) is expected


def test_alarm_without_a_name_is_somebodys() -> None:
    assert not of_a_vehicle(event(EventKind.DEVICE_ALARM, 60))


@pytest.mark.parametrize("kind", [EventKind.SOS, EventKind.FALL, EventKind.DURESS])
def test_call_for_help_is_somebodys_whatever_it_says(kind: EventKind) -> None:
    assert not of_a_vehicle(replace(event(kind, 60), detail={"alarm": "overspeed"}))
