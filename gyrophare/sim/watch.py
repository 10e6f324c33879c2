"""A simulated watch, or the box in a van: measures, keeps what it has sent until a receipt names it, hears commands.

It knows neither a broker nor the time: it is told the instant, handed what came, and asked what is to be sent. So a
thousand of them may share a connection, and a test moves the clock.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import inf
from typing import Any, NamedTuple

from gyrophare.sim.commands import Commands
from gyrophare.sim.faults import Fate
from gyrophare.sim.history import Done, History
from gyrophare.sim.reporter import Reporter, late, topic
from gyrophare.sim.spool import Kept, Spool

RESEND_AFTER_S, RESEND_AFTER_MAX_S = 10.0, 160.0
"""Reports without a receipt are sent again after so long; after twice as long each time that none answers."""
EVENT_RESEND_AFTER_S = 5.0
"""An SOS without a receipt is sent again after so long, for ever."""
UNPROTECTED_AFTER_S = 60.0
"""A watch that has heard no receipt for so long shows that it protects nobody."""
REPORTS_AT_ONCE = 500  # what one message may hold
_NEWS_S = 5.0  # older reports go as buffered ones
_OWED_AT_ONCE, _NEXT_OWED_AFTER_S = 4 * REPORTS_AT_ONCE, 1.0  # what else is owed waits for the receipts of these
_LOW_BATTERY_PCT = 15.0
_NO_DETAIL: Mapping[str, Any] = {}


class Publication(NamedTuple):
    """One message to publish, at QoS 1."""

    device: str
    topic: str
    payload: bytes
    event: bool
    reports: int


class Watch:
    """One device. What it owes is in `spool`, under its name, also when it was another process that measured it."""

    def __init__(
        self,
        reporter: Reporter,
        spool: Spool,
        *,
        history: History | None = None,
        unprotected_after_s: float = UNPROTECTED_AFTER_S,
    ) -> None:
        self.name = reporter.fate.name
        self.body = reporter.body
        self.topic = topic(self.name, reporter.speaks)
        self.receipts = 0
        self.commands: list[dict[str, Any]] = []
        self.receipted = 0
        self.resent = 0
        self.dropped = 0
        self._reporter = reporter
        self._fate: Fate = reporter.fate
        self._spool = spool
        self._speaks = reporter.speaks
        self._history = history or History()
        self._unprotected_after_s = unprotected_after_s
        self._fresh: list[tuple[float, Kept]] = []
        self._sent_s: dict[tuple[str, int], float] = {}
        """When each was last sent by this boot; what the spool holds beside these is due at once."""
        self._under_way: list[tuple[float, int, Publication]] = []
        self._order = itertools.count()
        self._heard_s = -inf
        self._resend_after_s, self._resend_at_s = RESEND_AFTER_S, inf
        self._low_battery_said = False
        self._sos_at = self._fate.presses_sos_at()
        self._reboots = 0
        self._rescued = False
        self._told = Commands(self.body, self._fate)
        self._measured_at: datetime | None = None
        self._start(self._fate.since)

    @property
    def heard(self) -> list[str]:
        """The topics it listens to."""
        return [] if self._speaks == "owntracks" else [f"{self.topic}/receipts", f"{self.topic}/commands"]

    @property
    def owed(self) -> int:
        """How many of its messages nobody has receipted."""
        return self._spool.count(self.name)

    def protected(self, now: datetime) -> bool:
        """Whether it may say so to its wearer: somebody stores what it sends, and has said so not long ago.

        An OwnTracks telephone never knows.
        """
        return now.timestamp() - self._heard_s < self._unprotected_after_s

    def screen(self, now: datetime) -> str:
        """What its wearer reads."""
        return "protégé" if self.protected(now) else "non protégé"

    # ------------------------------------------------------------------ what happens to it

    def measure(self, at: datetime) -> None:
        """Write a report of what is so at `at` into the spool, unless a command had it report what was so later.

        What its fate holds for it by then happens too. An empty battery measures nothing.
        """
        if self._dead(at) or (self._measured_at is not None and at < self._measured_at):
            return
        self._measured_at = at
        if self._fate.reboots(at) != self._reboots:
            self._reboots = self._fate.reboots(at)
            self._start(at)
        self._keep(self._reporter.report(at), at)
        if self._speaks == "native":
            if not self._low_battery_said and self._fate.battery_pct(at) <= _LOW_BATTERY_PCT:
                self._low_battery_said = True
                self.press("low_battery", at)
            if self._sos_at is not None and self._sos_at <= at:
                self._sos_at = None
                self.press("sos", at)

    def press(self, kind: str, at: datetime, detail: Mapping[str, Any] = _NO_DETAIL) -> None:
        """The wearer presses a button, or the watch notices by itself: `sos`, `fall`, `ok` … When this returns it is on
        the disk. Raise ValueError for an OwnTracks telephone, which has no such word."""
        if self._speaks == "owntracks":
            raise ValueError(f"{self.name} speaks OwnTracks, which has no events of this kind; choose a native device")
        if not self._dead(at):
            self._keep(self._reporter.event(kind, at, detail), at)

    def rescue(self, now: datetime) -> None:
        """From now on there is network and power, no receipt is lost, and what it owes goes at once."""
        self._rescued = True
        self._resend_after_s, self._resend_at_s = RESEND_AFTER_S, now.timestamp()

    def hear(self, heard_on: str, payload: bytes, now: datetime) -> None:
        """Something came: a receipt or a command. Where there is no network nothing comes."""
        if not self._connected(now):
            return
        said: dict[str, Any] = json.loads(payload)
        if heard_on.endswith("/commands"):
            self.commands.append(said)
            if self._told.hear(said, now):
                self.measure(now)
            return
        boot, up_to, also = str(said["boot"]), int(said["up_to"]), [int(number) for number in said["also"]]
        if self._rescued or not self._fate.loses_receipt(f"{boot} {up_to} {also}"):
            self._forget(boot, up_to, also, now)

    # ------------------------------------------------------------------ what it says

    def outgoing(self, now: datetime, *, online: bool = True) -> list[Publication]:
        """What is to be published now, events first; nothing when the broker is gone (`online` False).

        What it was told to do by now, it does.
        """
        for press in self._told.due(now):
            self.press(press.kind, press.at, press.detail)
        if self._told.report_due(now, self._measured_at):
            self.measure(now)
        fresh, self._fresh = self._fresh, []
        now_s = now.timestamp()
        if not (online and self._connected(now)):
            if fresh:
                self._resend_at_s = now_s  # as soon as it is back
            return []
        self._spool.commit()
        news = [kept for measured_s, kept in fresh if kept.event or now_s - measured_s < _NEWS_S]
        if len(news) < len(fresh):
            self._resend_at_s = now_s
        publications = [self._publication([kept]) for kept in sorted(news, key=lambda kept: not kept.event)]
        self._note_sent(news, now_s)
        if now_s >= self._resend_at_s:
            publications += self._again(now_s)
        return list(self._disturbed(publications, now_s))

    def _again(self, now_s: float) -> Iterable[Publication]:
        """What was never sent, and what was sent long enough ago without a receipt."""
        owed = self._spool.owed(self.name, _OWED_AT_ONCE)
        due = [kept for kept in owed if now_s - self._sent_s.get(kept[:2], -inf) >= self._patience_s(kept)]
        again = sum(kept[:2] in self._sent_s for kept in due)
        self.resent += again
        if any(not kept.event and kept[:2] in self._sent_s for kept in due):
            self._resend_after_s = min(2 * self._resend_after_s, RESEND_AFTER_MAX_S)
        self._note_sent(due, now_s)
        self._resend_at_s = now_s + self._next_look_s(len(owed))
        reports = [kept for kept in due if not kept.event]
        at_once = 1 if self._speaks == "owntracks" else REPORTS_AT_ONCE
        arrays = [reports[start : start + at_once] for start in range(0, len(reports), at_once)]
        if self._fate.newest_first:
            arrays = [array[::-1] for array in arrays[::-1]]
        yield from (self._publication([kept]) for kept in due if kept.event)
        yield from (self._publication(array, buffered=True) for array in arrays)

    def _publication(self, kept: list[Kept], *, buffered: bool = False) -> Publication:
        if kept[0].event:
            return Publication(self.name, f"{self.topic}/events", kept[0].body, event=True, reports=1)
        if self._speaks == "owntracks":
            return Publication(self.name, self.topic, kept[0].body, event=False, reports=1)
        bodies = [late(one.body) if buffered else one.body for one in kept]
        body = bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"
        return Publication(self.name, f"{self.topic}/fixes", body, event=False, reports=len(bodies))

    def _disturbed(self, publications: Iterable[Publication], now_s: float) -> Iterable[Publication]:
        """What the network makes of them: some twice, some late."""
        for publication in publications:
            what = publication.payload.decode()
            held_s, after_s = self._fate.held_s(what), self._fate.repeats_after_s(what)
            if after_s is not None:
                heapq.heappush(self._under_way, (now_s + after_s, next(self._order), publication))
            if held_s and not publication.event:
                heapq.heappush(self._under_way, (now_s + held_s, next(self._order), publication))
            else:
                yield publication
        while self._under_way and self._under_way[0][0] <= now_s:
            yield heapq.heappop(self._under_way)[2]

    # ------------------------------------------------------------------ what it remembers

    def _start(self, at: datetime) -> None:
        """It is switched on: what it remembered is gone, what it had written is not."""
        self._reporter.start(at, self._spool.boot(self.name))
        self._fresh.clear()
        self._sent_s.clear()
        self._told.forget()
        self._resend_after_s = RESEND_AFTER_S
        self._resend_at_s = at.timestamp() if self.owed else inf

    def _keep(self, kept: Kept, at: datetime) -> None:
        for boot, number in self._spool.add(self.name, kept):
            self.dropped += 1
            self._sent_s.pop((boot, number), None)
            self._history.note(self.name, boot, number, Done.DROPPED)
        storable = Done.STORABLE if kept.event or b'"fix":' in kept.body else Done.MADE
        self._history.note(self.name, kept.boot, kept.number, Done.MADE | storable)
        self._fresh.append((at.timestamp(), kept))

    def _note_sent(self, sent: Iterable[Kept], now_s: float) -> None:
        for kept in sent:
            self._history.note(self.name, kept.boot, kept.number, Done.MADE | Done.SENT)
            if self._speaks == "owntracks":  # it has no receipts: the broker's word must do
                self._spool.forget(self.name, kept.boot, 0, (kept.number,))
                continue
            self._sent_s[kept.boot, kept.number] = now_s
            self._resend_at_s = min(self._resend_at_s, now_s + self._patience_s(kept))

    def _forget(self, boot: str, up_to: int, also: list[int], now: datetime) -> None:
        self.receipts += 1
        self._heard_s = now.timestamp()
        for number in self._spool.forget(self.name, boot, up_to, also):
            self.receipted += 1
            self._sent_s.pop((boot, number), None)
            self._history.note(self.name, boot, number, Done.RECEIPTED)
        if self._resend_after_s > RESEND_AFTER_S:  # the way is open again: no reason to wait longer
            self._resend_after_s, self._resend_at_s = RESEND_AFTER_S, self._heard_s
        if not self.owed:
            self._resend_at_s = inf

    def _patience_s(self, kept: Kept) -> float:
        return EVENT_RESEND_AFTER_S if kept.event else self._resend_after_s

    def _next_look_s(self, looked_at: int) -> float:
        if looked_at == _OWED_AT_ONCE:
            return _NEXT_OWED_AFTER_S
        return EVENT_RESEND_AFTER_S if self._spool.events(self.name) else self._resend_after_s

    def _dead(self, at: datetime) -> bool:
        return not self._rescued and self._fate.battery_pct(at) <= 0

    def _connected(self, at: datetime) -> bool:
        return self._rescued or (self._fate.covered(at) and not self._dead(at))
