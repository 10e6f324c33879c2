"""Our own vibration: what a watch feels while it may shake its wearer proves nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.observations import Event, EventKind, Observation
from lone_worker.episode import Episode, Happened, PreAlarm, pass_time
from lone_worker.evidence import Evidence
from lone_worker.stillness import WatchState, fold, shown_late, told
from lone_worker.vibration import CALM, ask, feel, hear_late, outlived, spans
from tests.test_stillness import FRESH, PROFILE, START, after, event, report


def asked(*at_s: float, state: WatchState = FRESH) -> WatchState:
    """Whom the engine has asked at these seconds."""
    for now_s in at_s:
        episode, done = pass_time(state.episode, state.evidence_at, state.heard_at, PROFILE, after(now_s), silence_s=0)
        assert isinstance(done, PreAlarm)
        state = replace(state, episode=episode)
    return state


def delivered(at_s: float, key: int = 0) -> Event:
    return event(EventKind.DELIVERED, at_s, received_s=at_s, key=key)


ASKED = asked(150)


@pytest.mark.parametrize(
    ("said", "evidence", "evidence_s"),
    [
        # Nobody was asked yet when these steps were taken.
        ([report(149.4, steps=3)], Evidence.STEPS, 149.4),
        # While it may vibrate: half a second before, ten to receive, three to vibrate, two to come to rest.
        ([report(149.5, steps=3)], Evidence.SHIFT_START, 0),
        ([report(152, steps=3)], Evidence.SHIFT_START, 0),
        ([report(165, steps=3)], Evidence.SHIFT_START, 0),
        ([report(165.1, steps=3)], Evidence.STEPS, 165.1),
        # It said when it began: only while it shook.
        ([delivered(151), report(150.4, steps=3)], Evidence.STEPS, 150.4),
        ([delivered(151), report(150.5, steps=3)], Evidence.SHIFT_START, 0),
        ([delivered(151), report(156, steps=3)], Evidence.SHIFT_START, 0),
        ([delivered(151), report(156.1, steps=3)], Evidence.STEPS, 156.1),
        # Something that it was told long after is not this order.
        ([delivered(161), report(163, steps=3)], Evidence.SHIFT_START, 0),
        # A deliberate act is one whatever shakes.
        ([event(EventKind.OK, 152, received_s=152)], Evidence.INTERACTION, 152),
        ([event(EventKind.CHECKIN, 150, received_s=151)], Evidence.INTERACTION, 150),
        # Neither the delivery itself, nor a call for help.
        ([delivered(151), event(EventKind.SOS, 152), event(EventKind.FALL, 152)], Evidence.SHIFT_START, 0),
    ],
)
def test_what_counts_when_the_watch_was_asked_at_150_s(
    said: list[Observation], evidence: Evidence, evidence_s: float
) -> None:
    state = fold(ASKED, said)
    assert (state.evidence, state.evidence_at) == (evidence, after(evidence_s))
    one_by_one, backwards = ASKED, ASKED
    for seen in said:
        one_by_one = fold(one_by_one, [seen])
    for seen in reversed(said):
        backwards = fold(backwards, [seen])
    assert one_by_one == backwards == state


@pytest.mark.parametrize(
    ("said", "happened"),
    [
        ([event(EventKind.OK, 152, received_s=152)], [Happened.ANSWERED]),
        ([event(EventKind.PAUSE, 152, received_s=152)], [Happened.ANSWERED]),
        ([report(166, steps=3)], [Happened.MOVED]),
        ([report(140, steps=3, received_s=155)], [Happened.MOVED_BEFORE]),
        ([report(152, steps=3)], []),
        ([report(152)], []),
    ],
)
def test_what_ends_a_prealarm_is_named(said: list[Observation], happened: list[Happened]) -> None:
    assert list(fold(ASKED, said).happened) == happened


def test_steps_of_the_second_vibration_prove_nothing_either() -> None:
    twice = asked(150, 170)
    assert fold(twice, [report(167, steps=3)]).evidence_at == after(167)
    assert fold(twice, [report(175, steps=3), delivered(171)]).evidence_at == START
    assert fold(twice, [report(158, steps=3), delivered(151), delivered(171, key=1)]).evidence_at == after(158)


def test_watch_goes_on_shaking_when_its_wearer_has_answered() -> None:
    answered = fold(ASKED, [event(EventKind.OK, 151, received_s=151)])
    assert fold(answered, [report(153, steps=3)]).evidence_at == after(151)
    assert fold(answered, [report(166, steps=3)]).evidence_at == after(166)


def test_orders_are_forgotten_when_evidence_is_later() -> None:
    assert fold(ASKED, [report(165.1, steps=3)]).episode.shaken is CALM
    assert fold(ASKED, [event(EventKind.OK, 165, received_s=165)]).episode.shaken is not CALM
    assert outlived(CALM, START)


def test_orders_and_doubtful_steps_fill_no_memory() -> None:
    shaken = CALM
    for number in range(50):
        shaken = ask(shaken, after(1_000 * number))
        steps = [after(1_000 * number + tenth / 10) for tenth in range(100)]
        shaken, felt = feel(shaken, steps, [])
        assert list(felt) == []
        shaken = hear_late(shaken, [after(1_000 * number + 500)], START)
    assert (len(shaken.asked_at), len(shaken.steps_at), len(shaken.late_at)) == (16, 32, 16)


@pytest.mark.parametrize(
    ("said", "evidence_s"),
    [
        # Which of the two it began to show at 156 s nobody knows.
        ([delivered(156), report(152, steps=3)], 0),
        ([delivered(156), report(162, steps=3)], 0),
        # It has said of both.
        ([delivered(151), delivered(156, key=1), report(150.4, steps=3)], 150.4),
        ([delivered(151), delivered(156, key=1), report(152, steps=3), report(160, steps=3)], 0),
        ([delivered(151), delivered(156, key=1), report(161.1, steps=3)], 161.1),
        ([delivered(151), delivered(160, key=1), report(157, steps=3), report(162, steps=3)], 157),
    ],
)
def test_word_of_one_order_does_not_pass_for_that_of_another(said: list[Observation], evidence_s: float) -> None:
    both = told(asked(150), after(155), 1)
    assert fold(both, said).evidence_at == after(evidence_s)
    one_by_one = both
    for seen in reversed(said):
        one_by_one = fold(one_by_one, [seen])
    assert one_by_one.evidence_at == after(evidence_s)


def test_watch_that_shows_late_what_it_was_told_shakes_from_then_on() -> None:
    state = told(FRESH, after(20), 1)
    heard: list[tuple[list[Observation], float]] = [
        ([delivered(100), report(99.4, steps=3)], 99.4),
        ([report(104.9, steps=3)], 99.4),
        ([report(105.1, steps=3)], 105.1),
    ]
    for seen, evidence_s in heard:
        state = fold(shown_late(state, seen), seen)
        assert state.evidence_at == after(evidence_s)
    assert state.episode.shaken is CALM
    # What it had shown when its wearer moved is over.
    assert shown_late(state, [delivered(100)]) is state


def test_watch_that_comes_back_into_coverage_shakes_for_all_that_waited_for_it() -> None:
    """A message of long before is shown just before the pre-alarm, and neither passes for the other."""
    state = asked(150, state=told(FRESH, after(20), 1))
    for began_s in (155, 158):
        state = fold(shown_late(state, [delivered(began_s)]), [delivered(began_s)])
        assert fold(state, [report(began_s + 1, steps=3), report(began_s + 5, steps=3)]).evidence_at == START
    assert fold(state, [report(163.1, steps=3)]).evidence_at == after(163.1)


def test_who_lies_still_after_his_alarm_is_not_protected_anew_by_what_he_is_told() -> None:
    state = replace(FRESH, episode=Episode(due_at=None, alarmed_at=START))
    for at_s in (200, 215, 230, 245):
        state = told(state, after(at_s), 1)
        state = fold(state, [delivered(at_s + 1, key=at_s), report(at_s + 3, steps=3, key=at_s)])
        assert (state.evidence_at, state.episode.alarmed_at, state.episode.stirs) == (START, START, ())
    state = fold(state, [report(at_s, steps=3) for at_s in (252, 262, 272)])
    assert state.episode.alarmed_at is None


@given(st.lists(st.floats(11, 60), min_size=1, max_size=20), st.floats(0, 2), st.integers(1, 10))
def test_who_works_on_the_spot_is_believed_within_seconds_however_much_he_is_told(
    pauses_s: list[float], shown_after_s: float, reports_every_s: int
) -> None:
    state, told_at_s = FRESH, 0.0
    orders = [told_at_s := told_at_s + pause_s for pause_s in pauses_s]
    happens = [(at_s, 0) for at_s in orders] + [(at_s + shown_after_s, 1) for at_s in orders]
    happens += [(float(at_s), 2) for at_s in range(0, int(orders[-1]) + 30, reports_every_s)]
    for at_s, what in sorted(happens):
        if what == 0:
            state = told(state, after(at_s), 1)
            continue
        seen = [delivered(at_s) if what == 1 else report(at_s, steps=1)]
        state = fold(shown_late(state, seen), seen)
        # Until it has said that it shows it: two seconds; then five and a half; then a report must come.
        assert (after(at_s) - state.evidence_at).total_seconds() <= 2 * (2 + 5.5 + reports_every_s)


@given(
    st.lists(st.tuples(st.floats(0, 60), st.floats(0, 10), st.booleans()), min_size=1, max_size=16),
    st.floats(-0.4, 4.9),
)
def test_no_vibration_is_ever_taken_for_steps_whatever_the_watch_has_said(
    orders: list[tuple[float, float, bool]], felt_after_s: float
) -> None:
    asked_at = [after(asked_s) for asked_s, _, _ in orders]
    began_at = {after(asked_s + shown_s) for asked_s, shown_s, said in orders if said}
    shook = spans(asked_at, began_at)
    for asked_s, shown_s, _ in orders:
        assert any(begin <= after(asked_s + shown_s + felt_after_s) <= end for begin, end in shook)


@given(
    st.lists(st.integers(1495, 1900).map(lambda tenth: report(tenth / 10, steps=3, key=tenth)), max_size=6),
    st.lists(st.integers(1500, 1850).map(lambda tenth: delivered(tenth / 10, key=-tenth)), max_size=3),
    st.data(),
)
def test_order_of_steps_and_deliveries_is_indifferent(
    steps: list[Observation], deliveries: list[Observation], data: st.DataObject
) -> None:
    twice = asked(150, 170)
    state = twice
    for seen in data.draw(st.permutations([*steps, *deliveries])):
        state = fold(state, [seen])
    # Where reports lead wants the past to be handed over; what the body says does not.
    at_once = fold(twice, [*steps, *deliveries])
    assert (state.evidence_at, state.evidence, state.episode) == (
        at_once.evidence_at,
        at_once.evidence,
        at_once.episode,
    )


@given(st.integers(0, 100))
def test_delivery_only_ever_shortens_the_doubt(tenth: int) -> None:
    [(from_at, until_at)] = spans([after(150)])
    [(began_at, ended_at)] = spans([after(150)], [after(150 + tenth / 10)])
    assert from_at <= began_at < ended_at <= until_at
    assert (ended_at - began_at).total_seconds() == 5.5
