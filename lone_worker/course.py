"""Where a shift's fixes lead, whatever the order they come in. Pure.

What a fix proves depends on those before it, so they count in the order of their own clock. In order, each is a step
from where the last one led. One that was overtaken is put in its place: the fixes are all stored, and are followed once
more from the last quarter of an hour that began before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gyrophare.kernel.observations import Fix, Report
from lone_worker.evidence import Whereabouts, displaced

CHECKPOINT_EVERY_S = 900
FOLLOWED_AGAIN_MAX = 5_000  # fixes; further back, one that was overtaken is only drawn

_CHECKPOINT_EVERY = timedelta(seconds=CHECKPOINT_EVERY_S)


class Course(NamedTuple):
    """Where the fixes up to `fixed_at` lead, and when they last confirmed a displacement."""

    whereabouts: Whereabouts
    fixed_at: datetime | None = None
    moved_at: datetime | None = None


class Checkpoint(NamedTuple):
    """Where the fixes before `at` lead."""

    at: datetime
    course: Course


class Past(NamedTuple):
    """From where to follow again, and every report since then whose fix is stored."""

    course: Course
    reports: Sequence[Report]


class Followed(NamedTuple):
    """Where reports led, the checkpoints they passed, and every instant at which they proved movement."""

    course: Course
    checkpoints: list[Checkpoint]
    moved: list[datetime]


def follow(
    course: Course,
    reports: Iterable[Report],
    *,
    engine: bool = False,
    ignored: Sequence[tuple[datetime, datetime]] = (),
) -> Followed:
    """Where `reports`, in the order of `in_turn`, lead from there.

    Of several fixes of one instant the first counts.
    """
    whereabouts, fixed_at, moved_at = course
    passed: list[Checkpoint] = []
    moved: list[datetime] = []
    for report in reports:
        fix = report.fix
        if fix is None or (fixed_at is not None and fix.fixed_at <= fixed_at):
            continue
        if fixed_at is not None and _another_quarter(fixed_at, fix.fixed_at):
            passed.append(Checkpoint(_quarter(fix), Course(whereabouts, fixed_at, moved_at)))
        fixed_at = fix.fixed_at
        whereabouts, confirmed = displaced(whereabouts, fix)
        if confirmed:
            at = min(fixed_at, report.received_at)  # what is ahead of our clock must not postpone an alarm
            moved.append(at)
            moved_at = at if moved_at is None or at > moved_at else moved_at
    return Followed(Course(whereabouts, fixed_at, moved_at), passed, moved)


def in_turn(report: Report) -> tuple[datetime, int]:
    """The key that sorts reports with a fix: by its own clock, and within one instant by what never changes."""
    assert report.fix is not None  # noqa: S101 the caller has sorted out the others
    return report.fix.fixed_at, report.message_key


def _another_quarter(before: datetime, at: datetime) -> bool:
    return at.minute // 15 != before.minute // 15 or at - before >= _CHECKPOINT_EVERY


def _quarter(fix: Fix) -> datetime:
    at = fix.fixed_at
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
