"""Alarms of a device that have no kind of ours: somebody's, unless it is known for a vehicle's. Pure."""

from __future__ import annotations

from gyrophare.kernel.observations import Event, EventKind

_OF_A_VEHICLE = frozenset(
    name.casefold()
    for name in (
        "overspeed",
        "lowspeed",
        "hardAcceleration",
        "hardBraking",
        "hardCornering",
        "laneChange",
        "fatigueDriving",
        "idle",
        "highRpm",
        "tow",
        "bonnet",
        "door",
        "lock",
        "unlock",
        "parking",
        "powerOn",
        "powerOff",
        "powerRestored",
        "footBrake",
        "fuelLeak",
        "movement",
    )
)
"""As Traccar names them. How somebody drives is not looked at: it is not what the position was collected for."""


def of_a_vehicle(event: Event) -> bool:
    """Whether the device speaks of how a vehicle is, which is nobody's danger."""
    return event.kind is EventKind.DEVICE_ALARM and str(event.detail.get("alarm", "")).casefold() in _OF_A_VEHICLE
