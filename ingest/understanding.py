"""From a message to what it says: topic, decoder, and what cannot be used with its reason. Pure; never raises."""

from __future__ import annotations

from dataclasses import dataclass, field

from gyrophare.kernel.errors import WireError
from gyrophare.kernel.observations import CALLS_FOR_HELP, Event, Observation, Sender
from gyrophare.platform.mqtt import Received
from ingest import topics
from ingest.rejected import Rejected


@dataclass(slots=True, kw_only=True)
class Understood:
    """One message and everything that was found in it."""

    message: Received
    sender: Sender | None = None
    """Whom the topic names: the device, or the gateway that speaks for others; None when it is none of ours."""
    observations: tuple[Observation, ...] = ()
    events: tuple[Event, ...] = ()
    """Those of the observations that are events."""
    rejected: list[Rejected] = field(default_factory=list)
    maybe_sos: bool = False
    """Refused as a whole on a topic that carries SOS: somebody must look."""

    @property
    def calls_for_help(self) -> bool:
        """Whether somebody presses SOS or falls."""
        return any(event.kind in CALLS_FOR_HELP for event in self.events)

    @property
    def urgent(self) -> bool:
        """Whether it must not wait behind fixes."""
        return self.maybe_sos or bool(self.events)

    def reject(self, reason: str, detail: str) -> None:
        """Keep the message, or a part of it, aside."""
        self.rejected.append(self.refused(reason, detail))

    def refused(self, reason: str, detail: str) -> Rejected:
        """The message with the reason why it, or a part of it, is kept aside."""
        said = self.message
        return Rejected(topic=said.topic, reason=reason, detail=detail, body=said.payload, received_at=said.received_at)


def understand(message: Received) -> Understood:
    """Decode `message`. What cannot be understood is in `rejected` with its reason."""
    found = Understood(message=message)
    try:
        address = topics.parse(message.topic)
    except WireError as error:
        found.reject(error.reason, error.detail)
        return found
    found.sender = address.sender
    try:
        decoded = address.route.read(message.payload, address.sender, message.received_at)
    except WireError as error:
        found.maybe_sos = address.route.may_be_sos
        found.reject(error.reason, error.detail)
        return found
    found.observations = decoded.observations
    found.events = tuple([seen for seen in decoded.observations if isinstance(seen, Event)])
    for refusal in decoded.refusals:
        found.reject(refusal.reason, refusal.detail)
    return found
