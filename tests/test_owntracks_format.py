"""OwnTracks: km/h, epoch seconds, values left out when zero; whole messages stand in `tests/golden/owntracks`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Activity, Event, EventKind, Fix, Report, Sender, Wire
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
    "t": "t",
    "tid": "tm",
    "tst": 1768376523,
    "vac": 3,
    "vel": 36,
}
OWN_WORDS = ("_id", "BSSID", "SSID", "bs", "conn", "inregions", "m", "motionactivities", "t", "tid", "vac")
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
        activity=Activity.WALKING,
        battery_pct=83,
        extra={key: WHOLE[key] for key in OWN_WORDS},
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
        ({"lat": None, "lon": None}, "bad_fix"),
        ({"tst": None}, "bad_fix"),
        ({"tst": 0}, "clock_not_set"),
        ({"tst": 1768376523000}, "bad_field"),  # milliseconds
        ({"tst": "now"}, "bad_field"),
        ({"tst": True}, "bad_field"),
    ],
)
def test_location_when_its_fix_is_bad_stays_as_a_sign_of_life(fault: dict[str, Any], reason: str) -> None:
    decoded = decode({**WHOLE, **fault})
    [report], [refusal] = decoded.observations, decoded.refusals
    assert isinstance(report, Report)
    assert (report.fix, report.battery_pct, report.doubts) == (None, 83, (reason,))
    assert report.sent_at == datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)
    assert (refusal.reason, len(refusal.detail) < 200) == (reason, True)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"created_at": 0}, "clock_not_set"),
        ({"vel": 701}, "bad_field"),
        ({"vel": -2}, "bad_field"),
        ({"batt": 101}, "bad_field"),
        ({"acc": [12]}, "bad_field"),
    ],
)
def test_location_when_a_field_is_bad_keeps_its_fix(fault: dict[str, Any], reason: str) -> None:
    decoded = decode({**WHOLE, **fault})
    [report], [refusal] = decoded.observations, decoded.refusals
    assert report.fix is not None
    assert report.doubts == (reason,) == (refusal.reason,)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"_type": "encrypted", "data": "AAAA"}, "encrypted"),
        ({"_type": "panic"}, "unknown_type"),
        ({"_type": None}, "unknown_type"),
        ({"_type": ["location"]}, "unknown_type"),  # nothing that a set can look up
        ({"_type": {"a": []}}, "unknown_type"),
        ({"_type": "x" * 5_000}, "unknown_type"),
        ({"topic": "owntracks/michelot/autre"}, "identity_mismatch"),
        ({"topic": "owntracks/michelot"}, "identity_mismatch"),
        ({"topic": ["owntracks/michelot/telephone"]}, "identity_mismatch"),
    ],
)
def test_message_when_nobody_can_use_it_is_refused(fault: dict[str, Any], reason: str) -> None:
    with pytest.raises(WireError) as refused:
        decode({**WHOLE, **fault})
    assert refused.value.reason == reason
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize("value", [None, 7, "location", {}, {"lat": 47.3215, "lon": 5.0415}])
def test_body_when_it_is_no_owntracks_object(value: object) -> None:
    with pytest.raises(WireError, match=r"expected an (OwnTracks )?object"):
        decode(value)


def test_array_when_one_of_it_is_bad_keeps_the_others() -> None:
    decoded = decode([BARE, 7, {**BARE, "_type": "panic"}, {**BARE, "tst": BARE["tst"] + 1}])
    assert [seen.fix.fixed_at.second for seen in decoded.observations if seen.fix] == [3, 4]
    assert [refusal.reason for refusal in decoded.refusals] == ["malformed", "unknown_type"]
    assert decode([]) == Decoded()


def test_array_when_too_long_is_refused_whole() -> None:
    with pytest.raises(WireError) as refused:
        decode([BARE] * 501)
    assert refused.value.reason == "too_many_reports"


@pytest.mark.parametrize("kind", ["card", "cmd", "steps", "beacon", "configuration", "request"])
def test_message_when_it_is_no_news_changes_nothing(kind: str) -> None:
    assert decode({"_type": kind, "tst": 1768376523}) == Decoded()


def test_last_will_says_that_the_phone_is_lost_but_not_when() -> None:
    """It carries the time of the first connection: taken for that of the loss, or of a sign of life, it would lie."""
    lost, again = (
        owntracks.decode(b'{"_type": "lwt", "tst": 1768370000}', SENDER, AT + timedelta(hours=hours)).observations[0]
        for hours in (0, 1)
    )
    assert isinstance(lost, Event)
    assert (lost.kind, lost.occurred_at, lost.fix) == (EventKind.OFFLINE, None, None)
    assert again.message_key != lost.message_key  # a second loss in the life of the same app is news


@pytest.mark.parametrize("trigger", ["p", "c", "C", "b", "r", "t", "v", None, "z", ["u"], 9])
def test_location_when_the_wearer_did_not_send_it_is_no_deliberate_act(trigger: object) -> None:
    assert [type(seen) for seen in decode({**WHOLE, "t": trigger}).observations] == [Report]


@pytest.mark.parametrize("fault", [{}, {"lat": 91}, {"tst": "now"}])
def test_location_when_the_wearer_sent_it_is_a_deliberate_act(fault: dict[str, Any]) -> None:
    [_, event] = decode({**WHOLE, "t": "u", **fault}).observations
    assert isinstance(event, Event)
    assert (event.kind, event.occurred_at) == (EventKind.CHECKIN, datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("android", "hindered_by"),
    [
        ({"hib": 0, "bo": 0, "loc": 0, "ps": 0, "wifi": 1}, []),
        ({"hib": 1, "bo": 0, "loc": 0, "ps": 0, "wifi": 1}, ["hibernation"]),
        ({"hib": True, "bo": False, "wifi": False}, ["hibernation", "wifi_off"]),
        ({"bo": 1, "ps": 1}, ["battery_optimiser", "power_save"]),
        ({"loc": 4}, ["location_permission"]),
        ({"loc": -4}, ["location_permission"]),
        ({"loc": 5, "hib": "?", "wifi": None}, []),
        ({}, []),
        (7, []),
    ],
)
def test_status_names_what_hinders_the_phone(android: object, hindered_by: list[str]) -> None:
    [event] = decode({"_type": "status", "android": android}).observations
    assert isinstance(event, Event)
    assert (event.kind, event.detail["hindered_by"]) == (EventKind.HEALTH, hindered_by)


def test_key_when_the_phone_sends_the_same_again_is_the_same() -> None:
    body = json.dumps(WHOLE).encode()
    first, again = (owntracks.decode(body, SENDER, AT + timedelta(hours=h)).observations[0] for h in (0, 1))
    assert first.message_key == again.message_key


@pytest.mark.parametrize("other", [{"tst": 1768376524}, {"lat": 47.3216}, {"lon": 5.0416}, {"t": "p"}])
def test_key_when_something_differs_is_another(other: dict[str, Any]) -> None:
    assert location({**WHOLE, **other}).message_key != location(WHOLE).message_key
