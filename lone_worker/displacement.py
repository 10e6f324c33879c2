"""Whether the wearer has gone from where he was. Pure; the figures are those of ADR 11.

Receivers at rest wander by tens of metres (62 m in ten minutes on a recorded one), claim whatever accuracy they like,
jump by 60 m and stay there, and show speeds of 0.77 m/s. So the place where he was is a centre that follows slowly;
one fix proves nothing; what came in leaps is no way that somebody went; and whoever has lain still for three minutes
must go further to be believed than whoever was just walking.
"""

from __future__ import annotations

from math import cos, hypot, radians
from typing import NamedTuple

import msgspec

from gyrophare.kernel.observations import Fix
from lone_worker.evidence import Evidence

RADIUS_MIN_M = 40.0  # about a centre, while he was seen to move in the last three minutes
RADIUS_MAX_M = 90.0
RADIUS_SETTLED_M = 110.0  # later: twice the greatest wander, less what the centre has come nearer
RADIUS_RIDING_M = 50.0  # progress on the road
SETTLED_AFTER_S = 180.0
_RADIUS_PER_ACCURACY = 1.25
_ACCURACIES_MAX_M = 75.0  # what the accuracies alone can make of the radius
ASSUMED_ACCURACY_M = 24.0  # where a device tells none
_RADIUS_PER_S, _SPARSE_S = 1 / 6, 60.0  # the sparser the fixes, the likelier two in a row are both off
CONFIRMATION_S = 5.0
_ON_THE_WAY = 0.6  # of the radius: from there a fix may be the first of two

# Nobody goes further than this between two fixes on foot; what exceeds it is added to the radius.
_LEGS_MPS, _LEGS_M = 1.5, 2.0

FAST_MPS, FAST_ACCURACY_MAX_M = 1.5, 20.0
_LAST_THREE = 0b111

# How fast the centre follows: not at all the pace of somebody who walks, until he has lain still.
_FOLLOWS_WITHIN_S = 90.0
_DRIFT_MPS, _DRIFT_SETTLED_MPS = 0.05, 0.4

_M_PER_DEG = 111_195.0
_DEG_DIGITS, _M_DIGITS = 7, 2  # a centimetre: more would only make rows longer


class Away(msgspec.Struct, array_like=True, frozen=True):
    """The first fix on the way from the centre."""

    at_s: float
    latitude_deg: float
    longitude_deg: float


class Place(msgspec.Struct, array_like=True, frozen=True):
    """The centre, the last fix, and what lies between them. Instants in seconds since 1970."""

    latitude_deg: float
    longitude_deg: float
    accuracy_m: float
    alive_s: float
    """When he was last seen to move, by whatever proof."""
    last_s: float
    last_latitude_deg: float
    last_longitude_deg: float
    leapt_m: float = 0.0
    """How much further the fixes went since then than legs would have."""
    fast: int = 0
    """A bit for each of the last three fixes whose Doppler speed is that of somebody who moves; the last is lowest."""
    away: Away | None = None


class Proof(NamedTuple):
    """That he moved, how it is known, and since when, in seconds since 1970."""

    evidence: Evidence
    since_s: float


def apart_m(latitude_deg: float, longitude_deg: float, other_latitude_deg: float, other_longitude_deg: float) -> float:
    """The distance on a plane: to a thousandth within a kilometre, and an eighth of the time of a great circle."""
    north_deg = other_latitude_deg - latitude_deg
    east_deg = (other_longitude_deg - longitude_deg) * cos(radians(latitude_deg))
    return _M_PER_DEG * hypot(north_deg, east_deg)


def first_place(fix: Fix, at_s: float) -> Place:
    """Where he is when nothing is known yet: from where would he have moved?"""
    latitude_deg, longitude_deg, accuracy_m = _rounded(fix)
    return _centred(Away(at_s, latitude_deg, longitude_deg), accuracy_m, at_s, latitude_deg, longitude_deg, 0, None)


def radius_m(accuracy_m: float, other_accuracy_m: float) -> float:
    """How far a fix must at least lie from the centre to say anything, by both accuracies."""
    return min(max(_RADIUS_PER_ACCURACY * hypot(accuracy_m, other_accuracy_m), RADIUS_MIN_M), _ACCURACIES_MAX_M)


