"""The words of alerting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gyrophare.kernel.ids import AlertId, DeviceId, OrganisationId, ShiftId
from gyrophare.kernel.observations import Fix


class AlertKind(StrEnum):
    """Why somebody must answer."""

    SOS = "sos"
    FALL = "fall"
    STILLNESS = "stillness"
    TECHNICAL = "technical"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """An alert to be raised. `(device_id, kind, episode)` makes it one, however often it is raised."""

    organisation_id: OrganisationId
    kind: AlertKind
    device_id: DeviceId
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
    subject: str
    mission: str | None
    episode_at: datetime
    received_late_s: float | None
    heard_after_episode: bool | None
    latitude_deg: float | None
    longitude_deg: float | None
    policy: tuple[Step, ...]
    next_step: int
    next_step_at: datetime


def reference(alert_id: int) -> str:
    """How people name an alert on the phone: `A17`."""
    return f"A{alert_id}"
