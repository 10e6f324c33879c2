"""No bytes can make a decoder raise anything but WireError, nor say what could not be stored or used."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Doubt, Event, EventKind, Fix, Observation, Report, Sender
from ingest.formats import EXTRA_MAX_BYTES, Decoded, Route, read_json, storable
from ingest.topics import ROUTES
from tests.golden_cases import Case, load

AT = datetime(2026, 1, 14, 7, 42, 5, tzinfo=UTC)
CASES = load()
_REAL_MIN = 1.2e-38  # the smallest that PostgreSQL's real holds in full; it refuses much smaller ones
_INTEGER_MAX = 2**31 - 1

scalars = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from([-1, "-1", 0, 91, 1e308, 1e-320, 10**400, "NaN", "2026-01-14T07:42:03Z", 1768376523, "sos"])
)


def _words(value: Any) -> set[str]:
    """Every key and every text of a JSON value: a format's own vocabulary."""
    if isinstance(value, dict):
        return set(value).union(*map(_words, value.values()))
    if isinstance(value, list):
        return set[str]().union(*map(_words, value))
    return {value} if isinstance(value, str) else set()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


WORDS = sorted(set[str]().union({"id"}, *(_words(_json(case.body)) for case in CASES)))
values = st.recursive(
    scalars | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=8)
    ),
    max_leaves=20,
)


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value with one thing in it replaced, left out or added."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: draw(mutated(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(mutated(value[place])), *value[place + 1 :]]
    if isinstance(value, dict) and value and draw(st.booleans()):
        left_out = draw(st.sampled_from(sorted(value)))
        return {key: inner for key, inner in value.items() if key != left_out}
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, draw(st.sampled_from(WORDS)): draw(values)}
    return draw(values)


@st.composite
def mangled(draw: st.DrawFn, case: Case) -> bytes:
    """The body of a case with one thing in it changed, as JSON where it is some, otherwise bytes for bytes."""
    value = _json(case.body)
    if value is not None and draw(st.booleans()):
        return json.dumps(draw(mutated(value))).encode()
    start, end = sorted((draw(st.integers(0, len(case.body))), draw(st.integers(0, len(case.body)))))
    return case.body[:start] + draw(st.binary(max_size=8)) + case.body[end:]


def _route(route: Route) -> str:
    return route.pattern.pattern  # not every route is subscribed to


@pytest.mark.parametrize("route", ROUTES, ids=_route)
@given(body=st.binary(max_size=400))
def test_bytes_whatever_they_are_are_understood_or_refused(route: Route, body: bytes) -> None:
    _check(route, body)


@pytest.mark.parametrize("route", ROUTES, ids=_route)
@given(value=values)
def test_json_whatever_it_is_is_understood_or_refused(route: Route, value: Any) -> None:
    _check(route, json.dumps(value).encode())


@pytest.mark.parametrize("case", CASES, ids=str)
@settings(max_examples=40)
@given(data=st.data())
def test_golden_payload_when_mangled_is_understood_or_refused(case: Case, data: st.DataObject) -> None:
    body = data.draw(mangled(case))
    try:
        decoded = case.decode(body)
    except WireError as refused:
        _check_words(refused.reason, refused.detail)
    else:
        _check_decoded(decoded, case.received_at)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_golden_payload_when_a_value_is_nested_deeply_is_understood_or_refused(case: Case) -> None:
    """To quote such a value in a refusal takes more of the stack than to read it did."""
    value = _json(case.body)
    deepest = _deepest_read()
    for holed, depth in itertools.product(_holed(value), [19, *range(deepest - 30, deepest + 2, 3)]):
        body = json.dumps(holed).replace('"HERE"', "[" * depth + "]" * depth).encode()
        try:
            decoded = case.decode(body)
        except WireError as refused:
            _check_words(refused.reason, refused.detail)
        else:
            _check_decoded(decoded, case.received_at)