def displaced(place: Place, fix: Fix, at_s: float, step_m: float, *, riding: bool) -> tuple[Place, Proof | None]:
    """What `fix` proves, `step_m` from the last one, which is older, and where that leaves us."""
    latitude_deg, longitude_deg, accuracy_m = _rounded(fix)
    since_last_s = at_s - place.last_s
    leap_m = step_m - _LEGS_MPS * since_last_s - _LEGS_M
    leapt_m = round(place.leapt_m + max(leap_m, 0.0), _M_DIGITS)
    quick = _is_quick(fix, step_m / since_last_s)
    fast = (place.fast << 1 | quick) & _LAST_THREE

    near_m = radius_m(place.accuracy_m, accuracy_m)
    settled = at_s - place.alive_s > SETTLED_AFTER_S
    if riding:
        radius = max(near_m, RADIUS_RIDING_M)
    else:
        sparse_m = _RADIUS_PER_S * min(since_last_s, _SPARSE_S)
        radius = RADIUS_SETTLED_M if settled else min(near_m + sparse_m + leapt_m, RADIUS_MAX_M)
    far_m = apart_m(place.latitude_deg, place.longitude_deg, latitude_deg, longitude_deg)

    away = place.away
    if far_m <= _ON_THE_WAY * radius:
        away = None
    elif away is None or (leap_m > 0 and far_m > radius and not _was_beyond(place, radius)):
        away = Away(at_s, latitude_deg, longitude_deg)  # beyond the radius in one leap: that is to be confirmed

    if away is not None and far_m > radius and at_s - away.at_s >= CONFIRMATION_S:
        # The new centre is where he began to be away, so that a slow walk is half way to the next proof.
        on_m = apart_m(away.latitude_deg, away.longitude_deg, latitude_deg, longitude_deg)
        on = Away(at_s, latitude_deg, longitude_deg) if on_m > _ON_THE_WAY * near_m else None
        there = _centred(away, accuracy_m, at_s, latitude_deg, longitude_deg, fast, on)
        return there, Proof(Evidence.DISPLACEMENT, away.at_s)
    if quick and fast.bit_count() > 1 and far_m > max(radius, RADIUS_MIN_M) / 2:
        here = Away(at_s, latitude_deg, longitude_deg)
        return _centred(here, accuracy_m, at_s, latitude_deg, longitude_deg, fast, None), Proof(Evidence.SPEED, at_s)

    pull = _pull(place, accuracy_m, since_last_s, far_m, settled=settled) if 0 < far_m <= radius else 0.0
    return Place(
        round(place.latitude_deg + pull * (latitude_deg - place.latitude_deg), _DEG_DIGITS),
        round(place.longitude_deg + pull * (longitude_deg - place.longitude_deg), _DEG_DIGITS),
        round(place.accuracy_m + pull * (accuracy_m - place.accuracy_m), _M_DIGITS),
        place.alive_s,
        at_s,
        latitude_deg,
        longitude_deg,
        leapt_m,
        fast,
        away,
    ), None


def _rounded(fix: Fix) -> tuple[float, float, float]:
    position, accuracy_m = fix.position, ASSUMED_ACCURACY_M if fix.accuracy_m is None else fix.accuracy_m
    return (
        round(position.latitude_deg, _DEG_DIGITS),
        round(position.longitude_deg, _DEG_DIGITS),
        round(accuracy_m, _M_DIGITS),
    )


def _centred(
    centre: Away, accuracy_m: float, at_s: float, latitude_deg: float, longitude_deg: float, fast: int, on: Away | None
) -> Place:
    """After a proof: begun anew about `centre`, alive now, where the last fix is."""
    return Place(
        centre.latitude_deg,
        centre.longitude_deg,
        accuracy_m,
        at_s,
        at_s,
        latitude_deg,
        longitude_deg,
        fast=fast,
        away=on,
    )


def _is_quick(fix: Fix, pace_mps: float) -> bool:
    """Whether Doppler says that he moves and the places agree: a bogus speed has them stand still."""
    speed_mps, accuracy_m = fix.speed_mps, fix.accuracy_m
    return (
        speed_mps is not None
        and speed_mps >= FAST_MPS
        and (accuracy_m is None or accuracy_m <= FAST_ACCURACY_MAX_M)
        and pace_mps >= speed_mps / 2
    )


def _was_beyond(place: Place, radius: float) -> bool:
    last_m = apart_m(place.latitude_deg, place.longitude_deg, place.last_latitude_deg, place.last_longitude_deg)
    return last_m > radius


def _pull(place: Place, accuracy_m: float, since_last_s: float, far_m: float, *, settled: bool) -> float:
    """The share of the way to a fix that the centre goes: the exacter the fix, the more; never faster than a drift."""
    whole = place.accuracy_m**2 + accuracy_m**2
    weight = 2 * place.accuracy_m**2 / whole if whole else 1.0
    drift_mps = _DRIFT_SETTLED_MPS if settled else _DRIFT_MPS
    return min(weight * since_last_s / _FOLLOWS_WITHIN_S, drift_mps * since_last_s / far_m, 1.0)
