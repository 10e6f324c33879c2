"""Recorded traffic through the rule of the siren, its sirens counted by the truth.

The recordings are of a car that moves; taken as if it were a van that stands, their relative motion is that of traffic
which comes at it, passes it or stays behind, and the labelled places say which.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gyrophare.evaluation.vision.kitti import FRAMES_PER_S, VEHICLES, LabelledBox
from gyrophare.evaluation.vision.kitti import Sequence as Recording
from vehicle_vision.boxes import CUBOIDS
from vehicle_vision.corridor import Corridor
from vehicle_vision.hazard import Policy
from vehicle_vision.lookout import Lookout
from vehicle_vision.ranging import DRIVING
from vehicle_vision.tracking import Tracked

THREAT_TTC_S = 4.0
_THREAT_FRAMES_MIN = 10  # while the recording car turns, whatever is parked round the bend threatens for a moment
_AHEAD_S = 4.0  # a siren may sound so long before a vehicle becomes a threat
_SEEN_OCCLUSION = 1  # beyond, a detector sees nothing
_SPEED_FRAMES = 3  # on either side, for a true speed
_COMING_MPS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One labelled vehicle in one frame, by its place and its motion against us."""

    at_s: float
    range_m: float
    ttc_s: float
    """Infinite when it does not come."""
    threatens: bool
    """Going on so, its body is within the van's width when it is here, in 4 s at most."""
    in_axis: bool
    """It comes, nearer than 100 m, and its body reaches into the corridor: what the rule `axis` asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardScore:
    """Of one recording, or of all."""

    name: str
    minutes: float
    vehicles: int
    threats: int
    """Vehicles that were a threat for a second on end."""
    sirens: int
    """One a vehicle and alert."""
    real: int
    """For a vehicle that threatened, if only for a moment, or did so within 4 s."""
    in_axis: int
    """For one that came in the axis, and then did not reach us: right by the rule `axis`."""
    false: int
    """For any other."""
    missed: int
    """Threats without a siren."""
    leads_s: tuple[float, ...]
    """Of the real ones: from the siren to the arrival that threatened."""

    def as_json(self) -> dict[str, Any]:
        found = asdict(self)
        leads_s = found.pop("leads_s")
        for share in (5, 50):
            found[f"lead_s_p{share}"] = round(float(np.percentile(leads_s, share)), 2) if leads_s else None
        return found


def score(recording: Recording, policy: Policy) -> HazardScore:
    """Play one recording through the van's judgement and compare."""
    truths = _truths(recording, policy)
    sirens = list(_sirens(recording, policy))
    threats = {track_id: found for track_id, one in truths.items() if (found := _threat(one))}
    verdicts = [_verdict(at_s, truths.get(track_id, [])) for track_id, at_s in sirens]
    warned = {track_id for (track_id, _), verdict in zip(sirens, verdicts, strict=True) if verdict == "real"}
    return HazardScore(
        name=recording.name,
        minutes=round(len(recording.frames) / FRAMES_PER_S / 60, 2),
        vehicles=len({box.track_id for frame in recording.frames for box in frame}),
        threats=len(threats),
        sirens=len(sirens),
        real=verdicts.count("real"),
        in_axis=verdicts.count("in_axis"),
        false=verdicts.count("false"),
        missed=len(threats.keys() - warned),
        leads_s=tuple(
            lead_s for track_id, at_s in sirens if (lead_s := _lead_s(at_s, truths.get(track_id, []))) is not None
        ),
    )


def total(scores: Sequence[HazardScore]) -> HazardScore:
    """All recordings together."""
    names = ("vehicles", "threats", "sirens", "real", "in_axis", "false", "missed")
    return HazardScore(
        name="in all",
        minutes=round(sum(one.minutes for one in scores), 2),
        leads_s=tuple(lead_s for one in scores for lead_s in one.leads_s),
        **{name: sum(getattr(one, name) for one in scores) for name in names},
    )


