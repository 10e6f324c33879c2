"""What proves that the wearer moves, and which reports can tell. Pure: the rules see no clock, no database.

Each rule stands in its own file: `displacement`, `activity`, `vehicle`; `course` follows the reports through them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from gyrophare.kernel.observations import Doubt, EventKind, Report

ACCURACY_MAX_M = 50.0  # a worse fix updates the map, never the evidence

# A deliberate act of the wearer is the best proof there is.
DELIBERATE = frozenset(
    {EventKind.OK, EventKind.CHECKIN, EventKind.REPLY, EventKind.SHIFT_START, EventKind.PAUSE, EventKind.RESUME}
)

# Such a position is drawn, as nothing better is known, but nobody has moved for it.
DOUBTED = frozenset(
    {
        Doubt.MOCK,
        Doubt.NETWORK_POSITION,
        Doubt.COARSE_POSITION,
        Doubt.OUTDATED_FIX,
        Doubt.TELEPORT,
        Doubt.FIX_IN_FUTURE,
    }
)


class Evidence(StrEnum):
    """The kinds of proof. Of two at the same instant the one named first counts."""

    SHIFT_START = "shift_start"
    STEPS = "steps"
    DISPLACEMENT = "displacement"
    SPEED = "speed"
    ACTIVITY = "activity"
    INTERACTION = "interaction"


FOLLOWED = frozenset({Evidence.DISPLACEMENT, Evidence.SPEED, Evidence.ACTIVITY})
"""What follows from several reports, so that one which was overtaken may undo it."""


def placed(report: Report) -> bool:
    """Whether the position in `report` may tell something."""
    fix = report.fix
    return (
        fix is not None
        and (fix.accuracy_m is None or fix.accuracy_m <= ACCURACY_MAX_M)
        and (not report.doubts or DOUBTED.isdisjoint(report.doubts))
    )


def tells(report: Report, since: datetime) -> bool:
    """Whether `report` may tell something of the movement in a shift that began at `since`."""
    if report.happened_at < since:
        return False
    if report.fix is not None:
        return placed(report) or report.has_motion
    # Out of a buffer and without a time: it proves that somebody moved once, not when.
    return report.has_motion and not (report.buffered and report.sent_at is None)
