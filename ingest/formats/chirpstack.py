"""ChirpStack v4: `application/<uuid>/device/<devEui>/event/<up|join|status|location|log|…>`, as its MQTT integration.

An uplink's meaning is in `object`, what the device profile's codec made of it; `lorawan.py` knows the codecs. An SOS
looks like any other uplink until it is decoded, so all uplinks go by the lane of the events: LoRaWAN's duty cycle keeps
them few. Protobuf's JSON leaves zeros and false out: a missing fCnt is 0. `rxInfo` tells where the radio gateways are,
never the device. Field table: integration.proto.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Doubt, EventKind, Fix, Sender, Wire
from ingest.formats import Decode, Decoded, Lane, Route, storable
from ingest.formats.chirpstack_envelope import Heard, hear
from ingest.formats.codecs import Number, Profile
from ingest.formats.fields import number, position
from ingest.formats.lorawan import profile_of
from ingest.formats.reading import Reading

_DESCRIPTION_MAX = 500
_MEASURED = frozenset({"GPS", "GEO_RESOLVER_GNSS"})
_TYPED_IN = "CONFIG"


def decode_up(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """One uplink: its alarms, the gravest first, and a report. Raise WireError when it may hide an SOS."""
    heard = hear(body, sender, received_at)
    reading = heard.reading
    said = reading.source.get("object")
    if said is None and not reading.source.get("data"):
        said = {}  # nothing but orders of the network
    if not isinstance(said, dict):
        raise WireError(
            "undecoded", "an uplink without an object; expected a codec in the device's profile at ChirpStack"
        )
    table = profile_of(reading.part("deviceInfo").text("deviceProfileName"))
    said = table.flat(said)
    port = reading.count("fPort", high=255) or 0
    frame = reading.count("fCnt", high=2**32 - 1) or 0
    measured_at = reading.lenient(lambda: table.measured_at(said))
    fix = _measured(heard, table, said, measured_at)
    battery_pct = _value(reading, table.battery_pct, said)
    steps = _value(reading, table.steps_total, said)
    raised = {(alarm.kind, found): None for alarm in table.alarms if (found := alarm.raised(said))}
    events = [
        heard.event(
            kind,
            found,
            occurred_at=measured_at or heard.at,
            fix=fix,
            battery_pct=battery_pct,
            detail={"alarm": found},
        )
        for kind, found in raised
    ]
    report = heard.report(
        "up",
        fix=fix,
        battery_pct=battery_pct,
        steps_total=None if steps is None else int(steps),
        buffered=port in table.buffered_ports,
        more={**table.rest(said), "fCnt": frame, "fPort": port},
    )
    return Decoded(observations=(*events, report), refusals=tuple(reading.refusals))


def decode_join(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """The device has joined the network: it was switched on, or is back from a place without coverage."""
    heard = hear(body, sender, received_at)
    event = heard.event(EventKind.ONLINE, "join", occurred_at=heard.at)
    return Decoded(observations=(event,), refusals=tuple(heard.reading.refusals))


def decode_log(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """What the network server has to say of the device: worth an event when it warns."""
    heard = hear(body, sender, received_at)
    refusals = tuple(heard.reading.refusals)
    words = {key: heard.reading.text(key)[:_DESCRIPTION_MAX] for key in ("level", "code", "description")}
    if words["level"] in {"", "INFO"}:
        return Decoded(refusals=refusals)
    event = heard.event(EventKind.HEALTH, words["code"], occurred_at=heard.at, detail=storable(words))
    return Decoded(observations=(event,), refusals=refusals)


def decode_status(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """The device's answer to the network's question: how full its battery is. On external power nobody knows."""
    heard = hear(body, sender, received_at)
    said = heard.reading.source
    battery_pct: float | None = None
    if said.get("externalPowerSource") is not True and said.get("batteryLevelUnavailable") is not True:
        battery_pct = heard.reading.lenient(
            lambda: number({"batteryLevel": 0, **said}, "batteryLevel", low=0, high=100)
        )
    report = heard.report("status", battery_pct=battery_pct, more={"margin": said.get("margin", 0)})
    return Decoded(observations=(report,), refusals=tuple(heard.reading.refusals))


def decode_location(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """A place that the network worked out. Only GNSS is one that was measured where the device is."""
    heard = hear(body, sender, received_at)
    said = heard.reading.part("location")
    source = said.text("source")[:40] or "UNKNOWN"
    place = said.lenient(lambda: position({"latitude": 0, "longitude": 0, **said.source}, "latitude", "longitude"))
    fix: Fix | None = None
    if place is not None:
        fix = Fix(
            fixed_at=heard.at or received_at,
            position=place,
            accuracy_m=said.number("accuracy", low=0, high=100_000) or None,  # 0 is "not given"
            altitude_m=said.number("altitude", low=-500, high=20_000),
        )
        said.doubt(Doubt.MOCK if source == _TYPED_IN else Doubt.NETWORK_POSITION, when=source not in _MEASURED)
        said.doubt(Doubt.CLOCK_NOT_SET, when=heard.at is None)
    report = heard.report("location", fix=fix, more={"source": source})
    return Decoded(observations=(report,), refusals=tuple(said.refusals))


def decode_nothing(_body: bytes, _sender: Sender, _received_at: datetime) -> Decoded:
    """What became of our own downlinks: it tells nothing of the wearer."""
    return Decoded()


def _measured(heard: Heard, table: Profile, said: Mapping[str, Any], measured_at: datetime | None) -> Fix | None:
    reading = heard.reading
    degrees = {
        "latitude": _value(reading, table.latitude_deg, said),
        "longitude": _value(reading, table.longitude_deg, said),
    }
    place = reading.lenient(lambda: position(degrees, "latitude", "longitude"))
    if place is None:
        return None
    reading.doubt(Doubt.CLOCK_NOT_SET, when=measured_at is None and heard.at is None)
    age_s = _value(reading, table.fix_age_s, said)
    fixed_at = measured_at or heard.at or heard.received_at
    return Fix(
        fixed_at=fixed_at if age_s is None else fixed_at - timedelta(seconds=age_s),
        position=place,
        accuracy_m=_value(reading, table.accuracy_m, said),
        speed_mps=_value(reading, table.speed_mps, said),
        course_deg=_value(reading, table.course_deg, said),
        altitude_m=_value(reading, table.altitude_m, said),
    )


def _value(reading: Reading, field: Number | None, said: Mapping[str, Any]) -> float | None:
    return None if field is None else reading.lenient(lambda: field.read(said))


def _route(event: str, lane: Lane, decode: Decode, *, may_be_sos: bool = False) -> Route:
    return Route(
        wire=Wire.CHIRPSTACK,
        lane=lane,
        filters=(f"application/+/device/+/event/{event}",),
        pattern=re.compile(rf"application/[^/]+/device/(?P<name>[^/]+)/event/{event}"),
        decode=decode,
        may_be_sos=may_be_sos,
    )


ROUTES = (
    _route("up", Lane.EVENTS, decode_up, may_be_sos=True),
    _route("join", Lane.EVENTS, decode_join),
    _route("log", Lane.EVENTS, decode_log),
    _route("status", Lane.FIXES, decode_status),
    _route("location", Lane.FIXES, decode_location),
    *(_route(event, Lane.FIXES, decode_nothing) for event in ("ack", "txack")),
)