def _sirens(recording: Recording, policy: Policy) -> Iterator[tuple[int, float]]:
    """Which vehicle's alert began when."""
    lookout = Lookout(recording.camera, policy=policy, boxes=CUBOIDS, mounting=DRIVING)
    last_s: dict[int, float] = {}
    since_s: dict[int, float] = {}
    for number, frame in enumerate(recording.frames):
        at_s = number / FRAMES_PER_S
        seen = []
        for box in frame:
            if box.occlusion <= _SEEN_OCCLUSION:
                last_s[box.track_id] = at_s
                seen.append(_tracked(box, since_s.setdefault(box.track_id, at_s)))
        alive = {track_id for track_id, then_s in last_s.items() if at_s - then_s <= policy.lost_s}
        for track_id in lookout.judge(at_s, seen, alive).verdict.raised:
            yield track_id, at_s


def _tracked(box: LabelledBox, since_s: float) -> Tracked:
    return Tracked(
        track_id=box.track_id, label=VEHICLES[box.label], xyxy=box.xyxy, confidence=1.0, hits=1, since_s=since_s
    )


def _truths(recording: Recording, policy: Policy) -> dict[int, list[Truth]]:
    """What each vehicle truly did, in the order of time."""
    places = {(number, box.track_id): box for number, frame in enumerate(recording.frames) for box in frame}
    found: dict[int, list[Truth]] = {}
    for (number, track_id), box in places.items():
        before = places.get((number - _SPEED_FRAMES, track_id))
        after = places.get((number + _SPEED_FRAMES, track_id))
        if before is not None and after is not None and box.range_m > 0:
            found.setdefault(track_id, []).append(_truth(number, before, box, after, policy))
    return found


def _truth(number: int, before: LabelledBox, box: LabelledBox, after: LabelledBox, policy: Policy) -> Truth:
    seconds = 2 * _SPEED_FRAMES / FRAMES_PER_S
    closing_mps = (before.range_m - after.range_m) / seconds
    aside_mps = (after.place_m[0] - before.place_m[0]) / seconds
    ttc_s = box.range_m / closing_mps if closing_mps > _COMING_MPS else math.inf
    lane = Corridor()
    there_m = abs(box.place_m[0] + aside_mps * ttc_s) if ttc_s < math.inf else math.inf
    reach_m = _half_m(box)
    return Truth(
        at_s=number / FRAMES_PER_S,
        range_m=box.range_m,
        ttc_s=ttc_s,
        threatens=ttc_s < THREAT_TTC_S and there_m - reach_m < lane.van_half_m,
        in_axis=ttc_s < math.inf and box.range_m < policy.alert_range_m and abs(box.place_m[0]) - reach_m < lane.half_m,
    )


def _half_m(box: LabelledBox) -> float:
    """Half of what it takes across the road, turned as it is."""
    across = abs(box.length_m / 2 * math.cos(box.turned_rad)) + abs(box.width_m / 2 * math.sin(box.turned_rad))
    return float(across)


def _threat(truths: Sequence[Truth]) -> bool:
    """Whether it threatens for a second on end."""
    row = 0
    for one in truths:
        row = row + 1 if one.threatens else 0
        if row == _THREAT_FRAMES_MIN:
            return True
    return False


def _verdict(at_s: float, truths: Sequence[Truth]) -> str:
    after = [one for one in truths if at_s <= one.at_s <= at_s + _AHEAD_S]
    if any(one.threatens for one in after):
        return "real"
    return "in_axis" if any(one.in_axis for one in truths if abs(one.at_s - at_s) <= 1) else "false"


def _lead_s(at_s: float, truths: Sequence[Truth]) -> float | None:
    """From the siren to the arrival that threatened first."""
    for one in truths:
        if at_s <= one.at_s <= at_s + _AHEAD_S and one.threatens:
            return one.at_s - at_s + one.ttc_s
    return None
