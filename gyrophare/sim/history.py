"""What devices did with each of their messages, for a checker: what is receipted must be stored, and once."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import NamedTuple


class Done(IntFlag):
    """What happened to one message."""

    MADE = 1
    SENT = 2
    RECEIPTED = 4
    DROPPED = 8
    """It had to go from a full spool."""
    STORABLE = 16
    """It holds a fix or is an event: a row must tell of it. A bare sign of life leaves none."""


class Message(NamedTuple):
    """Which message of which device."""

    device: str
    boot: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What an independent look at the database found; all empty when all is well."""

    lost: list[Message]
    """Receipted, and not stored."""
    twice: list[Message]
    phantoms: list[tuple[str, int]]
    """Stored, and never made: devices and keys."""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.twice or self.phantoms)


class History:
    """One byte a message, so that a million of them are no burden."""

    def __init__(self) -> None:
        self._done: defaultdict[tuple[str, str], bytearray] = defaultdict(bytearray)

    def note(self, device: str, boot: str, number: int, done: Done) -> None:
        """Something happened to this message."""
        marks = self._done[device, boot]
        if number >= len(marks):
            marks.extend(bytes(number + 1 - len(marks)))
        marks[number] |= done

    def messages(self, done: Done) -> Iterator[Message]:
        """Those to which all of `done` happened."""
        for (device, boot), marks in self._done.items():
            yield from (Message(device, boot, number) for number, mark in enumerate(marks) if mark & done == done)

    def count(self, done: Done) -> int:
        return sum(1 for _ in self.messages(done))

    def check(self, stored: Iterable[tuple[str, int]], key_of: Callable[[str, int], int]) -> Verdict:
        """Compare with what was read from the database: of each row the device and its message key.

        `key_of` makes the key of a boot and a number, as the database does.
        """
        rows = Counter(stored)
        made = {(message.device, key_of(message.boot, message.number)): message for message in self.messages(Done.MADE)}
        return Verdict(
            lost=[
                message
                for message in self.messages(Done.RECEIPTED | Done.STORABLE)
                if (message.device, key_of(message.boot, message.number)) not in rows
            ],
            twice=[made[row] for row, times in rows.items() if times > 1 and row in made],
            phantoms=[row for row in rows if row not in made],
        )

    def save(self, path: Path) -> None:
        """One JSON line a boot, for a checker in another process."""
        path.write_text(
            "".join(
                f"{json.dumps({'device': device, 'boot': boot, 'marks': marks.hex()})}\n"
                for (device, boot), marks in self._done.items()
            ),
            encoding="utf-8",
        )

    @classmethod
    def load(cls, path: Path) -> History:
        """What `save` wrote."""
        history = cls()
        for line in path.read_text(encoding="utf-8").splitlines():
            saved = json.loads(line)
            history._done[saved["device"], saved["boot"]] = bytearray.fromhex(saved["marks"])
        return history
