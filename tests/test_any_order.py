"""Reports in any order, in any batches, by whichever process: the state of a watch in the end is the same."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lone_worker.store
from gyrophare.flows import fold_states, watch_report
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Doubt, EventKind, Fix, Observation, Report
from gyrophare.platform.db import Pool, connect, open_pool
from gyrophare.platform.mqtt import Received
from gyrophare.server import Server
from ingest.understanding import understand
from lone_worker.course import Course, Past, in_turn
from lone_worker.episode import Episode
from lone_worker.evidence import DOUBTED, Evidence
from lone_worker.shifts import store as shifts
from lone_worker.stillness import WatchState, fold, overtaken
from lone_worker.vibration import Shaken
from tests.department import Department
from tests.test_stillness import FRESH, LIMIT, after, event, place, report

FAR_M = 400


class Kept:
    """What the database keeps of one watch on shift: its state, its reports that tell something, its checkpoints."""

    def __init__(self, state: WatchState = FRESH) -> None:
        self.state = state
        self.told: dict[tuple[datetime, int], Report] = {}
        self.checkpoints: dict[datetime, Course] = {}
        self.followed_again = 0

    def take(self, *batch: Observation) -> WatchState:
        """As one transaction does that has locked the watch."""
        self.told |= {
            in_turn(seen): seen
            for seen in batch
            if isinstance(seen, Report) and (seen.fix is not None or seen.has_motion)
        }
        past, at = None, overtaken(self.state, batch)
        if at is not None:
            start_at = max((one for one in self.checkpoints if one <= at), default=FRESH.shift_started_at)
            course = self.checkpoints.get(start_at, Course())
            since = [self.told[key] for key in sorted(self.told) if key[0] >= start_at]
            past = Past(course, since)
            self.followed_again += len(since)
        self.state = fold(self.state, batch, past)
        self.checkpoints |= dict(self.state.passed)
        return self.state


# ------------------------------------------------------------------ case by case


@pytest.mark.parametrize(
    ("in_time", "late", "evidence_at_s"),
    [
        # One far fix proves nothing; the one that was overtaken confirms it.
        ([report(10, north_m=0), report(70, north_m=FAR_M)], report(60, north_m=FAR_M), 70),
        # Two far fixes were a displacement, until it is heard that the wearer was at home in between.
        (
            [report(10, north_m=0), report(60, north_m=FAR_M), report(70, north_m=FAR_M)],
            report(66, north_m=0),
            0,
        ),
        # The same before somebody steps: that stands.
        (
            [report(10, north_m=0), report(20, steps=3), report(60, north_m=FAR_M), report(70, north_m=FAR_M)],
            report(66, north_m=0),
            20,
        ),
        # The first fix of all is what the others are far from.
        ([report(60, north_m=FAR_M), report(70, north_m=FAR_M)], report(10, north_m=0), 70),
        # Far back in the shift, behind an anchor and two checkpoints.
        (
            [
                report(10, north_m=0),
                report(1_000, north_m=0),
                *(report(s, north_m=FAR_M) for s in (2_000, 2_010, 2_020, 3_000)),
            ],
            report(2_003, north_m=0),
            2_020,
        ),
        # What is no evidence is none when it is late either.
        ([report(10, north_m=0), report(70, north_m=FAR_M)], report(-60, north_m=FAR_M), 0),
        (
            [report(10, north_m=0), report(70, north_m=FAR_M)],
            replace(report(60, north_m=FAR_M), doubts=(Doubt.TELEPORT,)),
            0,
        ),
    ],
)
def test_overtaken_fix_tells_what_it_would_have_told_in_time(
    in_time: list[Report], late: Report, evidence_at_s: float
) -> None:
    kept = Kept()
    for seen in in_time:
        kept.take(seen)
    state = kept.take(late)
    assert state == fold(FRESH, [*in_time, late])
    assert (state.evidence_at, state.due_at) == (after(evidence_at_s), after(evidence_at_s) + LIMIT)


def test_in_order_nothing_is_followed_again() -> None:
    kept = Kept()
    for at_s in range(0, 7_200, 10):
        kept.take(report(at_s, north_m=1.2 * at_s, steps=3, key=at_s))
        kept.take(event(EventKind.CHECKIN, at_s, key=-at_s))
    assert kept.followed_again == 0
    assert len(kept.checkpoints) == 8


def test_overtaken_fix_is_followed_again_from_the_last_quarter_only() -> None:
    kept = Kept()
    for at_s in range(0, 28_800, 10):
        kept.take(report(at_s, north_m=1.2 * at_s, key=at_s))
    kept.take(report(28_755, north_m=0, key=1))
    assert 0 < kept.followed_again <= 91


def test_undone_displacement_does_not_alarm_again_when_this_episode_has_its_alarm() -> None:
    kept = Kept()
    kept.take(report(10, north_m=0), report(60, north_m=FAR_M), report(70, north_m=FAR_M))
    # The deadline of 70 s was taken.
    kept.state = replace(kept.state, episode=Episode(due_at=None, alarmed_at=after(70)))
    assert kept.take(report(66, north_m=0)).due_at is None
    assert kept.take(report(400, steps=3), report(420, steps=3)).due_at == after(420) + LIMIT


def test_evidence_of_one_instant_is_named_alike_in_any_order() -> None:
    steps, press = report(60, steps=3), event(EventKind.OK, 60)
    assert fold(fold(FRESH, [steps]), [press]) == fold(fold(FRESH, [press]), [steps])


# ------------------------------------------------------------------ doubts


@pytest.mark.parametrize("doubt", list(Doubt))
def test_doubted_position_proves_nothing_while_its_steps_do(doubt: Doubt) -> None:
    walk = [report(s, north_m=m) for s, m in ((10, 0), (60, FAR_M), (70, FAR_M))]
    doubted = [replace(seen, doubts=(Doubt.NO_SEQUENCE, doubt)) for seen in walk]
    assert (fold(FRESH, doubted).evidence is Evidence.DISPLACEMENT) is (doubt not in DOUBTED)
    steps = fold(FRESH, [replace(seen, steps=3) for seen in doubted])
    assert steps.evidence_at == after(70)


def test_doubts_are_those_that_the_position_itself_may_be_wrong_by() -> None:
    # A clock that is off was corrected, and what else a device got wrong says nothing of where it is.
    innocent = {
        Doubt.MALFORMED,
        Doubt.BAD_FIELD,
        Doubt.BAD_FIX,
        Doubt.CLOCK_NOT_SET,
        Doubt.NO_SEQUENCE,
        Doubt.UNAUTHENTICATED,
        Doubt.EXTRA_DROPPED,
        Doubt.CLOCK_SKEWED,
        Doubt.WEEK_ROLLOVER,
    }
    assert set(Doubt) - innocent == DOUBTED


# ------------------------------------------------------------------ whatever order

seconds = st.integers(-100, 7_200).map(float)


def said(
    at_s: float, north_m: float | None, steps: int | None, ahead_s: float, accuracy_m: float, doubts: tuple[Doubt, ...]
) -> Report:
    found = report(at_s, steps=steps, received_s=at_s - ahead_s)
    fix = None
    if north_m is not None:
        fix = Fix(fixed_at=after(at_s), position=place(north_m), accuracy_m=accuracy_m)
    return replace(found, fix=fix, doubts=doubts)


reports = st.builds(
    said,
    at_s=seconds,
    north_m=st.none() | st.sampled_from([0.0, 15.0, 30.0, 60.0, 400.0, 430.0]),
    steps=st.sampled_from([None, None, None, 0, 3]),
    ahead_s=st.sampled_from([0.0, -1.0, -600.0, 100.0]),
    accuracy_m=st.sampled_from([4.0, 6.0, 30.0, 60.0]),
    doubts=st.sampled_from([(), (), (), (Doubt.MOCK,)]),
)
heard = st.lists(reports | st.builds(event, kind=st.sampled_from(EventKind), at_s=seconds), min_size=1, max_size=25)


@given(heard, st.data())
def test_state_is_the_same_in_any_order_any_batches_and_however_often(
    seen: list[Observation], data: st.DataObject
) -> None:
    numbered = [replace(one, message_key=number) for number, one in enumerate(seen)]
    truth = fold(FRESH, numbered)
    again = data.draw(st.lists(st.sampled_from(numbered), max_size=5))
    waiting = data.draw(st.permutations([*numbered, *again]))
    kept = Kept()
    while waiting:
        size = data.draw(st.integers(1, 6))
        kept.take(*waiting[:size])
        waiting = waiting[size:]
    assert kept.state == truth
    assert truth.due_at == (None if truth.memory.paused_at else truth.evidence_at + LIMIT)


@given(heard)
def test_state_is_the_same_backwards(seen: list[Observation]) -> None:
    numbered = [replace(one, message_key=number) for number, one in enumerate(seen)]
    kept = Kept()
    for one in reversed(numbered):
        kept.take(one)
    assert kept.state == fold(FRESH, numbered)


# ------------------------------------------------------------------ whatever order, between two ticks

ASKED_TWICE = replace(
    FRESH,
    episode=replace(
        FRESH.episode,
        due_at=after(180),
        prealarmed_at=(after(150), after(170)),
        shaken=Shaken(asked_at=(after(150), after(170))),
    ),
)
TOLD = replace(ASKED_TWICE, episode=replace(ASKED_TWICE.episode, due_at=None, alarmed_at=FRESH.evidence_at))
PAUSED = fold(ASKED_TWICE, [event(EventKind.PAUSE, 175, received_s=175)])

tenths = st.integers(1_300, 2_200).map(lambda tenth: tenth / 10)
kinds = [EventKind.OK, EventKind.PAUSE, EventKind.RESUME, EventKind.DELIVERED, EventKind.DELIVERED, EventKind.SOS]
bodily = st.lists(
    st.builds(report, at_s=tenths, steps=st.sampled_from([0, 3, 3]), received_s=st.just(230.0))
    | st.builds(event, kind=st.sampled_from(kinds), at_s=tenths, received_s=st.just(230.0)),
    min_size=1,
    max_size=10,
)


@pytest.mark.parametrize("state", [ASKED_TWICE, TOLD, PAUSED], ids=["asked twice", "told of", "paused"])
@given(seen=bodily, data=st.data())
def test_between_two_ticks_order_batches_and_repetitions_are_indifferent(
    state: WatchState, seen: list[Observation], data: st.DataObject
) -> None:
    numbered = [replace(one, message_key=number) for number, one in enumerate(seen)]
    truth = fold(state, numbered)
    waiting = data.draw(st.permutations([*numbered, *data.draw(st.lists(st.sampled_from(numbered), max_size=5))]))
    kept = Kept(state)
    while waiting:
        size = data.draw(st.integers(1, 4))
        kept.take(*waiting[:size])
        waiting = waiting[size:]
    assert kept.state == truth
    assert truth.due_at is None or truth.due_at <= truth.evidence_at + timedelta(seconds=180)


@pytest.mark.parametrize("state", [ASKED_TWICE, TOLD, PAUSED], ids=["asked twice", "told of", "paused"])
@given(seen=heard, data=st.data())
def test_between_two_ticks_evidence_is_the_same_whatever_fix_was_overtaken(
    state: WatchState, seen: list[Observation], data: st.DataObject
) -> None:
    """A displacement that is undone may have ended a question meanwhile: the wearer is then asked once more."""
    numbered = [replace(one, message_key=number) for number, one in enumerate(seen)]
    truth, kept = fold(state, numbered), Kept(state)
    for one in data.draw(st.permutations(numbered)):
        kept.take(one)
    for name in ("evidence_at", "evidence", "heard_at", "whereabouts", "fixed_at", "body_at", "body", "memory"):
        assert getattr(kept.state, name) == getattr(truth, name)
    alarm_at = kept.state.evidence_at + timedelta(seconds=180)
    assert kept.state.due_at is None or kept.state.due_at <= alarm_at


# ------------------------------------------------------------------ two processes, one database


def message(name: str, payload: bytes, received_at: datetime) -> Received:
    topic = f"gyrophare/v1/watches/{name}/fixes"
    return Received(topic=topic, payload=payload, received_at=received_at, qos=1, packet_id=1, epoch=1)


async def test_state_is_the_same_when_two_processes_share_the_reports(
    department: Department, database_url: str, clock: ManualClock
) -> None:
    """As a shared subscription deals them out: both fold, lock and save at once."""
    rng = random.Random(7)
    names = [f"w-{number}" for number in range(6)]
    ids = {name: await department.on_shift(name, agent=name) for name in names}
    messages: list[tuple[str, dict[str, Any]]] = []
    for _ in range(80):
        clock.advance(30)
        north_m = rng.choice([0, 20, 60, 400])
        steps = rng.choice([None, None, None, 0, 3])
        messages += [(name, department.report(name, steps=steps, offset_m=north_m)) for name in names]
    received_at = {json.dumps(body): clock.now() for _, body in messages}

    def batch(part: list[tuple[str, dict[str, Any]]]) -> list[Any]:
        return [
            understand(message(name, json.dumps(body).encode(), received_at[json.dumps(body)])) for name, body in part
        ]

    async def process(queue: list[tuple[str, dict[str, Any]]]) -> None:
        pool = await open_pool(database_url, 2)
        while queue:
            size = rng.randint(1, 25)
            part, queue[:size] = queue[:size], []
            await watch_report.record(pool, clock, batch(part))
        await pool.close()

    # The first watch is heard in order by one process; of the others the same is said, dealt out at random.
    await process([one for one in messages if one[0] == names[0]])
    others = [one for one in messages if one[0] != names[0]]
    dealt = [*others, *rng.sample(others, 50)]
    rng.shuffle(dealt)
    await asyncio.gather(process(dealt[::2]), process(dealt[1::2]))

    states = await department.rows(
        "select to_jsonb(w) - 'device_id' - 'shift_id' as state from watch_state w order by device_id"
    )
    assert len(states) == len(ids) == 6
    assert states == [states[0]] * 6
    checkpoints = await department.rows(
        "select device_id, count(*), md5(string_agg((to_jsonb(c) - 'device_id')::text, '' order by at)) "
        "from watch_checkpoint c group by device_id"
    )
    assert {row["md5"] for row in checkpoints} == {checkpoints[0]["md5"]}
    assert checkpoints[0]["count"] >= 2


async def test_steps_on_a_counter_are_counted_once_by_two_processes(
    department: Department, database_url: str, clock: ManualClock
) -> None:
    """Both had read where the counter stood before either could write: the second counted the same steps again."""
    device_id = await department.on_shift("w-1")

    async def record(pool: Pool, seconds_later: float, steps_total: int) -> None:
        clock.advance(seconds_later)
        body = json.dumps(department.report("w-1")).encode()
        one = understand(message("w-1", body, clock.now()))
        one.observations = tuple(
            replace(seen, steps_total=steps_total) for seen in one.observations if isinstance(seen, Report)
        )
        await watch_report.record(pool, clock, [one])

    pool = await open_pool(database_url, 4)
    await record(pool, 10, 800)
    await record(pool, 10, 812)
    counted_at = clock.now()
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.TaskGroup() as both, await connect(database_url) as other, other.transaction():
        await lone_worker.store.lock_states(other, [device_id])
        both.create_task(record(pool, 10, 820))
        await department.until_rows(1, waiting)
        walked_at = clock.now()
        both.create_task(record(pool, 10, 820))
        await department.until_rows(2, waiting)
    await pool.close()
    [state] = await department.rows("select evidence, evidence_at from watch_state")
    assert counted_at < walked_at
    assert state == {"evidence": "steps", "evidence_at": walked_at}


async def test_fix_too_far_back_is_only_drawn(
    server: Server, department: Department, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold_states, "FOLLOWED_AGAIN_MAX", 3)
    await department.on_shift("w-1")
    sent = []
    for offset_m in (0, 400, 0, 0, 0):
        clock.advance(10)
        sent.append(department.report("w-1", offset_m=offset_m))
    late = sent.pop(1)
    for report_ in sent:
        await department.send("w-1", report_)
    await department.until_rows(4, "select from fix")
    before = await department.rows("select * from watch_state")
    await department.send("w-1", late)
    await department.until_rows(5, "select from fix")
    await department.until_rows(1, "select from receipt where committed @> 5::int8")
    assert await department.rows("select * from watch_state") == before


async def test_checkpoints_go_with_the_shift(server: Server, department: Department, clock: ManualClock) -> None:
    device_id = await department.on_shift("w-1")
    for number in range(1, 4):
        clock.advance(900)
        await department.send("w-1", department.report("w-1"))
        await department.until_rows(number, "select from fix")
    await department.until_rows(2, "select from watch_checkpoint")
    await shifts.end_shift(department.connection, device_id, clock.now())
    assert await department.rows("select from watch_checkpoint") == []
