"""What a device has measured and nobody has receipted yet, on disk: it outlives the process.

Only a receipt ends it. One file may hold the spools of a whole fleet. An event is on the disk before `add` returns
(`synchronous=FULL`); reports are written together by `commit`, which survives the end of the process, though not that
of the machine.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

REPORTS_MAX = 50_000
"""Of one device: beyond it the oldest reports go, and are counted. Events never go."""
_DROPPED_AT_ONCE = 500

_SCHEMA = """
create table if not exists spooled (
    id integer primary key,
    device text not null,
    boot text not null,
    number integer not null,
    event integer not null,
    body blob not null,
    unique (device, boot, number)
) strict;
create table if not exists booted (device text primary key, times integer not null) strict;
"""
_OWED = """
select boot, number, event, body from spooled where device = ? order by event desc, id limit ?
"""
_BEYOND = "number in (select value from json_each(?))"
_FORGET = f"delete from spooled where device = ? and boot = ? and (number <= ? or {_BEYOND}) returning number, event"  # noqa: S608  # no value in it
_DROP = """
delete from spooled
where id in (select id from spooled where device = ? and event = 0 order by id limit ?) returning boot, number
"""


class Kept(NamedTuple):
    """One message of a device, as its spool holds it."""

    boot: str
    number: int
    event: bool
    body: bytes


class Spool:
    """The messages that devices owe. `path` None keeps them in memory, for load that nobody must survive."""

    def __init__(self, path: Path | None, *, reports_max: int = REPORTS_MAX) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._reports_max = reports_max
        self._file = sqlite3.connect(path or ":memory:")
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = normal")
        self._file.executescript(_SCHEMA)
        self._reports: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        for device, event, count in self._file.execute("select device, event, count(*) from spooled group by 1, 2"):
            (self._events if event else self._reports)[device] = count

    def close(self) -> None:
        self.commit()
        self._file.close()

    def boot(self, device: str) -> int:
        """The device starts: how often it has, this time included."""
        row = self._file.execute(
            "insert into booted values (?, 1) on conflict (device) do update set times = times + 1 returning times",
            (device,),
        ).fetchone()
        self._file.commit()
        return int(row[0])

    def add(self, device: str, kept: Kept) -> list[tuple[str, int]]:
        """Keep a message; the boots and numbers of reports that had to go for it."""
        if kept.event:
            self._file.commit()  # `synchronous` cannot be changed in a transaction
            self._file.execute("pragma synchronous = full")
        self._file.execute(
            "insert into spooled (device, boot, number, event, body) values (?, ?, ?, ?, ?)", (device, *kept)
        )
        if kept.event:
            self._file.commit()
            self._file.execute("pragma synchronous = normal")
            self._events[device] += 1
            return []
        self._reports[device] += 1
        if self._reports[device] <= self._reports_max:
            return []
        dropped = self._file.execute(_DROP, (device, _DROPPED_AT_ONCE)).fetchall()
        self._reports[device] -= len(dropped)
        return dropped

    def commit(self) -> None:
        """Write what was added since. What is not written must not be sent."""
        if self._file.in_transaction:
            self._file.commit()

    def owed(self, device: str, most: int) -> list[Kept]:
        """What nobody has receipted: events first, then the oldest."""
        return [
            Kept(boot, number, bool(event), body)
            for boot, number, event, body in self._file.execute(_OWED, (device, most))
        ]

    def forget(self, device: str, boot: str, up_to: int, also: Sequence[int] = ()) -> list[int]:
        """A receipt names these; the numbers that were still owed."""
        gone = self._file.execute(_FORGET, (device, boot, up_to, json.dumps(also))).fetchall()
        for _, event in gone:
            (self._events if event else self._reports)[device] -= 1
        return [number for number, _ in gone]

    def count(self, device: str) -> int:
        """How many messages the device owes."""
        return self._reports[device] + self._events[device]

    def events(self, device: str) -> int:
        """How many of them are events."""
        return self._events[device]
