"""Where a shift's reports lead, whatever the order they come in. Pure.

What a report proves depends on those before it, so they count in the order of their own clock. In order, each is a step
from where the last one led. One that was overtaken is put in its place: the reports are all stored, and are followed
once more from the last quarter of an hour that began before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from gyrophare.kernel.observations import Report
from lone_worker.activity import active, moves
from lone_worker.displacement import Proof, apart_m, displaced, first_place
from lone_worker.evidence import Evidence, placed
from lone_worker.vehicle import believable_mps, ridden, rides
from lone_worker.whereabouts import NOWHERE, Whereabouts

CHECKPOINT_EVERY_S = 900
FOLLOWED_AGAIN_MAX = 5_000  # reports; further back, one that was overtaken is only drawn

CLOSE = timedelta(seconds=1)

_CHECKPOINT_EVERY = timedelta(seconds=CHECKPOINT_EVERY_S)
Span = tuple[datetime, datetime]


class Course(NamedTuple):
    """Where the reports up to `fixed_at`, by their own clock, lead, and when they last proved a movement, and how."""

    whereabouts: Whereabouts = NOWHERE
    fixed_at: datetime | None = None
    moved_at: datetime | None = None
    moved_by: Evidence | None = None


class Checkpoint(NamedTuple):
    """Where the reports before `at` lead."""

    at: datetime
    course: Course


class Past(NamedTuple):
    """From where to follow again, and every report since then that is stored."""

    course: Course
    reports: Sequence[Report]


class Followed(NamedTuple):
    """Where reports lead, the checkpoints they pass, and all instants of movement that they prove, in order.

    Of a way that is proven at its end, its beginning is one as well.
    """

    course: Course
    checkpoints: list[Checkpoint]
    moved: list[datetime]


def follow(
    course: Course, reports: Iterable[Report], *, engine: bool = False, ignored: Sequence[Span] = ()
) -> Followed:
    """Where `reports`, in the order of `in_turn`, lead from there.

    With an `engine` under the wearer his body is shaken by it. In an `ignored` span it was shaken by our own vibration.
    Of reports that lie closer together than `CLOSE` the first counts: nobody goes anywhere in a second, and a device
    that speaks ten times a second must not take ten times the others' turn.
    """
    whereabouts, fixed_at, moved_at, moved_by = course
    passed: list[Checkpoint] = []
    moved: list[datetime] = []
    for report in reports:
        at = report.happened_at
        if fixed_at is not None:
            if at - fixed_at < CLOSE:
                continue
            if _another_quarter(fixed_at, at):
                passed.append(Checkpoint(_quarter(at), Course(whereabouts, fixed_at, moved_at, moved_by)))
        fixed_at = at
        shaken = engine or (bool(ignored) and any(begin <= at <= end for begin, end in ignored))
        at_s = at.timestamp()
        whereabouts, proof = _step(whereabouts, report, at_s, shaken=shaken)
        if proof is not None:
            proven_at = min(at, report.received_at)  # what is ahead of our clock must not postpone an alarm
            if proof.since_s < at_s:
                moved.append(min(datetime.fromtimestamp(proof.since_s, UTC), proven_at))
            moved.append(proven_at)
            if moved_at is None or proven_at > moved_at:
                moved_at, moved_by = proven_at, proof.evidence
    moved.sort()
    return Followed(Course(whereabouts, fixed_at, moved_at, moved_by), passed, moved)


def in_turn(report: Report) -> tuple[datetime, int]:
    """The key that sorts reports: by their own clock, and within one instant by what never changes."""
    return report.happened_at, report.message_key


def _step(whereabouts: Whereabouts, report: Report, at_s: float, *, shaken: bool) -> tuple[Whereabouts, Proof | None]:
    """What one report proves, by the rules one after the other, and where that leaves us."""
    place, ride, windows = whereabouts.place, whereabouts.ride, whereabouts.windows
    walked = bool(report.steps)
    if walked:
        ride = None
    proof = None
    fix = report.fix
    if fix is not None and placed(report):
        if place is None or (walked and at_s > place.last_s):
            place = first_place(fix, at_s)  # whoever steps is where he is: no way needs to be proven
        elif at_s > place.last_s:
            here = fix.position
            step_m = apart_m(place.last_latitude_deg, place.last_longitude_deg, here.latitude_deg, here.longitude_deg)
            pace_mps = step_m / (at_s - place.last_s)
            ride = ridden(ride, at_s, believable_mps(fix.speed_mps, pace_mps))
            place, proof = displaced(place, fix, at_s, step_m, riding=rides(ride))
    moving, now_active = False, active(report)
    if now_active is not None and not shaken and not rides(ride):
        windows, moving = moves(windows, at_s, now_active)
        if moving and proof is None:
            proof = Proof(Evidence.ACTIVITY, at_s)
    if place is not None and (walked or moving) and place.alive_s != at_s:
        place = msgspec.structs.replace(place, alive_s=at_s)
    return Whereabouts(place, ride, windows), proof


def _another_quarter(before: datetime, at: datetime) -> bool:
    return at.minute // 15 != before.minute // 15 or at - before >= _CHECKPOINT_EVERY


def _quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
