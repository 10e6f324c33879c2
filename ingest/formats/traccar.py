"""What a Traccar server forwards: every device it knows, by one gateway that speaks for them all.

The topic names the server's own account, the payload the device: `device.uniqueId`. Speed is in knots. A number that
Traccar was never told is 0 there, so an accuracy or altitude of 0, and the course of one who stands, are unknown. Its
`motion` means faster than 0.01 knots, which a receiver that lies still exceeds: it is kept, but proves nothing. An
alarm comes with the position and again as an event, unless the position is late, when Traccar raises none: both have
one key.
Fields: Traccar's model/Position, model/Event, forward/PositionData and forward/EventData.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Doubt, Event, EventKind, Fix, Observation, Report, Sender, Wire
from ingest.formats import Decode, Decoded, Lane, Refusal, Route, message_key, storable
from ingest.formats.alarms import alarm_events, alarms
from ingest.formats.fields import OUTDATED_AFTER, same_identity, short
from ingest.formats.reading import Reading, an_object, decode_each, place_and_time

_MPS_PER_KNOT = 1852 / 3600
_NAME_MAX = 100
_STEPS_MAX = 10_000_000
_POSITION = frozenset(
    {
        *("id", "deviceId", "type", "deviceTime", "fixTime", "outdated", "valid"),
        *("latitude", "longitude", "altitude", "speed", "course", "accuracy"),
    }
)
_ATTRIBUTES = frozenset({"batteryLevel", "steps", "archive", "alarm"})
_EVENT = frozenset({"id", "deviceId", "positionId", "geofenceId", "maintenanceId", "type", "eventTime", "serverTime"})
_KINDS = {
    "deviceOnline": EventKind.ONLINE,
    "deviceOffline": EventKind.OFFLINE,
    "deviceUnknown": EventKind.OFFLINE,
    "deviceInactive": EventKind.OFFLINE,
    "geofenceEnter": EventKind.GEOFENCE_ENTER,
    "geofenceExit": EventKind.GEOFENCE_LEAVE,
}
# What Traccar concludes from positions that we have, or did itself. Its speed limits are no business of ours.
_DERIVED = frozenset(
    {
        *("deviceMoving", "deviceStopped", "deviceOverspeed", "deviceIdle", "deviceFuelDrop", "deviceFuelIncrease"),
        *("ignitionOn", "ignitionOff", "maintenance", "driverChanged", "media", "commandResult", "queuedCommandSent"),
    }
)


def decode_positions(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """A position of one device, or an array, and its alarms. Raise WireError when nobody can tell whose it is."""
    return decode_each(body, partial(_position, received_at))


def decode_events(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """An event of one device, or an array. Raise WireError when it cannot be read: it may have been an SOS."""
    return decode_each(body, partial(_event, received_at))


def _position(received_at: datetime, message: Mapping[str, Any], refusals: list[Refusal]) -> list[Observation]:
    position = an_object(message.get("position"), "position")
    reading = Reading(position)
    report = _report(reading, _sender(message, position), received_at)
    refusals += reading.refusals
    found = alarms(reading.part("attributes").source.get("alarm"))
    return [*alarm_events(found, report, report.sent_at or received_at), report]


def _event(received_at: datetime, message: Mapping[str, Any], refusals: list[Refusal]) -> list[Observation]:
    event = Reading(an_object(message.get("event"), "event"))
    kind = storable(event.text("type")[:40])
    if not kind:
        raise WireError("unknown_event", f"event.type = {short(event.source.get('type'))}; expected its name")
    sender = _sender(message, event.source)
    reading = Reading(message).part("position")
    report = _report(reading, sender, received_at)
    happened_at = event.instant("eventTime") or event.instant("serverTime")  # its name in older versions
    report = replace(report, sent_at=report.sent_at or happened_at)
    attributes = event.part("attributes")
    refusals += [*reading.refusals, *event.refusals]
    # What is raised for another reason may carry an alarm all the same.
    found = alarms(attributes.source.get("alarm"), reading.part("attributes").source.get("alarm"))
    observations: list[Observation] = [*alarm_events(found, report, report.sent_at or received_at)]
    if kind in _DERIVED or (kind == "alarm" and found):
        return observations
    geofence = storable(Reading(message).part("geofence").text("name")[:100])
    own = Reading({**attributes.without(_ATTRIBUTES), **event.without(_EVENT | {"attributes"})})
    own_kind = _KINDS.get(kind, EventKind.DEVICE_ALARM)
    named = {"alarm" if own_kind is EventKind.DEVICE_ALARM else "type": kind}
    if geofence:
        named["geofence"] = geofence
    observations.append(
        Event(
            sender=sender,
            kind=own_kind,
            received_at=received_at,
            occurred_at=happened_at or report.sent_at,
            sequence=None,
            message_key=message_key(kind, geofence, happened_at or report.sent_at or received_at),
            fix=report.fix,
            battery_pct=report.battery_pct,
            doubts=report.doubts,
            detail={**(own.rest(frozenset()) or {}), **named},
        )
    )
    return observations


def _report(reading: Reading, sender: Sender, received_at: datetime) -> Report:
    attributes = reading.part("attributes")
    sent_at = reading.instant("deviceTime")
    fix = _fix(reading)
    if fix is not None:
        _doubt_fix(reading, attributes, sent_at, fix)
    battery_pct = attributes.number("batteryLevel", low=0, high=100, unknown=-1)
    steps_total = attributes.count("steps", high=_STEPS_MAX)
    extra = reading.rest(_POSITION, attributes=attributes.without(_ATTRIBUTES))
    return Report(
        sender=sender,
        received_at=received_at,
        sent_at=sent_at or (fix.fixed_at if fix else None),
        sequence=None,
        message_key=message_key("position", sent_at, *place_and_time(fix)),
        fix=fix,
        steps_total=steps_total,
        battery_pct=battery_pct,
        buffered=attributes.source.get("archive") is True,
        doubts=reading.doubts,
        extra=extra,
    )


def _fix(reading: Reading) -> Fix | None:
    speed_kn = reading.number("speed", low=0, high=388)
    course_deg = reading.number("course", low=0, high=360)
    return reading.fix(
        reading.instant("fixTime"),
        reading.position("latitude", "longitude"),
        accuracy_m=reading.number("accuracy", low=0, high=100_000, unknown=0),
        speed_mps=None if speed_kn is None else speed_kn * _MPS_PER_KNOT,
        course_deg=None if course_deg == 0 and not speed_kn else course_deg,
        altitude_m=reading.number("altitude", low=-500, high=20_000, unknown=0),
    )


def _doubt_fix(reading: Reading, attributes: Reading, sent_at: datetime | None, fix: Fix) -> None:
    """A place without GNSS comes from the network's masts, or is the last that was known."""
    invalid = reading.source.get("valid") is False
    by_network = attributes.source.get("approximate") is True or (invalid and bool(reading.source.get("network")))
    if by_network:
        reading.doubt(Doubt.NETWORK_POSITION)
    late = sent_at is not None and sent_at - fix.fixed_at > OUTDATED_AFTER
    if late or reading.source.get("outdated") is True or (invalid and not by_network):
        reading.doubt(Doubt.OUTDATED_FIX)


def _sender(message: Mapping[str, Any], said: Mapping[str, Any]) -> Sender:
    device = an_object(message.get("device"), "device")
    name = device.get("uniqueId")
    name = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_MAX or not name.isprintable():
        raise WireError("bad_field", f"device.uniqueId = {short(name)}; expected 1 to {_NAME_MAX} printable characters")
    if isinstance(device.get("id"), int | str):
        same_identity(said.get("deviceId"), str(device["id"]), "deviceId")
    return Sender(wire=Wire.TRACCAR, name=name)


def _route(kind: str, lane: Lane, decode: Decode) -> Route:
    return Route(
        wire=Wire.TRACCAR,
        lane=lane,
        filters=(f"traccar/+/{kind}",),
        pattern=re.compile(rf"traccar/(?P<name>[^/]+)/{kind}"),
        decode=decode,
        may_be_sos=True,  # either topic carries them
    )


ROUTES = (_route("positions", Lane.FIXES, decode_positions), _route("events", Lane.EVENTS, decode_events))
