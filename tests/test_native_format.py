"""The native format, version 1: units and instants out, unknown is None, each refusal says why."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ingest.formats
from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import OF_VANS, Event, EventKind, Fix, Report, Sender, Sequence, Wire
from ingest.formats import Decoded, Refusal, native

AT = datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)
SENDER = Sender(wire=Wire.NATIVE, name="w-07")
FIX: dict[str, Any] = {"fixed_at": "2026-01-14T07:42:03Z", "lat": 47.3215, "lon": 5.0415}
# The report that the design shows.
WHOLE: dict[str, Any] = {
    "boot": "9f3a01c2",
    "seq": 1234,
    "sent_at": "2026-01-14T07:42:03Z",
    "fix": {**FIX, "accuracy_m": 6.5, "speed_mps": 0.4, "course_deg": 210, "altitude_m": 245},
    "motion": {"steps": 3, "activity_mg": 41},
    "battery_pct": 83,
    "buffered": False,
}


def decode(value: object) -> Decoded:
    return native.decode_reports(json.dumps(value).encode(), SENDER, AT)


def only_report(value: object) -> Report:
    [report] = decode(value).observations
    assert isinstance(report, Report)
    return report


def only_refusal(value: object) -> Refusal:
    decoded = decode(value)
    [refusal] = decoded.refusals
    assert decoded.observations == ()
    return refusal


def event(body: bytes, sender: Sender = SENDER) -> tuple[Event, tuple[Refusal, ...]]:
    decoded = native.decode_event(body, sender, AT)
    [seen] = decoded.observations
    assert isinstance(seen, Event)
    return seen, decoded.refusals


def sos(**more: object) -> tuple[Event, tuple[Refusal, ...]]:
    return event(json.dumps({"kind": "sos", **more}).encode())


def test_report_when_it_is_the_one_of_the_design() -> None:
    at = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
    decoded = decode(WHOLE)
    assert decoded.refusals == ()
    assert decoded.observations == (
        Report(
            sender=SENDER,
            received_at=AT,
            sent_at=at,
            sequence=Sequence(boot="9f3a01c2", number=1234),
            message_key=only_report(WHOLE).message_key,
            fix=Fix(
                fixed_at=at,
                position=Position(47.3215, 5.0415),
                accuracy_m=6.5,
                speed_mps=0.4,
                course_deg=210,
                altitude_m=245,
            ),
            steps=3,
            activity_mg=41,
            battery_pct=83,
        ),
    )


def test_report_when_empty_is_a_sign_of_life_that_knows_nothing() -> None:
    report = only_report({})
    assert (report.sent_at, report.sequence, report.fix, report.steps) == (None, None, None, None)
    assert (report.activity_mg, report.battery_pct, report.buffered) == (None, None, False)
    assert report.doubts == ("no_sequence",)


@pytest.mark.parametrize("absent", [None, "left out"])
@pytest.mark.parametrize("part", ["fix", "motion", "battery_pct", "sent_at", "buffered"])
def test_report_when_a_part_is_absent_keeps_the_others(part: str, absent: str | None) -> None:
    value = {**WHOLE, part: None}
    if absent == "left out":
        del value[part]
    whole, report = only_report(WHOLE), only_report(value)
    fields = {"motion": ("steps", "activity_mg")}.get(part, (part,))
    for name in ("sent_at", "fix", "steps", "activity_mg", "battery_pct"):
        assert getattr(report, name) == (None if name in fields else getattr(whole, name))
    assert report.buffered is False


@pytest.mark.parametrize("unknown", [-1, -1.0, "-1"])
def test_report_when_a_value_is_the_sentinel_it_is_unknown_and_never_zero(unknown: object) -> None:
    fix = {**FIX, "accuracy_m": unknown, "speed_mps": unknown, "course_deg": unknown}
    report = only_report({"fix": fix, "motion": {"steps": unknown, "activity_mg": unknown}, "battery_pct": unknown})
    assert report.fix is not None
    assert (report.fix.accuracy_m, report.fix.speed_mps, report.fix.course_deg) == (None, None, None)
    assert (report.steps, report.activity_mg, report.battery_pct) == (None, None, None)


def test_report_when_a_value_is_zero_it_is_a_fact() -> None:
    fix = {**FIX, "accuracy_m": 0, "speed_mps": 0, "course_deg": 0, "altitude_m": 0}
    report = only_report({"fix": fix, "motion": {"steps": 0, "activity_mg": 0}, "battery_pct": 0})
    assert report.fix is not None
    assert (report.fix.accuracy_m, report.fix.speed_mps, report.fix.course_deg, report.fix.altitude_m) == (0, 0, 0, 0)
    assert (report.steps, report.activity_mg, report.battery_pct) == (0, 0, 0)


def test_report_when_below_sea_level_the_altitude_is_no_sentinel() -> None:
    report = only_report({"fix": {**FIX, "altitude_m": -1}})
    assert report.fix is not None
    assert report.fix.altitude_m == -1


def test_report_when_numbers_are_strings_they_are_read() -> None:
    fix = {**FIX, "lat": "47.3215", "lon": "5.0415", "accuracy_m": "6.5"}
    report = only_report({"fix": fix, "motion": {"steps": "3"}, "battery_pct": "83"})
    assert report.fix is not None
    assert (report.fix.position, report.fix.accuracy_m) == (Position(47.3215, 5.0415), 6.5)
    assert (report.steps, report.battery_pct) == (3, 83)


@pytest.mark.parametrize("more", [{"firmware": "2.1"}, {"nested": {"a": [1, None]}}, {"": ""}, {"lat": "91"}])
def test_report_when_keys_are_unknown_they_are_kept_and_change_nothing(more: dict[str, object]) -> None:
    report = only_report({**WHOLE, **more})
    assert report.extra == more
    assert replace(report, extra=None) == only_report(WHOLE)


def test_report_when_keys_of_a_part_are_unknown_they_are_kept_with_its_name() -> None:
    value = {**WHOLE, "fix": {**WHOLE["fix"], "satellites": 9}, "motion": {**WHOLE["motion"], "posture": "upright"}}
    report = only_report(value)
    assert report.extra == {"fix": {"satellites": 9}, "motion": {"posture": "upright"}}
    assert replace(report, extra=None) == only_report(WHOLE)


def test_report_when_its_unknown_keys_are_too_long_keeps_the_short_ones_and_says_so() -> None:
    report = only_report({**WHOLE, "firmware": "2.1", "log": "x" * 5_000})
    assert (report.extra, report.doubts) == ({"firmware": "2.1"}, ("extra_dropped",))
    assert report.fix == only_report(WHOLE).fix


def test_report_when_several_things_are_doubtful_names_each_once() -> None:
    report = only_report({"battery_pct": 101, "motion": {"steps": "x"}, "sent_at": 0, "log": "x" * 5_000})
    assert report.doubts == ("clock_not_set", "bad_field", "no_sequence", "extra_dropped")


@pytest.mark.parametrize("key", ["heartRate", "heart_rate", "HEART-RATE", "spo2", "hr", "pressureHigh"])
def test_report_when_it_holds_health_data_does_not_keep_it(key: str) -> None:
    assert only_report({**WHOLE, key: 71}) == only_report(WHOLE)
    deep = {"sensors": [{key: 71, "worn": True}], "motion": {**WHOLE["motion"], key: 71}}
    assert only_report({**WHOLE, **deep}).extra == {"sensors": [{"worn": True}], "motion": {}}
    assert sos(**{key: 71})[0].detail == {}


@pytest.mark.parametrize("value", [1e-320, 5e-324, -1e-31])
def test_number_when_all_but_zero_is_zero(value: float) -> None:
    """PostgreSQL's real refuses it, and would refuse the whole batch with it."""
    assert only_report({"battery_pct": abs(value)}).battery_pct == 0
    assert only_report({"fix": {**FIX, "altitude_m": value}}).fix == only_report({"fix": {**FIX, "altitude_m": 0}}).fix


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-14T07:42:03Z", datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)),
        ("2026-01-14T08:42:03+01:00", datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)),
        ("2026-01-14T07:42:03.250Z", datetime(2026, 1, 14, 7, 42, 3, 250_000, tzinfo=UTC)),
        (1768376523, datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)),  # epoch seconds
        (1768376523.5, datetime(2026, 1, 14, 7, 42, 3, 500_000, tzinfo=UTC)),
    ],
)
def test_instant_when_written_so(written: object, read: datetime) -> None:
    sent_at = only_report({"sent_at": written}).sent_at
    assert sent_at == read
    assert sent_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "reason", "names"),
    [
        ([], "malformed", "message is a list"),  # inside an array
        ("text", "malformed", "message is a str"),
        (None, "malformed", "message is a NoneType"),
        ({"boot": "a"}, "bad_field", "seq"),
        ({"seq": 1}, "bad_field", "boot"),
        ({"boot": "", "seq": 1}, "bad_field", "boot"),
        ({"boot": "a" * 65, "seq": 1}, "bad_field", "boot"),
        ({"boot": 7, "seq": 1}, "bad_field", "boot"),
        ({"boot": "a\0b", "seq": 1}, "bad_field", "boot"),
        ({"boot": "\ud800", "seq": 1}, "bad_field", "boot"),  # half a pair: no database can hold it
        ({"boot": "a", "seq": "1.5"}, "bad_field", "seq"),
        ({"boot": "a", "seq": "٣"}, "bad_field", "seq"),  # a digit to Python, not to a device
        ({"boot": "a", "seq": 1.5}, "bad_field", "seq"),
        ({"boot": "a", "seq": float("nan")}, "bad_field", "seq"),
        ({"boot": "a", "seq": True}, "bad_field", "seq"),
        ({"boot": "a", "seq": -1}, "bad_field", "seq"),
        ({"boot": "a", "seq": 2**53 + 1}, "bad_field", "seq"),
    ],
)
def test_report_when_nobody_can_tell_which_it_is_is_refused(value: object, reason: str, names: str) -> None:
    refusal = only_refusal([value])
    assert refusal.reason == reason
    assert names in refusal.detail
    assert "expected" in refusal.detail


