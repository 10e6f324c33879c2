"""More than three minutes without movement: the rule alone, against every way that reports come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.geo import Position
from gyrophare.kernel.ids import DeviceId, ShiftId
from gyrophare.kernel.observations import Event, EventKind, Fix, Observation, Report, Sender, Wire
from lone_worker.episode import Episode, begin
from lone_worker.evidence import DELIBERATE, Evidence
from lone_worker.profiles import DEFAULT, PROFILES
from lone_worker.stillness import WatchState, fold

START = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
PROFILE = PROFILES[DEFAULT]
LIMIT = timedelta(seconds=PROFILE.prealarm_after_s[0])
SENDER = Sender(wire=Wire.NATIVE, name="w-07")
FRESH = WatchState(
    device_id=DeviceId(7),
    shift_id=ShiftId(70),
    shift_started_at=START,
    profile=PROFILE,
    evidence_at=START,
    evidence=Evidence.SHIFT_START,
    episode=begin(START, PROFILE),
)

ALARMED = replace(FRESH, episode=Episode(due_at=None, alarmed_at=START))


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def place(north_m: float) -> Position:
    return Position(47.3215 + north_m / 111_195, 5.0415)


def report(
    at_s: float,
    *,
    north_m: float | None = None,
    steps: int | None = None,
    fixed_s: float | None = None,
    received_s: float | None = None,
    sent: bool = True,
    key: int = 0,
) -> Report:
    """Sent `at_s` after the start of the shift; the fix is as old as that, and all is heard at once, unless said so."""
    fix = None
    if north_m is not None:
        fix = Fix(fixed_at=after(at_s if fixed_s is None else fixed_s), position=place(north_m), accuracy_m=6)
    return Report(
        sender=SENDER,
        received_at=after(at_s if received_s is None else received_s),
        sent_at=after(at_s) if sent else None,
        sequence=None,
        message_key=key,
        fix=fix,
        steps=steps,
    )


def event(kind: EventKind, at_s: float | None, *, received_s: float = 100, key: int = 0) -> Event:
    return Event(
        sender=SENDER,
        kind=kind,
        received_at=after(received_s),
        occurred_at=None if at_s is None else after(at_s),
        sequence=None,
        message_key=key,
    )


@pytest.mark.parametrize(
    ("seen", "evidence", "evidence_s"),
    [
        # Nothing heard: the deadline of the shift's start stands.
        ([], Evidence.SHIFT_START, 0),
        # A heartbeat is a sign of the watch's life, not of the wearer's.
        ([report(60)], Evidence.SHIFT_START, 0),
        # Steps are proof, of the moment they were sent at.
        ([report(60, steps=3)], Evidence.STEPS, 60),
        # Zero steps are a fact and prove nothing.
        ([report(60, steps=0)], Evidence.SHIFT_START, 0),
        # Steps out of a buffer prove what was then, not what is now.
        ([report(60, steps=3, received_s=900)], Evidence.STEPS, 60),
        # A watch that does not say when it was: when we heard it.
        ([report(0, steps=3, sent=False, received_s=60)], Evidence.STEPS, 60),
        # A watch that says only when its fix was: then.
        ([report(0, steps=3, sent=False, north_m=0, fixed_s=40, received_s=60)], Evidence.STEPS, 40),
        # A watch whose clock is fast must not postpone its alarm: it cannot have moved after we heard it.
        ([report(3_600, steps=3, received_s=60)], Evidence.STEPS, 60),
        # Standing where one was is nothing.
        ([report(s, north_m=0) for s in range(0, 180, 10)], Evidence.SHIFT_START, 0),
        # One far fix is nothing.
        ([report(10, north_m=0), report(60, north_m=400)], Evidence.SHIFT_START, 0),
        # A second one confirms, at its own time.
        ([report(10, north_m=0), report(60, north_m=400), report(66, north_m=400)], Evidence.DISPLACEMENT, 66),
        # A fix is evidence for when it was measured, not for when it was sent.
        (
            [report(10, north_m=0), report(60, north_m=400), report(120, north_m=400, fixed_s=66)],
            Evidence.DISPLACEMENT,
            66,
        ),
        # A fix up to two minutes ahead passes the gate; it still postpones no further than to when we heard it.
        (
            [report(10, north_m=0), report(60, north_m=400), report(70, north_m=400, fixed_s=150)],
            Evidence.DISPLACEMENT,
            70,
        ),
        # Fixes count in the order of their own clock, in whatever order they were sent.
        (
            [
                report(60, north_m=0, fixed_s=10),
                report(61, north_m=400, fixed_s=40),
                report(62, north_m=0, fixed_s=30),
                report(63, north_m=400, fixed_s=46),
            ],
            Evidence.DISPLACEMENT,
            46,
        ),
        # A button is the best proof there is.
        ([event(EventKind.CHECKIN, 60)], Evidence.INTERACTION, 60),
        ([event(EventKind.OK, 60)], Evidence.INTERACTION, 60),
        ([event(EventKind.REPLY, None)], Evidence.INTERACTION, 100),
        ([event(EventKind.OK, 3_600)], Evidence.INTERACTION, 100),  # a fast clock again
        # Who presses SOS or falls is not well: that postpones nothing. Neither does what the device notices by itself.
        ([event(EventKind.SOS, 60)], Evidence.SHIFT_START, 0),
        ([event(EventKind.FALL, 60)], Evidence.SHIFT_START, 0),
        ([event(EventKind.LOW_BATTERY, 60), event(EventKind.ONLINE, 60)], Evidence.SHIFT_START, 0),
        # What is older than what we know changes nothing: from before the shift, or late.
        ([report(-60, steps=3)], Evidence.SHIFT_START, 0),
        ([report(0, steps=3)], Evidence.SHIFT_START, 0),
        ([report(90, steps=3), report(60, steps=5)], Evidence.STEPS, 90),
        # The latest proof counts, whatever it is.
        ([report(60, steps=3), event(EventKind.OK, 90), report(80, steps=1)], Evidence.INTERACTION, 90),
    ],
)
def test_deadline_when_this_was_heard(seen: list[Observation], evidence: Evidence, evidence_s: float) -> None:
    state = fold(FRESH, seen)
    assert (state.evidence, state.evidence_at) == (evidence, after(evidence_s))
    assert state.due_at == after(evidence_s) + LIMIT


def test_deadline_is_as_far_away_as_the_shift_says() -> None:
    state = fold(replace(FRESH, profile=PROFILES["chainsaw"]), [report(60, steps=3)])
    assert state.due_at == after(60 + 60)


@pytest.mark.parametrize("kind", list(EventKind))
def test_event_postpones_only_when_deliberate(kind: EventKind) -> None:
    assert (fold(FRESH, [event(kind, 60)]).due_at != FRESH.due_at) is (kind in DELIBERATE)


def test_rule_when_this_episode_has_its_alarm_stays_silent_until_new_evidence() -> None:
    assert fold(ALARMED, [report(200), report(210, steps=0), report(-10, steps=4)]).due_at is None
    assert fold(ALARMED, [report(220, steps=2), report(240, steps=2)]).due_at == after(240) + LIMIT


def test_heard_is_the_latest_reception_whatever_the_order() -> None:
    assert fold(FRESH, []).heard_at is None
    assert fold(FRESH, [report(60), report(90), report(30)]).heard_at == after(90)
    assert fold(replace(FRESH, heard_at=after(100)), [report(90)]).heard_at == after(100)


def test_displacement_over_several_batches_is_the_same_as_in_one() -> None:
    walk = [report(10 * step, north_m=12.0 * step, key=step) for step in range(30)]
    one_by_one = FRESH
    for seen in walk:
        one_by_one = fold(one_by_one, [seen])
    assert one_by_one == fold(FRESH, walk)
    assert one_by_one.evidence_at == after(280)


@pytest.mark.parametrize("every_s", [1, 10, 30])
def test_wearer_who_walks_is_never_due_and_is_due_three_minutes_after_he_lies_down(every_s: int) -> None:
    state = FRESH
    for at_s in range(0, 600, every_s):
        state = fold(state, [report(at_s, north_m=1.2 * min(at_s, 300))])
        if at_s <= 300:
            assert state.due_at is not None
            assert state.due_at > after(at_s)
    # Confirming takes one more report; lying still adds nothing.
    assert state.due_at is not None
    assert after(300 - 60) + LIMIT <= state.due_at <= after(300 + every_s) + LIMIT


# ------------------------------------------------------------------ whatever is said

seconds = st.integers(-600, 3_600).map(float)
reports = st.builds(
    report,
    at_s=seconds,
    north_m=st.none() | st.integers(-500, 500).map(float),
    steps=st.none() | st.integers(0, 5),
    fixed_s=st.none() | seconds,
    received_s=st.none() | seconds,
    sent=st.booleans(),
)
events = st.builds(event, kind=st.sampled_from(EventKind), at_s=st.none() | seconds, received_s=seconds)


def numbered(seen: list[Observation]) -> list[Observation]:
    """As messages are: no two have the same key."""
    return [replace(one, message_key=number) for number, one in enumerate(seen)]


batches = st.lists(reports | events, max_size=12).map(numbered)


@given(batches, batches)
def test_deadline_is_never_later_than_the_evidence_and_the_limit(
    earlier: list[Observation], seen: list[Observation]
) -> None:
    state = fold(fold(FRESH, earlier), seen)
    assert state.due_at == (None if state.memory.paused_at else state.evidence_at + LIMIT)
    alarmed = fold(ALARMED, seen)
    assert alarmed.due_at is None or alarmed.due_at == alarmed.evidence_at + LIMIT


@given(batches)
def test_nothing_from_the_future_postpones(seen: list[Observation]) -> None:
    state = fold(FRESH, seen)
    heard = [one.received_at for one in seen if not (isinstance(one, Event) and one.kind is EventKind.OFFLINE)]
    assert state.evidence_at <= max([START, *heard])
    assert state.heard_at == max(heard, default=None)


@given(batches)
def test_deadline_never_goes_back(seen: list[Observation]) -> None:
    assert fold(FRESH, seen).evidence_at >= FRESH.evidence_at


@given(batches, st.data())
def test_order_inside_one_batch_is_indifferent(seen: list[Observation], data: st.DataObject) -> None:
    assert fold(FRESH, data.draw(st.permutations(seen))) == fold(FRESH, seen)


@given(batches, st.data())
def test_duplicates_change_nothing(seen: list[Observation], data: st.DataObject) -> None:
    state = fold(FRESH, seen)
    assert fold(state, seen) == state
    twice = [*seen, *(data.draw(st.lists(st.sampled_from(seen), max_size=5)) if seen else [])]
    assert fold(FRESH, twice) == state


@given(batches)
def test_reports_without_steps_or_fix_only_tell_that_the_watch_lives(seen: list[Observation]) -> None:
    silent = [replace(one, steps=0, fix=None) for one in seen if isinstance(one, Report)]
    state = fold(FRESH, silent)
    assert replace(state, heard_at=None) == FRESH


@given(st.lists(st.tuples(st.integers(0, 3_600), st.floats(-9.9, 9.9)), max_size=60))
def test_receiver_wandering_inside_its_radius_never_moves_the_deadline(wander: list[tuple[int, float]]) -> None:
    seen = [report(at_s, north_m=north_m, steps=0, key=number) for number, (at_s, north_m) in enumerate(wander)]
    state = FRESH
    for one in sorted(seen, key=lambda one: one.received_at):
        state = fold(state, [one])
    assert state.due_at == fold(FRESH, seen).due_at == FRESH.due_at


@given(st.integers(11, 3_600), st.integers(200, 50_000), st.integers(1, 600))
def test_single_far_jump_is_no_evidence(at_s: int, north_m: int, back_after_s: int) -> None:
    jump = [report(10, north_m=0), report(at_s, north_m=north_m), report(at_s + back_after_s, north_m=0)]
    assert fold(FRESH, jump).due_at == FRESH.due_at


@given(st.integers(11, 3_600), st.integers(200, 50_000), st.integers(1, 600))
def test_two_far_fixes_are_evidence_when_five_seconds_apart(at_s: int, north_m: int, apart_s: int) -> None:
    state = fold(FRESH, [report(10, north_m=0), report(at_s, north_m=north_m), report(at_s + apart_s, north_m=north_m)])
    assert state.evidence_at == (after(at_s + apart_s) if apart_s >= 5 else START)
