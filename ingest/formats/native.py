"""The native format, version 1: design section 3. One report, or an array of up to 500; one event; one status."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import OF_VANS, Doubt, Event, EventKind, Fix, Report, Sender, Sequence, Wire
from ingest.formats import (
    Decode,
    Decoded,
    Lane,
    Refusal,
    Route,
    extra,
    message_key,
    native_plain,
    read_json,
    sequence_key,
)
from ingest.formats.fields import gnss_instant, instant, number, same_identity, short
from ingest.formats.native_plain import REPORTS_MAX

_BOOT_MAX = 64
_BARE_STATUS_MAX_BYTES = 32
_SEQUENCE_MAX = 2**53  # what every JSON reader carries exactly


def decode_reports(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """Reports of a device. A bad one among many is refused alone, and of a report only the field that is bad:

    a step must not be lost for a battery, nor a sign of life for a fix. Raise WireError when nothing can be read.
    """
    plain = native_plain.read(body, sender, received_at)
    if plain is not None:
        return Decoded(observations=plain)
    value = read_json(body)
    items = value if isinstance(value, list) else [value]
    if len(items) > REPORTS_MAX:
        raise WireError("too_many_reports", f"{len(items)} reports in one message; expected at most {REPORTS_MAX}")
    reports: list[Report] = []
    refusals: list[Refusal] = []
    for item in items:
        try:
            fields = _object(item)
            _same_device(fields, sender)
            sequence = _sequence(fields)
        except WireError as error:
            refusals.append(Refusal(reason=error.reason, detail=error.detail))
            continue
        report, doubts = _report(fields, sequence, sender, received_at)
        reports.append(report)
        refusals += doubts
    return Decoded(observations=tuple(reports), refusals=tuple(refusals))


def decode_event(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """One event. Raise WireError when it cannot be read: on an event topic that is itself worth an alert."""
    fields = _object(read_json(body))
    _same_device(fields, sender)
    said = fields.get("kind")
    kinds = _KINDS if sender.name.startswith("vans/") else _OF_WATCHES
    if not isinstance(said, str) or said not in kinds:
        expected = ", ".join(kind for kind in EventKind if kind in kinds)
        raise WireError("unknown_event", f"kind = {short(said)}; expected one of {expected}")
    kind = EventKind(said)
    doubts: list[Refusal] = []
    sequence = _lenient(lambda: _sequence(fields), doubts)
    occurred_at = _lenient(lambda: instant(fields.get("occurred_at") or fields.get("sent_at"), "occurred_at"), doubts)
    fix = _lenient(lambda: _fix(fields.get("fix")), doubts)
    battery_pct = _lenient(lambda: number(fields, "battery_pct", low=0, high=100, unknown=-1), doubts)
    if sequence is not None:
        key = sequence_key(sequence)
    elif occurred_at is not None:
        key = message_key(kind, occurred_at)
    else:
        key = message_key(uuid4())  # nothing tells a second press from a repetition: rather twice than never
    rest, cut = _rest(fields, _EVENT_KEYS)
    event = Event(
        sender=sender,
        kind=kind,
        received_at=received_at,
        occurred_at=occurred_at,
        sequence=sequence,
        message_key=key,
        fix=fix,
        battery_pct=battery_pct,
        doubts=_named(doubts, sequence, cut),
        detail=rest or {},
    )
    return Decoded(observations=(event,), refusals=tuple(doubts))


def decode_status(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """`online` or `offline`, as JSON `{"state": …}` or bare; the Last Will says `offline`."""
    bare = body if len(body) <= _BARE_STATUS_MAX_BYTES else b""
    text = bare.strip().strip(b'"').decode("utf-8", "replace").lower()
    if text not in {EventKind.ONLINE, EventKind.OFFLINE}:
        fields = _object(read_json(body))
        _same_device(fields, sender)
        said = fields.get("state")
        if said not in (EventKind.ONLINE, EventKind.OFFLINE):
            raise WireError("unknown_status", f"state = {short(said)}; expected online or offline")
        text = said
    event = Event(
        sender=sender,
        kind=EventKind(text),
        received_at=received_at,
        occurred_at=None,
        sequence=None,
        message_key=message_key(text, received_at),
    )
    return Decoded(observations=(event,))


T = TypeVar("T")
_KINDS = frozenset(EventKind)
_OF_WATCHES = _KINDS - OF_VANS
_EVENT_KEYS = frozenset({"boot", "seq", "kind", "occurred_at", "sent_at", "fix", "battery_pct"})
_REPORT_KEYS = frozenset({"boot", "seq", "sent_at", "fix", "motion", "battery_pct", "buffered"})
_PARTS = {
    "fix": frozenset({"fixed_at", "lat", "lon", "accuracy_m", "speed_mps", "course_deg", "altitude_m"}),
    "motion": frozenset({"steps", "activity_mg"}),
}


def _report(
    fields: Mapping[str, Any], sequence: Sequence | None, sender: Sender, received_at: datetime
) -> tuple[Report, list[Refusal]]:
    doubts: list[Refusal] = []
    motion = _lenient(lambda: _object(fields.get("motion") or {}, "motion"), doubts) or {}
    sent_at = _lenient(lambda: instant(fields.get("sent_at"), "sent_at"), doubts)
    fix = _lenient(lambda: _fix(fields.get("fix")), doubts)
    steps = _lenient(lambda: number(motion, "steps", low=0, high=100_000, unknown=-1), doubts)
    activity_mg = _lenient(lambda: number(motion, "activity_mg", low=0, high=16_000, unknown=-1), doubts)
    battery_pct = _lenient(lambda: number(fields, "battery_pct", low=0, high=100, unknown=-1), doubts)
    rest, cut = _rest(fields, _REPORT_KEYS)
    report = Report(
        sender=sender,
        received_at=received_at,
        sent_at=sent_at,
        sequence=sequence,
        message_key=sequence_key(sequence) if sequence else message_key(sent_at, fix, steps),
        fix=fix,
        steps=None if steps is None else int(steps),
        activity_mg=activity_mg,
        battery_pct=battery_pct,
        buffered=fields.get("buffered") is True,
        doubts=_named(doubts, sequence, cut),
        extra=rest,
    )
    return report, doubts


def _named(doubts: list[Refusal], sequence: Sequence | None, cut: tuple[Doubt, ...]) -> tuple[Doubt, ...]:
    if not doubts and sequence and not cut:
        return ()
    absent = () if sequence else (Doubt.NO_SEQUENCE,)
    return tuple(dict.fromkeys((*(Doubt(doubt.reason) for doubt in doubts), *absent, *cut)))


def _rest(fields: Mapping[str, Any], known: frozenset[str]) -> tuple[dict[str, Any] | None, tuple[Doubt, ...]]:
    """What else was said, that in the parts under the part's name."""
    unknown: dict[str, Any] = {}
    for part, its_known in _PARTS.items():
        inner = fields.get(part)
        if isinstance(inner, dict) and not its_known.issuperset(inner):
            unknown[part] = {key: value for key, value in inner.items() if key not in its_known}
    if not unknown and known.issuperset(fields):
        return None, ()
    return extra({**{key: value for key, value in fields.items() if key not in known}, **unknown}, frozenset())


