"""One agent on shift by the pure code alone: its watch speaks, a clock passes, the engine is asked when it said so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from gyrophare.kernel.observations import Observation
from lone_worker.areas import Area
from lone_worker.engine import Verdict, decide
from lone_worker.episode import Alarm, PreAlarm, begin
from lone_worker.hearing import Outage
from lone_worker.profiles import DEFAULT, PROFILES, Profile
from lone_worker.rules.facts import Facts
from lone_worker.stillness import WatchState, fold
from tests.test_stillness import FRESH, START, after

STILLNESS = "stillness"


def fresh(profile: Profile) -> WatchState:
    """A shift of that profile which begins now."""
    return replace(FRESH, profile=profile, episode=begin(START, profile))


class PureShift:
    """Seconds count from its start. What the database raises once is raised once here."""

    def __init__(self, profile: Profile = PROFILES[DEFAULT], **facts: Any) -> None:
        self.facts = Facts(state=fresh(profile), **facts)
        self.check_at: datetime = START
        self.now_s = 0.0
        self.zones: Iterable[tuple[Area, int]] = ()
        self.outages: tuple[Outage, ...] = ()
        self.asked_s: list[float] = []
        """When the watch was to vibrate."""
        self.notices_s: dict[str, float] = {}
        """When the wearer was first asked by another rule."""
        self.raised_s: dict[tuple[str, datetime], float] = {}
        """When somebody was told, by the kind of alert and since when it is so."""
        self.verdict: Verdict | None = None

    @property
    def state(self) -> WatchState:
        return self.facts.state

    def raised(self, kind: str) -> list[float]:
        return [at_s for (of, _), at_s in self.raised_s.items() if of == kind]

    def hear(self, *said: Observation) -> None:
        state = fold(self.state, said)
        if state.check_at is not None:
            self.check_at = min(self.check_at, state.check_at)
        self.facts = replace(self.facts, state=state)

    def wait(self, until_s: float, every_s: float = 1.0) -> None:
        """Time passes, and the engine ticks."""
        while self.now_s < until_s:
            self.now_s = min(self.now_s + every_s, until_s)
            self.tick()

    def tick(self) -> None:
        now = after(self.now_s)
        due_at = self.state.due_at
        if self.check_at > now and (due_at is None or due_at > now):
            return
        self.verdict = verdict = decide(self.facts, now, zones=self.zones, outages=self.outages)
        assert verdict.check_at > now, "it would be judged without end"
        assert verdict.state.due_at is None or verdict.state.due_at > now, "it would be judged without end"
        if isinstance(verdict.stillness, PreAlarm):
            self.asked_s.append(self.now_s)
        if isinstance(verdict.stillness, Alarm):
            self.raised_s.setdefault((STILLNESS, self.state.evidence_at), self.now_s)
        for finding in verdict.due:
            self.raised_s.setdefault((str(finding.danger), finding.since_at), self.now_s)
        for finding in verdict.notices:
            self.notices_s.setdefault(str(finding.danger), self.now_s)
        self.check_at = verdict.check_at
        self.facts = replace(self.facts, state=verdict.state)
