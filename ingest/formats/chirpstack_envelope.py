"""What every event of ChirpStack has around it: whose it is, when it was heard, what tells it from a repetition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import Doubt, Event, EventKind, Fix, Report, Sender, Wire
from ingest.formats import extra, message_key, read_json
from ingest.formats.faults import Faults
from ingest.formats.fields import instant, same_identity

# What integration.proto names, but for what is worth keeping. Everything else goes into `extra`.
_ENVELOPE = frozenset(
    {
        "deduplicationId", "time", "deviceInfo", "devAddr", "adr", "dr", "confirmed", "data", "object",
        "rxInfo", "txInfo", "relayRxInfo", "regionConfigId", "joinServerContext", "location", "batteryLevel",
        "batteryLevelUnavailable", "level", "code", "description", "context",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An event's envelope, understood."""

    said: Mapping[str, Any]
    sender: Sender
    received_at: datetime
    at: datetime | None
    """When the network heard it, by the server's clock."""
    identity: str
    faults: Faults

    def report(
        self,
        kind: str,
        *,
        more: Mapping[str, Any],
        doubts: tuple[Doubt, ...] = (),
        fix: Fix | None = None,
        battery_pct: float | None = None,
        steps_total: int | None = None,
        buffered: bool = False,
    ) -> Report:
        """A report, with `more` and every key nobody has heard of in its `extra`."""
        unknown = {key: value for key, value in self.said.items() if key not in _ENVELOPE}
        kept, dropped = extra({**unknown, **more}, frozenset())
        return Report(
            sender=self.sender,
            received_at=self.received_at,
            sent_at=self.at,
            sequence=None,
            message_key=message_key(kind, self.identity),
            fix=fix,
            battery_pct=battery_pct,
            steps_total=steps_total,
            buffered=buffered,
            doubts=self.faults.doubts(*doubts, *dropped),
            extra=kept,
        )

    def event(
        self,
        kind: EventKind,
        name: str,
        *,
        occurred_at: datetime | None,
        detail: Mapping[str, str] | None = None,
        fix: Fix | None = None,
        battery_pct: float | None = None,
    ) -> Event:
        """An event; `name` tells it from another of its kind in the same message."""
        return Event(
            sender=self.sender,
            kind=kind,
            received_at=self.received_at,
            occurred_at=occurred_at,
            sequence=None,
            message_key=message_key(kind, name, self.identity),
            fix=fix,
            battery_pct=battery_pct,
            doubts=self.faults.doubts(),
            detail=detail or {},
        )


def hear(body: bytes, sender: Sender, received_at: datetime) -> Heard:
    """Read the envelope. Raise WireError when it is none, or another device's."""
    said = read_json(body)
    if not isinstance(said, dict):
        raise WireError("malformed", f"a {type(said).__name__}; expected an event's object")
    info = said.get("deviceInfo")
    if isinstance(info, dict):
        same_identity(info.get("devEui"), sender.name, "deviceInfo.devEui")
    faults = Faults()
    at = faults.read(lambda: instant(said.get("time"), "time"))
    frame = [said.get(key) for key in ("devAddr", "fCnt", "time", "data")]
    return Heard(
        said=said,
        sender=Sender(Wire.CHIRPSTACK, sender.name.lower()),
        received_at=received_at,
        at=at,
        # Where nothing tells a second press from a repetition: rather twice than never.
        identity=str(said.get("deduplicationId") or (frame if any(frame) else uuid4())),
        faults=faults,
    )
