"""What proves that the wearer moves. Pure: the rule sees no clock, no database.

Stationary receivers wander by tens of metres (62 m in ten minutes on a recorded one), so one far fix proves nothing:
the radius grows with both accuracies and a second fix must confirm.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from math import hypot

from gyrophare.kernel.geo import Position, distance_m
from gyrophare.kernel.observations import Doubt, EventKind, Fix, Report
from gyrophare.kernel.values import value

RADIUS_MIN_M, RADIUS_MAX_M = 20.0, 100.0
_RADIUS_PER_ACCURACY = 2.5
ACCURACY_MAX_M = 50.0  # a worse fix updates the map, never the evidence
ASSUMED_ACCURACY_M = 15.0  # where a device tells none
CONFIRMATION = timedelta(seconds=5)

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
    INTERACTION = "interaction"


@value
class Anchor:
    """Where the wearer was when last seen to have moved."""

    position: Position
    accuracy_m: float
    at: datetime


@value
class Whereabouts:
    """The anchor, and since when fixes lie beyond its radius without confirmation yet."""

    anchor: Anchor | None = None
    away_since_at: datetime | None = None
    vehicle_since_at: datetime | None = None


def radius_m(anchor: Anchor, accuracy_m: float) -> float:
    """How far a fix must lie from the anchor to say anything, in metres."""
    return min(max(_RADIUS_PER_ACCURACY * hypot(anchor.accuracy_m, accuracy_m), RADIUS_MIN_M), RADIUS_MAX_M)


def counts(report: Report, since: datetime) -> bool:
    """Whether the position in `report` may tell something of a shift that began at `since`."""
    fix = report.fix
    return (
        fix is not None
        and (fix.accuracy_m is None or fix.accuracy_m <= ACCURACY_MAX_M)
        and fix.fixed_at >= since
        and (not report.doubts or DOUBTED.isdisjoint(report.doubts))
    )


def displaced(whereabouts: Whereabouts, fix: Fix) -> tuple[Whereabouts, bool]:
    """Whether `fix` confirms a displacement, and where that leaves us.

    Fixes older than the anchor say nothing: late ones are only drawn.
    """
    accuracy_m = ASSUMED_ACCURACY_M if fix.accuracy_m is None else fix.accuracy_m
    if accuracy_m > ACCURACY_MAX_M:
        return whereabouts, False
    here = Anchor(position=fix.position, accuracy_m=accuracy_m, at=fix.fixed_at)
    anchor, away_since_at = whereabouts.anchor, whereabouts.away_since_at
    if anchor is None:
        return Whereabouts(anchor=here), False
    if fix.fixed_at <= anchor.at:
        return whereabouts, False
    if distance_m(anchor.position, fix.position) <= radius_m(anchor, accuracy_m):
        return whereabouts if away_since_at is None else Whereabouts(anchor=anchor), False
    if away_since_at is None:
        return Whereabouts(anchor=anchor, away_since_at=fix.fixed_at), False
    if fix.fixed_at - away_since_at < CONFIRMATION:
        return whereabouts, False
    return Whereabouts(anchor=here), True
