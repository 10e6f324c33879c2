"""Shifts and pauses as a model and as the database has them: whatever is said by whom and heard when, they agree."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import ingest.private
from gyrophare.flows import shift_command, watch_report
from gyrophare.flows.shift_command import Who
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.ids import AgentId
from gyrophare.platform.db import Connection, connect
from gyrophare.platform.mqtt import Received
from ingest.understanding import understand
from lone_worker.shifts import agents
from lone_worker.shifts import store as shifts
from lone_worker.shifts.spans import Act, ActKind, Terms, fold
from tests.conftest import START_AT
from tests.department import DIJON, ORGANISATION, Department, OneConnection

_number = itertools.count(1)
WORDS = {
    ActKind.START: "shift_start",
    ActKind.END: "shift_end",
    ActKind.PAUSE: "pause",
    ActKind.RESUME: "resume",
}
T = TypeVar("T")
kinds = st.sampled_from([ActKind.PAUSE, ActKind.RESUME, ActKind.START, ActKind.END])  # the first are drawn most
ago_min = st.integers(0, 6).map(lambda steps: 5 * steps)  # coarse, so that instants meet
later_min = st.integers(1, 4).map(lambda steps: 5 * steps)


class Shifts(RuleBasedStateMachine):
    """One watch and its wearer; each example has a watch of its own in the same database."""

    runner: asyncio.Runner
    connection: Connection

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(START_AT)
        self.office = Department(self.connection, None, self.clock)
        self.pool = OneConnection.pool(self.connection)
        self.name = f"w-{next(_number)}"
        self.acts: dict[tuple[datetime, ActKind], Act] = {}
        self.kept: set[datetime] = set()
        self.heard: list[Received] = []
        self.run(self._register())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _register(self) -> None:
        self.device_id = await self.office.register(self.name)
        agent_id = await agents.insert_agent(self.connection, ORGANISATION, self.name)
        agent = await agents.agent_by_id(self.connection, agent_id)
        assert agent is not None
        await agents.give_watch(self.connection, agent, self.device_id)
        self.agent_id: AgentId = agent_id

    # -------------------------------------------------------------- what is said

    @initialize(ago=ago_min)
    def morning(self, ago: int) -> None:
        """Somebody is on shift, as nothing much happens otherwise; when it is known, an hour may have passed."""
        self.watch_says([(ActKind.START, ago)])

    @rule(said=st.lists(st.tuples(kinds, ago_min), min_size=1, max_size=3), later=later_min)
    def watch_says(self, said: list[tuple[ActKind, int]], later: int = 0) -> None:
        """In one batch; what happened before the watch was there is as good as any."""
        self.clock.advance(60 * later)
        messages, acts = [], []
        for kind, ago in said:
            at = self.clock.now() - timedelta(minutes=ago)
            body = {"boot": "b", "seq": next(_number), "kind": WORDS[kind], "occurred_at": at.isoformat()}
            messages.append(self._message("events", body))
            acts.append(Act(at=at, kind=kind, by="watch", terms=self._terms(kind)))
        self._note(*acts)
        self._hear(messages)

    @rule(ago=st.lists(ago_min, min_size=1, max_size=3), later=later_min)
    def watch_measures(self, ago: list[int], later: int) -> None:
        self.clock.advance(60 * later)
        now = self.clock.now()
        measured = [now - timedelta(minutes=minutes) for minutes in ago]
        body = [
            {
                "boot": "f",
                "seq": next(_number),
                "sent_at": at.isoformat(),
                "buffered": True,
                "fix": {"fixed_at": at.isoformat(), "lat": DIJON[0], "lon": DIJON[1], "accuracy_m": 6.5},
            }
            for at in measured
        ]
        self.kept |= {at for at in measured if self._holds(at)}
        self._hear([self._message("fixes", body)])

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def broker_repeats(self, data: st.DataObject) -> None:
        again = [data.draw(st.sampled_from(self.heard))]
        self.run(watch_report.record(self.pool, self.clock, [understand(one) for one in again]))

    @rule(kind=kinds, later=later_min)
    def dispatcher_says(self, kind: ActKind, later: int) -> None:
        self.clock.advance(60 * later)
        latest = max((act.at for act in self.acts.values()), default=None)
        now = self.clock.now()
        at = now if latest is None or latest < now else latest + timedelta(microseconds=1)
        self.run(self._say(kind))
        self._note(Act(at=at, kind=kind, by="console", terms=self._terms(kind)))

    async def _say(self, kind: ActKind) -> None:
        """At the store, which refuses nothing; what people are refused is `shift_command`'s."""
        said = await shifts.say(
            self.connection, self.device_id, kind, self.clock.now(), "console", terms=self._terms(kind)
        )
        await ingest.private.forget(self.connection, self.device_id, said.private)

    @rule()
    def operator_ends(self) -> None:
        """As a person may: an open shift, or a refusal."""

        async def end() -> bool:
            for shift in await shifts.open_shifts(self.connection, device_id=self.device_id):
                await shift_command.end(self.connection, shift, Who(by="cli"), self.clock.now())
                return True
            return False

        is_open = any(shift.end is None for shift in fold(self.acts.values()))
        assert self.run(end()) is is_open
        if is_open:
            latest = max(act.at for act in self.acts.values())
            now = self.clock.now()
            at = now if latest < now else latest + timedelta(microseconds=1)
            self._note(Act(at=at, kind=ActKind.END, by="cli"))

    # -------------------------------------------------------------- what must be so

    @invariant()
    def table_is_what_was_said(self) -> None:
        rows = self.run(shifts.find_spans(self.connection, [self.device_id], self.clock.now()))
        assert list(rows.get(self.device_id, [])) == [shift.span for shift in fold(self.acts.values())]

    @invariant()
    def watch_is_watched_while_its_shift_is_open(self) -> None:
        watched = self.run(
            self.office.rows(
                "select s.ended_at from watch_state w join shift s on s.id = w.shift_id where w.device_id = %(id)s",
                id=self.device_id,
            )
        )
        is_open = any(shift.end is None for shift in fold(self.acts.values()))
        assert watched == ([{"ended_at": None}] if is_open else [])

    @invariant()
    def nothing_is_stored_of_private_times_and_all_else_is(self) -> None:
        rows = self.run(self.office.rows("select fixed_at from fix where device_id = %(id)s", id=self.device_id))
        assert {row["fixed_at"] for row in rows} == self.kept

    # -------------------------------------------------------------- the model

    def _terms(self, kind: ActKind) -> Terms | None:
        return Terms(agent_id=self.agent_id) if kind is ActKind.START else None

    def _note(self, *acts: Act) -> None:
        """What is forgotten by one batch stays forgotten, even if the next one says that the pause was over by then."""
        for act in acts:
            self.acts.setdefault((act.at, act.kind), act)
        self.kept = {at for at in self.kept if self._holds(at)}

    def _holds(self, at: datetime) -> bool:
        return any(shift.span.holds(at) for shift in fold(self.acts.values()))

    def _message(self, lane: str, body: object) -> Received:
        topic = f"gyrophare/v1/watches/{self.name}/{lane}"
        payload = json.dumps(body).encode()
        return Received(
            topic=topic, payload=payload, received_at=self.clock.now(), qos=1, packet_id=next(_number), epoch=1
        )

    def _hear(self, messages: list[Received]) -> None:
        self.heard += messages
        self.run(watch_report.record(self.pool, self.clock, [understand(one) for one in messages]))


@pytest.mark.timeout(300)
def test_shifts_and_pauses_are_as_the_model_says(database_url: str) -> None:
    with asyncio.Runner() as runner:
        Shifts.runner = runner
        Shifts.connection = runner.run(connect(database_url))
        try:
            run_state_machine_as_test(Shifts, settings=settings(max_examples=60, stateful_step_count=15))
        finally:
            runner.run(Shifts.connection.close())
