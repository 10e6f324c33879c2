"""One call of the stand-in: its life, what it says, and how the provider's API shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree

INITIATED_AFTER_S, RINGS_AFTER_S, PICKED_UP_AFTER_S, LASTS_S = 0.25, 0.5, 3.0, 40.0
_EVENT = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}
"""Of each state on the way the event that is asked for; every other state is an end."""
_TWIML_MAX = 4000


@dataclass(kw_only=True, eq=False)
class Call:
    """A call that was taken. It ages with the stand-in's monotonic clock, and ends when a key was pressed."""

    sid: str
    to: str
    sender: str
    twiml: str
    ring_s: float
    created_at: datetime
    created_monotonic_s: float
    stuck_at: str | None
    ends_as: str = "completed"
    status_callback: str | None = None
    events: frozenset[str] = frozenset({"completed"})
    ended_monotonic_s: float | None = None
    told: int = 1
    """How many of its states are no news any more; of the first the provider never calls back."""
    answers: tuple[str, ...] = ()
    """What was said after each key."""

    @property
    def life(self) -> tuple[tuple[float, str], ...]:
        """After how many seconds it is in which state."""
        if self.stuck_at is not None:
            return ((0.0, self.stuck_at),)
        begin = ((0.0, "queued"), (INITIATED_AFTER_S, "initiated"))
        if self.ends_as == "failed":
            return (*begin, (RINGS_AFTER_S, "failed"))
        rings = (*begin, (RINGS_AFTER_S, "ringing"))
        if self.ends_as != "completed":
            return (*rings, (PICKED_UP_AFTER_S if self.ends_as == "busy" else self.ring_s, self.ends_as))
        ended_s = PICKED_UP_AFTER_S + LASTS_S
        if self.ended_monotonic_s is not None:
            ended_s = min(ended_s, self.ended_monotonic_s - self.created_monotonic_s)
        return (*rings, (PICKED_UP_AFTER_S, "in-progress"), (ended_s, "completed"))

    def status(self, now_monotonic_s: float) -> str:
        return self._states(now_monotonic_s)[-1]

    def take_news(self, now_monotonic_s: float) -> list[str]:
        """The states it has been in since this was last asked, in order, of which somebody wants to know."""
        states = self._states(now_monotonic_s)
        news, self.told = states[self.told :], max(self.told, len(states))
        return [status for status in news if _EVENT.get(status, "completed") in self.events]

    @property
    def all_told(self) -> bool:
        return self.told >= len(self.life)

    @property
    def body(self) -> str:
        """What it says, once."""
        return words(self.twiml)[0]

    @property
    def key_url(self) -> str | None:
        """Where a key is said while it speaks; None: it listens to none."""
        gather = _read(self.twiml).find("Gather")
        return None if gather is None else gather.get("action")

    def resource(self, account_sid: str, now_monotonic_s: float) -> dict[str, Any]:
        """As the API shows it."""
        status = self.status(now_monotonic_s)
        picked_up = status in {"in-progress", "completed"}
        started_at = format_datetime(self.created_at + timedelta(seconds=PICKED_UP_AFTER_S)) if picked_up else None
        return {
            "account_sid": account_sid,
            "answered_by": None,
            "api_version": "2010-04-01",
            "date_created": format_datetime(self.created_at),
            "date_updated": format_datetime(self.created_at),
            "direction": "outbound-api",
            "duration": None,
            "end_time": None,
            "from": self.sender,
            "price": None,
            "price_unit": "EUR",
            "sid": self.sid,
            "start_time": started_at,
            "status": "queued" if status == "initiated" else status,  # a word that only callbacks know
            "to": self.to,
            "uri": f"/2010-04-01/Accounts/{account_sid}/Calls/{self.sid}.json",
        }

    def _states(self, now_monotonic_s: float) -> list[str]:
        age_s = now_monotonic_s - self.created_monotonic_s
        return [status for since_s, status in self.life if since_s <= max(age_s, 0.0)]


def is_spoken(twiml: str) -> bool:
    """Whether the provider can say it."""
    try:
        return _read(twiml).tag == "Response" and bool(words(twiml)) and len(twiml) <= _TWIML_MAX
    except ElementTree.ParseError:
        return False


def words(twiml: str) -> list[str]:
    """What is said, one after the other."""
    return [said.text or "" for said in _read(twiml).iter("Say")]


def _read(twiml: str) -> ElementTree.Element:
    return ElementTree.fromstring(twiml)  # noqa: S314  # a server of this machine wrote it, and expat bounds entities
