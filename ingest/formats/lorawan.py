"""The LoRaWAN trackers and SOS buttons that are known, and what their codecs call things.

Whoever brings a new one adds a table here; the operator names the device profile at the network server after it.
Sources: the codecs that Dragino (TrackerD, for ChirpStack v4), Seeed (SenseCAP T1000) and Milesight (WS101) publish.
The words of Actility's driver for Abeeway's trackers are to be checked with a device.
"""

from __future__ import annotations

from gyrophare.kernel.observations import EventKind
from ingest.formats.codecs import Alarm, Number, Profile


def profile_of(name: str) -> Profile:
    """The table of the device profile of this name; the generic one when no other knows it."""
    wanted = name.casefold()
    return next((table for table in PROFILES if any(part in wanted for part in table.names)), GENERIC)


def _percent(*paths: str) -> Number:
    return Number(paths=paths, low=0, high=100, unknown=(-1,))


def _latitude(*paths: str, unknown: tuple[float, ...] = ()) -> Number:
    return Number(paths=paths, low=-90, high=90, unknown=unknown)


def _longitude(*paths: str, unknown: tuple[float, ...] = ()) -> Number:
    return Number(paths=paths, low=-180, high=180, unknown=unknown)


def _metres(*paths: str) -> Number:
    return Number(paths=paths, low=0, high=100_000, unknown=(-1,))


# A codec that nobody has looked at. `battery` and `speed` have no unit one could rely on, so they stay in `extra`;
# `alarm` may be anything, so it is an SOS.
GENERIC = Profile(
    names=(),
    latitude_deg=_latitude("latitude", "lat", "Latitude", "gps.latitude", "location.latitude", "position.latitude"),
    longitude_deg=_longitude(
        "longitude", "lon", "lng", "Longitude", "gps.longitude", "location.longitude", "position.longitude"
    ),
    accuracy_m=_metres("accuracy_m", "accuracy", "horizontal_accuracy", "location.accuracy", "position.accuracy"),
    speed_mps=Number(paths=("speed_mps",), low=0, high=200, unknown=(-1,)),
    course_deg=Number(paths=("course_deg", "course", "heading"), low=0, high=360, unknown=(-1,)),
    altitude_m=Number(paths=("altitude_m", "altitude", "alt", "location.altitude"), low=-500, high=20_000),
    battery_pct=_percent("battery_pct", "battery_percent", "battery_level", "batteryLevel", "batteryPercent"),
    steps_total=Number(paths=("steps_total",), low=0, high=2_000_000_000, unknown=(-1,)),
    alarms=(
        Alarm(
            kind=EventKind.SOS,
            paths=(
                "sos",
                "SOS",
                "sos_alarm",
                "sosFlag",
                "panic",
                "emergency",
                "help",
                "alarm",
                "ALARM",
                "ALARM_status",
            ),
        ),
        Alarm(kind=EventKind.FALL, paths=("fall", "fall_detected", "fallDetected", "man_down", "man_down_alarm")),
        Alarm(kind=EventKind.REMOVED, paths=("removed", "tamper", "tamper_alarm", "tamper_status")),
        Alarm(kind=EventKind.LOW_BATTERY, paths=("low_battery", "battery_low", "lowBattery")),
    ),
)

# The red button is `ALARM_status`. Its codec writes "Longitud"; a receiver without a fix says 0/0, or all bits set.
# Port 4 brings what was logged without coverage, dated. The battery is in volts: it stays in `extra`.
_TRACKERD = Profile(
    names=("trackerd",),
    latitude_deg=_latitude("Latitude", unknown=(0, -0.000001)),
    longitude_deg=_longitude("Longitud", "Longitude", unknown=(0, -0.000001)),
    fixed_on=("Date", "Time"),
    buffered_ports=frozenset({4}),
    alarms=(Alarm(kind=EventKind.SOS, paths=("ALARM_status",)),),
)

# Its codec lists measurements by name; the events are words in a list of objects.
_T1000 = Profile(
    names=("t1000",),
    measurements=("messages", "type", "measurementValue"),
    latitude_deg=_latitude("Latitude"),
    longitude_deg=_longitude("Longitude"),
    battery_pct=_percent("Battery"),
    fixed_at=("timestamp",),
    alarms=(
        Alarm(kind=EventKind.SOS, paths=("Event Status",), words=frozenset({"sos event"})),
        *(
            Alarm(kind=EventKind.DEVICE_ALARM, paths=("Event Status",), words=frozenset({word}))
            for word in ("motionless event", "shock event", "press once event")
        ),
    ),
)

# A button and nothing else: whoever presses it, however long, wants help.
_WS101 = Profile(
    names=("ws101",),
    battery_pct=_percent("battery"),
    alarms=(Alarm(kind=EventKind.SOS, paths=("button_event.status", "button_event", "press")),),
)

_ABEEWAY = Profile(
    names=("abeeway",),
    latitude_deg=_latitude("gpsLatitude"),
    longitude_deg=_longitude("gpsLongitude"),
    accuracy_m=_metres("horizontalAccuracy"),
    fix_age_s=Number(paths=("age",), low=0, high=86_400),
    battery_pct=_percent("batteryLevel"),
    alarms=(Alarm(kind=EventKind.SOS, paths=("sosFlag",)),),
)

PROFILES = (_TRACKERD, _T1000, _WS101, _ABEEWAY)
