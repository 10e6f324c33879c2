"""Fixes and reports of one watch as rules of movement are tested with them, and what they prove."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import cos, radians

from gyrophare.kernel.geo import Position
from gyrophare.kernel.observations import Activity, Fix, Report, Sender, Wire
from lone_worker.course import Course, Span, follow
from lone_worker.evidence import Evidence

AT = datetime(2026, 1, 14, 7, 42, 3, tzinfo=UTC)
HOME = Position(47.3215, 5.0415)
_M_PER_DEG = 111_195.0


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def fix(
    at_s: float,
    north_m: float,
    accuracy_m: float | None = 6.0,
    east_m: float = 0.0,
    speed_mps: float | None = None,
) -> Fix:
    place = Position(
        HOME.latitude_deg + north_m / _M_PER_DEG,
        HOME.longitude_deg + east_m / (_M_PER_DEG * cos(radians(HOME.latitude_deg))),
    )
    return Fix(fixed_at=after(at_s), position=place, accuracy_m=accuracy_m, speed_mps=speed_mps)


def said(
    at_s: float,
    seen: Fix | None = None,
    *,
    steps: int | None = None,
    activity_mg: float | None = None,
    activity: Activity | None = None,
) -> Report:
    return Report(
        sender=Sender(Wire.NATIVE, "w-07"),
        received_at=after(at_s),
        sent_at=after(at_s),
        sequence=None,
        message_key=0,
        fix=seen,
        steps=steps,
        activity_mg=activity_mg,
        activity=activity,
    )


def reported(fixes: Iterable[Fix]) -> list[Report]:
    return [said((seen.fixed_at - AT).total_seconds(), seen) for seen in fixes]


def found(
    reports: Iterable[Report], *, engine: bool = False, ignored: Sequence[Span] = ()
) -> list[tuple[float, Evidence]]:
    """Each movement that is proven, in the order of the reports: when, in seconds, and how."""
    course, proven = Course(), []
    for report in reports:
        before_at, course = course.moved_at, follow(course, [report], engine=engine, ignored=ignored).course
        if course.moved_at is not None and course.moved_at != before_at and course.moved_by is not None:
            proven.append(((course.moved_at - AT).total_seconds(), course.moved_by))
    return proven
