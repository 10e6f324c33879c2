"""An alert as machines are told of it: the text that the outbox holds for channels which speak no French. Pure.

One shape, whatever the channel: each makes of it what its own standard can say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from alerts.model import AlertKind

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Occasion(StrEnum):
    """What has just happened to the alert."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    LAPSED = "lapsed"
    """Whoever took it was not heard of again: it waits for somebody once more."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the subject last was known to be, and since when that is known."""

    latitude_deg: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude_deg: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    accuracy_m: Annotated[float, msgspec.Meta(ge=0)] | None = None
    fixed_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told of this alert before: a standard that numbers its messages needs it to point back at them."""

    occasion: Occasion
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDocument:
    """One occasion in the life of one alert. Its repr says of nobody who or where, so that it may be logged.

    `at` is when the occasion was; of `raised` it is `raised_at` again.
    """

    version: Literal[1] = 1
    reference: str
    """How people name the alert: `A17`."""
    occasion: Occasion
    kind: AlertKind
    priority: Annotated[int, msgspec.Meta(ge=0)]
    what: str
    """The kind in French, as a text message says it: `IMMOBILE`."""
    subject: str = field(repr=False)
    mission: str | None = field(default=None, repr=False)
    organisation: str
    episode_at: Instant
    raised_at: Instant
    at: Instant
    position: Place | None = field(default=None, repr=False)
    received_late_s: float | None = None
    by: str | None = field(default=None, repr=False)
    """Who acknowledged or closed it."""
    cause: str | None = field(default=None, repr=False)
    """Why it was closed or lapsed."""
    test: bool = False
    earlier: tuple[Told, ...] = ()
    """What was told between `raised` and this, oldest first; may be left out."""


_DECODER = msgspec.json.Decoder(AlertDocument)


def read(text: str) -> AlertDocument:
    """Read what `write` wrote; keys it does not know are passed over. Raise ValueError saying which key is wrong."""
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        said = str(error) if isinstance(error, msgspec.MsgspecError) else "a character that UTF-8 has not"
        raise ValueError(f"not an alert document: {said}") from None


def write(document: AlertDocument) -> str:
    """The document as JSON."""
    return msgspec.json.encode(document).decode()