@pytest.mark.parametrize(
    ("value", "reason", "names"),
    [
        ({"sent_at": "2026-01-14T07:42:03"}, "bad_field", "sent_at"),  # whose local time?
        ({"sent_at": "yesterday"}, "bad_field", "sent_at"),
        ({"sent_at": True}, "bad_field", "sent_at"),
        ({"sent_at": 1e30}, "bad_field", "sent_at"),
        ({"sent_at": 1768376523000}, "bad_field", "sent_at"),  # milliseconds: year 58 000
        ({"sent_at": "0001-01-01T00:00:00+23:00"}, "bad_field", "sent_at"),
        ({"sent_at": "1980-01-06T00:00:00Z"}, "clock_not_set", "sent_at"),
        ({"sent_at": "2006-05-31T07:42:03Z"}, "clock_not_set", "sent_at"),  # a GPS week rollover
        ({"battery_pct": 101}, "bad_field", "battery_pct = 101.0; expected 0 to 100"),
        ({"battery_pct": -2}, "bad_field", "battery_pct"),
        ({"battery_pct": "full"}, "bad_field", "battery_pct = 'full'; expected a number"),
        ({"battery_pct": True}, "bad_field", "battery_pct = True"),
        ({"battery_pct": [83]}, "bad_field", "battery_pct"),
        ({"battery_pct": "nan"}, "bad_field", "battery_pct = nan"),
        ({"battery_pct": "Infinity"}, "bad_field", "battery_pct = inf"),
        ({"battery_pct": 10**400}, "bad_field", "battery_pct"),
        ({"motion": 3}, "malformed", "motion is a int"),
        ({"motion": {"steps": 100_001}}, "bad_field", "steps"),
        ({"motion": {"activity_mg": 16_001}}, "bad_field", "activity_mg"),
        ({"battery_pct": float("nan")}, "bad_field", "battery_pct = nan"),
        ({"battery_pct": float("-inf")}, "bad_field", "battery_pct = -inf"),
    ],
)
def test_field_when_bad_is_refused_alone_with_what_was_expected(
    value: dict[str, object], reason: str, names: str
) -> None:
    decoded = decode({**WHOLE, **value})
    [report], [refusal] = decoded.observations, decoded.refusals
    assert isinstance(report, Report)
    assert (report.fix is not None, report.sequence) == (True, only_report(WHOLE).sequence)
    assert report.doubts == (reason,) == (refusal.reason,)
    assert names in refusal.detail
    assert "expected" in refusal.detail


