"""Stillness second by second: asked at 150 and 170 s, told at 180 s, once an episode, whatever is late or silent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import EventKind
from lone_worker.episode import Alarm, Episode, PreAlarm, Stir, begin, pack, pass_time, unpack
from lone_worker.hearing import Outage
from lone_worker.profiles import DEFAULT, PROFILES, Profile
from lone_worker.vibration import Shaken
from tests.pure_shift import STILLNESS, PureShift
from tests.test_areas import SQUARE
from tests.test_stillness import PROFILE, START, after, event, report

ZONE = (SQUARE, 1200)
IN_THE_ZONE = Position(47.5, 5.5)


def test_wearer_who_does_not_move_is_asked_twice_then_somebody_is_told() -> None:
    shift = PureShift()
    for at_s in range(30, 600, 30):
        shift.wait(at_s)
        shift.hear(report(at_s, steps=0))
    assert shift.asked_s == [150, 170]
    assert shift.raised_s == {(STILLNESS, START): 180}


@pytest.mark.parametrize(("heard_s", "heard"), [(None, False), (89, False), (90, True), (179, True)])
def test_alarm_says_whether_the_watch_was_heard(heard_s: float | None, heard: bool) -> None:
    episode = Episode(due_at=after(180), prealarmed_at=(after(150), after(170)))
    heard_at = None if heard_s is None else after(heard_s)
    _, done = pass_time(episode, START, heard_at, PROFILE, after(180), silence_s=0)
    assert done == Alarm(due_at=after(180), heard=heard)


@pytest.mark.parametrize(
    ("ticked_s", "asked_s", "told_s"),
    [
        ([149.9, 150, 170, 180], [150, 170], 180),
        ([150.9, 170.9, 180.9], [150.9, 170.9], 180.9),
        # An outage of ours from 149 to 165 s: asked then, and once more in time.
        ([149, 165, 170, 180], [165, 170], 180),
        # Back at 175 s: asked once.
        ([149, 175, 180], [175], 180),
        # Back too late: told at once.
        ([149, 180], [], 180),
        ([149, 4_000], [], 4_000),
        ([150, 300], [150], 300),
    ],
)
def test_late_tick_makes_up_for_what_it_missed(ticked_s: list[float], asked_s: list[float], told_s: float) -> None:
    shift = PureShift()
    for now_s in ticked_s:
        shift.now_s = now_s
        shift.hear(report(now_s, steps=0))
        shift.tick()
    assert shift.asked_s == asked_s
    assert shift.raised(STILLNESS) == [told_s]


@pytest.mark.parametrize("prealarm_after_s", [(), (60,), (60, 80, 85)])
def test_profile_says_how_often_the_wearer_is_asked(prealarm_after_s: tuple[int, ...]) -> None:
    shift = PureShift(Profile(name="x", prealarm_after_s=prealarm_after_s, alarm_after_s=90, silence_after_s=90))
    shift.wait(200)
    assert shift.asked_s == list(prealarm_after_s)
    assert shift.raised(STILLNESS) == [90]


def test_profile_may_set_a_longer_delay_for_silence() -> None:
    silent = PureShift(replace(PROFILES[DEFAULT], silence_after_s=600))
    silent.wait(700)
    assert silent.raised(STILLNESS) == [600]
    heard = PureShift(replace(PROFILES[DEFAULT], silence_after_s=600))
    for at_s in range(0, 300, 30):
        heard.wait(at_s)
        heard.hear(report(at_s, steps=0))
    assert heard.raised(STILLNESS) == [180]


# ------------------------------------------------------------------ excused silence


def in_a_white_zone() -> PureShift:
    shift = PureShift(position=IN_THE_ZONE)
    shift.zones = [ZONE]
    shift.hear(report(0, steps=1))
    return shift


def test_white_zone_excuses_silence_for_twenty_minutes() -> None:
    shift = in_a_white_zone()
    shift.wait(19 * 60)
    assert shift.raised_s == {}
    assert shift.asked_s[:2] == [150, 170]
    shift.wait(1_400)
    assert shift.raised_s == {(STILLNESS, START): 1200}


@pytest.mark.parametrize("place", [None, Position(46.5, 5.5)])
def test_white_zone_is_no_excuse_elsewhere(place: Position | None) -> None:
    shift = PureShift(position=place)
    shift.zones = [ZONE]
    shift.wait(300)
    assert shift.raised(STILLNESS) == [180]


def test_white_zone_is_no_excuse_for_who_is_heard_there() -> None:
    shift = in_a_white_zone()
    for at_s in range(30, 300, 30):
        shift.wait(at_s)
        shift.hear(report(at_s, steps=0))
    assert shift.raised(STILLNESS) == [180]


def test_who_is_heard_again_without_having_moved_is_asked_once_more_and_has_thirty_seconds() -> None:
    shift = in_a_white_zone()
    shift.wait(600)
    shift.hear(report(600.5, steps=0))
    shift.wait(605)
    shift.hear(report(605, steps=0))  # it gives no further half minute
    shift.wait(700)
    assert shift.asked_s == [150, 170, 601]
    assert shift.raised(STILLNESS) == [631]


def test_who_answers_when_heard_again_is_left_in_peace() -> None:
    shift = in_a_white_zone()
    shift.wait(600)
    shift.hear(report(600, steps=0))
    shift.wait(610)
    shift.hear(event(EventKind.OK, 610, received_s=610))
    shift.wait(700)
    assert shift.raised(STILLNESS) == []


def test_who_comes_out_of_the_zone_having_moved_is_not_even_asked() -> None:
    shift = in_a_white_zone()
    shift.wait(600)
    shift.hear(report(590, steps=4, received_s=600))
    shift.wait(700)
    assert shift.asked_s == [150, 170]
    assert shift.raised(STILLNESS) == []


def test_zone_ends_for_who_is_heard_again_in_its_last_seconds_too() -> None:
    shift = in_a_white_zone()
    shift.wait(1190)
    shift.hear(report(1190.5, steps=0))
    shift.wait(1300)
    assert shift.raised(STILLNESS) == [1200]


@pytest.mark.parametrize("heard_s", [403.1, 409.9, 410.0, 412.5])
def test_who_is_heard_again_during_an_outage_of_ours_has_thirty_seconds_whenever_we_looked_last(heard_s: float) -> None:
    """The next look ended the half minute: who was heard just before it was told of at once."""
    shift = PureShift()
    shift.wait(60)
    shift.hear(report(60, steps=1))
    shift.outages = (Outage(since_at=after(70)),)
    shift.wait(heard_s)
    assert shift.raised_s == {}
    shift.hear(report(heard_s, steps=0))
    shift.outages = (Outage(since_at=after(70), until_at=after(heard_s)),)
    shift.wait(500)
    assert shift.asked_s[-1] == pytest.approx(heard_s, abs=1)
    [told_s] = shift.raised(STILLNESS)
    assert heard_s + 30 <= told_s <= heard_s + 31


def test_who_is_not_heard_again_after_an_outage_of_ours_is_told_of_a_minute_later() -> None:
    shift = PureShift()
    shift.wait(60)
    shift.hear(report(60, steps=1))
    shift.outages = (Outage(since_at=after(70)),)
    shift.wait(400)
    shift.outages = (Outage(since_at=after(70), until_at=after(400)),)
    shift.wait(600)
    assert shift.raised_s == {(STILLNESS, after(60)): 460}


def test_who_was_silent_before_the_outage_is_told_of_all_the_same() -> None:
    shift = PureShift()
    shift.hear(report(0, steps=1))
    shift.outages = (Outage(since_at=after(91)),)
    shift.wait(300)
    assert shift.raised(STILLNESS) == [180]


# ------------------------------------------------------------------ one alarm an episode


def alarmed() -> PureShift:
    shift = PureShift()
    shift.wait(180)
    assert shift.raised(STILLNESS) == [180]
    return shift


@pytest.mark.parametrize(
    ("steps_s", "armed"),
    [
        ([], False),
        ([200], False),
        ([200, 219.9], False),
        ([200, 220], True),
        ([200, 205, 210, 215, 220], True),
        ([219.9, 200], False),
        ([220, 200], True),
        ([220, 200, 200], True),
        ([-10, 220], False),  # what was before the alarm's evidence is no recovery
    ],
)
def test_rule_is_armed_again_by_twenty_seconds_of_evidence(steps_s: list[float], armed: bool) -> None:
    shift = alarmed()
    for number, at_s in enumerate(steps_s):
        shift.wait(221)
        shift.hear(report(at_s, steps=2, received_s=221, key=number))
    assert (shift.state.due_at is not None) is armed
    shift.wait(600)
    assert shift.raised(STILLNESS) == ([180, 400] if armed else [180])


def test_who_stays_down_is_one_alarm() -> None:
    shift = alarmed()
    for at_s in range(190, 3_600, 10):
        shift.wait(at_s)
        shift.hear(report(at_s, steps=0, north_m=3))
    assert shift.raised(STILLNESS) == [180]


def test_pause_ends_the_question_and_resuming_begins_anew() -> None:
    shift = PureShift()
    shift.wait(160)
    shift.hear(event(EventKind.PAUSE, 160, received_s=160))
    shift.wait(1_000)
    assert (shift.asked_s, shift.raised_s) == ([150], {})
    shift.hear(event(EventKind.RESUME, 1_000, received_s=1_000))
    shift.wait(1_300)
    assert shift.raised_s == {(STILLNESS, after(1_000)): 1_180}


def test_pause_does_not_end_an_alarm() -> None:
    shift = alarmed()
    shift.hear(event(EventKind.PAUSE, 190, received_s=190))
    assert shift.state.episode.alarmed_at == START
    shift.wait(300)
    shift.hear(event(EventKind.RESUME, 300, received_s=300))
    shift.wait(600)
    assert shift.raised(STILLNESS) == [180, 480]


# ------------------------------------------------------------------ as the database keeps it

instants = st.integers(0, 4_000_000_000).map(lambda us: after(us / 1_000_000))
several = st.lists(instants, max_size=4).map(tuple)
episodes = st.builds(
    Episode,
    due_at=st.none() | instants,
    prealarmed_at=several,
    shaken=st.builds(Shaken, asked_at=several, began_at=several, steps_at=several),
    excused_until_at=st.none() | instants,
    grace_until_at=st.none() | instants,
    alarmed_at=st.none() | instants,
    stirs=st.lists(st.builds(Stir, since_at=instants, until_at=instants), max_size=3).map(tuple),
)


@given(episodes)
def test_episode_comes_back_from_the_database_as_it_was(episode: Episode) -> None:
    assert unpack(episode.due_at, pack(episode)) == episode


def test_episode_of_who_moves_takes_no_room() -> None:
    assert pack(begin(START, PROFILE)) == ""


@given(st.integers(0, 1_000), st.none() | st.integers(0, 1_000), st.integers(0, 1_300))
def test_time_never_brings_a_deadline_that_has_passed_already(now_s: int, heard_s: int | None, silence_s: int) -> None:
    heard_at = None if heard_s is None else after(heard_s)
    episode, done = pass_time(begin(START, PROFILE), START, heard_at, PROFILE, after(now_s), silence_s=silence_s)
    assert episode.due_at is None or episode.due_at > after(now_s)
    assert (episode.due_at is None) is isinstance(done, Alarm)
    if isinstance(done, PreAlarm):
        assert done.alarm_at == after(180)
