"""Alarms that come with a position: each is an event, SOS first, whatever else the message holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.observations import Event, EventKind, Sender, Wire
from ingest.formats import traccar, transistorsoft
from ingest.formats.alarms import alarms

AT = datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)
SERVER = Sender(wire=Wire.TRACCAR, name="serveur-1")
PHONE = Sender(wire=Wire.TRANSISTORSOFT, name="48241179")
DEVICE = {"id": 7, "uniqueId": "9173802145"}
POSITION: dict[str, Any] = {
    "deviceTime": "2026-01-14T06:20:00.000+00:00",
    "fixTime": "2026-01-14T06:20:00.000+00:00",
    "latitude": 47.3215,
    "longitude": 5.0415,
}
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def beside(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(keys), anything)


def events(body: object, *, lane: str = "positions") -> list[Event]:
    decode = traccar.decode_positions if lane == "positions" else traccar.decode_events
    observations = decode(json.dumps(body).encode(), SERVER, AT).observations
    return [seen for seen in observations if isinstance(seen, Event)]


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("sos", ["sos"]),
        ("SOS", ["sos"]),
        ("lowBattery,sos", ["sos", "low_battery"]),
        (" geofenceExit , removing,fallDown, sos ", ["sos", "fall", "removed", "geofence_leave"]),
        (["powerCut", "fallDown"], ["fall", "power_cut"]),
        ("sos,sos,Sos", ["sos"]),
        ("jamming", ["device_alarm"]),
        ("jamming,tampering,sos", ["sos", "device_alarm", "device_alarm"]),
        (",".join(f"alarm{number}" for number in range(500)) + ",sos", ["sos"] + ["device_alarm"] * 49),
        ("", []),
        (",,", []),
        (None, []),
        (7, []),
        ([["sos"]], []),
        ({"sos": True}, []),
    ],
)
def test_alarms_are_told_once_each_and_sos_first(said: object, kinds: list[str]) -> None:
    assert [alarm.kind for alarm in alarms(said)] == kinds


@given(
    beside("valid", "outdated", "speed", "latitude", "fixTime", "deviceTime", "accuracy", "network", "x"),
    beside("batteryLevel", "steps", "archive", "x"),
)
def test_sos_in_a_forwarded_position_is_an_sos_whatever_stands_beside_it(
    position: dict[str, Any], attributes: dict[str, Any]
) -> None:
    whole = {**POSITION, **position, "attributes": {**attributes, "alarm": "lowBattery,sos"}}
    assert [event.kind for event in events({"position": whole, "device": DEVICE})] == ["sos", "low_battery"]


@given(
    beside("timestamp", "coords", "age", "battery", "activity", "mock", "uuid", "event", "geofence", "extras", "x"),
    st.sampled_from(["location", "message"]),
)
def test_sos_of_a_phone_is_an_sos_whatever_stands_beside_it(location: dict[str, Any], place: str) -> None:
    body = {"location": {**location, "alarm": "sos"}} if place == "location" else {"location": location, "alarm": "sos"}
    first, *_ = transistorsoft.decode(json.dumps(body).encode(), PHONE, AT).observations
    assert isinstance(first, Event)
    assert first.kind is EventKind.SOS


@given(anything.filter(lambda inside: not isinstance(inside, list) or bool(inside)))
def test_sos_of_a_phone_without_a_location_is_an_sos(inside: object) -> None:
    body = {"location": inside, "alarm": "sos", "device_id": "48241179"}
    observations = transistorsoft.decode(json.dumps(body).encode(), PHONE, AT).observations
    assert EventKind.SOS in [seen.kind for seen in observations if isinstance(seen, Event)]


def test_alarm_that_comes_by_both_topics_is_one() -> None:
    position = {**POSITION, "attributes": {"alarm": "sos"}}
    raised = {"type": "alarm", "eventTime": "2026-01-14T06:20:00.000+00:00", "attributes": {"alarm": "sos"}}
    [by_position] = events({"position": position, "device": DEVICE})
    [by_event] = events({"event": raised, "position": position, "device": DEVICE}, lane="events")
    assert by_event == by_position


def test_alarm_that_is_raised_again_is_another() -> None:
    first, later = (
        events({"position": {**POSITION, "deviceTime": at, "attributes": {"alarm": "sos"}}, "device": DEVICE})[0]
        for at in ("2026-01-14T06:20:00Z", "2026-01-14T06:21:00Z")
    )
    assert first.message_key != later.message_key
