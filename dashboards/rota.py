"""What the console shows of who is on call: plain values, made elsewhere, as the wire writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dashboards.read_models import instant
from gyrophare.kernel.ids import ContactId
from gyrophare.kernel.values import value


@value
class Entry:
    """Somebody is on call from `from_at` on, before `until_at`."""

    id: int
    role: str
    contact: str
    from_at: datetime
    until_at: datetime
    by_hand: bool
    """Said by somebody; else by a calendar, which would say it again."""

    @property
    def said(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "role": self.role,
            "contact": self.contact,
            "from": instant(self.from_at),
            "until": instant(self.until_at),
            "by_hand": self.by_hand,
        }


@value
class Role:
    """Who is on call in it now, and who comes next; `unreached`: the channels of steps that would tell nobody now."""

    name: str
    called: bool
    """Whether a policy names it."""
    now: tuple[Entry, ...]
    next: Entry | None
    unreached: tuple[str, ...]

    @property
    def said(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "called": self.called,
            "now": [entry.said for entry in self.now],
            "next": None if self.next is None else self.next.said,
            "unreached": list(self.unreached),
        }


@value
class Rota:
    """Everything that is not over."""

    roles: tuple[Role, ...]
    entries: tuple[Entry, ...]
    contacts: Mapping[ContactId, str]
    """Their names, who is told first first."""