@pytest.mark.parametrize("number", ["12", 12.0, "0012"])
def test_sequence_when_written_otherwise_is_read(number: object) -> None:
    assert only_report({"boot": "a", "seq": number}).sequence == Sequence(boot="a", number=12)


@pytest.mark.parametrize(
    ("fix", "reason"),
    [
        ({"lat": 91}, "bad_field"),
        ({"lat": -90.0001}, "bad_field"),
        ({"lon": 180.0001}, "bad_field"),
        ({"lat": 0, "lon": 0}, "bad_fix"),  # a receiver without a fix
        ({"lat": 0.0, "lon": "-0.0"}, "bad_fix"),
        ({"lat": None}, "bad_fix"),
        ({"lon": None}, "bad_fix"),
        ({"fixed_at": None}, "bad_fix"),
        ({"fixed_at": "1980-01-06T00:00:00Z"}, "clock_not_set"),
        ({"fixed_at": "2026-01-14T07:42:03"}, "bad_field"),
        ({"lat": "NaN"}, "bad_field"),
        ({"accuracy_m": -2}, "bad_field"),
        ({"speed_mps": 201}, "bad_field"),
        ({"course_deg": 361}, "bad_field"),
        ({"altitude_m": 20_001}, "bad_field"),
    ],
)
def test_report_when_its_fix_is_bad_stays_as_a_sign_of_life(fix: dict[str, Any], reason: str) -> None:
    decoded = decode({**WHOLE, "fix": {**FIX, **fix}})
    [report], [refusal] = decoded.observations, decoded.refusals
    assert isinstance(report, Report)
    assert (report.fix, report.steps, report.battery_pct) == (None, 3, 83)
    assert report.doubts == (reason,)
    assert refusal.reason == reason


