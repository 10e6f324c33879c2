"""The rule of the siren: a table of what sounds, its times at any frame rate, and what holds whatever comes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vehicle_vision.errors import VisionError
from vehicle_vision.hazard import Judgement, Level, Mode, Motion, Policy, State, Verdict, step

NONE, WATCH, ALERT, DANGER = Level
COMING, STANDING, RECEDING, UNKNOWN = Motion.COMING, Motion.STANDING, Motion.RECEDING, Motion.UNKNOWN
AXIS, TRAJECTORY = Policy(), Policy(mode=Mode.TRAJECTORY)
CAR = Judgement(
    track_id=1,
    confidence=0.8,
    range_m=105.0,
    range_low_m=95.0,
    motion=COMING,
    ttc_s=6.0,
    ttc_low_s=5.0,
    in_axis=0.99,
    enters=0.99,
)
BESIDE = replace(CAR, in_axis=0.4, enters=0.2)

Sights = Iterable[tuple[float, Sequence[Judgement]]]


def play(sights: Sights, policy: Policy = AXIS, state: State | None = None) -> tuple[State, list[Verdict]]:
    state, verdicts = state or State(), []
    for at_s, judgements in sights:
        state, verdict = step(state, judgements, at_s, policy)
        verdicts.append(verdict)
    return state, verdicts


def during(seconds: float, *judgements: Judgement, rate: float = 20.0, begin_s: float = 0.0) -> Sights:
    """The same sight, frame after frame."""
    return [(begin_s + n / rate, judgements) for n in range(round(seconds * rate) + 1)]


def levels(verdicts: list[Verdict]) -> list[Level]:
    return [verdict.level for verdict in verdicts]


@pytest.mark.parametrize("rate", [10.0, 20.0, 30.0])
@pytest.mark.parametrize(
    ("policy", "seen", "one", "after_s", "expected"),
    [
        # mode       what is seen                    what differs from CAR                               s    level
        (AXIS, "comes in the axis", {}, 1.0, ALERT),
        (AXIS, "is farther, whatever the error", {"range_low_m": 112.0}, 1.0, WATCH),
        (AXIS, "is farther, and here in 4 s", {"range_low_m": 112.0, "ttc_s": 3.9, "ttc_low_s": 3.6}, 1.0, ALERT),
        (AXIS, "will be near when it sounds", {"range_low_m": 105.0, "ttc_s": 5.0}, 1.0, ALERT),
        (AXIS, "may be here in 3.5 s", {"ttc_low_s": 3.4}, 1.0, DANGER),
        (AXIS, "is at 39 m", {"range_m": 39.0, "range_low_m": 36.0, "ttc_s": 9.0}, 1.0, DANGER),
        (AXIS, "stands", {"motion": STANDING, "range_m": 30.0, "ttc_s": None, "ttc_low_s": None}, 9.0, WATCH),
        (AXIS, "recedes", {"motion": RECEDING, "range_m": 30.0, "ttc_s": None, "ttc_low_s": None}, 9.0, NONE),
        (AXIS, "may stand: not known yet", {"motion": UNKNOWN, "ttc_s": None, "ttc_low_s": None}, 1.3, WATCH),
        (AXIS, "may come: still not known", {"motion": UNKNOWN, "ttc_s": None, "ttc_low_s": None}, 1.7, ALERT),
        (AXIS, "passes beside", {"in_axis": 0.9, "enters": 0.9, "range_m": 30.0}, 9.0, WATCH),
        (AXIS, "is in the axis, its path is not", {"range_m": 99.0, "enters": 0.0}, 1.0, ALERT),
        (AXIS, "is in the axis far away, its path is not", {"enters": 0.4}, 1.0, WATCH),
        (AXIS, "is beside, its path ends here", {"in_axis": 0.1}, 1.0, WATCH),
        (AXIS, "is 160 m away", {"range_m": 180.0, "range_low_m": 160.0, "ttc_s": 9.0}, 1.0, NONE),
        (AXIS, "is where all drive", {"normal": True}, 1.0, ALERT),
        (TRAJECTORY, "is in the axis, its path is not", {"enters": 0.5}, 1.0, WATCH),
        (TRAJECTORY, "is beside, its path ends here", {"in_axis": 0.1}, 1.0, ALERT),
        (TRAJECTORY, "is where all drive", {"normal": True}, 1.0, WATCH),
        (TRAJECTORY, "is where all drive, and too near", {"normal": True, "ttc_s": 2.9, "ttc_low_s": 2.6}, 1.0, DANGER),
        (TRAJECTORY, "stands", {"motion": STANDING, "ttc_s": None, "ttc_low_s": None}, 9.0, WATCH),
        (TRAJECTORY, "recedes", {"motion": RECEDING, "ttc_s": None, "ttc_low_s": None}, 9.0, NONE),
    ],
)
def test_the_table(
    policy: Policy, seen: str, one: dict[str, Any], after_s: float, expected: Level, rate: float
) -> None:
    _, verdicts = play(during(after_s, replace(CAR, **one), rate=rate), policy)
    assert verdicts[-1].level == expected, seen
    assert verdicts[-1].tracks == ({1: expected} if expected else {})
    assert sum((verdict.raised for verdict in verdicts), ()) == ((1,) if expected >= ALERT else ())


@pytest.mark.parametrize("rate", [10.0, 20.0, 30.0])
def test_it_is_confirmed_in_a_fifth_of_a_second_at_any_frame_rate(rate: float) -> None:
    _, verdicts = play(during(1.0, CAR, rate=rate))
    first = next(verdict for verdict in verdicts if verdict.level == ALERT)
    assert 0.2 - 1e-6 <= first.at_s < 0.2 + 1 / rate


@pytest.mark.parametrize(
    ("pattern", "sounds"), [("1", False), ("100", False), ("10", False), ("110", True), ("1110", True)]
)
def test_what_is_seen_more_than_not_is_believed(pattern: str, sounds: bool) -> None:
    sights = [(n / 20, [CAR] if pattern[n % len(pattern)] == "1" else []) for n in range(60 if len(pattern) > 1 else 1)]
    _, verdicts = play(sights)
    assert (ALERT in levels(verdicts)) == sounds


def test_a_long_gap_between_two_sights_confirms_nothing() -> None:
    _, verdicts = play([(0.0, [CAR]), (0.9, [CAR])])
    assert levels(verdicts) == [WATCH, WATCH]


@pytest.mark.parametrize(
    ("confidence", "range_m", "frames"), [(0.5, 39.0, 2), (0.49, 39.0, 5), (0.5, 41.0, 5)], ids=str
)
def test_what_cuts_in_near_by_is_believed_at_second_sight(confidence: float, range_m: float, frames: int) -> None:
    near = replace(CAR, confidence=confidence, range_m=range_m, range_low_m=35.0, ttc_s=3.0, ttc_low_s=2.5)
    _, verdicts = play(during(1.0, near))
    assert next(n for n, level in enumerate(levels(verdicts), start=1) if level == DANGER) == frames


def test_what_has_stood_must_be_seen_to_come_for_longer() -> None:
    """Of a vehicle that parks behind us for hours the box trembles; two frames of it are no start."""
    near = replace(CAR, range_m=8.0, range_low_m=7.0, ttc_s=3.0, ttc_low_s=2.5)
    parked = replace(near, motion=STANDING, ttc_s=None, ttc_low_s=None)
    state, _ = play(during(60.0, parked))
    state, verdicts = play(during(0.5, near, begin_s=60.05), state=state)
    assert max(levels(verdicts)) == WATCH
    _, verdicts = play(during(0.2, near, begin_s=60.6), state=state)
    assert verdicts[-1].level == DANGER


def test_knowing_its_speed_at_last_it_is_not_confirmed_anew() -> None:
    unknown = replace(CAR, motion=UNKNOWN, ttc_s=None, ttc_low_s=None)
    _, verdicts = play([*during(0.5, unknown), (0.55, [CAR])])
    assert levels(verdicts)[-2:] == [WATCH, ALERT]


@pytest.mark.parametrize(
    "one",
    [
        pytest.param({"range_m": 116.0, "range_low_m": 110.0}, id="farther than 115 m"),
        pytest.param({"motion": RECEDING, "ttc_s": None}, id="receding"),
        pytest.param({"motion": STANDING, "ttc_s": None}, id="standing"),
        pytest.param({"in_axis": 0.59}, id="beside"),
    ],
)
def test_it_is_released_after_a_second(one: dict[str, Any]) -> None:
    state, _ = play(during(3.0, CAR))
    _, verdicts = play(during(2.0, replace(CAR, **one), begin_s=3.05), state=state)
    assert [verdict.at_s for verdict in verdicts if verdict.level >= ALERT][-1] == pytest.approx(3.95)


@pytest.mark.parametrize("one", [{"range_m": 114.0, "range_low_m": 108.0, "ttc_s": 9.0}, {"in_axis": 0.61}], ids=str)
def test_between_the_limits_it_is_kept(one: dict[str, Any]) -> None:
    state, _ = play(during(1.0, CAR))
    _, verdicts = play(during(5.0, replace(CAR, **one), begin_s=1.05), state=state)
    assert set(levels(verdicts)) == {ALERT}


def test_the_siren_holds_its_least_time() -> None:
    for one, least_s in ((CAR, 1.5), (replace(CAR, ttc_low_s=3.0), 3.0)):
        state, begun = play(during(0.2, one))
        level = begun[-1].level
        _, verdicts = play([(0.2 + n / 20, []) for n in range(1, 100)], state=state)
        assert [verdict.at_s for verdict in verdicts if verdict.level == level][-1] == pytest.approx(0.15 + least_s)
        assert verdicts[-1].level == NONE


def test_a_vehicle_lost_while_it_came_counts_for_a_second() -> None:
    state, _ = play(during(3.0, CAR))
    _, verdicts = play([(3.0 + n / 20, []) for n in range(1, 40)], state=state)
    assert [verdict.at_s for verdict in verdicts if verdict.level == ALERT][-1] == pytest.approx(3.95)


def test_one_alert_a_vehicle_until_it_is_armed_again() -> None:
    state, _ = play(during(3.0, CAR))
    state, _ = play(during(1.5, BESIDE, begin_s=3.05), state=state)
    state, verdicts = play(during(1.3, CAR, begin_s=4.6), state=state)
    assert set(levels(verdicts)) == {WATCH}, "released at 4.0 s, it is not armed before 6.0 s"
    _, verdicts = play(during(1.0, CAR, begin_s=6.0), state=state)
    assert verdicts[0].raised == (1,)


def test_danger_waits_for_no_arming() -> None:
    state, _ = play(during(3.0, CAR))
    state, _ = play(during(1.5, BESIDE, begin_s=3.05), state=state)
    _, verdicts = play(during(0.3, replace(CAR, ttc_low_s=3.0), begin_s=4.6), state=state)
    assert verdicts[-1].level == DANGER


def test_another_vehicle_is_another_alert_and_the_worst_counts() -> None:
    other = replace(CAR, track_id=2, ttc_low_s=3.0)
    state, _ = play(during(1.0, CAR))
    _, verdicts = play(during(1.0, CAR, other, begin_s=1.05), state=state)
    assert verdicts[-1].tracks == {1: ALERT, 2: DANGER}
    assert verdicts[-1].level == DANGER
    assert [verdict.raised for verdict in verdicts if verdict.raised] == [(2,)]


def test_what_cannot_be_judged_is_refused() -> None:
    state, _ = play([(1.0, [CAR])])
    for at_s in (0.9, math.nan):
        with pytest.raises(VisionError, match="times that go forward"):
            step(state, [], at_s, AXIS)
    with pytest.raises(VisionError, match="one each"):
        step(state, [CAR, CAR], 1.1, AXIS)
    with pytest.raises(VisionError, match="range_m = nan of track 1"):
        replace(CAR, range_m=math.nan)


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"hold_alert_s": -1.0}, "hold_alert_s = -1.0; expected a number, 0 or more"),
        ({"alert_range_m": math.nan}, "alert_range_m = nan"),
        ({"inside": 1.2}, "inside = 1.2; expected a number, 0 or more, at most 1"),
        ({"alert_range_m": 120.0}, "alert_range_m = 120.0, release_range_m = 115.0; expected no less"),
        ({"inside": 0.5}, "outside = 0.6, inside = 0.5; expected no less"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(figures: dict[str, Any], said: str) -> None:
    with pytest.raises(VisionError, match=said):
        replace(AXIS, **figures)


@st.composite
def judgements(draw: st.DrawFn, motions: Sequence[Motion] = tuple(Motion), in_axis: float = 1.0) -> list[Judgement]:
    ids = draw(st.lists(st.integers(1, 3), unique=True))
    return [draw(judgement(track_id, motions, in_axis)) for track_id in ids]


@st.composite
def judgement(draw: st.DrawFn, track_id: int, motions: Sequence[Motion], in_axis: float) -> Judgement:
    range_m, motion = draw(st.sampled_from([8.0, 39.0, 90.0, 114.0, 140.0])), draw(st.sampled_from(motions))
    ttc_s = draw(st.sampled_from([None, 1.0, 3.9, 8.0])) if motion in (COMING, UNKNOWN) else None
    return Judgement(
        track_id=track_id,
        confidence=draw(st.sampled_from([0.1, 0.9])),
        range_m=range_m,
        range_low_m=range_m * 0.9,
        motion=motion,
        ttc_s=ttc_s,
        ttc_low_s=None if ttc_s is None else ttc_s * 0.8,
        in_axis=min(draw(st.sampled_from([0.0, 0.7, 1.0])), in_axis),
        enters=draw(st.sampled_from([0.0, 0.7, 1.0])),
        normal=draw(st.booleans()),
    )


def timed(seen: st.SearchStrategy[list[Judgement]]) -> st.SearchStrategy[list[tuple[float, list[Judgement]]]]:
    """Frames of up to five a second and up to thirty, now and then none for a while."""
    frames = st.lists(st.tuples(st.sampled_from([0.033, 0.05, 0.1, 0.2, 1.2]), seen), min_size=1, max_size=60)
    return frames.map(lambda gaps: [(sum(gap_s for gap_s, _ in gaps[: n + 1]), one) for n, (_, one) in enumerate(gaps)])


@given(timed(judgements()), st.sampled_from([AXIS, TRAJECTORY]))
@settings(max_examples=150)
def test_no_level_drops_before_its_time(sights: list[tuple[float, list[Judgement]]], policy: Policy) -> None:
    _, verdicts = play(sights, policy)
    held_s = {ALERT: policy.hold_alert_s, DANGER: policy.hold_danger_s}
    before = NONE
    for n, verdict in enumerate(verdicts):
        if verdict.level > before and verdict.level in held_s:
            until_s = verdict.at_s + held_s[verdict.level] - 1e-3
            assert all(later.level >= verdict.level for later in verdicts[n:] if later.at_s < until_s)
        before = verdict.level


@given(timed(judgements(motions=(STANDING, RECEDING))), st.sampled_from([AXIS, TRAJECTORY]))
@settings(max_examples=80)
def test_what_stands_or_recedes_never_sounds(sights: list[tuple[float, list[Judgement]]], policy: Policy) -> None:
    _, verdicts = play(sights, policy)
    assert max(levels(verdicts)) <= WATCH


@given(timed(judgements(in_axis=0.9)))
@settings(max_examples=80)
def test_what_was_never_in_the_axis_never_sounds(sights: list[tuple[float, list[Judgement]]]) -> None:
    _, verdicts = play(sights, AXIS)
    assert max(levels(verdicts)) <= WATCH


@given(timed(judgements()), st.sampled_from([AXIS, TRAJECTORY]))
@settings(max_examples=80)
def test_an_alert_is_raised_once_and_is_heard(sights: list[tuple[float, list[Judgement]]], policy: Policy) -> None:
    _, verdicts = play(sights, policy)
    standing: set[int] = set()
    for verdict in verdicts:
        assert not standing & set(verdict.raised)
        assert verdict.level >= max(verdict.tracks.values(), default=NONE)
        standing = {track_id for track_id, level in verdict.tracks.items() if level >= ALERT}
        assert set(verdict.raised) <= standing


@given(timed(judgements()), st.sampled_from([AXIS, TRAJECTORY]))
@settings(max_examples=80)
def test_an_empty_road_is_quiet_in_the_end(sights: list[tuple[float, list[Judgement]]], policy: Policy) -> None:
    state, _ = play(sights, policy)
    _, verdicts = play([(sights[-1][0] + 4.2, []), (sights[-1][0] + 4.3, [])], policy, state)
    assert verdicts[-1].level == NONE
    assert verdicts[-1].tracks == {}
