"""When the siren sounds; every figure of the rule is here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How near to harm; ALERT and DANGER sound, each in its own tone."""

    NONE = 0
    WATCH = 1
    ALERT = 2
    DANGER = 3


class Mode(StrEnum):
    """Which vehicles matter."""

    AXIS = "axis"
    """Any in the van's axis that is not standing or receding: the rule of the department."""
    TRAJECTORY = "trajectory"
    """Those whose path ends at the van."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Times are in seconds of the frames' own clock, so that the rule is the same at any frame rate."""

    mode: Mode = Mode.AXIS

    alert_range_m: float = 100.0
    """Compared with the lower bound of the range: 95 of 100 vehicles are then still farther away."""
    latency_s: float = 0.35
    """From a frame to the sound, the confirmation included: the range is compared as it will be then."""
    early_ttc_s: float = 4.0
    """Beyond that range too, when it is here so soon."""
    danger_range_m: float = 40.0
    danger_ttc_s: float = 3.5
    """Compared with the lower bound of the time."""
    watch_range_m: float = 150.0

    inside: float = 0.95
    """How probably a vehicle must reach into the corridor."""
    ends_inside: float = 0.85
    """Mode trajectory: the same of where its path ends, which is known less well."""
    outside: float = 0.6
    """Below that it no longer does."""
    normal_ttc_s: float = 3.0
    """Mode trajectory: where many drove and then passed, a vehicle is left alone until it is as near as that."""

    confirm_s: float = 0.20
    """For so long what raises a level must have been seen more than not."""
    confirm_unknown_s: float = 1.5
    """While its speed is not known: that of a standing vehicle is, by then."""
    cut_in_range_m: float = 40.0
    cut_in_confirm_s: float = 0.05
    cut_in_confidence: float = 0.5

    release_range_m: float = 115.0
    release_s: float = 1.0
    hold_alert_s: float = 1.5
    hold_danger_s: float = 3.0
    lost_s: float = 1.0
    """A vehicle that was coming and is no longer seen counts as coming for so long."""
    rearm_s: float = 2.0
    """After its alert was released a vehicle raises no other for so long, unless it is DANGER."""
