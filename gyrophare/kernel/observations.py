"""What a device told us, in SI units and aware UTC, whatever format it spoke.

Unknown is None, never 0: a speed of zero and a battery of zero are facts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from gyrophare.kernel.geo import Position


class Wire(StrEnum):
    """The wire format a device speaks: with its name on that wire, it identifies the device."""

    NATIVE = "native"
    OWNTRACKS = "owntracks"


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
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a message claims to come from, read from its topic: `name` is `w-07`, or `user/device` for OwnTracks."""

    wire: Wire
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One GNSS measurement."""

    fixed_at: datetime
    position: Position
    accuracy_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    altitude_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Where a message stands in its device's life: `number` grows by one within one `boot`."""

    boot: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
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
    activity_mg: float | None = None
    battery_pct: float | None = None
    buffered: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
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
    detail: dict[str, Any] = field(default_factory=dict)


Observation = Report | Event
