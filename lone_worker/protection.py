"""How well one agent is protected at this moment: one honest value, with its reasons. Pure.

What concerns everybody at once (we hear nobody, no dispatcher can be reached) is not looked at here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from gyrophare.kernel.observations import EventKind
from gyrophare.kernel.values import value
from lone_worker.episode import SILENT_AFTER_S, silent
from lone_worker.rules import Judgement
from lone_worker.rules.facts import Danger, Facts

_SILENT_AFTER = timedelta(seconds=SILENT_AFTER_S)


class Level(StrEnum):
    """Whether somebody would be told in time."""

    PROTECTED = "protected"
    DEGRADED = "degraded"
    NOT_PROTECTED = "not_protected"


class Reason(StrEnum):
    """Why not, or not wholly."""

    PAUSED = "paused"
    NEVER_HEARD = "never_heard"
    SILENT = "silent"
    GONE = "gone"
    """The broker said so."""
    NOT_WORN = "not_worn"
    NO_POSITION = "no_position"
    LOW_BATTERY = "low_battery"
    CLOCK_UNSAFE = "clock_unsafe"
    RULE_FAILED = "rule_failed"
    """Our own fault: not everything is watched."""


@value
class Protection:
    """The level and every reason, the gravest first."""

    level: Level
    reasons: tuple[Reason, ...] = ()
    changes_at: datetime | None = None
    """When it is another if nothing is heard until then."""

    @property
    def code(self) -> str:
        """As the database keeps it: `not_protected silent,low_battery`."""
        return f"{self.level} {','.join(self.reasons)}".strip()


def assess(facts: Facts, judged: Judgement, now: datetime) -> Protection:
    """The protection of a watch on shift at `now`, of whom the rules said this."""
    state = facts.state
    found = {finding.danger: finding.due_at <= now for finding in judged.found}
    gone_at = state.memory.since(EventKind.OFFLINE, EventKind.ONLINE)
    without = [
        reason
        for reason, holds in (
            (Reason.PAUSED, facts.paused),
            (Reason.NEVER_HEARD, state.heard_at is None),
            (Reason.GONE, gone_at is not None and (state.heard_at is None or gone_at >= state.heard_at)),
            (Reason.SILENT, state.heard_at is not None and silent(state.heard_at, now)),
            (Reason.NOT_WORN, Danger.NOT_WORN in found),
        )
        if holds
    ]
    degraded = [
        reason
        for reason, holds in (
            (Reason.NO_POSITION, found.get(Danger.GNSS_LOST)),
            (Reason.LOW_BATTERY, found.get(Danger.LOW_BATTERY)),
            (Reason.CLOCK_UNSAFE, found.get(Danger.CLOCK_UNSAFE)),
            (Reason.RULE_FAILED, judged.failed),
        )
        if holds
    ]
    level = Level.NOT_PROTECTED if without else Level.DEGRADED if degraded else Level.PROTECTED
    changes_at = None
    if state.heard_at is not None and not silent(state.heard_at, now):
        changes_at = state.heard_at + _SILENT_AFTER + timedelta(milliseconds=1)
    return Protection(level=level, reasons=(*without, *degraded), changes_at=changes_at)
