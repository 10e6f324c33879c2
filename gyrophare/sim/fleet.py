"""Many devices at work: who they are, what they measure when, what they send. The same seed gives the same messages."""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from gyrophare.kernel.geo import Position
from gyrophare.sim.body import Body
from gyrophare.sim.days import WORKS, day
from gyrophare.sim.faults import Fate, Fault
from gyrophare.sim.history import History
from gyrophare.sim.reporter import Reporter, Speaks, topic
from gyrophare.sim.spool import Spool
from gyrophare.sim.watch import UNPROTECTED_AFTER_S, Publication, Watch

_WOODED = (0.0, 0.6)  # of a route lies so much under trees
_TURNS_AT_ONCE = 1000  # some 100 ms
_LOOK_EVERY_S = 1.0  # at watches that have measured nothing: what they owe


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Which devices. `phones` of them, a share, are OwnTracks telephones."""

    count: int
    interval_s: float = 5.0
    seed: int = 0
    faults: frozenset[Fault] = frozenset()
    prefix: str = "sim"
    phones: float = 0.1

    def members(self) -> list[tuple[str, Speaks]]:
        """The name of each device on its wire, and what it speaks: `sim-0001`, or `sim-0010/phone`."""
        names: list[tuple[str, Speaks]] = []
        for number in range(1, self.count + 1):
            phone = int(number * self.phones) > int((number - 1) * self.phones)
            name = f"{self.prefix}-{number:04d}"
            names.append((f"{name}/phone", "owntracks") if phone else (name, "native"))
        return names

    def reporters(self, since: datetime) -> list[Reporter]:
        """Each device with its wearer and its fate from `since` on, not yet switched on."""
        return [self._reporter(name, speaks, since) for name, speaks in self.members()]

    def measures_after(self, number: int, times: int) -> timedelta:
        """When the device `number` measures for the `times`-th time, from 0 on: they take their turns."""
        return timedelta(seconds=self.interval_s * (times + number / self.count))

    def _reporter(self, name: str, speaks: Speaks, since: datetime) -> Reporter:
        dice = random.Random(f"{self.seed} {name}")  # noqa: S311  # no secret depends on it
        fate = Fate(name=name, since=since, faults=self.faults, seed=self.seed)
        plan = day(dice.choice(WORKS), dice, since, fate.lies_from())
        body = Body(route=dice.choice(_routes()), plan=plan, seed=dice.randrange(2**31), wooded=dice.uniform(*_WOODED))
        return Reporter(body, fate, speaks=speaks)


class Fleet:
    """A crew's watches at work from `since` on, with what they owe in `spool`."""

    def __init__(self, crew: Crew, since: datetime, spool: Spool, history: History | None = None) -> None:
        self.history = history or History()
        self.behind_s = 0.0
        """How much later than they should the last ones measured."""
        self._crew = crew
        self.since = since
        unprotected_after_s = max(UNPROTECTED_AFTER_S, 3 * crew.interval_s)
        self._watches = [
            Watch(reporter, spool, history=self.history, unprotected_after_s=unprotected_after_s)
            for reporter in crew.reporters(since)
        ]
        self._by_topic = {heard: watch for watch in self._watches for heard in watch.heard}
        # A heap: it begins in order.
        self._turns = [(since + crew.measures_after(number, 0), number, 0) for number in range(crew.count)]
        self._looked_at = since
        self._over = False

    def __iter__(self) -> Iterator[Watch]:
        return iter(self._watches)

    @property
    def owed(self) -> int:
        """Messages that nobody has receipted."""
        return sum(watch.owed for watch in self._watches)

    def tick(self, now: datetime, online: Callable[[str], bool] = lambda _name: True) -> list[Publication]:
        """Measure what is due by `now`, each at its own instant; what is to be published by those who are `online`.

        Of a fleet that is behind only so much is measured that others have their turn: ask again at once.
        """
        measured: dict[int, Watch] = {}
        turns = 0
        while not self._over and turns < _TURNS_AT_ONCE and self._turns[0][0] <= now:
            turns += 1
            at, number, times = self._turns[0]
            next_at = self.since + self._crew.measures_after(number, times + 1)
            heapq.heapreplace(self._turns, (next_at, number, times + 1))
            measured[number] = self._watches[number]
            measured[number].measure(at)
            self.behind_s = (now - at).total_seconds()
        asked = list(measured.values())
        if (now - self._looked_at).total_seconds() >= _LOOK_EVERY_S:
            self._looked_at, asked = now, self._watches
        return [publication for watch in asked for publication in watch.outgoing(now, online=online(watch.name))]

    def hear(self, topic_heard: str, payload: bytes, now: datetime) -> None:
        """Something came for one of them."""
        watch = self._by_topic.get(topic_heard)
        if watch is not None:
            watch.hear(topic_heard, payload, now)

    def end(self, now: datetime) -> None:
        """The day is over: nobody measures any more, everybody is in coverage and on the charger."""
        self._over = True
        for watch in self._watches:
            watch.rescue(now)


class Loaded(NamedTuple):
    """One report of a load: its topic, body and number within its device's boot."""

    topic: str
    body: bytes
    number: int


def load(crew: Crew, since: datetime) -> Iterator[list[Loaded]]:
    """What a crew's devices report from `since` on, without end: each list holds one report of every device.

    No spool and no network stands between: the caller sends them, at the pace it wants.
    """
    reporters = crew.reporters(since)
    for reporter in reporters:
        reporter.start(since, 1)
    topics = [
        topic(reporter.fate.name, reporter.speaks) + ("/fixes" if reporter.speaks == "native" else "")
        for reporter in reporters
    ]
    times = 0
    while True:
        reports = [
            reporter.report(since + crew.measures_after(number, times)) for number, reporter in enumerate(reporters)
        ]
        yield [Loaded(name, kept.body, kept.number) for name, kept in zip(topics, reports, strict=True)]
        times += 1


@cache
def _routes() -> tuple[tuple[Position, ...], ...]:
    routes = json.loads(Path(__file__).with_name("routes.json").read_text(encoding="utf-8"))
    return tuple(tuple(Position(*place) for place in route) for route in routes.values())
