"""Meshtastic's JSON: what a gateway node hears on its mesh, `msh/[REGION/]2/json/<CHANNEL>/<!gateway>`.

The device is `from`, not the gateway, which is `sender` and the topic's last word. Several gateways hear the same
packet: its `id` makes it one message. A text may be an SOS, so everything of this topic goes by the lane of the events.

Only `text` and `detection` say something, `position` and `telemetry` have numbers of ours; any other packet, of types
yet to be invented too, is a sign of life. Places in it (waypoints) are not the wearer's. Field table: the firmware's
MeshPacketSerializer; units of `ground_speed` and `ground_track`: its GPS.cpp, which fills them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Doubt, Event, EventKind, Fix, Observation, Report, Sender, Wire
from ingest.formats import Decoded, Lane, Route, extra, message_key, native, read_json, storable
from ingest.formats.distress import calls_for_help
from ingest.formats.faults import Faults
from ingest.formats.fields import instant, number, position, same_identity

TEXT_MAX = 500  # characters; a packet holds 233 bytes
ACCURACY_MAX_M = 1_000_000.0
_POWERED_PCT = 101  # "battery_level" of a node on external power
_UNITS_PER_DEG = 10_000_000
_M_PER_DEG = 111_195.0
_POSITION_BITS = 32
_MPS_PER_KMH = 1 / 3.6
_HUNDREDTHS_MAX = 36_000
_NODE_MAX = 2**32 - 1  # also the address of everybody, whom nobody is
# A detection sensor tells its state from time to time; 0 is "nothing detected", whatever the sensor's name.
_AT_REST = re.compile(r"state: 0\s*$")

_ENVELOPE = frozenset({"id", "from", "to", "channel", "sender", "timestamp", "type", "payload"})
_PLACE = frozenset({"latitude_i", "longitude_i", "altitude", "time", "ground_speed", "ground_track", "precision_bits"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packet:
    """A packet's envelope, understood."""

    sender: Sender
    received_at: datetime
    heard_at: datetime | None
    """When the gateway heard it, by its clock: no node's own clock stands in the envelope."""
    identity: str
    """What tells it from every other packet of its node, by whatever gateway it came."""


