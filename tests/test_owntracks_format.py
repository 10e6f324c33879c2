"""OwnTracks: km/h, epoch seconds, values left out when zero; what is no location changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Fix, Report, Sender, Wire
from ingest.formats import Decoded, owntracks

AT = datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)
SENDER = Sender(wire=Wire.OWNTRACKS, name="michelot/telephone")
# In the shape of an Android phone's message, with keys that are none of our business.
WHOLE: dict[str, Any] = {
    "_type": "location",
    "_id": "a1b2c3d4",
    "BSSID": "00:11:22:33:44:55",
    "SSID": "Centre d'exploitation",
    "acc": 12,
    "alt": 245,
    "batt": 83,
    "bs": 1,
    "cog": 210,
    "conn": "m",
    "created_at": 1768376525,
    "inregions": ["Dijon"],
    "lat": 47.3215,
    "lon": 5.0415,
    "m": 1,
    "motionactivities": ["walking"],
    "t": "u",
    "tid": "tm",
    "tst": 1768376523,
    "vac": 3,
    "vel": 36,
}
BARE = {key: WHOLE[key] for key in ("_type", "lat", "lon", "tst")}


def decode(value: object) -> Decoded:
    return owntracks.decode(json.dumps(value).encode(), SENDER, AT)


def location(value: dict[str, Any]) -> Report:
    decoded = decode(value)
    [report] = decoded.observations
    assert isinstance(report, Report)
    assert decoded.refusals == ()
    return report


def fix_of(value: dict[str, Any]) -> Fix:
    fix = location(value).fix
    assert fix is not None
    return fix


def test_location_when_whole() -> None:
    report = location(WHOLE)
    assert report == Report(
        sender=SENDER,
        received_at=AT,
        sent_at=datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC),
        sequence=None,
        message_key=report.message_key,
        fix=Fix(
            fixed_at=datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC),
            position=Position(47.3215, 5.0415),
            accuracy_m=12,
            speed_mps=36 / 3.6,  # it says km/h
            course_deg=210,
            altitude_m=245,
        ),
        battery_pct=83,
    )


def test_location_when_values_are_left_out_they_are_unknown() -> None:
    report = location(BARE)
    assert report.fix == Fix(fixed_at=datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC), position=Position(47.3215, 5.0415))
    assert (report.battery_pct, report.steps, report.activity_mg) == (None, None, None)
    assert report.sent_at == report.fix.fixed_at  # when it does not say when it was built


@pytest.mark.parametrize(
    ("key", "said", "read"),
    [
        ("vel", 0, 0),
        ("vel", -1, None),
        ("vel", "36", pytest.approx(10)),
        ("cog", 0, 0),
        ("cog", -1, None),
        ("acc", 0, 0),
        ("acc", -1, None),
        ("alt", 0, 0),
        ("alt", -1, -1),  # below the sea, not unknown
    ],
)
def test_location_when_a_value_is_zero_or_a_sentinel(key: str, said: object, read: object) -> None:
    field = {"vel": "speed_mps", "cog": "course_deg", "acc": "accuracy_m", "alt": "altitude_m"}[key]
    assert getattr(fix_of({**BARE, key: said}), field) == read


@pytest.mark.parametrize(("said", "read"), [(0, 0), (-1, None), ("83", 83), (None, None)])
def test_battery_when_it_says_so(said: object, read: float | None) -> None:
    assert location({**BARE, "batt": said}).battery_pct == read


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"lat": 91}, "bad_field"),
        ({"lon": -181}, "bad_field"),
        ({"lat": 0, "lon": 0}, "bad_fix"),
        ({"lat": None}, "bad_fix"),
        ({"lon": None}, "bad_fix"),
        ({"tst": None}, "bad_fix"),
        ({"tst": 0}, "clock_not_set"),
        ({"tst": 1768376523000}, "bad_field"),  # milliseconds
        ({"tst": "now"}, "bad_field"),
        ({"tst": True}, "bad_field"),
        ({"created_at": 0}, "clock_not_set"),
        ({"vel": 701}, "bad_field"),
        ({"vel": -2}, "bad_field"),
        ({"batt": 101}, "bad_field"),
        ({"acc": [12]}, "bad_field"),
        ({"_type": "encrypted", "data": "AAAA"}, "encrypted"),
        ({"_type": "panic"}, "unknown_type"),
        ({"_type": None}, "unknown_type"),
        ({"_type": ["location"]}, "unknown_type"),  # nothing that a set can look up
        ({"_type": {"a": []}}, "unknown_type"),
        ({"_type": "x" * 5_000}, "unknown_type"),
    ],
)
def test_location_when_it_is_bad_is_refused(fault: dict[str, Any], reason: str) -> None:
    with pytest.raises(WireError) as refused:
        decode({**WHOLE, **fault})
    assert refused.value.reason == reason
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize("value", [[], [WHOLE], None, 7, "location", {}, {"lat": 47.3215, "lon": 5.0415}])
def test_body_when_it_is_no_owntracks_object(value: object) -> None:
    with pytest.raises(WireError, match="expected an OwnTracks object with a _type"):
        decode(value)


@pytest.mark.parametrize(
    "kind", ["lwt", "transition", "waypoint", "waypoints", "card", "cmd", "status", "steps", "beacon"]
)
def test_message_when_it_is_no_location_changes_nothing(kind: str) -> None:
    # A Last Will carries the time of the first connection: taken for a sign of life it would be a lie.
    assert decode({"_type": kind, "tst": 1768376523}) == Decoded()


def test_key_when_the_phone_sends_the_same_again_is_the_same() -> None:
    body = json.dumps(WHOLE).encode()
    first, again = (owntracks.decode(body, SENDER, AT + timedelta(hours=h)).observations[0] for h in (0, 1))
    assert first.message_key == again.message_key


@pytest.mark.parametrize("other", [{"tst": 1768376524}, {"lat": 47.3216}, {"lon": 5.0416}, {"t": "p"}])
def test_key_when_something_differs_is_another(other: dict[str, Any]) -> None:
    assert location({**WHOLE, **other}).message_key != location(WHOLE).message_key
