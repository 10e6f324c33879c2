"""What a device told us, in SI units and aware UTC, whatever format it spoke.

Unknown is None, never 0: a speed of zero and a battery of zero are facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from gyrophare.kernel.geo import Position
from gyrophare.kernel.values import value


class Wire(StrEnum):
    """The wire format a device speaks: with its name on that wire, it identifies the device."""

    NATIVE = "native"
    OWNTRACKS = "owntracks"
    TRACCAR = "traccar"
    TRANSISTORSOFT = "transistorsoft"
    MESHTASTIC = "meshtastic"
    CHIRPSTACK = "chirpstack"
    WATCH3G = "watch3g"


HEARS_COMMANDS = frozenset({Wire.NATIVE})
"""The wires that have a way back to the wearer."""


class EventKind(StrEnum):
    """What a wearer did, or what a device noticed by itself."""

    SOS = "sos"
    FALL = "fall"
    OK = "ok"
    CHECKIN = "checkin"
    SHIFT_START = "shift_start"
    SHIFT_END = "shift_end"
    PAUSE = "pause"
    RESUME = "resume"
    WORN = "worn"
    REMOVED = "removed"
    CHARGING = "charging"
    LOW_BATTERY = "low_battery"
    REPLY = "reply"
    """Words of the wearer; `detail["text"]` holds them, `detail["command"]` what they answer."""
    DELIVERED = "delivered"
    """The device shows the command that `detail["command"]` names: it says so by itself, its wearer does nothing."""
    DURESS = "duress"
    """An SOS that whoever stands beside the wearer must not notice."""
    ONLINE = "online"
    OFFLINE = "offline"
    GEOFENCE_ENTER = "geofence_enter"
    GEOFENCE_LEAVE = "geofence_leave"
    POWER_CUT = "power_cut"
    HEALTH = "health"
    """What a device says of its own fitness to protect: permissions, battery optimiser, self-test; in `detail`."""
    DEVICE_ALARM = "device_alarm"
    """An alarm of the device that has no kind of ours; `detail["alarm"]` holds its name."""
    HAZARD = "hazard"
    """A vehicle comes at a van: its siren sounds; `detail["range_m"]` says how far away the vehicle was."""
    HAZARD_CLEARED = "hazard_cleared"


CALLS_FOR_HELP = frozenset({EventKind.SOS, EventKind.FALL, EventKind.DURESS})
"""They bypass every filter: order, age, distance, accuracy, pause, shift."""
OF_VANS = frozenset({EventKind.HAZARD, EventKind.HAZARD_CLEARED})
"""Only the box in a van says these."""


class Activity(StrEnum):
    """What a device believes its wearer does."""

    STILL = "still"
    WALKING = "walking"
    RUNNING = "running"
    CYCLING = "cycling"
    VEHICLE = "vehicle"


class Doubt(StrEnum):
    """Why something in a report may not be what it seems. Kept with the fix; the rules decide what it is worth."""

    MALFORMED = "malformed"
    BAD_FIELD = "bad_field"
    BAD_FIX = "bad_fix"
    CLOCK_NOT_SET = "clock_not_set"
    NO_SEQUENCE = "no_sequence"
    MOCK = "mock"
    """The device was told this position by a program, not by its receiver."""
    NETWORK_POSITION = "network_position"
    """From cells or Wi-Fi, not from GNSS."""
    COARSE_POSITION = "coarse_position"
    """Made less precise on purpose by the device or its network."""
    OUTDATED_FIX = "outdated_fix"
    """The device repeats an old fix in a new message."""
    UNAUTHENTICATED = "unauthenticated"
    """The device's protocol knows no credentials."""
    EXTRA_DROPPED = "extra_dropped"
    """Unknown keys too large to keep."""
    FIX_IN_FUTURE = "fix_in_future"
    CLOCK_SKEWED = "clock_skewed"
    """The device's clock is off; its times were corrected."""
    WEEK_ROLLOVER = "week_rollover"
    """The receiver counted GPS weeks modulo 1024; its time was corrected."""
    TELEPORT = "teleport"
    """Too far from the fix before it for the time between them."""


class Sender(NamedTuple):
    """Who a message comes from, by its topic, or by its payload where a gateway speaks for others.

    `name` is the device's on its wire: `w-07`, `vans/van-1`, `user/device` (OwnTracks), a unique id (Traccar),
    `!25d6e474` (Meshtastic), a DevEUI in lower case (ChirpStack), a serial number (3G watches).
    """

    wire: Wire
    name: str


@value
class Fix:
    """One GNSS measurement."""

    fixed_at: datetime
    position: Position
    accuracy_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    altitude_m: float | None = None


@value
class Sequence:
    """Where a message stands in its device's life: `number` grows by one within one `boot`."""

    boot: str
    number: int


@value
class Report:
    """One periodic message of a device; a heartbeat without a fix is news too."""

    sender: Sender
    received_at: datetime
    sent_at: datetime | None
    sequence: Sequence | None
    message_key: int
    """64 bits of the sequence, or of the content where the format has none: sent twice is stored once."""
    fix: Fix | None = None
    steps: int | None = None
    """Steps counted since the previous report."""
    steps_total: int | None = None
    """Steps on a counter that only grows until the device or the day begins anew, where it says no `steps`."""
    activity_mg: float | None = None
    activity: Activity | None = None
    battery_pct: float | None = None
    buffered: bool = False
    doubts: tuple[Doubt, ...] = ()
    extra: Mapping[str, Any] | None = None
    """What else the device said, under its own keys; None when nothing."""

    @property
    def happened_at(self) -> datetime:
        """The instant it tells of: of its fix, else when it was sent, which is never later than heard."""
        if self.fix is not None:
            return self.fix.fixed_at
        return self.received_at if self.sent_at is None else min(self.sent_at, self.received_at)

    @property
    def has_motion(self) -> bool:
        """Whether it tells of the wearer's body; no steps are no news."""
        return bool(self.steps) or self.activity_mg is not None or self.activity is not None


@value
class Event:
    """Something that happened once: a press, a fall, a Last Will."""

    sender: Sender
    kind: EventKind
    received_at: datetime
    occurred_at: datetime | None
    sequence: Sequence | None
    message_key: int
    fix: Fix | None = None
    battery_pct: float | None = None
    doubts: tuple[Doubt, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What else it said: unknown keys, and those that its kind names."""

    @property
    def happened_at(self) -> datetime:
        """When it occurred, which is never later than heard."""
        return self.received_at if self.occurred_at is None else min(self.occurred_at, self.received_at)


Observation = Report | Event
