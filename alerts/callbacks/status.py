"""The words a provider has for what became of a message, and which of two is further. Pure.

Callbacks come late, doubled and in any order. The furthest word counts; a final one never changes. Those of a text
message and those of a call contradict each other nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[a-z][a-z_-]{0,31}")
_CODE = re.compile(r"[0-9]{1,9}")
_RANK = {
    "accepted": 0,
    "scheduled": 0,
    "queued": 1,
    "initiated": 2,
    "sending": 2,
    "ringing": 3,
    "sent": 3,
    "partially_delivered": 3,  # of several recipients some: we have one, so it is not there yet
    "in-progress": 4,
    "busy": 5,
    "canceled": 5,
    "completed": 5,  # a mailbox picks up too: only a key says that somebody has heard
    "delivered": 5,
    "failed": 5,
    "no-answer": 5,
    "undelivered": 5,
}
FINAL = frozenset(word for word, rank in _RANK.items() if rank == max(_RANK.values()))
NEVER_ARRIVES = frozenset({"failed", "undelivered", "canceled", "busy", "no-answer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSaid:
    """What the provider of a channel says of one message or call; `status` is a word, known to us or not."""

    channel: str
    provider_id: str
    status: str
    error_code: str | None
    notification_id: int | None = None
    """Which of ours it is, where the URL that was called says so."""


def read_word(text: object) -> str | None:
    """A status as it may be stored: a short lower-case word; None for anything else."""
    return text if isinstance(text, str) and _WORD.fullmatch(text) else None


def read_code(text: object) -> str | None:
    """An error code as digits; None for none, or for what is not one."""
    return str(text) if isinstance(text, int | str) and _CODE.fullmatch(str(text)) else None


def further(known: str | None, said: str) -> str | None:
    """The status that counts once `said` was heard; None: `said` is no news. A word we do not know never is.

    Who has read a message has it: `read` counts as `delivered`, so that the order of the two does not matter. The first
    final word stays, whatever is said after it.
    """
    word = "delivered" if said == "read" else said
    rank = _RANK.get(word)
    if rank is None or (known is not None and rank <= _RANK[known]):
        return None
    return word