@pytest.mark.parametrize("rolled_at", ["2006-05-31T07:42:03+00:00", "1986-10-15T07:42:03+00:00"])
def test_fix_of_a_receiver_whose_weeks_began_anew_is_left_to_the_gate(rolled_at: str) -> None:
    decoded = decode({**WHOLE, "fix": {**FIX, "fixed_at": rolled_at}})
    [report] = decoded.observations
    assert report.fix is not None
    assert (report.fix.fixed_at.isoformat(), decoded.refusals) == (rolled_at, ())


@pytest.mark.parametrize("fix", [[], "47.3,5.0", 7, True])
def test_report_when_its_fix_is_no_object_stays_too(fix: object) -> None:
    report = only_report({**WHOLE, "fix": fix})
    assert report.fix is None
    assert report.doubts == ("malformed",)


@pytest.mark.parametrize(
    "place",
    [
        (90, 180),
        (-90, -180),
        (0, 5.0415),  # on the equator
        (47.3215, 0),  # Greenwich runs through France
    ],
)
def test_fix_at_the_borders_is_believed(place: tuple[float, float]) -> None:
    report = only_report({"fix": {**FIX, "lat": place[0], "lon": place[1]}})
    assert report.fix is not None
    assert report.fix.position == Position(*place)


@pytest.mark.parametrize(("buffered", "read"), [(True, True), (False, False), (1, False), ("true", False), ([], False)])
def test_buffered_is_only_what_says_so_plainly(buffered: object, read: bool) -> None:
    assert only_report({"buffered": buffered}).buffered is read


def test_array_when_of_500_is_taken() -> None:
    decoded = decode([{"boot": "a", "seq": number} for number in range(500)])
    assert [seen.sequence for seen in decoded.observations] == [Sequence(boot="a", number=n) for n in range(500)]
    assert decoded.refusals == ()