def _fix(value: Any) -> Fix | None:
    if value is None:
        return None
    fields = _object(value, "fix")
    fixed_at = gnss_instant(fields.get("fixed_at"), "fixed_at")
    latitude_deg = number(fields, "lat", low=-90, high=90)
    longitude_deg = number(fields, "lon", low=-180, high=180)
    if fixed_at is None or latitude_deg is None or longitude_deg is None:
        raise WireError("bad_fix", "a fix needs fixed_at, lat and lon")
    if latitude_deg == 0 and longitude_deg == 0:
        raise WireError("bad_fix", "0/0 is a receiver without a fix; leave the fix out")
    return Fix(
        fixed_at=fixed_at,
        position=Position(latitude_deg, longitude_deg),
        accuracy_m=number(fields, "accuracy_m", low=0, high=100_000, unknown=-1),
        speed_mps=number(fields, "speed_mps", low=0, high=200, unknown=-1),
        course_deg=number(fields, "course_deg", low=0, high=360, unknown=-1),
        altitude_m=number(fields, "altitude_m", low=-500, high=20_000),
    )


def _sequence(fields: Mapping[str, Any]) -> Sequence | None:
    boot, seq = fields.get("boot"), fields.get("seq")
    if boot is None and seq is None:
        return None
    if not isinstance(boot, str) or not 0 < len(boot) <= _BOOT_MAX or not boot.isprintable():
        raise WireError("bad_field", f"boot = {short(boot)}; expected 1 to {_BOOT_MAX} printable characters")
    if isinstance(seq, str) and seq.isascii() and seq.isdigit() and len(seq) <= 16:
        seq = int(seq)
    if isinstance(seq, float) and seq.is_integer():
        seq = int(seq)
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= _SEQUENCE_MAX:
        raise WireError("bad_field", f"seq = {short(seq)}; expected a whole number, from 1 on")
    return Sequence(boot=boot, number=seq)


def _same_device(fields: Mapping[str, Any], sender: Sender) -> None:
    """A message need not say whose it is. Raise WireError when it does and names another than its topic."""
    own_key = "van_id" if sender.name.startswith("vans/") else "watch_id"
    for key in ("device", own_key):
        if key in fields:
            same_identity(fields[key], sender.name.removeprefix("vans/"), key)


def _object(value: Any, name: str = "message") -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise WireError("malformed", f"{name} is a {type(value).__name__}; expected an object")
    return value


def _lenient(read: Callable[[], T], doubts: list[Refusal]) -> T | None:
    """A bad detail never holds back the rest: it is None and noted."""
    try:
        return read()
    except WireError as error:
        doubts.append(Refusal(reason=error.reason, detail=error.detail))
        return None


def _route(group: str, kind: str, lane: Lane, decode: Decode, *, may_be_sos: bool = False) -> Route:
    return Route(
        wire=Wire.NATIVE,
        lane=lane,
        filters=(f"gyrophare/v1/{group}/+/{kind}",),
        pattern=re.compile(rf"gyrophare/v1/{group}/(?P<name>[^/]+)/{kind}"),
        decode=decode,
        # A van's name is told apart from a watch's, so that w-1 cannot speak for the van w-1.
        name_prefix="vans/" if group == "vans" else "",
        may_be_sos=may_be_sos,
    )


ROUTES = (
    *(_route(group, "fixes", Lane.FIXES, decode_reports) for group in ("watches", "vans")),
    *(_route(group, "events", Lane.EVENTS, decode_event, may_be_sos=True) for group in ("watches", "vans")),
    *(_route(group, "status", Lane.EVENTS, decode_status) for group in ("watches", "vans")),
)
