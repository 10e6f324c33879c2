"""What the field sends never stops the consumer, and one bad message never costs a neighbour's observation."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gyrophare.kernel.observations import Observation, Report, Sender, Sequence, Wire
from gyrophare.platform.mqtt import Received
from ingest.consumer import Batch, understand

AT = datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)
WATCH = "gyrophare/v1/watches/w-07"
FIXES, EVENTS, STATUS = f"{WATCH}/fixes", f"{WATCH}/events", f"{WATCH}/status"
PHONE = "owntracks/michelot/telephone"
W_07 = Sender(wire=Wire.NATIVE, name="w-07")
FIX: dict[str, Any] = {"fixed_at": "2026-01-14T07:42:03Z", "lat": 47.3215, "lon": 5.0415}
LOCATION: dict[str, Any] = {"_type": "location", "tst": 1768376523, "lat": 47.3215, "lon": 5.0415}


def message(topic: str, body: object) -> Received:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Received(topic=topic, payload=payload, received_at=AT, qos=1, packet_id=1, epoch=1)


def reasons(batch: Batch) -> list[str]:
    return [item.reason for item in batch.rejected]


# JSON in the shapes of our formats, with anything where a value should be.
scalars = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(
        [-1, "-1", 91, 1e308, 10**400, "NaN", "2026-01-14T07:42:03Z", 1768376523, "location", "lwt", "sos", "offline"]
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
    [FIXES, EVENTS, STATUS, PHONE, "gyrophare/v1/vans/van-1/fixes", "gyrophare/v1/vans/van-1/events"]
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
    batch = understand([sent])
    told = bool(batch.reports or batch.events)
    empty = sent.topic.endswith("/fixes") and sent.payload.strip() == b"[]"
    assert told or batch.rejected or empty or _is_other_owntracks(sent)
    for item in batch.rejected:
        assert (item.topic, item.body, item.received_at) == (sent.topic, sent.payload, AT)
        assert item.reason
        assert item.detail
        item.detail.encode()  # what the database will hold
    observations: list[Observation] = [*batch.reports, *batch.events]
    for seen in observations:
        assert seen.received_at == AT
        assert seen.fix is None or seen.fix.fixed_at <= AT + timedelta(seconds=120)
        assert -(2**63) <= seen.message_key < 2**63
        json.dumps([seen.sequence and seen.sequence.boot], ensure_ascii=False).encode()
        assert isinstance(seen, Report) or json.dumps(seen.detail, allow_nan=False, ensure_ascii=False).encode()


def _is_other_owntracks(sent: Received) -> bool:
    """An OwnTracks message of another kind is neither news nor a fault."""
    return sent.topic == PHONE and json.loads(sent.payload)["_type"] in {"lwt", "transition"}


GOOD = [
    message(FIXES, {"boot": "a", "seq": 1, "fix": FIX}),
    message(EVENTS, {"boot": "b", "seq": 2, "kind": "sos"}),
    message(PHONE, LOCATION),
    message(STATUS, b"offline"),
]


@given(st.lists(messages, max_size=5), st.data())
def test_bad_message_never_costs_a_neighbour_its_observation(others: list[Received], data: st.DataObject) -> None:
    mixed = data.draw(st.permutations([*GOOD, *others]))
    alone, together = understand(GOOD), understand(mixed)
    assert all(report in together.reports for report in alone.reports)
    assert all(event in together.events for event in alone.events)
    one_by_one = [understand([sent]) for sent in mixed]
    for part in ("reports", "rejected", "unreadable_events", "sources"):
        assert getattr(together, part) == [item for batch in one_by_one for item in getattr(batch, part)]
    # Two events without any mark get keys of their own, so only their kinds can be compared.
    assert [event.kind for event in together.events] == [e.kind for batch in one_by_one for e in batch.events]


@given(values)
def test_bad_report_never_costs_a_neighbour_in_the_same_array(bad: object) -> None:
    good = {"boot": "good", "seq": 7, "fix": FIX}
    batch = understand([message(FIXES, [good, bad, good])])
    assert [report.fix for report in batch.reports if report.sequence == Sequence(boot="good", number=7)] == [
        understand([message(FIXES, good)]).reports[0].fix
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
    batch = understand([sent])
    [item] = batch.rejected
    assert (item.topic, item.body, item.reason) == (topic, sent.payload, reason)
    assert batch.events == []


@pytest.mark.parametrize("topic", [FIXES, EVENTS, STATUS, PHONE])
def test_body_of_two_megabytes_is_refused_before_it_is_parsed(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(json, "loads", never)
    batch = understand([message(topic, b'{"kind":"sos","note":"' + b"x" * 2_000_000 + b'"}')])
    assert reasons(batch) == ["oversized"]


@pytest.mark.parametrize(
    ("topic", "heard"),
    [(EVENTS, True), ("gyrophare/v1/vans/van-1/events", True), (FIXES, False), (STATUS, False), (PHONE, False)],
)
def test_unreadable_body_is_an_unreadable_event_only_on_an_event_topic(topic: str, heard: bool) -> None:
    batch = understand([message(topic, b"{")])
    assert [reason for _, reason in batch.unreadable_events] == (["malformed"] if heard else [])


def test_unknown_topic_has_no_sender_to_answer() -> None:
    batch = understand([message("gyrophare/v1/watches/w/x/events", {"kind": "sos"})])
    assert (batch.sources, batch.unreadable_events, reasons(batch)) == ([], [], ["unknown_topic"])


def test_array_of_500_is_taken_whole() -> None:
    batch = understand([message(FIXES, [{"boot": "a", "seq": number} for number in range(1, 501)])])
    assert [report.sequence and report.sequence.number for report in batch.reports] == list(range(1, 501))
    assert batch.rejected == []


@pytest.mark.parametrize("place", [0, 3, 499])
def test_bad_report_among_many_is_refused_alone(place: int) -> None:
    reports: list[Any] = [{"boot": "a", "seq": number} for number in range(500)]
    reports[place] = 7
    batch = understand([message(FIXES, reports)])
    assert len(batch.reports) == 499
    assert reasons(batch) == ["malformed"]


def test_bad_field_of_a_report_is_refused_alone() -> None:
    """A report refused for its battery would be sent again for ever, and its steps would be missed."""
    batch = understand([message(FIXES, {"boot": "a", "seq": 1, "battery_pct": "full", "motion": {"steps": 3}})])
    assert [(report.steps, report.battery_pct) for report in batch.reports] == [(3, None)]
    assert reasons(batch) == ["bad_field"]


@pytest.mark.parametrize(
    ("ahead_s", "believed"),
    [
        (-7 * 86_400, True),  # out of a buffer
        (0, True),
        (120, True),  # as fast as a clock may be
        (121, False),
        (86_400, False),
    ],
)
@pytest.mark.parametrize("topic", [FIXES, EVENTS, PHONE])
def test_fix_in_the_future_is_taken_out_and_the_rest_stays(topic: str, ahead_s: int, believed: bool) -> None:
    fixed_at = AT + timedelta(seconds=ahead_s)
    body = {
        FIXES: {"boot": "a", "seq": 1, "motion": {"steps": 3}, "fix": {**FIX, "fixed_at": fixed_at.isoformat()}},
        EVENTS: {"boot": "a", "seq": 1, "kind": "sos", "fix": {**FIX, "fixed_at": fixed_at.isoformat()}},
        PHONE: {**LOCATION, "tst": fixed_at.timestamp()},
    }[topic]
    batch = understand([message(topic, body)])
    observations: list[Observation] = [*batch.reports, *batch.events]
    [seen] = observations
    assert (seen.fix is not None) is believed
    assert reasons(batch) == ([] if believed else ["fix_in_future"])
    if isinstance(seen, Report):
        assert seen.steps == (3 if topic == FIXES else None)
        assert ("fix_in_future" in seen.doubts) is not believed


@given(values, st.sampled_from(["sos", "fall"]))
def test_sos_is_an_sos_whatever_stands_beside_it(beside: object, kind: str) -> None:
    fields = beside if isinstance(beside, dict) else {"note": beside, "fix": beside, "occurred_at": beside}
    batch = understand([message(EVENTS, {**fields, "kind": kind})])
    assert [event.kind for event in batch.events] == [kind]
    assert batch.unreadable_events == []


def test_sos_with_a_number_that_is_none_is_an_sos() -> None:
    batch = understand([message(EVENTS, b'{"kind":"sos","battery_pct":NaN,"note":-Infinity}')])
    assert [(event.kind, event.detail) for event in batch.events] == [("sos", {"note": None})]
    assert reasons(batch) == ["bad_field"]


def test_sos_that_is_no_json_is_an_unreadable_event() -> None:
    batch = understand([message(EVENTS, b'{"kind":"sos"')])
    assert batch.unreadable_events == [(W_07, "malformed")]
