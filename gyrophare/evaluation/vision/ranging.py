"""`gyrophare evaluate ranging`: labelled boxes through the real ranging, in time, beside where the vehicles truly were.

Counted are boxes of which nothing is cut or much hidden, 5 to 100 m away; followed are all, as on the road.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gyrophare.evaluation.vision.kitti import FRAMES_PER_S, VEHICLES, LabelledBox, Sequence
from vehicle_vision.boxes import CUBOIDS
from vehicle_vision.ranging import DRIVING, RangeEstimate, Ranger, Seen

_NEAREST_M, _FARTHEST_M = 5.0, 100.0
_OCCLUSION_MAX = 1
_EDGE_PX = 1.0
_NOISE_PX, _NOISE = 0.8, 0.015
_SPEED_FRAMES = 3  # on either side: the labels' own noise is 0.2 m/s then
_TTC_MAX_S, _CLOSING_MIN_MPS, _TTC_WITHIN = 6.0, 2.0, 0.25
_DELTA = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What was estimated beside what is true."""

    label: str
    found: RangeEstimate
    range_m: float
    closing_mps: float | None
    """None: the vehicle is not labelled three frames before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangingScore:
    """Of all pairs; a figure is None where nothing could be counted."""

    abs_rel: float | None
    rmse_m: float | None
    rmse_log: float | None
    delta_1_25: float | None
    bias_m_by_10m: dict[str, float]
    abs_rel_by_10m: dict[str, float]
    abs_rel_by_label: dict[str, float]
    closing_speed_rmse_mps: float | None
    """Of those for which a speed was given: see `closing_speed_known_pct`."""
    closing_speed_known_pct: float | None
    ttc_within_25_pct: float | None
    """Of those for which a time was given: see `ttc_known_pct`."""
    ttc_known_pct: float | None
    interval_coverage_pct: float | None
    """How many truths lie within what was given as 5 to 95 %."""
    n: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def pairs(sequence: Sequence, *, noise: float, coco: bool, seed: int) -> Iterator[Pair]:
    """Follow one sequence. `noise` moves each edge; `coco`: only a detector's words are told."""
    ranger = Ranger(sequence.camera, boxes=CUBOIDS, mounting=DRIVING)
    truths = _truths(sequence)
    rng = np.random.default_rng([seed, int.from_bytes(sequence.name.encode())])
    for frame, boxes in enumerate(sequence.frames):
        found = ranger.look(frame / FRAMES_PER_S, [_seen(box, noise, coco, rng) for box in boxes])
        for box in boxes:
            if box.track_id in found and _counts(box, sequence.camera.frame_wh):
                yield Pair(
                    label=box.label,
                    found=found[box.track_id],
                    range_m=box.range_m,
                    closing_mps=_closing_mps(truths[box.track_id], frame),
                )


def score(found: Iterable[Pair]) -> RangingScore:
    """What the pairs amount to."""
    kept = list(found)
    estimated_m = np.array([pair.found.range_m for pair in kept])
    true_m = np.array([pair.range_m for pair in kept])
    relative = np.abs(estimated_m / true_m - 1)
    apart = np.maximum(estimated_m / true_m, true_m / estimated_m)
    tens = [f"{int(range_m // 10) * 10}-{int(range_m // 10) * 10 + 10}" for range_m in true_m]
    speeds = [(pair.found.closing_mps, pair.closing_mps) for pair in kept if pair.closing_mps is not None]
    known = np.array([(ours, true) for ours, true in speeds if ours is not None]).reshape(-1, 2)
    times = [
        (pair.found.ttc_s, pair.range_m / pair.closing_mps)
        for pair in kept
        if pair.closing_mps is not None
        and pair.closing_mps > _CLOSING_MIN_MPS
        and pair.range_m / pair.closing_mps < _TTC_MAX_S
    ]
    timed = np.array([ours / true for ours, true in times if ours is not None])
    within = np.array([pair.found.range_low_m <= pair.range_m <= pair.found.range_high_m for pair in kept])
    return RangingScore(
        abs_rel=_mean(relative),
        rmse_m=_root(_mean((estimated_m - true_m) ** 2)),
        rmse_log=_root(_mean(np.log(apart) ** 2)),
        delta_1_25=_mean(apart < _DELTA),
        bias_m_by_10m=_by(tens, estimated_m - true_m),
        abs_rel_by_10m=_by(tens, relative),
        abs_rel_by_label=_by([pair.label for pair in kept], relative),
        closing_speed_rmse_mps=_root(_mean((known[:, 0] - known[:, 1]) ** 2)),
        closing_speed_known_pct=_percent(len(known), len(speeds)),
        ttc_within_25_pct=_percent(int((np.abs(timed - 1) < _TTC_WITHIN).sum()), len(timed)),
        ttc_known_pct=_percent(len(timed), len(times)),
        interval_coverage_pct=_percent(int(within.sum()), len(kept)),
        n=len(kept),
    )


def _seen(box: LabelledBox, noise: float, coco: bool, rng: np.random.Generator) -> Seen:
    x1, y1, x2, y2 = box.xyxy
    size = np.array((x2 - x1, y2 - y1, x2 - x1, y2 - y1))
    moved = np.array(box.xyxy) + noise * (_NOISE_PX + _NOISE * size) * rng.standard_normal(4)
    label = VEHICLES[box.label] if coco else box.label
    return Seen(track_id=box.track_id, label=label, xyxy=tuple(moved.tolist()))


def _counts(box: LabelledBox, frame_wh: tuple[int, int]) -> bool:
    x1, y1, x2, y2 = box.xyxy
    width, height = frame_wh
    inside = min(x1, y1) > _EDGE_PX and x2 < width - 1 - _EDGE_PX and y2 < height - 1 - _EDGE_PX
    clear = box.truncated == 0 and box.occlusion <= _OCCLUSION_MAX
    return inside and clear and _NEAREST_M <= box.range_m <= _FARTHEST_M


def _truths(sequence: Sequence) -> dict[int, dict[int, float]]:
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for boxes in sequence.frames:
        for box in boxes:
            found[box.track_id][box.frame] = box.range_m
    return found


def _closing_mps(ranges_m: dict[int, float], frame: int) -> float | None:
    before, after = ranges_m.get(frame - _SPEED_FRAMES), ranges_m.get(frame + _SPEED_FRAMES)
    if before is None or after is None:
        return None
    return (before - after) * FRAMES_PER_S / (2 * _SPEED_FRAMES)


def _by(groups: list[str], values: Any) -> dict[str, float]:
    return {
        group: float(np.mean([value for name, value in zip(groups, values, strict=True) if name == group]))
        for group in sorted(set(groups), key=lambda name: (len(name), name))
    }


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _root(value: float | None) -> float | None:
    return None if value is None else math.sqrt(value)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
