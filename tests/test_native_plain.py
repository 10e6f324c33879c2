"""A plain report and a patient reader: two ways through the same message must not differ in what they find."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Sender, Wire
from ingest.formats import Decoded, native, native_plain

SENDER = Sender(wire=Wire.NATIVE, name="w-07")
AT = datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)

good: dict[str, Any] = {
    "boot": "9f3a01c2",
    "seq": 1234,
    "sent_at": "2026-01-14T07:42:03Z",
    "fix": {
        "fixed_at": "2026-01-14T07:42:03.5Z",
        "lat": 47.3215,
        "lon": 5.0415,
        "accuracy_m": 6.5,
        "speed_mps": 0.4,
        "course_deg": 210,
        "altitude_m": 245,
    },
    "motion": {"steps": 3, "activity_mg": 41},
    "battery_pct": 83,
    "buffered": False,
}
# What a field may hold in the field: most of it plain, some of it anything but.
values = (
    st.none()
    | st.booleans()
    | st.integers(-2, 600)
    | st.integers()
    | st.floats(allow_nan=True)
    | st.floats(-200, 200)
    | st.sampled_from(["", "83", "2026-01-14T07:42:03Z", "2026-01-14T08:42:03+01:00", "2026-01-14 07:42", "x\x00", "ü"])
    | st.sampled_from(["2019-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2026-01-14T07:42:60Z", 0, -1, 1e-320, 3.0])
    | st.just([])
    | st.just({})
)


@st.composite
def reports(draw: st.DrawFn) -> dict[str, Any]:
    """A good report with up to four of its fields, or others, set to something or left out."""
    report: dict[str, Any] = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(0, 4))):
        part = draw(st.sampled_from(["", "", "fix", "motion"]))
        within = report.get(part) if part else report
        if not isinstance(within, dict):
            continue
        key = draw(st.sampled_from([*(good[part] if part else good), "watch_id", "hdop"]))
        if draw(st.booleans()):
            within.pop(key, None)
        else:
            within[key] = draw(values)
    return report


def decode(body: bytes) -> Decoded | str:
    try:
        return native.decode_reports(body, SENDER, AT)
    except WireError as error:
        return f"{error.reason}: {error.detail}"


def patiently(body: bytes) -> Decoded | str:
    with mock.patch.object(native_plain, "read", return_value=None):
        return decode(body)


@given(reports() | st.lists(reports(), max_size=4))
def test_what_is_read_plainly_is_what_is_read_patiently(message: object) -> None:
    body = json.dumps(message).encode()
    assert decode(body) == patiently(body)


def test_good_report_is_plain() -> None:
    body = json.dumps(good).encode()
    assert native_plain.read(body, SENDER, AT) is not None
    assert native_plain.read(b"[" + b",".join([body] * 500) + b"]", SENDER, AT) is not None
    assert decode(body) == patiently(body)


@pytest.mark.parametrize(
    "change",
    [
        {"hdop": 1.2},  # to be kept
        {"watch_id": "w-08"},  # to be compared with the topic
        {"battery_pct": -1},
        {"battery_pct": "83"},
        {"battery_pct": 1e-320},  # PostgreSQL's real refuses it
        {"seq": 1234.0},
        {"seq": True},
        {"boot": ""},
        {"boot": "a\nb"},
        {"buffered": 1},
        {"sent_at": "2026-01-14T08:42:03+01:00"},
        {"sent_at": "2026-01-14T08:42:03"},
        {"sent_at": "1970-01-01T00:00:10Z"},
        {"fix": {**good["fix"], "lat": 0, "lon": 0}},
        {"fix": {**good["fix"], "fixed_at": "2006-05-31T07:42:03Z"}},  # 1024 weeks late, for the gate
        {"motion": []},
    ],
)
def test_report_that_needs_a_second_look_is_not_plain(change: dict[str, Any]) -> None:
    body = json.dumps(good | change).encode()
    assert native_plain.read(body, SENDER, AT) is None
    assert decode(body) == patiently(body)


def test_more_reports_than_one_message_may_hold_are_refused() -> None:
    body = b"[" + b",".join([json.dumps(good).encode()] * 501) + b"]"
    with pytest.raises(WireError, match="501 reports"):
        native.decode_reports(body, SENDER, AT)
