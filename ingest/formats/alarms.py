"""The alarms of Traccar's vocabulary, which its server and its phones share: several may be raised at once.

Names: `model/Position.java` of Traccar, the ALARM_ constants.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gyrophare.kernel.observations import Event, EventKind, Report
from ingest.formats import message_key

# In the order in which they are told: whoever reads only the first must read the SOS.
_KINDS = {
    "sos": EventKind.SOS,
    "fallDown": EventKind.FALL,
    "removing": EventKind.REMOVED,
    "powerCut": EventKind.POWER_CUT,
    "powerOff": EventKind.POWER_CUT,
    "lowBattery": EventKind.LOW_BATTERY,
    "lowPower": EventKind.LOW_BATTERY,
    "geofenceEnter": EventKind.GEOFENCE_ENTER,
    "geofenceExit": EventKind.GEOFENCE_LEAVE,
}
_BY_NAME = {name.casefold(): kind for name, kind in _KINDS.items()}
_ORDER = list(_BY_NAME)
_ALARMS_MAX = 50
_NAME_MAX = 40


class Alarm(NamedTuple):
    """One alarm: its name on the wire, and its kind, DEVICE_ALARM where we have none."""

    name: str
    kind: EventKind


def alarms(*said: Any) -> list[Alarm]:
    """Every alarm in texts such as `lowBattery,sos`, or lists of them, once each and SOS first."""
    names: dict[str, str] = {}
    for text in (inner for value in said for inner in (value if isinstance(value, list) else [value])):
        for name in text.split(",") if isinstance(text, str) else ():
            cleaned = name.strip()[:_NAME_MAX]
            if cleaned and cleaned.isprintable():
                names.setdefault(cleaned.casefold(), cleaned)
    ordered = sorted(names, key=lambda name: _ORDER.index(name) if name in _BY_NAME else len(_ORDER))
    return [Alarm(names[name], _BY_NAME.get(name, EventKind.DEVICE_ALARM)) for name in ordered[:_ALARMS_MAX]]


def alarm_events(found: list[Alarm], report: Report, key: object) -> list[Event]:
    """The alarms that came with `report` as events, whatever it is worth; `key` tells one report's from the next's."""
    return [
        Event(
            sender=report.sender,
            kind=alarm.kind,
            received_at=report.received_at,
            occurred_at=report.sent_at,
            sequence=None,
            message_key=message_key("alarm", alarm.name.casefold(), key),
            fix=report.fix,
            battery_pct=report.battery_pct,
            doubts=report.doubts,
            detail={"alarm": alarm.name},
        )
        for alarm in found
    ]