def test_array_when_of_501_is_refused() -> None:
    with pytest.raises(WireError, match="501 reports in one message; expected at most 500") as refused:
        decode([{}] * 501)
    assert refused.value.reason == "too_many_reports"


def test_array_when_empty_holds_nothing() -> None:
    assert decode([]) == Decoded()


def test_array_when_one_is_bad_only_that_one_is_refused() -> None:
    reports: list[object] = [{"boot": "a", "seq": number} for number in range(1, 6)]
    reports[2] = "nonsense"
    decoded = decode(reports)
    assert [seen.sequence.number for seen in decoded.observations if seen.sequence] == [1, 2, 4, 5]
    assert [refusal.reason for refusal in decoded.refusals] == ["malformed"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"{}{}", "malformed"),
        (b"\xef\xbb\xbf{}", "malformed"),  # a byte order mark
        (b"[" * 100_000, "malformed"),
        (b'{"a":' * 100_000, "malformed"),
        (b'{"battery_pct": ' + b"9" * 5_000 + b"}", "malformed"),  # Python refuses to read it
        (b"\xff\xfe{\x00}\x00", "not_utf8"),  # UTF-16
        (b'{"boot": "\xe9", "seq": 1}', "not_utf8"),  # Latin-1
        (b" " * 1_000_001, "oversized"),
    ],
)
def test_body_when_nothing_can_be_read(body: bytes, reason: str) -> None:
    for decode_body in (native.decode_reports, native.decode_event, native.decode_status):
        with pytest.raises(WireError) as refused:
            decode_body(body, SENDER, AT)
        assert refused.value.reason == reason


def test_body_of_two_megabytes_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(json, "loads", never)
    with pytest.raises(WireError, match="2000000 bytes; expected at most 1000000") as refused:
        native.decode_reports(b"7" * 2_000_000, SENDER, AT)
    assert refused.value.reason == "oversized"


def test_body_of_exactly_the_most_is_read() -> None:
    body = b"{}" + b" " * (ingest.formats.BODY_MAX_BYTES - 2)
    assert len(native.decode_reports(body, SENDER, AT).observations) == 1


def test_key_when_the_same_message_comes_again_later_is_the_same() -> None:
    for value in (WHOLE, {"fix": FIX}, {"motion": {"steps": 3}, "sent_at": "2026-01-14T07:42:03Z"}):
        body = json.dumps(value).encode()
        first, again = (native.decode_reports(body, SENDER, AT + timedelta(hours=h)).observations[0] for h in (0, 1))
        assert first.message_key == again.message_key


def test_key_when_the_boot_or_the_number_differs_is_another() -> None:
    keys = {only_report({"boot": boot, "seq": seq}).message_key for boot in "ab" for seq in (1, 2, 12)}
    assert len(keys) == 6


@given(st.text(), st.integers(), st.text())
def test_key_fits_a_bigint(boot: str, number: int, kind: str) -> None:
    assert -(2**63) <= ingest.formats.message_key(boot, number, kind) < 2**63


# ------------------------------------------------------------------ events


def test_event_when_whole() -> None:
    seen, refusals = sos(
        boot="9f3a01c2", seq=7, occurred_at="2026-01-14T08:42:03+01:00", fix=FIX, battery_pct=12, note="chute d'arbre"
    )
    assert refusals == ()
    assert seen == Event(
        sender=SENDER,
        kind=EventKind.SOS,
        received_at=AT,
        occurred_at=datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC),
        sequence=Sequence(boot="9f3a01c2", number=7),
        message_key=seen.message_key,
        fix=Fix(fixed_at=datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC), position=Position(47.3215, 5.0415)),
        battery_pct=12,
        detail={"note": "chute d'arbre"},
    )


@pytest.mark.parametrize("kind", [kind.value for kind in EventKind])
def test_event_of_each_kind_is_read(kind: str) -> None:
    sender = Sender(wire=Wire.NATIVE, name="vans/van-1") if kind in OF_VANS else SENDER
    assert event(json.dumps({"kind": kind}).encode(), sender)[0].kind == kind