def _holed(value: Any) -> Iterator[Any]:
    """The value with one after the other of its parts replaced by "HERE"."""
    yield "HERE"
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        for holed in _holed(inner):
            copy = value.copy()
            copy[key] = holed
            yield copy


@lru_cache
def _deepest_read() -> int:
    """How deep the JSON reader goes, called from about here."""
    depth = 100
    while depth < 5_000:
        try:
            read_json(b"[" * depth + b"]" * depth)
        except WireError:
            break
        depth += 1
    return depth - 1


def _check(route: Route, body: bytes) -> None:
    try:
        decoded = route.read(body, Sender(route.wire, f"{route.name_prefix}x"), AT)
    except WireError as refused:
        _check_words(refused.reason, refused.detail)
    else:
        _check_decoded(decoded, AT)


def _check_decoded(decoded: Decoded, received_at: datetime) -> None:
    for refusal in decoded.refusals:
        _check_words(refusal.reason, refusal.detail)
    for seen in decoded.observations:
        _check_observation(seen, received_at)


def _check_words(reason: str, detail: str) -> None:
    assert reason
    assert detail
    assert len(detail) < 400
    detail.encode()  # what the database will hold
    assert "\0" not in detail


def _check_observation(seen: Observation, received_at: datetime) -> None:
    assert seen.received_at == received_at
    assert -(2**63) <= seen.message_key < 2**63
    assert 0 < len(seen.sender.name) <= 100
    assert storable(seen.sender.name) == seen.sender.name
    assert all(isinstance(doubt, Doubt) for doubt in seen.doubts)
    assert len(set(seen.doubts)) == len(seen.doubts)
    if seen.sequence is not None:
        assert storable(seen.sequence.boot) == seen.sequence.boot
        assert 0 <= seen.sequence.number < 2**63
    _check_number(seen.battery_pct, 0, 100)
    if seen.fix is not None:
        _check_fix(seen.fix)
    if isinstance(seen, Report):
        _check_report(seen)
    else:
        _check_event(seen)


def _check_report(report: Report) -> None:
    _check_instant(report.sent_at)
    for count in (report.steps, report.steps_total):
        assert count is None or (type(count) is int and 0 <= count <= _INTEGER_MAX)
    _check_number(report.activity_mg, 0, 16_000)
    if report.extra is not None:
        assert report.extra
        _check_stored(report.extra)


def _check_event(event: Event) -> None:
    assert isinstance(event.kind, EventKind)
    _check_instant(event.occurred_at)
    _check_stored(event.detail)


def _check_fix(fix: Fix) -> None:
    _check_instant(fix.fixed_at)
    _check_number(fix.position.latitude_deg, -90, 90)
    _check_number(fix.position.longitude_deg, -180, 180)
    assert (fix.position.latitude_deg, fix.position.longitude_deg) != (0, 0)
    limits = {"accuracy_m": (0, 1e6), "speed_mps": (0, 300), "course_deg": (0, 360), "altitude_m": (-500, 20_000)}
    assert limits.keys() == {field.name for field in fields(fix)} - {"fixed_at", "position"}
    for name, (low, high) in limits.items():
        _check_number(getattr(fix, name), low, high)


def _check_number(value: float | None, low: float, high: float) -> None:
    if value is not None:
        assert math.isfinite(value)
        assert low <= value <= high
        assert value == 0 or abs(value) >= _REAL_MIN


def _check_instant(at: datetime | None) -> None:
    if at is not None:
        assert at.utcoffset() == timedelta(0)
        assert 1986 <= at.year <= 2100  # of a receiver whose weeks began anew the gate knows what it means


def _check_stored(kept: Any) -> None:
    """As PostgreSQL's jsonb can hold it, and no longer than a note should be."""
    assert storable(kept) == kept
    text = json.dumps(kept, allow_nan=False, ensure_ascii=False)
    assert len(text.encode()) <= 2 * EXTRA_MAX_BYTES
