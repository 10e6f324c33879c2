"""What every event of ChirpStack has around it: whose it is, when it was heard, what tells it from a repetition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from gyrophare.kernel.observations import Event, EventKind, Fix, Report, Sender, Wire
from ingest.formats import extra, message_key, read_json, storable
from ingest.formats.fields import same_identity
from ingest.formats.reading import Reading, an_object

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

    sender: Sender
    received_at: datetime
    at: datetime | None
    """When the network heard it, by the server's clock."""
    identity: str
    reading: Reading

    def report(
        self,
        kind: str,
        *,
        more: Mapping[str, Any],
        fix: Fix | None = None,
        battery_pct: float | None = None,
        steps_total: int | None = None,
        buffered: bool = False,
    ) -> Report:
        """A report, with `more` and every key nobody has heard of in its `extra`."""
        unknown = {key: value for key, value in self.reading.source.items() if key not in _ENVELOPE}
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
            doubts=(*self.reading.doubts, *dropped),
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
            doubts=self.reading.doubts,
            detail=detail or {},
        )


def hear(body: bytes, sender: Sender, received_at: datetime) -> Heard:
    """Read the envelope. Raise WireError when it is none, or another device's."""
    reading = Reading(an_object(read_json(body), "event"))
    same_identity(reading.part("deviceInfo").source.get("devEui"), sender.name, "deviceInfo.devEui")
    frame = [reading.source.get(key) for key in ("devAddr", "fCnt", "time", "data")]
    return Heard(
        reading=reading,
        sender=Sender(Wire.CHIRPSTACK, sender.name.lower()),
        received_at=received_at,
        at=reading.instant("time"),
        # Where nothing tells a second press from a repetition: rather twice than never.
        identity=reading.text("deduplicationId") or (json.dumps(storable(frame)) if any(frame) else f"{uuid4()}"),
    )
