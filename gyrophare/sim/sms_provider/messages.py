"""One message of the stand-in: its life, and how the provider's API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from operator import eq, ge, le
from typing import Any

SENDING_AFTER_S, SENT_AFTER_S, ENDS_AFTER_S = 0.5, 1.0, 3.0
UNDELIVERED_CODE = 30008

_DATE_FILTERS = {"DateSent": eq, "DateSent>": ge, "DateSent<": le}
# GSM 7-bit alphabet, written out again: the stand-in judges our texts, so it shares no code with their author.
_GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_ESCAPED = set("^{}\\[~]|€")


@dataclass(kw_only=True, eq=False)
class Message:
    """A message that was taken. It ages with the stand-in's monotonic clock."""

    sid: str
    to: str
    sender: str
    body: str
    created_at: datetime
    created_monotonic_s: float
    stuck_at: str | None
    ends_as: str = "delivered"
    status_callback: str | None = None
    told: int = 1
    """How many of its states are no news any more; of the first the provider never calls back."""
    redacted: bool = False
    """The provider has forgotten the text; the telephone that got it has not."""

    @property
    def life(self) -> tuple[tuple[float, str], ...]:
        """After how many seconds it is in which state."""
        if self.stuck_at is not None:
            return ((0.0, self.stuck_at),)
        begin = ((0.0, "queued"), (SENDING_AFTER_S, "sending"))
        if self.ends_as == "failed":
            return (*begin, (SENT_AFTER_S, "failed"))
        sent = (*begin, (SENT_AFTER_S, "sent"))
        return sent if self.ends_as == "sent" else (*sent, (ENDS_AFTER_S, self.ends_as))

    def status(self, now_monotonic_s: float) -> str:
        return self._states(now_monotonic_s)[-1]

    def take_news(self, now_monotonic_s: float) -> list[str]:
        """The states it has been in since this was last asked, in order."""
        states = self._states(now_monotonic_s)
        news, self.told = states[self.told :], max(self.told, len(states))
        return news

    @property
    def all_told(self) -> bool:
        return self.told >= len(self.life)

    def _states(self, now_monotonic_s: float) -> list[str]:
        age_s = now_monotonic_s - self.created_monotonic_s
        return [status for since_s, status in self.life if since_s <= max(age_s, 0.0)]

    def sent_at(self, now_monotonic_s: float) -> datetime | None:
        if self.status(now_monotonic_s) not in {"sent", "delivered", "undelivered"}:
            return None
        return self.created_at + timedelta(seconds=SENT_AFTER_S)

    def matches(self, query: Mapping[str, str], now_monotonic_s: float) -> bool:
        """Filter as the provider does: dates count by whole days, a message not yet sent has none.

        Raise ValueError for a date that is none.
        """
        if self.to != query.get("To", self.to) or self.sender != query.get("From", self.sender):
            return False
        sent_at = self.sent_at(now_monotonic_s)
        bounds = [(fits, date.fromisoformat(query[name][:10])) for name, fits in _DATE_FILTERS.items() if name in query]
        return all(sent_at is not None and fits(sent_at.date(), day) for fits, day in bounds)

    def resource(self, account_sid: str, now_monotonic_s: float) -> dict[str, Any]:
        """As the API shows it."""
        status, sent_at = self.status(now_monotonic_s), self.sent_at(now_monotonic_s)
        uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{self.sid}"
        return {
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "body": "" if self.redacted else self.body,
            "date_created": format_datetime(self.created_at),
            "date_sent": format_datetime(sent_at) if sent_at else None,
            "date_updated": format_datetime(sent_at or self.created_at),
            "direction": "outbound-api",
            "error_code": error_code(status),
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": str(parts(self.body)[1]),
            "price": None,
            "price_unit": "EUR",
            "sid": self.sid,
            "status": status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


def error_code(status: str) -> int | None:
    """Why a message in this state did not arrive; None when it may still."""
    return UNDELIVERED_CODE if status in {"failed", "undelivered"} else None


def parts(body: str) -> tuple[str, int]:
    """The encoding a text needs and the number of parts it takes."""
    if all(character in _GSM7 or character in _GSM7_ESCAPED for character in body):
        encoding, size, one, each = "GSM-7", len(body) + sum(character in _GSM7_ESCAPED for character in body), 160, 153
    else:
        encoding, size, one, each = "UCS-2", len(body.encode("utf-16-be")) // 2, 70, 67
    return encoding, 1 if size <= one else -(-size // each)
