"""One passed deadline: whatever fails in the other rules the wearer who lies still is told of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NoReturn

import pytest

from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import EventKind
from lone_worker import rules
from lone_worker.engine import LOOK_EVERY_S, decide, white_zone_s
from lone_worker.episode import Alarm, Episode
from lone_worker.hearing import Outage
from lone_worker.profiles import PROFILES
from lone_worker.protection import Reason
from lone_worker.rules.facts import Danger, Facts, Rule
from tests.pure_shift import STILLNESS, PureShift
from tests.test_areas import SQUARE
from tests.test_other_rules import heard, said
from tests.test_stillness import FRESH, START, after, event, report

PLACE = Position(47.5, 5.5)


def broken(_facts: Facts, _now: datetime) -> NoReturn:
    raise ZeroDivisionError("a rule of ours")


@pytest.mark.parametrize("number", range(len(rules.RULES)))
def test_rule_that_fails_holds_back_neither_stillness_nor_the_others(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    some: list[Rule] = list(rules.RULES)
    some[number] = broken
    monkeypatch.setattr(rules.judge, "__defaults__", (some,))
    state = said(replace(heard(-200), episode=replace(FRESH.episode, due_at=after(180))), removed=0, low_battery=0)
    verdict = decide(Facts(state=state, planned_end_at=after(-900), clock_skew_s=99), after(180))
    assert isinstance(verdict.stillness, Alarm)
    assert [type(error) for error in verdict.failed] == [ZeroDivisionError]
    assert Reason.RULE_FAILED in verdict.protection.reasons
    expected = {Danger.NOT_WORN, Danger.LOW_BATTERY, Danger.OVERRUN, Danger.CLOCK_UNSAFE}
    assert len({finding.danger for finding in verdict.due} & expected) >= len(expected) - 1


@pytest.mark.parametrize("area", [[[47.0], [48.0], [47.5]], [None, None, None], 7])
def test_white_zone_that_cannot_be_read_excuses_nothing_and_is_said(area: object) -> None:
    zones = [(area, 1200)]
    verdict = decide(
        Facts(state=replace(FRESH, episode=replace(FRESH.episode, due_at=after(180))), position=PLACE),
        after(180),
        zones=zones,  # type: ignore[arg-type]
    )
    assert isinstance(verdict.stillness, Alarm)
    assert len(verdict.failed) == 1


def test_white_zone_is_the_most_generous_of_those_that_lie_there() -> None:
    zones = [(SQUARE, 600), (SQUARE, 1200), ([(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)], 900)]
    assert white_zone_s(Facts(state=FRESH, position=PLACE), zones) == 1200
    assert white_zone_s(Facts(state=FRESH, position=PLACE), []) is None
    assert white_zone_s(Facts(state=FRESH), zones) is None


def test_watch_of_which_nothing_is_to_come_is_looked_at_every_five_minutes() -> None:
    state = replace(heard(0), episode=replace(FRESH.episode, due_at=None))
    verdict = decide(Facts(state=said(state, pause=0)), after(100))
    assert verdict.check_at == after(100 + LOOK_EVERY_S)


def test_stillness_speaks_for_the_lost_signal_of_the_same_silence() -> None:
    shift = PureShift()
    shift.hear(report(0, steps=1))
    shift.wait(2_000)
    assert set(shift.raised_s) == {(STILLNESS, START)}


def test_lost_signal_and_last_will_of_one_silence_are_one_alert() -> None:
    shift = PureShift()
    shift.hear(report(0, steps=1, north_m=0))
    shift.hear(event(EventKind.OFFLINE, None, received_s=10))
    shift.wait(140)
    assert shift.raised("signal_lost") == [130]
    shift.hear(event(EventKind.OFFLINE, None, received_s=140))
    shift.wait(1_000)
    assert shift.raised("signal_lost") == [130]


def test_wearer_is_asked_before_a_timed_check_is_missed() -> None:
    shift = PureShift(PROFILES["office"])
    for at_s in range(0, 2_000, 60):
        shift.wait(at_s)
        shift.hear(report(at_s, steps=3, north_m=0))
    assert shift.notices_s == {"check_missed": 1_755}
    assert shift.raised("check_missed") == [1_800]


# ------------------------------------------------------------------ when it is we who do not hear


def test_timed_check_that_could_not_be_heard_is_asked_for_before_it_is_missed() -> None:
    shift = PureShift(PROFILES["office"])
    shift.outages = (Outage(since_at=after(1_700)),)
    shift.wait(2_000)
    assert shift.raised("check_missed") == []
    shift.outages = (Outage(since_at=after(1_700), until_at=after(2_000)),)
    shift.hear(report(2_001, steps=1, north_m=0))
    shift.wait(2_059)
    assert shift.notices_s == {"check_missed": 1_755}
    assert shift.raised("check_missed") == []
    shift.wait(2_061)
    assert shift.raised("check_missed") == [2_060]


def test_timed_check_that_was_answered_meanwhile_is_not_missed() -> None:
    shift = PureShift(PROFILES["office"])
    shift.outages = (Outage(since_at=after(1_700), until_at=after(2_000)),)
    shift.wait(2_000)
    shift.hear(event(EventKind.CHECKIN, 1_790, received_s=2_003))
    shift.wait(2_500)
    assert shift.raised("check_missed") == []


@pytest.mark.parametrize(
    ("danger", "state", "facts"),
    [
        (Danger.SIGNAL_LOST, replace(heard(-100), episode=Episode(due_at=after(900))), {}),
        (Danger.NOT_WORN, said(heard(0), removed=0), {}),
        (Danger.LONG_PAUSE, said(heard(0), pause=-3_500), {}),
        (Danger.OVERRUN, heard(0), {"planned_end_at": after(-800)}),
    ],
)
def test_what_a_word_of_the_wearer_would_end_waits_until_we_hear(
    danger: Danger, state: object, facts: dict[str, datetime]
) -> None:
    one = Facts(state=state, **facts)  # type: ignore[arg-type]
    now = after(400)
    assert danger in {finding.danger for finding in decide(one, now).due}
    during = decide(one, now, outages=[Outage(since_at=after(-50))])
    assert danger not in {finding.danger for finding in during.due}
    assert during.check_at <= after(410)
    afterwards = decide(one, after(460), outages=[Outage(since_at=after(-50), until_at=after(400))])
    assert danger in {finding.danger for finding in afterwards.due}


def test_what_had_been_due_before_an_outage_is_raised_in_it() -> None:
    one = Facts(state=said(heard(0), removed=-10))
    due = decide(one, after(400), outages=[Outage(since_at=after(60))]).due
    assert {finding.danger for finding in due} >= {Danger.NOT_WORN}
