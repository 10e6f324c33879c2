"""The rules beside stillness and calls for help: whatever breaks the protection of one agent is said in a stated time.

One rule a file; each is a pure function of the facts. A rule says when its danger comes, so that nobody needs to ask it
again before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from lone_worker.rules import battery, check, clock, gnss, left_area, overrun, pause, restart, signal, worn
from lone_worker.rules.facts import Facts, Finding, Rule

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
    """What the rules found, due or still to come."""

    found: list[Finding]
    failed: list[Exception]
    """Faults of our own: a rule that fails must not keep the others from being asked."""


def judge(facts: Facts, now: datetime, rules: Sequence[Rule] = RULES) -> Judgement:
    """Ask every rule at `now`."""
    found: list[Finding] = []
    failed: list[Exception] = []
    for rule in rules:
        try:
            finding = rule(facts, now)
        except Exception as error:
            failed.append(error)
            continue
        if finding is not None:
            found.append(finding)
    return Judgement(found, failed)
