"""What became of the demo's story, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_LATE_MAX_S = 5.0


@dataclass(slots=True, kw_only=True)
class AlarmTold:
    """What became of one alarm of the story."""

    ref: str
    kind: str
    agent: str
    lateness_s: float
    sms_sent: int = 0
    acknowledged: bool = False
    wearer_told: bool = False

    @property
    def complete(self) -> bool:
        return self.lateness_s <= _LATE_MAX_S and self.sms_sent > 0 and self.acknowledged and self.wearer_told


@dataclass(slots=True, kw_only=True)
class Told:
    """What happened during the play."""

    agents: int = 0
    agents_moving: int = 0
    alarms: list[AlarmTold] = field(default_factory=list)
    sms_received_by_provider: int = 0
    receipts: int = 0
    reports_still_without_receipt: int = 0

    @property
    def complete(self) -> bool:
        kinds = sorted(alarm.kind for alarm in self.alarms if alarm.complete)
        return kinds == ["sos", "stillness"] and self.agents_moving > 0 and self.receipts > 0

    def as_json(self) -> dict[str, Any]:
        return {
            "complete": self.complete,
            "agents": self.agents,
            "agents_moving": self.agents_moving,
            "alerts": [
                {
                    "ref": alarm.ref,
                    "kind": alarm.kind,
                    "lateness_s": round(alarm.lateness_s, 3),
                    "sms_sent": alarm.sms_sent,
                    "acknowledged": alarm.acknowledged,
                    "wearer_told": alarm.wearer_told,
                }
                for alarm in self.alarms
            ],
            "sms_sent": self.sms_received_by_provider,
            "receipts": self.receipts,
            "reports_still_without_receipt": self.reports_still_without_receipt,
        }

    def in_words(self) -> str:
        lines = [f"{self.agents} agents, {self.agents_moving} seen moving; {self.receipts} receipts to watches."]
        for alarm in self.alarms:
            answered = "acknowledged" if alarm.acknowledged else "NOT acknowledged"
            heard = "wearer told" if alarm.wearer_told else "wearer NOT told"
            lines.append(
                f"{alarm.ref} {alarm.kind}, {alarm.agent}: raised {alarm.lateness_s:.2f} s after it was due, "
                f"{alarm.sms_sent} SMS, {answered}, {heard}."
            )
        lines.append("The story is complete." if self.complete else "The story is NOT complete.")
        return "\n".join(lines)
