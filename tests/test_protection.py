"""The protection of one agent: every reason by itself, the gravest first, and when it changes by itself."""

from __future__ import annotations

import pytest

from lone_worker.protection import Level, Protection, Reason, assess
from lone_worker.rules import Judgement, judge
from lone_worker.rules.facts import Facts
from lone_worker.stillness import WatchState
from tests.test_other_rules import heard, said
from tests.test_stillness import FRESH, after

POSITIONED = after(100)


def at(facts: Facts, now_s: float) -> Protection:
    return assess(facts, judge(facts, after(now_s)), after(now_s))


@pytest.mark.parametrize(
    ("state", "now_s", "level", "reasons"),
    [
        (heard(100), 100, Level.PROTECTED, ()),
        (heard(100), 190, Level.PROTECTED, ()),
        (heard(100), 190.1, Level.NOT_PROTECTED, (Reason.SILENT,)),
        (FRESH, 0, Level.NOT_PROTECTED, (Reason.NEVER_HEARD,)),
        (said(heard(100), pause=100), 100, Level.NOT_PROTECTED, (Reason.PAUSED,)),
        (said(heard(100), pause=90, resume=100), 100, Level.PROTECTED, ()),
        (said(heard(100), offline=105), 110, Level.NOT_PROTECTED, (Reason.GONE,)),
        (said(heard(100), offline=95), 110, Level.PROTECTED, ()),
        (said(heard(100), offline=105, online=106), 110, Level.PROTECTED, ()),
        (said(FRESH, offline=105), 110, Level.NOT_PROTECTED, (Reason.NEVER_HEARD, Reason.GONE)),
        # At once, although somebody is told a minute later.
        (said(heard(100), removed=100), 101, Level.NOT_PROTECTED, (Reason.NOT_WORN,)),
        (said(heard(100), removed=100, worn=101), 101, Level.PROTECTED, ()),
        (said(heard(100), low_battery=100), 101, Level.DEGRADED, (Reason.LOW_BATTERY,)),
        (
            said(heard(100), low_battery=100, removed=100),
            101,
            Level.NOT_PROTECTED,
            (Reason.NOT_WORN, Reason.LOW_BATTERY),
        ),
    ],
)
def test_protection_when_this_is_known(
    state: WatchState, now_s: float, level: Level, reasons: tuple[Reason, ...]
) -> None:
    found = at(Facts(state=state, positioned_at=POSITIONED), now_s)
    assert (found.level, found.reasons) == (level, reasons)


@pytest.mark.parametrize(
    ("facts", "now_s", "reasons"),
    [
        (Facts(state=heard(1_000)), 1_000, (Reason.NO_POSITION,)),
        (Facts(state=heard(1_000), positioned_at=after(401)), 1_000, ()),
        (Facts(state=heard(1_000), positioned_at=after(400)), 1_000, (Reason.NO_POSITION,)),
        (Facts(state=heard(1_000), positioned_at=after(900), battery_pct=20), 1_000, (Reason.LOW_BATTERY,)),
        (Facts(state=heard(1_000), positioned_at=after(900), clock_skew_s=-61), 1_000, (Reason.CLOCK_UNSAFE,)),
    ],
)
def test_protection_is_degraded_when_something_is_missing(
    facts: Facts, now_s: float, reasons: tuple[Reason, ...]
) -> None:
    found = at(facts, now_s)
    assert found.reasons == reasons
    assert found.level is (Level.DEGRADED if reasons else Level.PROTECTED)


def test_protection_is_degraded_when_a_rule_fails() -> None:
    found = assess(Facts(state=heard(100)), Judgement([], [ValueError("ours")]), after(110))
    assert (found.level, found.reasons) == (Level.DEGRADED, (Reason.RULE_FAILED,))


def test_protection_ends_by_itself_when_nothing_more_is_heard() -> None:
    facts = Facts(state=heard(100), positioned_at=POSITIONED)
    changes_at = at(facts, 110).changes_at
    assert changes_at is not None
    assert after(190) < changes_at < after(190.01)
    assert assess(facts, judge(facts, changes_at), changes_at).reasons == (Reason.SILENT,)
    assert at(facts, 200).changes_at is None
    assert at(Facts(state=FRESH), 0).changes_at is None


def test_protection_is_kept_as_a_level_and_its_reasons() -> None:
    assert Protection(level=Level.PROTECTED).code == "protected"
    several = Protection(level=Level.NOT_PROTECTED, reasons=(Reason.SILENT, Reason.LOW_BATTERY))
    assert several.code == "not_protected silent,low_battery"


def test_every_reason_can_be_given() -> None:
    given = {
        *at(Facts(state=said(heard(100), pause=1)), 200).reasons,
        *at(Facts(state=said(heard(1_000), low_battery=1), clock_skew_s=99), 1_000).reasons,
        *at(Facts(state=said(heard(100), offline=100)), 300).reasons,
        *at(Facts(state=said(heard(100), removed=100)), 110).reasons,
        *at(Facts(state=FRESH), 0).reasons,
        Reason.RULE_FAILED,
    }
    assert given == set(Reason)
