"""A walk along the chain, seal by seal, that says of everything that is not as it was sealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from alerts.audit.chain import Event, Head, Seal, commit, link
from alerts.model import reference
from gyrophare.kernel.ids import AlertId

LATE = timedelta(minutes=1)
FAULTS_KEPT = 1_000  # a chain that was rewritten has a fault in every seal
_EMPTY = "{}"


class FaultKind(StrEnum):
    """What was found."""

    FOREIGN_GENESIS = "foreign_genesis"
    SEAL_MISSING = "seal_missing"
    SEAL_MISPLACED = "seal_misplaced"
    EVENT_MISSING = "event_missing"
    EVENT_EDITED = "event_edited"
    CONTENT_EDITED = "content_edited"
    SALT_MISSING = "salt_missing"
    ANCHOR_MISSING = "anchor_missing"


_WORDS = {
    FaultKind.FOREIGN_GENESIS: "the chain does not begin with this installation: it is another's, or was cut",
    FaultKind.SEAL_MISSING: "gone",
    FaultKind.SEAL_MISPLACED: "it does not follow the seal before it: one of them was moved, put in or edited",
    FaultKind.EVENT_MISSING: "its event was deleted",
    FaultKind.EVENT_EDITED: "its event, or the seal itself, was edited",
    FaultKind.CONTENT_EDITED: "what was said then was edited: the detail of the event, or the alert it tells of",
    FaultKind.SALT_MISSING: "what was said then cannot be checked, and no erasure explains it",
    FaultKind.ANCHOR_MISSING: "no seal has this hash: the chain was cut before it, or written anew",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is not as it was sealed."""

    kind: FaultKind
    number: int | None = None
    last: int | None = None
    """Of several seals in a row."""
    event_id: int | None = None
    alert_id: AlertId | None = None
    anchor: str | None = None

    def __str__(self) -> str:
        named = [
            _seals(self.number, self.last),
            f"event {self.event_id}" if self.event_id is not None else "",
            f"alert {reference(self.alert_id)}" if self.alert_id is not None else "",
            f"anchor {self.anchor}" if self.anchor is not None else "",
        ]
        return f"{', '.join(filter(None, named))}: {_WORDS[self.kind]}"


class Walk:
    """Follows a chain from `genesis`; of the anchors, hashes noted elsewhere, each must be met on the way."""

    def __init__(self, genesis: Head, anchors: Iterable[bytes] = ()) -> None:
        self.head = genesis
        self.seals = 0
        self.erased = 0
        self.sealed_late = 0
        """Seals of events that had happened more than a minute before: an outage, or events put in afterwards."""
        self.faults: list[Fault] = []
        self.faults_in_all = 0
        self._anchors = set(anchors) - {genesis.hash}

    def look(self, seal: Seal, event: Event | None, salt: bytes | None, *, erased: bool) -> None:
        """The next seal by number, and what is there of its event; `erased`: a later event of its alert says so."""
        self.seals += 1
        self._follow(seal)
        alert_id = event.alert_id if event is not None else None
        for kind in self._doubts(seal, event, salt, erased=erased):
            self._note(Fault(kind=kind, number=seal.number, event_id=seal.event_id, alert_id=alert_id))
        self._anchors.discard(seal.hash)
        self.head = Head(number=seal.number, hash=seal.hash)

    def end(self) -> None:
        """No seal is left."""
        for anchor in sorted(self._anchors):
            self._note(Fault(kind=FaultKind.ANCHOR_MISSING, anchor=anchor.hex()))

    def _follow(self, seal: Seal) -> None:
        if seal.number > self.head.number + 1:
            self._note(Fault(kind=FaultKind.SEAL_MISSING, number=self.head.number + 1, last=seal.number - 1))
        elif seal.previous != self.head.hash or seal.number <= self.head.number:
            kind = FaultKind.SEAL_MISPLACED if self.head.number else FaultKind.FOREIGN_GENESIS
            self._note(Fault(kind=kind, number=seal.number))

    def _doubts(self, seal: Seal, event: Event | None, salt: bytes | None, *, erased: bool) -> Iterable[FaultKind]:
        if event is None:
            yield FaultKind.EVENT_MISSING
            return
        if link(seal, event) != seal.hash:
            yield FaultKind.EVENT_EDITED
        self.sealed_late += seal.sealed_at - event.at > LATE
        if salt is not None:
            if commit(salt, event) != seal.commitment:
                yield FaultKind.CONTENT_EDITED
        elif not erased:
            yield FaultKind.SALT_MISSING
        elif event.detail != _EMPTY:
            yield FaultKind.CONTENT_EDITED
        else:
            self.erased += 1

    def _note(self, fault: Fault) -> None:
        self.faults_in_all += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(fault)


def _seals(first: int | None, last: int | None) -> str:
    if first is None:
        return ""
    return f"seal {first}" if last in (None, first) else f"seals {first} to {last}"
