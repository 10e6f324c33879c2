"""The rule: each vehicle's evidence, its level, and the level of all, which never drops before its time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from vehicle_vision.errors import VisionError
from vehicle_vision.hazard.judgement import Judgement, Motion
from vehicle_vision.hazard.policy import Level, Mode, Policy

_FRAME_MAX_S = 0.11  # one sight proves no more than that, however long ago the last was
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """One vehicle: what speaks for a level, in seconds seen more than not seen, and the level it has reached."""

    seen_s: float
    alert_for_s: float = 0.0
    danger_for_s: float = 0.0
    stood_for_s: float = 0.0
    level: Level = Level.NONE
    coming: bool = False
    """When last seen it kept its alert."""
    kept_s: float | None = None
    """When last something kept its alert."""
    armed_s: float = -math.inf
    """From when on it may raise an alert again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    at_s: float | None = None
    """Of the last frame that was looked at."""
    threats: Mapping[int, Threat] = field(default_factory=dict)
    level: Level = Level.NONE
    hold_until_s: float = -math.inf
    """Until then `level` does not drop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Of one frame."""

    at_s: float
    level: Level
    raised: tuple[int, ...]
    """Tracks whose alert began in this frame: one event each."""
    tracks: Mapping[int, Level]
    """Of each vehicle that has one above NONE."""


def step(state: State, judgements: Sequence[Judgement], at_s: float, policy: Policy) -> tuple[State, Verdict]:
    """Take what was seen in the frame of `at_s`; a vehicle that is not among it was not seen.

    Raise VisionError when time goes back, or an id comes twice.
    """
    seen = {one.track_id: one for one in judgements}
    if not math.isfinite(at_s) or (state.at_s is not None and at_s < state.at_s):
        raise VisionError(f"a frame of {at_s} s after one of {state.at_s} s; expected times that go forward")
    if len(seen) != len(judgements):
        raise VisionError(f"{len(judgements)} judgements of {len(seen)} vehicles; expected one each")
    passed_s = 0.0 if state.at_s is None else at_s - state.at_s
    threats = {}
    for track_id in state.threats.keys() | seen.keys():
        threat = state.threats.get(track_id, Threat(seen_s=at_s))
        judgement = seen.get(track_id)
        threat = _missed(threat, passed_s) if judgement is None else _saw(threat, judgement, passed_s, at_s, policy)
        threat = _release(threat, at_s, policy)
        if track_id in seen or threat.level > Level.WATCH or at_s - threat.seen_s <= policy.lost_s:
            threats[track_id] = threat
    return _conclude(state, threats, at_s, at_s, policy)


def pass_time(state: State, at_s: float, policy: Policy) -> tuple[State, Verdict]:
    """A frame that nobody could look at speaks neither for nor against a vehicle; no alert outlives its time."""
    threats = {track_id: _release(threat, at_s, policy) for track_id, threat in state.threats.items()}
    return _conclude(state, threats, state.at_s, at_s, policy)


def _conclude(
    state: State, threats: Mapping[int, Threat], looked_s: float | None, at_s: float, policy: Policy
) -> tuple[State, Verdict]:
    levels = {track_id: threat.level for track_id, threat in threats.items() if threat.level}
    raised = tuple(
        sorted(
            track_id
            for track_id, level in levels.items()
            if level >= Level.ALERT and (track_id not in state.threats or state.threats[track_id].level < Level.ALERT)
        )
    )
    level, hold_until_s = _hold(state, max(levels.values(), default=Level.NONE), at_s, policy)
    after = State(at_s=looked_s, threats=threats, level=level, hold_until_s=hold_until_s)
    return after, Verdict(at_s=at_s, level=level, raised=raised, tracks=levels)


def _saw(threat: Threat, judgement: Judgement, passed_s: float, at_s: float, policy: Policy) -> Threat:
    sight_s = min(passed_s, _FRAME_MAX_S)
    alerts, dangers = _alerts(judgement, policy), _is_danger(judgement, policy)
    most_s = policy.confirm_unknown_s
    alert_for_s = _weigh(threat.alert_for_s, alerts, sight_s, most_s)
    danger_for_s = _weigh(threat.danger_for_s, alerts and dangers, sight_s, most_s)
    keeps = _keeps(judgement, policy)
    stood_for_s = _weigh(threat.stood_for_s, judgement.motion is Motion.STANDING, sight_s, 2 * policy.stood_s)
    needed_s = _needed_s(judgement, stood_for_s >= policy.stood_s, policy) - _ROUNDING_S
    level = threat.level if threat.level >= Level.ALERT else _watch(judgement, policy)
    if alerts and dangers and danger_for_s >= needed_s:
        level = Level.DANGER
    elif alerts and alert_for_s >= needed_s and at_s >= threat.armed_s:
        level = max(level, Level.ALERT)
    return replace(
        threat,
        seen_s=at_s,
        alert_for_s=alert_for_s,
        danger_for_s=danger_for_s,
        stood_for_s=stood_for_s,
        level=level,
        coming=keeps,
        kept_s=at_s if keeps else threat.kept_s,
    )