@pytest.mark.parametrize(
    "more",
    [
        {"occurred_at": "yesterday"},
        {"occurred_at": "1980-01-06T00:00:00Z"},  # the clock is not set
        {"occurred_at": 1e30},
        {"fix": {**FIX, "lat": 91}},
        {"fix": "nowhere"},
        {"battery_pct": "full"},
        {"battery_pct": 101},
        {"boot": "a", "seq": "twelve"},
        {"boot": "\ud800", "seq": 1},
        {"seq": 1},
    ],
)
def test_sos_when_a_detail_is_bad_still_is_an_sos(more: dict[str, object]) -> None:
    seen, refusals = sos(**more)
    assert seen.kind is EventKind.SOS
    assert len(refusals) == 1
    assert (seen.fix, seen.battery_pct, seen.occurred_at, seen.sequence) == (None, None, None, None)
    assert seen.doubts == (refusals[0].reason, "no_sequence")


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        (b'"a\\u0000b"', "ab"),  # PostgreSQL holds no NUL
        (b'"\\ud800"', "?"),  # half a pair of surrogates
        (b'"\\ud83d\\ude00"', "\U0001f600"),  # a whole pair
        (b'"\\\\u0000"', "\\u0000"),  # a backslash and letters: no NUL at all
        (b"1e999", None),  # read as infinity
        (b"[-1e999, 1]", [None, 1]),
        (b'{"\\u0000a\\ud800": 1}', {"a?": 1}),
        (b'["", true, null, 1.5]', ["", True, None, 1.5]),
    ],
)
def test_sos_when_a_note_is_nothing_for_a_database_it_is_made_so(note: bytes, kept: object) -> None:
    seen, _ = event(b'{"kind":"sos","note":' + note + b"}")
    assert seen.detail == {"note": kept}


def test_sos_when_its_notes_are_too_long_keeps_the_short_ones() -> None:
    seen, refusals = sos(boot="a", seq=1, note="jambe", log="x" * 500_000)
    assert (seen.kind, seen.detail, seen.doubts, refusals) == (EventKind.SOS, {"note": "jambe"}, ("extra_dropped",), ())


def test_sos_when_a_note_is_nested_deeply_it_is_cut() -> None:
    seen, _ = event(b'{"kind":"sos","note":' + b"[" * 500 + b"]" * 500 + b"}")
    depth, inner = 0, seen.detail["note"]
    while inner:
        [inner], depth = inner, depth + 1
    assert 10 < depth < 20


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()), st.lists))
def test_note_is_always_something_a_database_can_hold(note: object) -> None:
    kept = ingest.formats.storable({"note": note})
    text = json.dumps(kept, allow_nan=False, ensure_ascii=False)
    assert re.search(r"(?<!\\)(\\\\)*\\u0000", text) is None
    assert text.encode()
    assert ingest.formats.storable(kept) == kept


@pytest.mark.parametrize("kind", ["SOS", "", None, 7, [], {}, ["sos"], "panic", "x" * 5_000])
def test_event_when_its_kind_is_unknown_is_refused_shortly(kind: object) -> None:
    with pytest.raises(WireError, match="expected one of sos, fall") as refused:
        event(json.dumps({"kind": kind}).encode())
    assert refused.value.reason == "unknown_event"
    assert len(refused.value.detail) < 300


@pytest.mark.parametrize("body", [b"[]", b'[{"kind":"sos"}]', b"null", b'"sos"', b"7"])
def test_event_when_it_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(WireError, match="expected an object"):
        event(body)


def test_event_when_pressed_twice_without_any_mark_is_two() -> None:
    assert sos()[0].message_key != sos()[0].message_key


@pytest.mark.parametrize(
    "marks", [{"boot": "a", "seq": 1}, {"occurred_at": "2026-01-14T07:42:03Z"}, {"sent_at": 1768376523}]
)
def test_event_when_repeated_with_a_mark_is_one(marks: dict[str, object]) -> None:
    assert sos(**marks)[0].message_key == sos(**marks)[0].message_key


