"""Admission: what of a message may be believed, and why not the rest. Pure: it sees what the device told before.

Three clocks stand on a message: the satellites' (`fixed_at`), the device's (`sent_at`, `occurred_at`, and `fixed_at`
where the device stamps fixes itself) and ours (`received_at`). Nothing here holds back an event, a step or a battery: a
fix may be taken out, a time corrected, a doubt noted. What is merely late is never refused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import NamedTuple

from gyrophare.kernel.geo import distance_m
from gyrophare.kernel.observations import Doubt, Fix, Observation, Report
from ingest import skew
from ingest.formats import Refusal

FUTURE_MAX = timedelta(seconds=120)  # a fix further ahead of our clock is taken out
GPS_WEEKS = timedelta(weeks=1024)  # after which an old receiver begins to count anew
LATE_MAX = timedelta(days=7)  # as long as the broker keeps a session
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)  # an earlier clock was never set

ROAD_SPEED_MAX_MPS = 60.0  # 216 km/h. On foot or not: whoever walks now may just have left the van.
ASSUMED_ACCURACY_M = 100.0  # where a device tells none
_ACCURACIES = 2.0  # a third of all fixes lies beyond the accuracy they tell, one in twenty beyond twice as much
_M_PER_DEG = 111_320.0
STEPS_MAX = 100_000  # between two reports
STEPS_TOTAL_MAX = 2**31 - 1


class Known(NamedTuple):
    """What earlier messages of a device told, as far as admission needs it."""

    heard_at: datetime | None = None
    sent_at: datetime | None = None
    """Of the message heard last, by the device's own clock, uncorrected."""
    fix: Fix | None = None
    """The newest that was admitted, by its own time."""
    steps_total: int | None = None
    clock_skews_s: tuple[float, ...] = ()
    """Received minus sent of the last live messages, newest last; empty while the device's clock is right."""


class Admitted(NamedTuple):
    """What may be believed of an observation, what was taken out of it, and what its device is known by from now on."""

    seen: Observation
    known: Known
    refusals: tuple[Refusal, ...] = ()


def admit(seen: Observation, known: Known) -> Admitted:
    """Believe, correct or take out. Every reason that fired is a doubt of it; what was taken out is explained."""
    doubts: list[Doubt] = []
    refusals: list[Refusal] = []
    received_at, fix = seen.received_at, seen.fix
    said_at = seen.sent_at if isinstance(seen, Report) else seen.occurred_at
    if said_at is not None and said_at < EARLIEST:
        said_at = _unrolled(said_at, received_at, doubts)

    skews_s = known.clock_skews_s
    if isinstance(seen, Report) and said_at is not None and not seen.buffered:
        skews_s = skew.note(skews_s, received_at, said_at, known.heard_at, known.sent_at)
    behind = skew.of(skews_s) if skews_s else None
    happened_at = said_at
    if behind is not None and said_at is not None:
        happened_at = min(said_at + behind, received_at)
        doubts.append(Doubt.CLOCK_SKEWED)

    if fix is not None:
        fix = _on_earth(fix, doubts, refusals)
    if fix is not None:
        fix = _dated(fix, received_at, said_at, behind, doubts, refusals)
    newest = known.fix
    if fix is not None and (newest is None or fix.fixed_at >= newest.fixed_at):
        if newest is not None and teleported(newest, fix):
            doubts.append(Doubt.TELEPORT)
        newest = fix  # even so: if the device stays there, the next fix agrees and is believed

    in_order = fix is None or fix is newest
    steps_total = known.steps_total
    believed: Observation
    if isinstance(seen, Report):
        steps = seen.steps
        if seen.steps_total is not None:
            steps, steps_total = _counted(seen, steps_total, in_order)
        believed = _report(seen, happened_at, fix, steps, doubts)
    elif doubts or fix is not seen.fix or happened_at is not seen.occurred_at:
        believed = replace(seen, occurred_at=happened_at, fix=fix, doubts=(*seen.doubts, *doubts))
    else:
        believed = seen

    if known.heard_at is not None and received_at < known.heard_at:  # another process was faster
        received_at, said_at = known.heard_at, known.sent_at
    return Admitted(believed, Known(received_at, said_at, newest, steps_total, skews_s), tuple(refusals))


def teleported(before: Fix, fix: Fix) -> bool:
    """Whether nobody can have gone from one fix to the later other in the time between, as well as both are known."""
    apart_s = (fix.fixed_at - before.fixed_at).total_seconds() + 1.0  # many receivers tell whole seconds
    here, there = fix.position, before.position
    unsure_m = (ASSUMED_ACCURACY_M if fix.accuracy_m is None else fix.accuracy_m) + (
        ASSUMED_ACCURACY_M if before.accuracy_m is None else before.accuracy_m
    )
    allowed_m = ROAD_SPEED_MAX_MPS * apart_s + _ACCURACIES * unsure_m
    # Along a meridian and then along the equator is never shorter, and is found without a sine.
    detour_deg = abs(here.latitude_deg - there.latitude_deg) + abs(here.longitude_deg - there.longitude_deg)
    return detour_deg * _M_PER_DEG > allowed_m and distance_m(there, here) > allowed_m


