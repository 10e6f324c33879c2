"""OwnTracks JSON as its phones publish it below `owntracks/<user>/<device>`.

`vel` is km/h. `acc`, `alt`, `cog` and `vel` are left out when zero, but also when unknown, so their absence is unknown.
Cards, commands, step counts, beacons and configurations are no news of an agent: where they have a topic of their own
it is not subscribed to (a configuration holds passwords). Field tables: the OwnTracks booklet, tech/json.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Activity, Doubt, Event, EventKind, Fix, Observation, Report, Sender, Wire
from ingest.formats import Decoded, Lane, Refusal, Route, message_key
from ingest.formats.fields import OUTDATED_AFTER, same_identity, short
from ingest.formats.phone_health import hindrances
from ingest.formats.reading import Reading, decode_each, place_and_time

_MPS_PER_KMH = 1 / 3.6
_IGNORED = frozenset({"card", "cmd", "steps", "beacon", "configuration", "request"})
_ENVELOPE = frozenset({"_type", "topic"})
_PLACE = frozenset({"lat", "lon", "acc", "tst"})
_LOCATION = _ENVELOPE | _PLACE | {"vel", "cog", "alt", "batt", "created_at"}
_TRANSITION = _ENVELOPE | _PLACE | {"event", "created_at"}

# The first that a phone names: one that stands still in a vehicle says both.
_ACTIVITIES = {
    "automotive": Activity.VEHICLE,
    "stationary": Activity.STILL,
    "cycling": Activity.CYCLING,
    "running": Activity.RUNNING,
    "walking": Activity.WALKING,
}
_TRANSITIONS = {"enter": EventKind.GEOFENCE_ENTER, "leave": EventKind.GEOFENCE_LEAVE}
# A ping has the time of the message, not of its fix; `l` and `L` are the last known place of a Greenwich.
_OLD_PLACE_TRIGGERS = frozenset({"p", "l", "L"})
# What a trigger tells beside the place. `u`: the wearer pressed "send", a deliberate act; the others: Queclink.
_TRIGGERS = {
    "u": EventKind.CHECKIN,
    "9": EventKind.LOW_BATTERY,
    "e": EventKind.POWER_CUT,
    "3": EventKind.CHARGING,
}


def decode(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """One message of an OwnTracks device, or an array. Raise WireError when it cannot be read."""
    return decode_each(body, partial(_message, sender, received_at))


def _message(
    sender: Sender, received_at: datetime, value: Mapping[str, Any], refusals: list[Refusal]
) -> list[Observation]:
    if "_type" not in value:
        raise WireError("malformed", "expected an OwnTracks object with a _type")
    kind = value["_type"] if isinstance(value["_type"], str) else None
    if kind in _IGNORED:
        return []
    if kind == "encrypted":
        raise WireError("encrypted", "the payload is encrypted; expected a device without a payload key, over TLS")
    read = _KINDS.get(kind or "")
    if read is None:
        raise WireError("unknown_type", f"_type = {short(value['_type'])}; expected one of {', '.join(_KINDS)}")
    _same_device(value.get("topic"), sender)
    reading = Reading(value)
    observations = read(reading, sender, received_at)
    refusals += reading.refusals
    return observations


def _same_device(topic: Any, sender: Sender) -> None:
    """`topic` stands in what was first sent by HTTP: `owntracks/<user>/<device>`, maybe with `/event` behind it."""
    said = "/".join(topic.split("/")[:3]) if isinstance(topic, str) else topic
    same_identity(said, f"owntracks/{sender.name}", "topic")


def _location(reading: Reading, sender: Sender, received_at: datetime) -> list[Observation]:
    created_at, trigger = reading.instant("created_at"), reading.text("t")
    fix = _fix(reading)
    if fix is None and not reading.refusals:
        reading.refuse(Doubt.BAD_FIX, "a location needs tst, lat and lon")
    if fix is not None:
        old = created_at is not None and created_at - fix.fixed_at > OUTDATED_AFTER
        reading.doubt(Doubt.OUTDATED_FIX, when=old or trigger in _OLD_PLACE_TRIGGERS)
    sent_at = created_at or (fix.fixed_at if fix else None)
    said = (
        (*place_and_time(fix), trigger or None)
        if fix
        else ("location", short(reading.source.get("tst")), created_at, trigger)
    )
    battery_pct = reading.number("batt", low=0, high=100, unknown=-1)
    extra = reading.rest(_LOCATION)
    report = Report(
        sender=sender,
        received_at=received_at,
        sent_at=sent_at,
        sequence=None,
        message_key=message_key(*said),
        fix=fix,
        activity=_activity(reading.source.get("motionactivities")),
        battery_pct=battery_pct,
        doubts=reading.doubts,
        extra=extra,
    )
    kind = _TRIGGERS.get(trigger)
    if kind is None:
        return [report]
    event = Event(
        sender=sender,
        kind=kind,
        received_at=received_at,
        occurred_at=sent_at,
        sequence=None,
        message_key=message_key(kind, *said),
        fix=fix,
        battery_pct=battery_pct,
        doubts=report.doubts,
        detail={"t": trigger},
    )
    return [report, event]


def _fix(reading: Reading) -> Fix | None:
    speed_kmh = reading.number("vel", low=0, high=700, unknown=-1)
    return reading.fix(
        reading.instant("tst"),
        reading.position("lat", "lon"),
        accuracy_m=reading.number("acc", low=0, high=100_000, unknown=-1),
        speed_mps=None if speed_kmh is None else speed_kmh * _MPS_PER_KMH,
        course_deg=reading.number("cog", low=0, high=360, unknown=-1),
        altitude_m=reading.number("alt", low=-500, high=20_000),
    )


def _activity(said: Any) -> Activity | None:
    words = said if isinstance(said, list) else [said]
    return next((activity for word, activity in _ACTIVITIES.items() if word in words), None)


def _last_will(reading: Reading, sender: Sender, received_at: datetime) -> list[Observation]:
    """The broker lost the phone: when, nobody says. `tst` is when the app first connected, the same for each loss."""
    event = Event(
        sender=sender,
        kind=EventKind.OFFLINE,
        received_at=received_at,
        occurred_at=None,
        sequence=None,
        message_key=message_key("lwt", received_at),
        detail=reading.rest(_ENVELOPE) or {},
        doubts=reading.doubts,
    )
    return [event]


def _transition(reading: Reading, sender: Sender, received_at: datetime) -> list[Observation]:
    kind = _TRANSITIONS.get(reading.text("event"))
    if kind is None:
        raise WireError("unknown_event", f"event = {short(reading.source.get('event'))}; expected enter or leave")
    at_beacon = "lat" not in reading.source and "lon" not in reading.source
    fix = None if at_beacon else _fix(reading)
    occurred_at = fix.fixed_at if fix else reading.instant("tst")
    detail = reading.rest(_TRANSITION) or {}
    event = Event(
        sender=sender,
        kind=kind,
        received_at=received_at,
        occurred_at=occurred_at,
        sequence=None,
        message_key=message_key(kind, occurred_at or received_at, reading.text("desc"), reading.text("rid")),
        fix=fix,
        doubts=reading.doubts,
        detail=detail,
    )
    return [event]


def _status(reading: Reading, sender: Sender, received_at: datetime) -> list[Observation]:
    """What hinders the app, in `detail["hindered_by"]`: a phone that may pause it protects nobody."""
    said_at = reading.instant("tst")
    detail = reading.rest(_ENVELOPE) or {}
    hindered_by = hindrances(reading.part("android"), reading.part("iOS"))
    event = Event(
        sender=sender,
        kind=EventKind.HEALTH,
        received_at=received_at,
        occurred_at=said_at,
        sequence=None,
        message_key=message_key("status", reading.text("_id") or said_at or received_at),
        doubts=reading.doubts,
        detail={**detail, "hindered_by": hindered_by},
    )
    return [event]


def _waypoint(reading: Reading, sender: Sender, received_at: datetime) -> list[Observation]:
    """A sign of life. Its place is a region's, not the phone's, and `tst` is when that region was made."""
    extra = reading.rest(_ENVELOPE)
    report = Report(
        sender=sender,
        received_at=received_at,
        sent_at=None,
        sequence=None,
        message_key=message_key("waypoint", received_at),
        doubts=reading.doubts,
        extra=extra,
    )
    return [report]


_KINDS = {
    "location": _location,
    "lwt": _last_will,
    "transition": _transition,
    "status": _status,
    "waypoint": _waypoint,
    "waypoints": _waypoint,
}


def _route(lane: Lane, *below: str) -> Route:
    return Route(
        wire=Wire.OWNTRACKS,
        lane=lane,
        filters=tuple(f"owntracks/+/+{topic}" for topic in below),
        pattern=re.compile(rf"owntracks/(?P<name>[^/]+/[^/]+)(?:{'|'.join(below)})"),
        decode=decode,
    )


# A Last Will comes on the topic of the locations; an event is handled at once on either lane.
ROUTES = (_route(Lane.FIXES, "", "/waypoint", "/waypoints"), _route(Lane.EVENTS, "/event", "/status"))
