"""A channel carries one text to one contact and says plainly what became of it.

The four outcomes are what the dispatcher needs to choose its next step; a channel decides nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What became of one attempt to send."""

    SENT = "sent"
    """The provider has taken it."""
    TEMPORARY = "temporary"
    """It was certainly not processed: safe to send again."""
    AMBIGUOUS = "ambiguous"
    """No clear answer: ask `find_sent` before sending again."""
    PERMANENT = "permanent"
    """It will never arrive: go to the next contact or channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """One text for one contact. Its repr holds no address and no text, so that it may be logged."""

    notification_id: int
    reference: str
    """Short, unique among the notifications, e.g. `#A17-2`: a duplicate is recognised by it."""
    to: str = field(repr=False)
    """The contact's address in the channel's own form: E.164 for text messages."""
    text: str = field(repr=False)
    parts: int = 1
    """How many parts of a text message it may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The answer to one attempt; `detail` is a phrase for a person and holds no address and no text."""

    outcome: Outcome
    provider_id: str | None
    http_status: int | None
    error_code: str | None
    detail: str
    retry_after_s: float | None = None
    """How long the provider asked to be left alone, where it did."""
    segments: int | None = None
    """How many parts of a text message it bills, where it said so."""


class Channel(Protocol):
    """One way to reach a contact. A failure is a result, never an exception."""

    name: str

    async def send(self, message: OutgoingText) -> SendResult:
        """Try once."""
        ...

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        """Look at the provider for a message with this reference, taken at or after `since`.

        None: the provider shows no such message, or none that it took. Its list may lag by seconds, so do not ask at
        once.
        AMBIGUOUS: the provider could not be asked, or has not decided; nothing is known yet.
        Never TEMPORARY: what was certainly not processed is to be sent, not found.
        """
        ...
