"""The words of alerting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from gyrophare.kernel.ids import AlertId, DeviceId, OrganisationId, ShiftId
from gyrophare.kernel.observations import Fix


class AlertKind(StrEnum):
    """Why somebody must answer."""

    SOS = "sos"
    DURESS = "duress"
    """An SOS that nobody beside the wearer may notice: the watch stays silent."""
    FALL = "fall"
    STILLNESS = "stillness"
    CHECK_MISSED = "check_missed"
    DEVICE_ALARM = "device_alarm"
    INFRASTRUCTURE = "infrastructure"
    """We do not hear the watches, or reach no dispatcher: nobody is protected."""
    OVERRUN = "overrun"
    LEFT_AREA = "left_area"
    SIGNAL_LOST = "signal_lost"
    LOW_BATTERY = "low_battery"
    NOT_WORN = "not_worn"
    GNSS_LOST = "gnss_lost"
    CLOCK_UNSAFE = "clock_unsafe"
    RESTARTED = "restarted"
    LONG_PAUSE = "long_pause"
    TECHNICAL = "technical"

    @property
    def vital(self) -> bool:
        """Whether somebody may be in danger now; else only a protection is broken."""
        return self in _VITAL


_VITAL = frozenset(
    {
        AlertKind.SOS,
        AlertKind.DURESS,
        AlertKind.FALL,
        AlertKind.STILLNESS,
        AlertKind.CHECK_MISSED,
        AlertKind.DEVICE_ALARM,
        AlertKind.INFRASTRUCTURE,
        AlertKind.TECHNICAL,  # what cannot be read may have been an SOS
    }
)


_PRIORITY = {
    AlertKind.SOS: 1,
    AlertKind.DURESS: 1,
    AlertKind.FALL: 2,
    AlertKind.STILLNESS: 3,
    AlertKind.DEVICE_ALARM: 3,
    AlertKind.INFRASTRUCTURE: 4,
    AlertKind.CHECK_MISSED: 6,
    AlertKind.TECHNICAL: 7,
}
_SILENCE, _PROTECTION = 5, 8


def priority(kind: AlertKind, heard_after_episode: bool | None) -> int:
    """1 is told of first. Whoever is not heard may have lost his network; whoever is heard and lies still has not."""
    if kind is AlertKind.STILLNESS and heard_after_episode is False:
        return _SILENCE
    return _PRIORITY.get(kind, _PROTECTION)


NEEDS_REACHED = frozenset({AlertKind.SOS, AlertKind.DURESS, AlertKind.FALL, AlertKind.STILLNESS})
"""These are closed only when somebody has spoken to the wearer, or seen him. The database says the same."""


class Cause(StrEnum):
    """What an alert was, as whoever closes it says."""

    REAL = "real"
    FALSE = "false"
    TEST = "test"
    TECHNICAL = "technical"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """An alert to be raised. `(device_id, kind, episode)` makes it one, however often it is raised.

    Without a device it is about something that has none, and `episode` must name it among all of them.
    """

    organisation_id: OrganisationId
    kind: AlertKind
    device_id: DeviceId | None
    shift_id: ShiftId | None
    subject: str
    mission: str | None
    reply_topic: str | None
    episode: str
    episode_at: datetime
    triggered_at: datetime
    received_late_s: float | None = None
    heard_after_episode: bool | None = None
    fix: Fix | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What else a human should know: `prealarm` (delivered, not_delivered, impossible), `alarm` of the device, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of an escalation policy: `after_s` seconds after the alert was raised, tell the contact of `rank`."""

    after_s: int
    channel: str
    rank: int | None

    @classmethod
    def read(cls, value: dict[str, Any]) -> Step:
        return cls(after_s=int(value["after_s"]), channel=str(value["channel"]), rank=value["rank"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """An alert whose next step is due, locked by us."""

    alert_id: AlertId
    organisation_id: OrganisationId
    kind: AlertKind
    priority: int
    subject: str
    mission: str | None
    episode_at: datetime
    received_late_s: float | None
    heard_after_episode: bool | None
    latitude_deg: float | None
    longitude_deg: float | None
    detail: Mapping[str, Any]
    policy: tuple[Step, ...]
    next_step: int
    next_step_at: datetime


def reference(alert_id: int) -> str:
    """How people name an alert on the phone: `A17`."""
    return f"A{alert_id}"
