"""Shift, stillness, pre-alarm and pause together: the real rules against a small model of them, whatever happens.

The model keeps everything that was ever said and works out from it what is so; the rules keep a few instants. Between
two steps the state lies in a database as text: each step is another process that has just started.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import ceil

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gyrophare.kernel.observations import Event, EventKind, Observation, Report
from lone_worker import episode, memory
from lone_worker.engine import decide
from lone_worker.episode import Alarm, PreAlarm
from lone_worker.rules.facts import Danger, Facts
from lone_worker.stillness import WatchState, fold, shown_late, told
from tests.test_stillness import FRESH, START, after, event, report

ASKED_AFTER_S, TOLD_AFTER_S = (150, 170), 180
ACTS = [EventKind.OK, EventKind.CHECKIN, EventKind.REPLY, EventKind.PAUSE, EventKind.RESUME]

tenths = st.integers(0, 4_000).map(lambda tenth: tenth / 10)
delays = st.sampled_from([0.0, 0.0, 0.0, 1.0, 15.0, 170.0, 400.0]) | tenths
steps_ = st.sampled_from([None, 0, 3, 3, 3])


def later(known_s: float | None, at_s: float) -> float:
    return at_s if known_s is None else max(known_s, at_s)


def without_doubts(state: WatchState) -> WatchState:
    shaken = replace(state.episode.shaken, steps_at=())
    return replace(state, episode=replace(state.episode, shaken=shaken))


def answers(begun_s: float, order_s: float) -> bool:
    return 0 <= round(begun_s - order_s, 3) <= 10


class Model:
    """What should be so, in seconds of the shift."""

    def __init__(self) -> None:
        self.steps_s: set[float] = set()
        self.acts_s: set[float] = {0.0}
        self.paused_s: float | None = None
        self.resumed_s: float | None = None
        self.vibrated_s: list[float] = []
        """By the rule itself."""
        self.orders_s: list[float] = []
        """And by whatever else the watch was told."""
        self.delivered_s: set[float] = set()
        self.late_s: set[float] = set()
        self.proven_s: set[float] = set()
        """Steps that had counted when something else was said to have shaken the watch."""
        self.asked: list[tuple[float, float]] = []
        """For which evidence, and when."""
        self.told_s: dict[float, float] = {}
        """For which evidence, and when."""
        self.alarm_of_s: float | None = None

    @property
    def paused(self) -> bool:
        return self.paused_s is not None and (self.resumed_s is None or self.resumed_s < self.paused_s)

    def proofs(self) -> set[float]:
        return self.acts_s | self.proven_s | {at_s for at_s in self.steps_s if not self.shakes(at_s)}

    def shakes(self, at_s: float) -> bool:
        if any(late_s - 0.5 <= at_s <= late_s + 5 for late_s in self.late_s):
            return True
        return any(self.shake(at_s, orders_s) for orders_s in self.beside())

    def beside(self) -> list[list[float]]:
        """Orders of which one was given while the other may still have been answered."""
        beside: list[list[float]] = []
        for order_s in sorted(self.orders_s):
            if beside and round(order_s - beside[-1][-1], 3) <= 10:
                beside[-1].append(order_s)
            else:
                beside.append([order_s])
        return beside

    def expected(self, begun_s: float) -> bool:
        """Whether there is an order that it may answer, and nothing else did."""
        return any(
            sum(any(answers(other_s, by) for by in orders_s) for other_s in self.delivered_s) < len(orders_s)
            for orders_s in self.beside()
            if any(answers(begun_s, by) for by in orders_s)
        )

    def shake(self, at_s: float, orders_s: list[float]) -> bool:
        begun = sorted(begun_s for begun_s in self.delivered_s if any(answers(begun_s, by) for by in orders_s))
        if len(begun) < len(orders_s):
            return any(order_s - 0.5 <= at_s <= order_s + 15 for order_s in orders_s)
        latest = begun[len(begun) - len(orders_s) :]
        return any(latest[number] - 0.5 <= at_s <= begun[number] + 5 for number in range(len(orders_s)))

    def order(self, at_s: float) -> None:
        self.proven_s |= self.proofs()
        self.orders_s.append(at_s)

    def evidence_s(self) -> float:
        return max(self.proofs())

    def hear(self, kind: EventKind | None, at_s: float, steps: int | None) -> None:
        at_s = round(at_s, 3)
        if kind is None:
            if steps:
                self.steps_s.add(at_s)
        elif kind is EventKind.DELIVERED and at_s not in self.delivered_s | self.late_s:
            if self.expected(at_s):
                self.delivered_s.add(at_s)
            else:
                self.proven_s |= self.proofs()
                self.late_s.add(at_s)
        elif kind in ACTS and at_s >= 0:
            self.acts_s.add(at_s)
            if kind is EventKind.PAUSE:
                self.paused_s = later(self.paused_s, at_s)
            if kind is EventKind.RESUME:
                self.resumed_s = later(self.resumed_s, at_s)

    def settle(self) -> None:
        """After a batch."""
        if self.alarm_of_s is not None:
            began_s = last_s = None
            for at_s in sorted(at_s for at_s in self.proofs() if at_s > self.alarm_of_s):
                if began_s is None or last_s is None or at_s - last_s > TOLD_AFTER_S:
                    began_s = at_s  # what is further apart is not evidence that goes on
                last_s = at_s
                if round(last_s - began_s, 3) >= 20:
                    self.alarm_of_s = None
                    break
        if self.paused:
            self.asked = []

    def due_s(self) -> float | None:
        """When something is to be done next."""
        if self.paused or self.alarm_of_s is not None:
            return None
        evidence_s = self.evidence_s()
        asked_s = max((at_s for of_s, at_s in self.asked if of_s == evidence_s), default=0.0)
        return min(evidence_s + after_s for after_s in (*ASKED_AFTER_S, TOLD_AFTER_S) if evidence_s + after_s > asked_s)

    def tick(self, now_s: float) -> None:
        if self.paused or self.alarm_of_s is not None:
            return
        evidence_s = self.evidence_s()
        if now_s >= evidence_s + TOLD_AFTER_S:
            self.alarm_of_s = evidence_s
            self.told_s[evidence_s] = now_s
            return
        for after_s in ASKED_AFTER_S:
            due_s = evidence_s + after_s
            if due_s <= now_s and not any(of_s == evidence_s and at_s >= due_s for of_s, at_s in self.asked):
                self.asked.append((evidence_s, now_s))
                self.vibrated_s.append(now_s)
                self.order(now_s)


class Shift(RuleBasedStateMachine):
    """One agent, the watch, two servers and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.now_s = 0.0
        self.number = 0
        self.sent: list[tuple[Observation, EventKind | None, float, int | None]] = []
        self.store(FRESH)
        self.told: list[tuple[datetime, float]] = []
        self.asked: list[float] = []
        self.called_for_help_s: float | None = None

    # -- a database

    def store(self, state: WatchState) -> None:
        self.row = replace(state, memory=memory.NOTHING, episode=episode.Episode(due_at=state.due_at))
        self.texts = episode.pack(state.episode), memory.pack(state.memory)
        assert self.load() == state

    def load(self) -> WatchState:
        kept, remembered = self.texts
        return replace(self.row, memory=memory.unpack(remembered), episode=episode.unpack(self.row.due_at, kept))

    # -- what a watch says

    def message(
        self, kind: EventKind | None, said_s: float, steps: int | None = None
    ) -> tuple[Observation, EventKind | None, float, int | None]:
        self.number += 1
        seen: Report | Event
        if kind is None:
            seen = report(said_s, steps=steps, received_s=self.now_s, key=self.number)
        else:
            seen = event(kind, said_s, received_s=self.now_s, key=self.number)
        return seen, kind, min(said_s, self.now_s), steps

    def hear(self, *messages: tuple[Observation, EventKind | None, float, int | None]) -> None:
        for _, kind, at_s, steps in messages:
            self.model.hear(kind, at_s, steps)
        self.model.settle()
        self.sent += messages
        said = [seen for seen, *_ in messages]
        self.store(fold(shown_late(self.load(), said), said))

    @rule(delay_s=delays, steps=steps_)
    def reports(self, delay_s: float, steps: int | None) -> None:
        self.hear(self.message(None, self.now_s - delay_s, steps))

    @rule(buffered=st.lists(st.tuples(tenths, steps_), min_size=2, max_size=6))
    def empties_its_buffer(self, buffered: list[tuple[float, int | None]]) -> None:
        self.hear(*(self.message(None, self.now_s - delay_s, steps) for delay_s, steps in buffered))

    @rule(ahead_s=st.integers(1, 31_000_000))
    def reports_with_a_fast_clock(self, ahead_s: int) -> None:
        self.hear(self.message(None, self.now_s + ahead_s, 3))

    @rule(kind=st.sampled_from(ACTS), delay_s=delays)
    def wearer_acts(self, kind: EventKind, delay_s: float) -> None:
        self.hear(self.message(kind, self.now_s - delay_s))

    @precondition(lambda self: sum(at_s > self.model.evidence_s() - 20 for at_s in self.model.orders_s) < 12)
    @rule()
    def dispatcher_writes(self) -> None:
        self.model.order(self.now_s)
        self.store(told(self.load(), after(self.now_s), 1))

    @precondition(lambda self: self.model.orders_s)
    @rule(after_s=st.sampled_from([0.0, 0.5, 3.0, 9.0, 11.0, 200.0]), data=st.data())
    def watch_says_that_it_vibrates(self, after_s: float, data: st.DataObject) -> None:
        order_s = data.draw(st.sampled_from(self.model.orders_s[-3:]))
        self.hear(self.message(EventKind.DELIVERED, min(order_s + after_s, self.now_s)))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def broker_repeats(self, data: st.DataObject) -> None:
        before = self.load()
        self.hear(*data.draw(st.lists(st.sampled_from(self.sent[-20:]), min_size=1, max_size=3)))
        # Steps that had counted when the watch was told something may be in doubt now; that they stand the model says.
        assert without_doubts(replace(self.load(), heard_at=before.heard_at)) == without_doubts(before)

    @rule(delay_s=delays)
    def wearer_calls_for_help(self, delay_s: float) -> None:
        before = self.load()
        self.hear(self.message(EventKind.SOS, self.now_s - delay_s))
        state = self.load()
        assert (state.evidence_at, state.episode.alarmed_at) == (before.evidence_at, before.episode.alarmed_at)
        self.called_for_help_s = later(self.called_for_help_s, self.now_s - delay_s)

    # -- what servers do

    @rule(seconds=st.integers(1, 300) | st.sampled_from([1, 10, 20, 150]), ticking=st.booleans())
    def time_passes(self, seconds: int, ticking: bool) -> None:
        """A server ticks each second; most ticks find nothing."""
        until_s = self.now_s + seconds
        while ticking and self.now_s < until_s:
            due_s = self.due_s()
            if due_s is None or due_s > until_s:
                break
            self.now_s = min(self.now_s + max(1, ceil(round(due_s - self.now_s, 3))), until_s)
            self.tick()
        self.now_s = until_s

    @rule(tenth=st.integers(1, 9))
    def time_passes_by_less_than_a_tick(self, tenth: int) -> None:
        self.now_s = round(self.now_s + tenth / 10, 1)

    @rule()
    def two_servers_tick(self) -> None:
        self.tick()
        before = self.load(), len(self.told), len(self.asked)
        self.tick()
        assert (self.load(), len(self.told), len(self.asked)) == before

    def due_s(self) -> float | None:
        due_at, by_model_s = self.load().due_at, self.model.due_s()
        due_s = [] if due_at is None else [(due_at - START).total_seconds()]
        return min([*due_s, *([] if by_model_s is None else [by_model_s])], default=None)

    def tick(self) -> None:
        self.model.tick(self.now_s)
        state = self.load()
        verdict = decide(Facts(state=state), after(self.now_s))
        assert not verdict.failed
        if isinstance(verdict.stillness, PreAlarm):
            self.asked.append(self.now_s)
        if isinstance(verdict.stillness, Alarm):
            self.told.append((state.evidence_at, self.now_s))
        due = {finding.danger for finding in verdict.due}
        assert not (isinstance(verdict.stillness, Alarm) and Danger.SIGNAL_LOST in due)
        self.store(verdict.state)

    # -- what must be so

    @invariant()
    def rules_and_model_agree(self) -> None:
        state = self.load()
        assert state.evidence_at == after(self.model.evidence_s())
        assert (state.episode.alarmed_at is not None) is (self.model.alarm_of_s is not None)
        assert self.asked == self.model.vibrated_s
        assert self.told == [(after(of_s), at_s) for of_s, at_s in self.model.told_s.items()]

    @invariant()
    def deadline_is_never_later_than_the_evidence_and_the_limit(self) -> None:
        state = self.load()
        if state.due_at is not None:
            assert (state.due_at - state.evidence_at).total_seconds() <= TOLD_AFTER_S
        else:
            assert self.model.paused or self.model.alarm_of_s is not None

    @invariant()
    def nobody_is_told_too_early_or_twice_of_one_episode(self) -> None:
        for evidence_at, told_s in self.told:
            assert told_s >= (evidence_at - START).total_seconds() + TOLD_AFTER_S
        assert len({evidence_at for evidence_at, _ in self.told}) == len(self.told)

    @invariant()
    def nothing_takes_back_a_call_for_help(self) -> None:
        if self.called_for_help_s is not None:
            assert self.load().memory.last[EventKind.SOS] == after(self.called_for_help_s)


TestShift = Shift.TestCase
TestShift.settings = settings(max_examples=200, stateful_step_count=50)
