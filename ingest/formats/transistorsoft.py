"""The JSON of Traccar Client from version 9 on, and of other apps on transistorsoft's location library.

`-1` is unknown. `age` is how old the fix was, in milliseconds, when the library took it: `timestamp` + `age` is the
phone's own time then, which we take for the time of the message. What waited in the phone comes as an array: all but
its newest were buffered. `uuid` tells repetitions. Alarms stand in `alarm`, of the message, the location or its
`extras`. Fields: the library's Location interface; Traccar's OsmAndProtocolDecoder reads the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Activity, Doubt, Event, EventKind, Fix, Observation, Report, Sender, Wire
from ingest.formats import Decoded, Lane, Refusal, Route, message_key, read_json
from ingest.formats.alarms import alarm_events, alarms
from ingest.formats.fields import OUTDATED_AFTER, instant, same_identity
from ingest.formats.reading import MESSAGES_MAX, Reading, an_object, place_and_time

_AGE_MAX_MS = 10 * 365 * 86_400_000
_EPOCH_MS_MIN = 1e11  # epoch seconds reach it in the year 5138
_SURE_PCT = 50  # a phone that is 30 % sure that its wearer walks proves nothing
_LOCATION = frozenset({"timestamp", "age", "mock", "uuid", "alarm", "device_id"})
_COORDS = frozenset({"latitude", "longitude", "accuracy", "speed", "heading", "altitude"})
_ACTIVITIES = {
    "still": Activity.STILL,
    "walking": Activity.WALKING,
    "on_foot": Activity.WALKING,
    "running": Activity.RUNNING,
    "on_bicycle": Activity.CYCLING,
    "in_vehicle": Activity.VEHICLE,
}
_GEOFENCES = {"ENTER": EventKind.GEOFENCE_ENTER, "EXIT": EventKind.GEOFENCE_LEAVE}


def decode(body: bytes, sender: Sender, received_at: datetime) -> Decoded:
    """The locations of a message. Raise WireError when none can be used; of several, a bad one is refused alone."""
    refusals: list[Refusal] = []
    seen: list[tuple[Report, list[Event]]] = []
    value = read_json(body)
    for message in value if isinstance(value, list) else [value]:
        try:
            for location, alarm in _locations(message, sender):
                reading = Reading(location)
                seen.append(_location(reading, alarm, sender, received_at))
                refusals += reading.refusals
        except WireError as error:
            if not isinstance(value, list):
                raise
            refusals.append(Refusal(reason=error.reason, detail=error.detail))
        if len(seen) > MESSAGES_MAX:
            raise WireError("too_many_reports", f"over {MESSAGES_MAX} locations in one message")
    newest_at = max((report.sent_at for report, _ in seen if report.sent_at is not None), default=None)
    observations: list[Observation] = [event for _, events in seen for event in events]
    for report, _ in seen:
        waited = newest_at is not None and report.sent_at is not None and report.sent_at < newest_at
        observations.append(replace(report, buffered=True) if waited else report)
    return Decoded(observations=tuple(observations), refusals=tuple(refusals))


def _locations(message: Any, sender: Sender) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Each location of a message with the alarm of the whole; a location may stand bare."""
    fields = an_object(message)
    same_identity(fields.get("device_id"), sender.name, "device_id")
    if "location" not in fields:
        if "coords" not in fields and "alarm" not in fields:
            raise WireError("malformed", "expected a location")
        yield fields, None
        return
    alarm, inside = fields.get("alarm"), fields["location"]
    for location in inside if isinstance(inside, list) else [inside]:
        if not isinstance(location, dict) and alarm:  # an SOS needs no place
            location = {"coords": location}
        found = an_object(location, "location")
        same_identity(found.get("device_id"), sender.name, "device_id")
        yield found, alarm


def _location(reading: Reading, alarm: Any, sender: Sender, received_at: datetime) -> tuple[Report, list[Event]]:
    coords, battery, extras = reading.part("coords"), reading.part("battery"), reading.part("extras")
    fixed_at = reading.lenient(lambda: _instant(reading.source.get("timestamp")))
    age_ms = reading.number("age", low=0, high=_AGE_MAX_MS, unknown=-1)
    age = timedelta(milliseconds=age_ms or 0)
    fix = _fix(coords, fixed_at)
    level = battery.number("level", low=0, high=1, unknown=-1)
    reading.doubt(Doubt.MOCK, when=reading.source.get("mock") is True)
    reading.doubt(Doubt.OUTDATED_FIX, when=fix is not None and age > OUTDATED_AFTER)
    activity = reading.part("activity")
    extra = reading.rest(
        _LOCATION,
        coords=coords.without(_COORDS),
        battery=battery.without(frozenset({"level"})),
        activity=activity.source,
    )
    event, uuid = reading.text("event"), reading.text("uuid")
    key = uuid or message_key(fixed_at, event, *place_and_time(fix))
    report = Report(
        sender=sender,
        received_at=received_at,
        sent_at=fixed_at + age if fixed_at else None,
        sequence=None,
        message_key=message_key("location", key),
        fix=fix,
        activity=_activity(activity),
        battery_pct=None if level is None else round(level * 100, 6),
        doubts=reading.doubts,
        extra=extra,
    )
    found = alarms(alarm, reading.source.get("alarm"), extras.source.get("alarm"))
    unrepeated = key if uuid or fixed_at else received_at  # of what says nothing of itself rather two than none
    return report, [*alarm_events(found, report, unrepeated), *_geofence(reading, report, unrepeated)]


def _instant(value: Any) -> datetime | None:
    """ISO 8601, or epoch milliseconds, which the library writes where it is told to."""
    in_ms = isinstance(value, int | float) and not isinstance(value, bool) and value > _EPOCH_MS_MIN
    return instant(value / 1000 if in_ms else value, "timestamp")


def _fix(coords: Reading, fixed_at: datetime | None) -> Fix | None:
    return coords.fix(
        fixed_at,
        coords.position("latitude", "longitude"),
        accuracy_m=coords.number("accuracy", low=0, high=100_000, unknown=-1),
        speed_mps=coords.number("speed", low=0, high=200, unknown=-1),
        course_deg=coords.number("heading", low=0, high=360, unknown=-1),
        altitude_m=coords.number("altitude", low=-500, high=20_000),
    )


def _activity(activity: Reading) -> Activity | None:
    sure_pct = activity.number("confidence", low=0, high=100, unknown=-1)
    return _ACTIVITIES.get(activity.text("type")) if sure_pct is None or sure_pct >= _SURE_PCT else None


def _geofence(reading: Reading, report: Report, key: object) -> list[Event]:
    geofence = reading.part("geofence")
    kind = _GEOFENCES.get(geofence.text("action"))
    if kind is None:
        return []
    event = Event(
        sender=report.sender,
        kind=kind,
        received_at=report.received_at,
        occurred_at=report.sent_at,
        sequence=None,
        message_key=message_key("geofence", key),
        fix=report.fix,
        battery_pct=report.battery_pct,
        doubts=report.doubts,
        detail=geofence.rest(frozenset()) or {},
    )
    return [event]


ROUTES = (
    Route(
        wire=Wire.TRANSISTORSOFT,
        lane=Lane.FIXES,
        filters=("transistorsoft/+/locations",),
        pattern=re.compile(r"transistorsoft/(?P<name>[^/]+)/locations"),
        decode=decode,
        may_be_sos=True,  # no other topic carries them
    ),
)
