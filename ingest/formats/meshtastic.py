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
from ingest.formats.fields import gnss_instant, instant, number, position, same_identity, short
from ingest.formats.reading import Reading, an_object

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
    reading = Reading(an_object(read_json(body), "packet"))
    same_identity(reading.source.get("sender"), sender.name, "sender")
    kind = reading.source.get("type")
    if not isinstance(kind, str):
        raise WireError("malformed", f"type = {short(kind)}; expected text, position, telemetry or another")
    packet = _Packet(
        sender=Sender(Wire.MESHTASTIC, _node(reading.source)),
        received_at=received_at,
        heard_at=reading.lenient(lambda: instant(reading.source.get("timestamp") or None, "timestamp")),
        identity=_identity(reading.source, kind),
    )
    if kind in {"text", "detection"}:
        seen: Observation = _said(packet, _text(reading.source), reading, detection=kind == "detection")
    else:
        seen = _report(packet, kind, reading.part("payload"), reading)
    return Decoded(observations=(seen,), refusals=tuple(reading.refusals))


def radius_m(precision_bits: int) -> float:
    """How far from the truth a place of so many bits may be, in metres: half the side of its square."""
    half_side = 1 << _POSITION_BITS - precision_bits >> 1
    return min(half_side / _UNITS_PER_DEG * _M_PER_DEG, ACCURACY_MAX_M)


def _said(packet: _Packet, text: str, reading: Reading, *, detection: bool) -> Observation:
    if detection and _AT_REST.search(text):
        return _report(packet, "detection", Reading({}), reading)
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
        doubts=reading.doubts,
        detail=detail,
    )


def _report(packet: _Packet, kind: str, payload: Reading, reading: Reading) -> Report:
    known = _ENVELOPE
    fix: Fix | None = None
    battery_pct: float | None = None
    if kind == "position":
        known |= _PLACE
        place = payload.lenient(lambda: _place(payload.source))
        if place is not None:
            fix = _fix(packet, place, payload)
    elif kind == "telemetry":
        battery_pct = payload.number("battery_level", low=0, high=_POWERED_PCT)
        if battery_pct == _POWERED_PCT:
            battery_pct = None  # how full it is, is not said; the key stays in `extra`
        elif battery_pct is not None:
            known |= {"battery_level"}
    more, dropped = extra({**reading.source, **payload.source}, known)
    return Report(
        sender=packet.sender,
        received_at=packet.received_at,
        sent_at=packet.heard_at,
        sequence=None,
        message_key=message_key(kind, packet.identity),
        fix=fix,
        battery_pct=battery_pct,
        doubts=(*reading.doubts, *dropped),
        extra=more,
    )


def _fix(packet: _Packet, place: Position, payload: Reading) -> Fix:
    """The fix at `place`. A node without a time lets it out: then it is of the moment it was heard."""
    said_at = payload.lenient(
        lambda: gnss_instant(payload.source.get("timestamp") or payload.source.get("time") or None, "time")
    )
    fixed_at = said_at or packet.heard_at
    payload.doubt(Doubt.CLOCK_NOT_SET, when=fixed_at is None)
    bits = payload.number("precision_bits", low=0, high=_POSITION_BITS)
    coarse = bits is not None and 0 < bits < _POSITION_BITS
    payload.doubt(Doubt.COARSE_POSITION, when=coarse)
    speed_kmh = payload.number("ground_speed", low=0, high=700)
    return Fix(
        fixed_at=fixed_at or packet.received_at,
        position=place,
        accuracy_m=radius_m(int(bits)) if bits is not None and coarse else None,
        speed_mps=None if speed_kmh is None else speed_kmh * _MPS_PER_KMH,
        course_deg=payload.lenient(lambda: _course(payload.source)),
        altitude_m=payload.number("altitude", low=-500, high=20_000),
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


def _node(source: Mapping[str, Any]) -> str:
    found = number(source, "from", low=-(2**31), high=_NODE_MAX)
    node = None if found is None or not found.is_integer() else int(found) % 2**32  # signed before firmware 2.2
    if node in {None, 0, _NODE_MAX}:
        raise WireError("bad_field", f"from = {short(source.get('from'))}; expected the number of a node")
    return f"!{node:08x}"


def _identity(source: Mapping[str, Any], kind: str) -> str:
    said = source.get("id")
    if said and isinstance(said, int | str):
        return f"{said}"
    if kind in {"text", "detection"} or not source.get("timestamp"):
        return f"{uuid4()}"  # nothing tells a second call from a repetition: rather twice than never
    return json.dumps(storable([source.get("timestamp"), source.get("payload")]))


def _text(source: Mapping[str, Any]) -> str:
    """The words. Those that happen to be JSON come parsed, and are written out again."""
    payload = source.get("payload")
    said = payload["text"] if isinstance(payload, dict) and "text" in payload else payload
    if said is None:
        raise WireError("malformed", "a text without words; expected payload.text")
    said = storable(said)
    return (said if isinstance(said, str) else json.dumps(said))[:TEXT_MAX]


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