def test_event_when_it_says_only_when_it_was_sent_happened_then() -> None:
    assert sos(sent_at="2026-01-14T07:42:03Z")[0].occurred_at == datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)


# ------------------------------------------------------------------ status


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"offline", EventKind.OFFLINE),  # a Last Will is often a bare word
        (b"online", EventKind.ONLINE),
        (b" Online\n", EventKind.ONLINE),
        (b'"offline"', EventKind.OFFLINE),
        (b'{"state": "offline"}', EventKind.OFFLINE),
        (b'{"state": "online", "since": "2026-01-14T07:42:03Z"}', EventKind.ONLINE),
    ],
)
def test_status_when_written_so(body: bytes, kind: EventKind) -> None:
    [seen] = native.decode_status(body, SENDER, AT).observations
    assert isinstance(seen, Event)
    assert (seen.kind, seen.received_at, seen.fix) == (kind, AT, None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"offline                          but not really", "malformed"),  # longer than what is looked at
        (b"offline" + b" " * 2_000_000, "oversized"),
        (b"{}", "unknown_status"),
        (b'{"state": "sos"}', "unknown_status"),
        (b'{"state": ["offline"]}', "unknown_status"),
        (b'{"state": null}', "unknown_status"),
        (b"[]", "malformed"),
        (b"", "malformed"),
        (b"sos", "malformed"),
    ],
)
def test_status_when_it_is_none(body: bytes, reason: str) -> None:
    with pytest.raises(WireError) as refused:
        native.decode_status(body, SENDER, AT)
    assert refused.value.reason == reason


def test_status_when_it_changes_twice_is_two() -> None:
    later = AT.astimezone(timezone(timedelta(hours=1))) + timedelta(seconds=1)
    keys = {native.decode_status(b"offline", SENDER, at).observations[0].message_key for at in (AT, later)}
    assert len(keys) == 2


VAN = Sender(wire=Wire.NATIVE, name="vans/van-1")
DECODERS = {"fixes": native.decode_reports, "events": native.decode_event, "status": native.decode_status}


def said_by(sender: Sender, kind: str, marks: dict[str, object]) -> tuple[int, list[str]]:
    """How much of such a message is understood, and why the rest is not."""
    body = json.dumps({"kind": "sos", "state": "offline", **marks}).encode()
    try:
        decoded = DECODERS[kind](body, sender, AT)
    except WireError as error:
        return 0, [error.reason]
    return len(decoded.observations), [refusal.reason for refusal in decoded.refusals]


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize(
    ("sender", "marks"),
    [
        (SENDER, {"watch_id": "w-08"}),
        (SENDER, {"device": "w-08"}),
        (SENDER, {"device": 7}),
        (SENDER, {"device": ["w-07"]}),
        (SENDER, {"watch_id": ""}),
        (VAN, {"van_id": "van-2"}),
        (VAN, {"device": "w-07"}),
    ],
)
def test_message_that_names_another_device_than_its_topic_is_refused(
    kind: str, sender: Sender, marks: dict[str, object]
) -> None:
    assert said_by(sender, kind, marks) == (0, ["identity_mismatch"])


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize(
    ("sender", "marks"),
    [
        (SENDER, {"watch_id": "w-07", "device": "W-07"}),
        (SENDER, {"watch_id": None}),
        (SENDER, {"van_id": "van-1"}),  # a note: the van its wearer came by
        (VAN, {"van_id": "van-1", "device": "van-1"}),
    ],
)
def test_message_that_names_its_topics_device_or_none_is_understood(
    kind: str, sender: Sender, marks: dict[str, object]
) -> None:
    assert said_by(sender, kind, marks) == (1, [])


def test_array_when_one_report_names_another_device_only_that_one_is_refused() -> None:
    decoded = decode([WHOLE, {**WHOLE, "watch_id": "w-08"}, {**WHOLE, "seq": 1235, "watch_id": "w-07"}])
    assert len(decoded.observations) == 2
    [refusal] = decoded.refusals
    assert refusal == Refusal(
        reason="identity_mismatch", detail="watch_id = 'w-08'; expected 'w-07', whose topic this is"
    )
