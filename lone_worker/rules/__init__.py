"""The rules beside stillness and calls for help: whatever breaks the protection of one agent is said in a stated time.

One rule a file; each is a pure function of the facts. A rule says when its danger comes, so that nobody needs to ask it
again before: `judge` is asked at `again_at`, or when something happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from lone_worker.rules import battery, check, clock, gnss, left_area, overrun, pause, restart, signal, worn
from lone_worker.rules.facts import Facts, Finding, Rule

LOOK_EVERY_S = 300
"""What reports change without an event is found within so long: an empty battery, a clock that drifts."""

RULES: Sequence[Rule] = (
    check.missed,
    overrun.overrun,
    left_area.left,
    signal.lost,
    battery.low,
    worn.not_worn,
    gnss.lost,
    clock.unsafe,
    restart.restarted,
    pause.too_long,
)


class Judgement(NamedTuple):
    """What is due, of whom something is to be asked, and when to judge again."""

    due: list[Finding]
    notices: list[Finding]
    again_at: datetime
    failed: list[Exception]
    """Faults of our own: a rule that fails must not keep the others from being asked."""


def judge(facts: Facts, now: datetime, rules: Sequence[Rule] = RULES) -> Judgement:
    """What the rules find at `now`."""
    due: list[Finding] = []
    notices: list[Finding] = []
    failed: list[Exception] = []
    again_at = now + timedelta(seconds=LOOK_EVERY_S)
    for rule in rules:
        try:
            finding = rule(facts, now)
        except Exception as error:
            failed.append(error)
            continue
        if finding is None:
            continue
        if finding.due_at <= now:
            due.append(finding)
            continue
        again_at = min(again_at, finding.due_at)
        if finding.notice_at is not None:
            if finding.notice_at <= now:
                notices.append(finding)
            else:
                again_at = min(again_at, finding.notice_at)
    return Judgement(due, notices, again_at, failed)
