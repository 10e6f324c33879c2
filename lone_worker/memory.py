"""What a shift remembers of its watch besides movement: when each kind of event last happened. Pure.

Each entry only ever grows towards the newest instant, so that in whatever order messages come,
and however often, the memory in the end is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

import msgspec

from gyrophare.kernel.observations import EventKind
from gyrophare.kernel.values import value

_KINDS = {str(kind): kind for kind in EventKind}


@value
class Memory:
    """Of one watch in one shift."""

    last: Mapping[EventKind, datetime]
    packed: str | None = field(default=None, compare=False, repr=False)
    """What `unpack` read it from: most messages bring nothing to remember."""

    def since(self, kind: EventKind, *undone_by: EventKind) -> datetime | None:
        """Since when `kind` holds: its last instant, unless one of the others came at the same time or after it."""
        at = self.last.get(kind)
        if at is None or any(self.last[other] >= at for other in undone_by if other in self.last):
            return None
        return at

    @property
    def paused_at(self) -> datetime | None:
        """Since when the wearer has a break."""
        if EventKind.PAUSE not in self.last:  # most of the time
            return None
        return self.since(EventKind.PAUSE, EventKind.RESUME, EventKind.SHIFT_START)


NOTHING = Memory(last={}, packed="{}")
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder()


def remember(memory: Memory, events: Mapping[EventKind, datetime]) -> Memory:
    """With what was said now."""
    last = dict(memory.last)
    for kind, at in events.items():
        last[kind] = max(at, last.get(kind, at))
    return Memory(last=last)


def with_pause(memory: Memory, paused_at: datetime | None, resumed_at: datetime | None) -> Memory:
    """With the last pause as it was decided from everybody's word, not the watch's alone: `resumed_at` is None while it
    lasts; `paused_at` None: there was none."""
    if paused_at is None:
        if memory.paused_at is None:
            return memory
        resumed_at = memory.paused_at  # it was said of another shift, or was undone
    last = dict(memory.last)
    if paused_at is not None:
        last[EventKind.PAUSE] = paused_at
    if resumed_at is None:
        last.pop(EventKind.RESUME, None)
        last.pop(EventKind.SHIFT_START, None)
    else:
        last[EventKind.RESUME] = max(resumed_at, last.get(EventKind.RESUME, resumed_at))
    return Memory(last=last)


def pack(memory: Memory) -> str:
    """As the database keeps it."""
    if memory.packed is not None:
        return memory.packed
    said = {str(kind): memory.last[kind].timestamp() for kind in sorted(memory.last)}
    return _encoder.encode(said).decode()


def unpack(text: str) -> Memory:
    """As `pack` wrote it."""
    if text == "{}":
        return NOTHING
    said = _decoder.decode(text)
    return Memory(
        last={_KINDS[kind]: _instant(at_s) for kind, at_s in said.items() if kind in _KINDS},
        packed=text,
    )


def _instant(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
