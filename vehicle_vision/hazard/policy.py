"""When the siren sounds; every figure of the rule is here."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import IntEnum, StrEnum

from vehicle_vision.errors import VisionError


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
    far_ends_inside: float = 0.5
    """Mode axis: beyond `alert_range_m` its path must end there as well; there is time to look twice."""
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
    stood_s: float = 1.0
    """A vehicle that has been standing for so long parks, or queues:"""
    confirm_stood_s: float = 0.6
    """it must be seen to come for so long, however near. Its box trembles for hours; it starts but once."""
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

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            most = 1.0 if one.name in _PROBABILITIES else math.inf
            if one.name != "mode" and not (math.isfinite(value) and 0 <= value <= most):
                raise VisionError(f"{one.name} = {value!r}; expected a number, 0 or more" + ", at most 1" * (most == 1))
        for low, high in (("alert_range_m", "release_range_m"), ("outside", "inside"), ("outside", "ends_inside")):
            if getattr(self, low) > getattr(self, high):
                raise VisionError(f"{low} = {getattr(self, low)}, {high} = {getattr(self, high)}; expected no less")


_PROBABILITIES = frozenset({"inside", "far_ends_inside", "ends_inside", "outside", "cut_in_confidence"})
