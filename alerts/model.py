"""The words of alerting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from gyrophare.kernel.ids import AlertId, ContactId, DeviceId, OrganisationId, ShiftId
from gyrophare.kernel.observations import Fix

PARIS = ZoneInfo("Europe/Paris")


class AlertKind(StrEnum):
    """Why somebody must answer."""

    SOS = "sos"
    DURESS = "duress"
    """An SOS that nobody beside the wearer may notice: the watch stays silent."""
    FALL = "fall"
    STILLNESS = "stillness"
    CHECK_MISSED = "check_missed"
    DEVICE_ALARM = "device_alarm"
    VAN_HAZARD = "van_hazard"
    """A vehicle comes at a van beside which an agent may stand."""
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
        AlertKind.VAN_HAZARD,
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
    AlertKind.VAN_HAZARD: 4,
    AlertKind.INFRASTRUCTURE: 4,
    AlertKind.CHECK_MISSED: 6,
    AlertKind.TECHNICAL: 7,
}
_SILENCE, _PROTECTION = 5, 8
_LATER = 10
FIRST_URGENCY = _LATER
"""Messages up to this are the first about somebody in danger."""


def priority(kind: AlertKind, heard_after_episode: bool | None) -> int:
    """1 is told of first. Whoever is not heard may have lost his network; whoever is heard and lies still has not."""
    if kind is AlertKind.STILLNESS and heard_after_episode is False:
        return _SILENCE
    return _PRIORITY.get(kind, _PROTECTION)


def urgency(of_alert: int, *, told_before: bool) -> int:
    """The order in which messages go, of an alert of that priority: 1 first.

    In a storm whoever is in danger and of whom nobody has been told stands before anybody's second message; where only
    a protection is broken, behind all of them.
    """
    return 2 * _LATER + of_alert if of_alert >= _PROTECTION else of_alert + (_LATER if told_before else 0)


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
    """One step of an escalation policy: `after_s` seconds after the alert was raised, tell `to` by `channel`.

    `to` is `console`, `rank 1`, `person Anne Petit`, `duty astreinte`, `nearby 3`: the three nearest colleagues, or
    `target poste` of a channel that has named targets of its own.
    """

    after_s: int
    channel: str
    to: str
    days: str | None = None
    """On these days only, `lun-ven` or `sam,dim`, in Paris; None: on all."""
    between: str | None = None
    """Between these hours only, `18:00-07:30`, in Paris; None: at all."""

    @property
    def colleagues(self) -> int:
        """How many of those who are near it tells; 0: it tells somebody else."""
        kind, _, count = self.to.partition(" ")
        return int(count) if kind == "nearby" else 0

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Step:
        """As the database holds it; alerts that were raised by an earlier release name a rank."""
        to = value.get("to")
        if to is None:
            to = "console" if value["rank"] is None else f"rank {value['rank']}"
        return cls(
            after_s=int(value["after_s"]),
            channel=str(value["channel"]),
            to=str(to),
            days=value.get("days"),
            between=value.get("between"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """What is told of an alert, as it was when it was raised. Its repr says of nobody who or where."""

    alert_id: AlertId
    organisation_id: OrganisationId
    organisation: str
    kind: AlertKind
    priority: int
    subject: str = field(repr=False)
    mission: str | None = field(repr=False)
    episode_at: datetime
    raised_at: datetime
    received_late_s: float | None
    heard_after_episode: bool | None
    latitude_deg: float | None = field(repr=False)
    longitude_deg: float | None = field(repr=False)
    accuracy_m: float | None = field(repr=False)
    fixed_at: datetime | None
    detail: Mapping[str, Any] = field(repr=False)

    @classmethod
    def columns(cls, row: Mapping[str, Any]) -> dict[str, Any]:
        """These fields of a row that has more."""
        found = {name: row[name] for name in AlertFacts.__dataclass_fields__}
        return {**found, "kind": AlertKind(row["kind"])}


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation(AlertFacts):
    """An alert whose next step is due, locked by us."""

    policy: tuple[Step, ...]
    repeat: int
    """How often the steps begin anew by themselves, while nobody takes the alert."""
    repeat_after_s: int
    next_step: int
    next_step_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person who can be told; `rank` says who is told first."""

    id: ContactId
    rank: int
    name: str = field(repr=False)
    phone_e164: str = field(repr=False)
    email: str | None = field(default=None, repr=False)

    def address(self, channel: str) -> str | None:
        """Where that channel reaches the contact; None: it does not."""
        return self.email if channel == "email" else self.phone_e164


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What servers send by; no channels: no server runs."""

    channels: frozenset[str] = frozenset()
    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The names that a channel knows; one that is not in it takes any."""

    def carries(self, channel: str) -> bool:
        """Whether anybody sends by it; the console needs no server to."""
        return channel == "console" or channel in self.channels

    def knows(self, step: Step) -> bool:
        """Whether whom the step names is known to its channel, where that has targets with names."""
        kind, _, name = step.to.partition(" ")
        return kind != "target" or name in self.targets.get(step.channel, {name})


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """Somebody who is near an alert and could go there: an agent on shift, or a van."""

    device_id: DeviceId
    name: str = field(repr=False)
    address: str = field(repr=False)
    """Where his watch hears commands."""
    distance_m: float = field(repr=False)
    bearing_deg: float = field(repr=False)
    """From him to the alert, -180 to 180, 0 north."""


def reference(alert_id: int) -> str:
    """How people name an alert on the phone: `A17`."""
    return f"A{alert_id}"