def _missed(threat: Threat, passed_s: float) -> Threat:
    """Not to be seen is no evidence of safety: the level stays until it is released. One look proves no more here."""
    sight_s = min(passed_s, _FRAME_MAX_S)
    return replace(
        threat,
        alert_for_s=max(threat.alert_for_s - sight_s, 0.0),
        danger_for_s=max(threat.danger_for_s - sight_s, 0.0),
    )


def _release(threat: Threat, at_s: float, policy: Policy) -> Threat:
    """Back to NONE when nothing has kept the alert for its time; WATCH lasts while it is seen."""
    if threat.level < Level.ALERT:
        return threat if at_s == threat.seen_s else replace(threat, level=Level.NONE)
    patience_s = policy.lost_s if threat.coming and at_s > threat.seen_s else policy.release_s
    if threat.kept_s is not None and at_s - threat.kept_s < patience_s - _ROUNDING_S:
        return threat
    return replace(
        threat, level=Level.NONE, kept_s=None, alert_for_s=0.0, danger_for_s=0.0, armed_s=at_s + policy.rearm_s
    )


def _hold(state: State, wanted: Level, at_s: float, policy: Policy) -> tuple[Level, float]:
    """The level of all, and until when it does not drop: a siren that stutters tells nobody what to do."""
    level = max(wanted, state.level) if at_s < state.hold_until_s - _ROUNDING_S else wanted
    if level <= state.level or level < Level.ALERT:
        return level, state.hold_until_s
    hold_s = policy.hold_danger_s if level == Level.DANGER else policy.hold_alert_s
    return level, max(state.hold_until_s, at_s + hold_s)


def _alerts(judgement: Judgement, policy: Policy) -> bool:
    """Whether this sight speaks for an alert."""
    if judgement.motion in (Motion.STANDING, Motion.RECEDING) or not _reaches(judgement, policy, already=False):
        return False
    soon = judgement.ttc_s is not None and judgement.ttc_s < policy.early_ttc_s
    return soon or _range_then_m(judgement, policy) < policy.alert_range_m


def _is_danger(judgement: Judgement, policy: Policy) -> bool:
    """Whether it is so near, or so soon here, that only running helps."""
    if judgement.motion is not Motion.COMING:
        return False
    soon = judgement.ttc_low_s is not None and judgement.ttc_low_s < policy.danger_ttc_s
    return soon or judgement.range_m < policy.danger_range_m


def _keeps(judgement: Judgement, policy: Policy) -> bool:
    """Whether this sight keeps an alert that stands; what begins one keeps it too."""
    return _alerts(judgement, policy) or (
        judgement.motion in (Motion.COMING, Motion.UNKNOWN)
        and judgement.range_m < policy.release_range_m
        and _reaches(judgement, policy, already=True)
    )


def _watch(judgement: Judgement, policy: Policy) -> Level:
    near = judgement.range_low_m < policy.watch_range_m and judgement.motion is not Motion.RECEDING
    return Level.WATCH if near else Level.NONE


def _reaches(judgement: Judgement, policy: Policy, *, already: bool) -> bool:
    """Whether it is in the corridor, or will be; less is asked of what was there `already`."""
    if policy.mode is Mode.AXIS:
        far = judgement.range_m > policy.alert_range_m and not already
        ends = judgement.enters >= policy.far_ends_inside or not far
        return ends and judgement.in_axis >= (policy.outside if already else policy.inside)
    near = judgement.ttc_s is not None and judgement.ttc_s < policy.normal_ttc_s
    ends = judgement.enters >= (policy.outside if already else policy.ends_inside)
    return ends and (near or not judgement.normal)


def _range_then_m(judgement: Judgement, policy: Policy) -> float:
    """The lower bound of the range when the siren will sound."""
    if judgement.ttc_s is None:
        return judgement.range_low_m
    return judgement.range_low_m * max(1 - policy.latency_s / judgement.ttc_s, 0.0)


def _needed_s(judgement: Judgement, stood: bool, policy: Policy) -> float:
    """For how long it must be seen before it is believed: near by there is less time, and more to be seen."""
    if judgement.motion is Motion.UNKNOWN:
        return policy.confirm_unknown_s
    if stood:
        return policy.confirm_stood_s
    if judgement.range_m < policy.cut_in_range_m and judgement.confidence >= policy.cut_in_confidence:
        return policy.cut_in_confirm_s
    return policy.confirm_s


def _weigh(so_far_s: float, speaks: bool, sight_s: float, most_s: float) -> float:
    """More for than against: M of N, in seconds."""
    return min(max(so_far_s + (sight_s if speaks else -sight_s), 0.0), most_s)