def _unrolled(at: datetime, received_at: datetime, doubts: list[Doubt]) -> datetime | None:
    """The instant that a receiver means which counts weeks modulo 1024; None when it means none: it was never set."""
    rounds = round((received_at - at) / GPS_WEEKS)
    meant = at + rounds * GPS_WEEKS
    if rounds < 1 or not received_at - LATE_MAX <= meant <= received_at + FUTURE_MAX:
        doubts.append(Doubt.CLOCK_NOT_SET)
        return None
    if Doubt.WEEK_ROLLOVER not in doubts:
        doubts.append(Doubt.WEEK_ROLLOVER)
    return meant


def _on_earth(fix: Fix, doubts: list[Doubt], refusals: list[Refusal]) -> Fix | None:
    """What is left of a fix when a decoder let something through that no rule can reckon with."""
    latitude_deg, longitude_deg = fix.position.latitude_deg, fix.position.longitude_deg
    if not (-90 <= latitude_deg <= 90 and -180 <= longitude_deg <= 180) or latitude_deg == longitude_deg == 0:
        doubts.append(Doubt.BAD_FIX)
        refusals.append(Refusal(reason=Doubt.BAD_FIX, detail="0/0 or no place on Earth; expected WGS84 degrees"))
        return None
    accuracy_m = fix.accuracy_m or 0.0
    if isfinite(accuracy_m + (fix.speed_mps or 0.0) + (fix.course_deg or 0.0) + (fix.altitude_m or 0.0)):
        if accuracy_m >= 0:
            return fix
        fix = replace(fix, accuracy_m=None)
    doubts.append(Doubt.BAD_FIELD)
    return replace(
        fix,
        accuracy_m=_finite(fix.accuracy_m),
        speed_mps=_finite(fix.speed_mps),
        course_deg=_finite(fix.course_deg),
        altitude_m=_finite(fix.altitude_m),
    )


def _dated(
    fix: Fix,
    received_at: datetime,
    said_at: datetime | None,
    behind: timedelta | None,
    doubts: list[Doubt],
    refusals: list[Refusal],
) -> Fix | None:
    """The fix at the time it was measured, or None when that cannot be: it would outlast every later one."""
    at = fix.fixed_at
    if at < EARLIEST:
        meant = _unrolled(at, received_at, doubts)
        if meant is None:
            detail = f"fixed_at is {at.isoformat()}; expected a date from 2020 on"
            refusals.append(Refusal(reason=Doubt.CLOCK_NOT_SET, detail=detail))
            return None
        at = meant
    # Satellites tell their own time. Nearer to the device's clock than to the true time, the device stamped it itself.
    if behind is not None and said_at is not None and abs(said_at - at) < abs(behind) / 2:
        at += behind
    if at > received_at + FUTURE_MAX:
        ahead_s = (at - received_at).total_seconds()
        doubts.append(Doubt.FIX_IN_FUTURE)
        detail = f"fixed_at is {ahead_s:.0f} s ahead of our clock; expected at most {FUTURE_MAX.total_seconds():.0f} s"
        refusals.append(Refusal(reason=Doubt.FIX_IN_FUTURE, detail=detail))
        return None
    return fix if at is fix.fixed_at else replace(fix, fixed_at=at)


def _counted(report: Report, before: int | None, in_order: bool) -> tuple[int | None, int | None]:
    """Steps since the report before, off a counter that begins anew each day or boot; and where the counter stands.

    A late report must not set the counter back: the next would count the same steps again, as movement now.
    """
    total = report.steps_total
    if total is None or not 0 <= total <= STEPS_TOTAL_MAX:
        return report.steps, before
    if not in_order or (report.buffered and report.fix is None):
        return report.steps, before
    if report.steps is not None or before is None or not 0 <= total - before <= STEPS_MAX:
        return report.steps, total
    return total - before, total


def _report(seen: Report, sent_at: datetime | None, fix: Fix | None, steps: int | None, doubts: list[Doubt]) -> Report:
    """`seen` with what was corrected; itself when nothing was."""
    battery_pct, activity_mg = seen.battery_pct, seen.activity_mg
    if not isfinite((battery_pct or 0.0) + (activity_mg or 0.0)) or (steps is not None and not 0 <= steps <= STEPS_MAX):
        doubts.append(Doubt.BAD_FIELD)
        battery_pct, activity_mg = _finite(battery_pct), _finite(activity_mg)
        steps = steps if steps is not None and 0 <= steps <= STEPS_MAX else None
    if not doubts and fix is seen.fix and steps == seen.steps and sent_at is seen.sent_at:
        return seen
    return replace(
        seen,
        sent_at=sent_at,
        fix=fix,
        steps=steps,
        battery_pct=battery_pct,
        activity_mg=activity_mg,
        doubts=(*seen.doubts, *doubts),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
