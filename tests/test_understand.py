"""What the field sends never stops the consumer, and one bad message never costs a neighbour's observation."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gyrophare.kernel.observations import Event, Report, Sender, Sequence, Wire
from gyrophare.platform.mqtt import Received
from ingest.understanding import Understood, understand

AT = datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)
WATCH = "gyrophare/v1/watches/w-07"
FIXES, EVENTS, STATUS = f"{WATCH}/fixes", f"{WATCH}/events", f"{WATCH}/status"
PHONE = "owntracks/michelot/telephone"
POSITIONS, RAISED = "traccar/serveur-1/positions", "traccar/serveur-1/events"
LOCATIONS = "transistorsoft/48241179/locations"
W_07 = Sender(wire=Wire.NATIVE, name="w-07")
FIX: dict[str, Any] = {"fixed_at": "2026-01-14T07:42:03Z", "lat": 47.3215, "lon": 5.0415}
LOCATION: dict[str, Any] = {"_type": "location", "tst": 1768376523, "lat": 47.3215, "lon": 5.0415}


def message(topic: str, body: object) -> Received:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Received(topic=topic, payload=payload, received_at=AT, qos=1, packet_id=1, epoch=1)


def reports(found: Understood) -> list[Report]:
    return [seen for seen in found.observations if isinstance(seen, Report)]


def events(found: Understood) -> list[Event]:
    return [seen for seen in found.observations if isinstance(seen, Event)]


def reasons(found: Understood) -> list[str]:
    return [item.reason for item in found.rejected]


# JSON in the shapes of our formats, with anything where a value should be.
scalars = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(
        [
            -1,
            "-1",
            91,
            1e308,
            10**400,
            "NaN",
            "2026-01-14T07:42:03Z",
            1768376523,
            "location",
            "lwt",
            "card",
            "sos",
            "offline",
        ]
    )
)
KEYS = """
boot seq sent_at fix motion battery_pct buffered kind occurred_at state fixed_at lat lon accuracy_m speed_mps course_deg
altitude_m steps activity_mg _type tst vel batt acc cog alt created_at t
"""
words = st.sampled_from(KEYS.split())


def nested(leaves: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=8), max_leaves=20
    )


values = nested(scalars)
bodies = st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode())
ours = st.sampled_from(
    [
        FIXES,
        EVENTS,
        STATUS,
        PHONE,
        POSITIONS,
        RAISED,
        LOCATIONS,
        "gyrophare/v1/vans/van-1/fixes",
        "gyrophare/v1/vans/van-1/events",
    ]
)
messages = st.builds(message, ours | st.text(max_size=40), bodies)


@given(messages)
@example(message(PHONE, {"_type": []}))
@example(message(PHONE, {**LOCATION, "t": [[[]]]}))
@example(message(EVENTS, {"kind": []}))
@example(message(EVENTS, {"kind": "sos", "\ud800": "\ud800"}))
@example(message(FIXES, b"[" * 100_000))
@example(message(STATUS, b""))
def test_any_message_is_understood_or_kept_with_a_reason(sent: Received) -> None:
    found = understand(sent)
    empty = sent.payload.strip() == b"[]"
    assert found.observations or found.rejected or empty or _is_other_owntracks(sent)
    for item in found.rejected:
        assert (item.topic, item.body, item.received_at) == (sent.topic, sent.payload, AT)
        assert item.reason
        assert item.detail
        item.detail.encode()  # what the database will hold
    for seen in found.observations:
        assert seen.received_at == AT
        assert -(2**63) <= seen.message_key < 2**63
        json.dumps([seen.sequence and seen.sequence.boot], ensure_ascii=False).encode()
        assert isinstance(seen, Report) or json.dumps(seen.detail, allow_nan=False, ensure_ascii=False).encode()


def _is_other_owntracks(sent: Received) -> bool:
    """An OwnTracks message of another kind is neither news nor a fault."""
    if sent.topic != PHONE:
        return False
    value = json.loads(sent.payload)
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, dict) and item.get("_type") == "card" for item in items)


@given(values)
def test_bad_report_never_costs_a_neighbour_in_the_same_array(bad: object) -> None:
    good = {"boot": "good", "seq": 7, "fix": FIX}
    found = understand(message(FIXES, [good, bad, good]))
    assert [report.fix for report in reports(found) if report.sequence == Sequence(boot="good", number=7)] == [
        reports(understand(message(FIXES, good)))[0].fix
    ] * 2


@pytest.mark.parametrize(
    ("topic", "body", "reason"),
    [
        ("somewhere/else", b"{}", "unknown_topic"),
        (FIXES, b"\xc3\x28", "not_utf8"),
        (FIXES, b"7" * 2_000_000, "oversized"),
        (EVENTS, b"7" * 2_000_000, "oversized"),
        (STATUS, b"7" * 2_000_000, "oversized"),
        (PHONE, b"7" * 2_000_000, "oversized"),
        (FIXES, b"[" * 100_000, "malformed"),
        (EVENTS, b'{"kind":' * 100_000, "malformed"),
        (PHONE, b"[" * 100_000 + b"]" * 100_000, "malformed"),
        (FIXES, b'{"battery_pct": 1e999}', "bad_field"),
        (FIXES, {"fix": {**FIX, "lat": 91}}, "bad_field"),
        (FIXES, {"fix": {**FIX, "lat": 0, "lon": 0}}, "bad_fix"),
        (FIXES, [{}] * 501, "too_many_reports"),
        (EVENTS, {"kind": "panic"}, "unknown_event"),
        (STATUS, {"state": "asleep"}, "unknown_status"),
        (PHONE, {"_type": "encrypted"}, "encrypted"),
    ],
)
def test_message_when_it_is_bad_is_rejected_whole_with_its_reason(topic: str, body: object, reason: str) -> None:
    sent = message(topic, body)
    found = understand(sent)
    [item] = found.rejected
    assert (item.topic, item.body, item.reason) == (topic, sent.payload, reason)
    assert events(found) == []


@pytest.mark.parametrize("topic", [FIXES, EVENTS, STATUS, PHONE])
def test_body_of_two_megabytes_is_refused_before_it_is_parsed(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(json, "loads", never)
    found = understand(message(topic, b'{"kind":"sos","note":"' + b"x" * 2_000_000 + b'"}'))
    assert reasons(found) == ["oversized"]


@pytest.mark.parametrize(
    ("topic", "heard"),
    [
        *((topic, True) for topic in (EVENTS, "gyrophare/v1/vans/van-1/events", POSITIONS, RAISED, LOCATIONS)),
        *((topic, False) for topic in (FIXES, STATUS, PHONE, f"{PHONE}/event")),
    ],
)
def test_unreadable_body_may_be_an_sos_only_on_a_topic_that_carries_them(topic: str, heard: bool) -> None:
    found = understand(message(topic, b"{"))
    assert (found.maybe_sos, found.urgent, reasons(found)) == (heard, heard, ["malformed"])


def test_unknown_topic_has_no_sender_to_answer() -> None:
    found = understand(message("gyrophare/v1/watches/w/x/events", {"kind": "sos"}))
    assert (found.sender, found.maybe_sos, reasons(found)) == (None, False, ["unknown_topic"])


def test_array_of_500_is_taken_whole() -> None:
    found = understand(message(FIXES, [{"boot": "a", "seq": number} for number in range(1, 501)]))
    assert [report.sequence and report.sequence.number for report in reports(found)] == list(range(1, 501))
    assert found.rejected == []


@pytest.mark.parametrize("place", [0, 3, 499])
def test_bad_report_among_many_is_refused_alone(place: int) -> None:
    body: list[Any] = [{"boot": "a", "seq": number} for number in range(500)]
    body[place] = 7
    found = understand(message(FIXES, body))
    assert len(reports(found)) == 499
    assert reasons(found) == ["malformed"]


def test_bad_field_of_a_report_is_refused_alone() -> None:
    """A report refused for its battery would be sent again for ever, and its steps would be missed."""
    found = understand(message(FIXES, {"boot": "a", "seq": 1, "battery_pct": "full", "motion": {"steps": 3}}))
    assert [(report.steps, report.battery_pct) for report in reports(found)] == [(3, None)]
    assert reasons(found) == ["bad_field"]


@given(values, st.sampled_from(["sos", "fall"]))
def test_sos_is_an_sos_whatever_stands_beside_it(beside: object, kind: str) -> None:
    fields = beside if isinstance(beside, dict) else {"note": beside, "fix": beside, "occurred_at": beside}
    found = understand(message(EVENTS, {**fields, "kind": kind}))
    assert [event.kind for event in events(found)] == [kind]
    assert found.urgent
    assert not found.maybe_sos


def test_sos_with_a_number_that_is_none_is_an_sos() -> None:
    found = understand(message(EVENTS, b'{"kind":"sos","battery_pct":NaN,"note":-Infinity}'))
    assert [(event.kind, event.detail) for event in events(found)] == [("sos", {"note": None})]
    assert reasons(found) == ["bad_field"]


def test_sos_that_is_no_json_is_an_unreadable_event() -> None:
    found = understand(message(EVENTS, b'{"kind":"sos"'))
    assert (found.sender, found.maybe_sos, reasons(found)) == (W_07, True, ["malformed"])
