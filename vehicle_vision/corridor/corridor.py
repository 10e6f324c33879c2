"""The corridor behind the van, and each vehicle's place in it: pure, a state and what is seen give the next state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from vehicle_vision.corridor.body import Body, overlap
from vehicle_vision.corridor.path import Path, begin, follow
from vehicle_vision.corridor.usual import RoadAxis, Trail, UsualPath, bin_of, learn
from vehicle_vision.sizes import SIZES, Kind

_SIGMA_MIN_M = 0.05
_WIDTH_SIGMA = 0.10  # of the logarithm of a width
_FARTHER_MAX = 1.35  # a van taken for a car; more is a vehicle of which half is hidden
_SIZE_S = 0.5  # over which one box's errors of the size are averaged
_GROWTH_SIGMA = 0.06  # of the range against the size of the box: it moves a vehicle beside us along its ray
_LEAVES_M = 10.0
_PASSED_M = 40.0  # what was last seen farther away has not passed us: it turned off, or was lost
_WAY_M = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Corridor:
    """The van's own width and a margin, on either side of the axis.

    The margin counts from a vehicle's body, not from its centre. A lorry in a lane whose middle is 3 m away passes at
    1.73 m: 0.5 m leaves half of the rest for errors, and calls a car coming when its middle is at 2.4 m.
    """

    van_half_m: float = 1.0
    margin_m: float = 0.5
    sigma_max_m: float = 0.5
    """What is not known widens the corridor no further: not knowing is no sign of danger on the next lane."""
    yaw: float = 0.0
    """How far to the right of the van's axis, as the camera's file has it, the road goes; radians."""
    yaw_sigma: float = math.radians(0.1)
    """How well that is known."""

    @property
    def half_m(self) -> float:
        return self.van_half_m + self.margin_m

    @property
    def axis(self) -> RoadAxis:
        """The road's, unless traffic has shown that it bends."""
        return RoadAxis(slope=self.yaw, slope_sigma=self.yaw_sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one vehicle is, from the road's axis; metres to the right."""

    range_low_m: float
    """Nearer with a probability of 5 %, by its width alone."""
    lateral_m: float
    lateral_sigma_m: float
    at_van_m: float
    """Where its path ends at the van, going straight on."""
    at_van_sigma_m: float
    in_axis: float
    """How probably its body reaches into the corridor where it is now."""
    enters: float
    """How probably its body reaches into the corridor when it is here."""
    normal: bool
    """It is where many drove that then passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    path: Path
    """In heights of the vehicle: what is learnt of its size while it comes does not bend its path."""
    at_s: float
    height_m: float
    farther: float
    whole: Body | None
    """When both sides of its box were last seen."""
    trail: Trail
    clear: bool
    """Its body was beside the van's own width when last seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    followed: Mapping[int, _Followed] = field(default_factory=dict)
    usual: UsualPath = field(default_factory=UsualPath)
    axis: RoadAxis | None = None
    """As traffic has shown it; None: straight on, or not learnt."""


def look(
    state: State, at_s: float, bodies: Mapping[int, Body], alive: Set[int], corridor: Corridor
) -> tuple[State, Mapping[int, Place]]:
    """The places of the vehicles seen at `at_s`; `alive`: all ids that the tracker still follows, seen or not."""
    followed = {track_id: one for track_id, one in state.followed.items() if track_id in alive}
    usual, axis = state.usual, state.axis
    if gone := [one for track_id, one in state.followed.items() if track_id not in alive and _has_passed(one)]:
        for one in gone:
            usual = learn(usual, one.trail, at_s, corridor.axis)
        axis = usual.axis()
    places = {}
    for track_id, seen in bodies.items():
        body = _as_it_leaves(followed.get(track_id), seen)
        followed[track_id] = one = _follow(followed.get(track_id), body, at_s, corridor)
        places[track_id] = _place(one, body, usual, axis or corridor.axis, corridor)
    return replace(state, followed=followed, usual=usual, axis=axis), places


def _follow(one: _Followed | None, body: Body, at_s: float, corridor: Corridor) -> _Followed:
    """Places are kept as seen from the camera: a bend that is learnt later moves none of them."""
    height_m, farther = body.height_m or SIZES[Kind.CAR].height_m, body.farther or 1.0
    if one is None:
        path = begin(*_in_heights(body, height_m))
        one = _Followed(path=path, at_s=at_s, height_m=height_m, farther=farther, whole=None, trail={}, clear=False)
    else:
        gain = 1 - math.exp(-(at_s - one.at_s) / _SIZE_S)
        height_m = one.height_m + gain * ((body.height_m or one.height_m) - one.height_m)
        farther = one.farther + gain * ((body.farther or one.farther) - one.farther)
        path = follow(one.path, *_in_heights(body, height_m))
        one = replace(one, path=path, at_s=at_s, height_m=height_m, farther=farther)
    lateral_m = body.centre_m * _scale(one)
    return replace(
        one,
        whole=one.whole if body.farther is None else body,
        trail={**one.trail, bin_of(body.range_m): (body.range_m * _scale(one), lateral_m)},
        clear=abs(lateral_m) > corridor.van_half_m + body.half_m,
    )


def _as_it_leaves(one: _Followed | None, body: Body) -> Body:
    """What leaves the picture beside us keeps its place across: little is left of its box to tell it from."""
    if one is None or one.whole is None or body.farther is not None or body.range_m > _LEAVES_M:
        return body
    return replace(body, left_m=one.whole.left_m, right_m=one.whole.right_m)


def _in_heights(body: Body, height_m: float) -> tuple[float, float, float]:
    sigma_m = math.hypot(body.pixel_sigma_m, _GROWTH_SIGMA * body.centre_m, _SIGMA_MIN_M)
    return body.range_m / height_m, body.centre_m / height_m, sigma_m / height_m


def _scale(one: _Followed) -> float:
    """By how much it is farther off than its height says.

    Whether it is beside us depends on its true size alone, and sizes differ less in width than in height: a van that
    is called a car reads 27 % too near by its height, and 8 % by its width. From any side but its end it looks wider,
    never narrower, so that width can only move it away.
    """
    return min(max(one.farther, 1.0), _FARTHER_MAX)


def _place(one: _Followed, body: Body, usual: UsualPath, axis: RoadAxis, corridor: Corridor) -> Place:
    scale = _scale(one)
    scale_sigma = body.range_sigma if body.farther is None else 1 / math.hypot(1 / body.range_sigma, 1 / _WIDTH_SIGMA)
    range_m, seen_m, half_m = body.range_m * scale, body.centre_m * scale, body.half_m * scale
    lateral_m = seen_m - axis.lateral_m(range_m)
    sigma_m = _sigma_m(body.pixel_sigma_m, seen_m * scale_sigma, range_m * axis.slope_sigma)
    # Along a bent road a path is as straight as it keeps its distance from the axis.
    unit_m = one.height_m * scale
    bent = replace(one.path, lateral=lateral_m / unit_m, slope=one.path.slope - axis.slope - axis.bend * range_m)
    at_van, filter_sigma = bent.at_van()
    at_van_m = at_van * unit_m
    at_van_sigma_m = _sigma_m(filter_sigma * unit_m, at_van_m * scale_sigma)
    return Place(
        range_low_m=body.range_m * min(one.farther, _FARTHER_MAX) * math.exp(-1.645 * _WIDTH_SIGMA),
        lateral_m=lateral_m,
        lateral_sigma_m=sigma_m,
        at_van_m=at_van_m,
        at_van_sigma_m=at_van_sigma_m,
        in_axis=overlap(lateral_m, half_m, min(sigma_m, corridor.sigma_max_m), corridor.half_m),
        enters=overlap(at_van_m, half_m, at_van_sigma_m, corridor.half_m),
        normal=usual.is_normal(range_m, seen_m),
    )


def _sigma_m(*sigmas_m: float) -> float:
    return max(math.hypot(*sigmas_m), _SIGMA_MIN_M)


def _has_passed(one: _Followed) -> bool:
    """What stands beside us, and is lost and found, has not: it teaches nothing."""
    ranges_m = [range_m for range_m, _ in one.trail.values()]
    return one.clear and min(ranges_m) < _PASSED_M and max(ranges_m) - min(ranges_m) > _WAY_M