def decode(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """One packet. Raise WireError when it cannot be read: it may have been an SOS."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise WireError("malformed", f"a {type(value).__name__}; expected a packet's object")
    same_identity(value.get("sender"), sender.name, "sender")
    kind = value.get("type")
    if not isinstance(kind, str):
        raise WireError("malformed", "no type; expected text, position, telemetry or another")
    faults = Faults()
    packet = _Packet(
        sender=Sender(Wire.MESHTASTIC, _node(value)),
        received_at=received_at,
        heard_at=faults.read(lambda: _time(value, "timestamp")),
        identity=_identity(value, kind),
    )
    if kind in {"text", "detection"}:
        seen: Observation = _said(packet, _text(value), faults, detection=kind == "detection")
    else:
        payload = value.get("payload")
        fields = payload if isinstance(payload, dict) else {}
        seen = _report(packet, kind, fields, {**value, **fields}, faults)
    return Decoded(observations=(seen,), refusals=faults.refusals)


def radius_m(precision_bits: int) -> float:
    """How far from the truth a place of so many bits may be, in metres: half the side of its square."""
    half_side = 1 << _POSITION_BITS - precision_bits >> 1
    return min(half_side / _UNITS_PER_DEG * _M_PER_DEG, ACCURACY_MAX_M)


def _said(packet: _Packet, text: str, faults: Faults, *, detection: bool) -> Observation:
    if detection and _AT_REST.search(text):
        return _report(packet, "detection", {}, {}, faults)
    if calls_for_help(text):
        kind, detail = EventKind.SOS, {"text": text}
    elif detection:
        kind, detail = EventKind.DEVICE_ALARM, {"alarm": text}
    else:
        kind, detail = EventKind.REPLY, {"text": text}
    return Event(
        sender=packet.sender,
        kind=kind,
        received_at=packet.received_at,
        occurred_at=packet.heard_at,
        sequence=None,
        message_key=message_key(kind, packet.identity),
        doubts=faults.doubts(),
        detail=detail,
    )


def _report(packet: _Packet, kind: str, payload: Mapping[str, Any], said: Mapping[str, Any], faults: Faults) -> Report:
    fix: Fix | None = None
    doubts: tuple[Doubt, ...] = ()
    known = _ENVELOPE
    battery_pct: float | None = None
    if kind == "position":
        known |= _PLACE
        place = faults.read(lambda: _place(payload))
        if place is not None:
            fix, doubts = _fix(packet, place, payload, faults)
    elif kind == "telemetry":
        battery_pct = faults.read(lambda: number(payload, "battery_level", low=0, high=_POWERED_PCT))
        if battery_pct == _POWERED_PCT:
            battery_pct = None  # how full it is, is not said; the key stays in `extra`
        elif battery_pct is not None:
            known |= {"battery_level"}
    more, dropped = extra(said, known)
    return Report(
        sender=packet.sender,
        received_at=packet.received_at,
        sent_at=packet.heard_at,
        sequence=None,
        message_key=message_key(kind, packet.identity),
        fix=fix,
        battery_pct=battery_pct,
        doubts=faults.doubts(*doubts, *dropped),
        extra=more,
    )


def _fix(packet: _Packet, place: Position, payload: Mapping[str, Any], faults: Faults) -> tuple[Fix, tuple[Doubt, ...]]:
    """The fix at `place`. A node without a time lets it out: then it is of the moment it was heard."""
    said_at = faults.read(lambda: _time(payload, "timestamp") or _time(payload, "time"))
    fixed_at = said_at or packet.heard_at
    bits = faults.read(lambda: number(payload, "precision_bits", low=0, high=_POSITION_BITS))
    coarse = bits is not None and 0 < bits < _POSITION_BITS
    speed_kmh = faults.read(lambda: number(payload, "ground_speed", low=0, high=700))
    fix = Fix(
        fixed_at=fixed_at or packet.received_at,
        position=place,
        accuracy_m=radius_m(int(bits)) if bits is not None and coarse else None,
        speed_mps=None if speed_kmh is None else speed_kmh * _MPS_PER_KMH,
        course_deg=faults.read(lambda: _course(payload)),
        altitude_m=faults.read(lambda: number(payload, "altitude", low=-500, high=20_000)),
    )
    return fix, (
        *((Doubt.COARSE_POSITION,) if coarse else ()),
        *(() if fixed_at else (Doubt.CLOCK_NOT_SET,)),
    )


def _place(payload: Mapping[str, Any]) -> Position | None:
    """The place in degrees, or None when there is none. Raise WireError as `fields.position` does."""
    units = {
        key: number(payload, key, low=-limit_deg * _UNITS_PER_DEG, high=limit_deg * _UNITS_PER_DEG)
        for key, limit_deg in (("latitude_i", 90), ("longitude_i", 180))
    }
    degrees = {key: None if value is None else value / _UNITS_PER_DEG for key, value in units.items()}
    return position(degrees, "latitude_i", "longitude_i")


def _course(payload: Mapping[str, Any]) -> float | None:
    """The firmware fills in hundred-thousandths of a degree, phones hundredths as its field table says."""
    units = number(payload, "ground_track", low=0, high=36_000_000)
    if units is None:
        return None
    return units / 100 if units <= _HUNDREDTHS_MAX else units / 100_000


def _time(source: Mapping[str, Any], key: str) -> datetime | None:
    """Zero fields are let out, but not by every firmware: 0 is a clock that is not set."""
    return instant(source.get(key) or None, key)


def _node(value: Mapping[str, Any]) -> str:
    found = number(value, "from", low=-(2**31), high=_NODE_MAX)
    node = None if found is None or not found.is_integer() else int(found) % 2**32  # signed before firmware 2.2
    if node in {None, 0, _NODE_MAX}:
        raise WireError("bad_field", f"from = {str(value.get('from'))[:40]!r}; expected the number of a node")
    return f"!{node:08x}"


def _identity(value: Mapping[str, Any], kind: str) -> str:
    number_of = value.get("id")
    if number_of:
        return f"{number_of}"
    if kind in {"text", "detection"} or not value.get("timestamp"):
        return f"{uuid4()}"  # nothing tells a second call from a repetition: rather twice than never
    return json.dumps([value.get("timestamp"), value.get("payload")])


def _text(value: Mapping[str, Any]) -> str:
    """The words. Those that happen to be JSON come parsed, and are written out again."""
    payload = value.get("payload")
    said = payload["text"] if isinstance(payload, dict) and "text" in payload else payload
    if said is None:
        raise WireError("malformed", "a text without words; expected payload.text")
    return str(storable(said if isinstance(said, str) else json.dumps(said)))[:TEXT_MAX]


ROUTES = (
    Route(
        wire=Wire.MESHTASTIC,
        lane=Lane.EVENTS,
        filters=("msh/2/json/+/+", "msh/+/2/json/+/+"),
        pattern=re.compile(r"msh/(?:[^/]+/)?2/json/[^/]+/(?P<name>[^/]+)"),
        decode=decode,
        may_be_sos=True,
    ),
    Route(
        wire=Wire.MESHTASTIC,
        lane=Lane.EVENTS,
        filters=("msh/2/stat/+", "msh/+/2/stat/+"),
        pattern=re.compile(r"msh/(?:[^/]+/)?2/stat/(?P<name>[^/]+)"),
        decode=native.decode_status,
    ),
)
