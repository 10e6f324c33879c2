"""What a detector sees of labelled pictures, and how far off its boxes are ranged, each picture alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gyrophare.evaluation.vision.objects import Labelled, Picture
from vehicle_vision.boxes import DETECTED
from vehicle_vision.detectors import Detections
from vehicle_vision.overlap import inside, iou, pairs
from vehicle_vision.ranging import DRIVING, Ranger, Seen

IOU = 0.4  # of a box with the label that it is of
HEIGHTS_PX = (6, 8, 10, 12, 15, 20, 25, 32, 48, np.inf)
"""At the network's input: what it can see depends on that alone."""
RANGES_M = (*range(0, 101, 10), np.inf)
RANGED_M = (5.0, 100.0)
_IGNORED = 0.5  # of a box in a region that nobody labelled
_BIG_PX = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One label that counts, and what was seen of it."""

    picture: str
    label: Labelled
    height_px: float
    """Of the label, at the network's input."""
    confidence: float | None
    """None: not seen."""
    height_ratio: float | None
    """Of the detector's box beside the label's."""
    bottom_lift: float | None
    """How far the box ends above the label, as a share of its height."""
    range_m: float | None
    """As ranged from this one picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One picture."""

    name: str
    found: Detections
    sightings: tuple[Sighting, ...]
    true: NDArray[np.bool_]
    """Which detections are of a label that counts; shape (n,)."""
    false: NDArray[np.bool_]
    """Which are of nothing; the rest are of what may be seen or not. Shape (n,)."""
    heights_px: NDArray[np.float64]
    """Of the detections, at the network's input; shape (n,)."""
    ranges_m: NDArray[np.float64]
    """Of the detections; NaN where not known. Shape (n,)."""


def look(picture: Picture, found: Detections, scale: float) -> Looked:
    """Compare; `scale` is that of the detector for this picture."""
    counted = [one for one in picture.objects if one.counts]
    rest = [one for one in picture.objects if not one.counts]
    matched = dict(pairs(iou(_boxes(counted), found.xyxy), IOU))
    true = np.isin(np.arange(len(found)), list(matched.values()))
    of_rest = np.vstack((iou(_boxes(rest), found.xyxy) >= IOU, inside(found.xyxy, _boxes(rest)).T >= _IGNORED))
    ranges_m = _ranges_m(picture, found)
    return Looked(
        name=picture.name,
        found=found,
        sightings=tuple(
            _sighting(picture.name, label, found, ranges_m, matched.get(number), scale)
            for number, label in enumerate(counted)
        ),
        true=true,
        false=~true & ~of_rest.any(axis=0),
        heights_px=(found.xyxy[:, 3] - found.xyxy[:, 1]) * scale,
        ranges_m=ranges_m,
    )


def figures(looks: Sequence[Looked]) -> dict[str, Any]:
    """All of it, by the keys that `gyrophare evaluate detection --json` prints."""
    sightings = [one for looked in looks for one in looked.sightings]
    heights_px = np.array([one.height_px for one in sightings])
    ranges_m = np.array([one.label.range_m if one.label.range_m is not None else np.nan for one in sightings])
    seen = np.array([one.confidence is not None for one in sightings], dtype=np.bool_)
    true, false = _all(looks, "true"), _all(looks, "false")
    big, big_found = heights_px >= _BIG_PX, _all(looks, "heights_px") >= _BIG_PX
    return {
        "frames": len(looks),
        "n": len(sightings),
        "recall": _share(seen),
        "precision": _share(true[true | false]),
        "n_20_px": int(big.sum()),
        "recall_20_px": _share(seen[big]),
        "precision_20_px": _share(true[(true | false) & big_found]),
        "by_height_px": _bins(HEIGHTS_PX, heights_px, seen, _all(looks, "heights_px"), true, false),
        "by_range_m": _bins(RANGES_M, ranges_m, seen, _all(looks, "ranges_m"), true, false),
        "range": _range_figures(sightings),
        "boxes": _box_figures(sightings),
        "missed": [
            {
                "picture": one.picture,
                "kind": one.label.kind,
                "height_px": round(one.height_px, 1),
                "range_m": _round(one.label.range_m),
            }
            for one in sightings
            if one.confidence is None
        ],
    }


def _sighting(
    name: str, label: Labelled, found: Detections, ranges_m: NDArray[np.float64], number: int | None, scale: float
) -> Sighting:
    height_px = label.xyxy[3] - label.xyxy[1]
    if number is None:
        return Sighting(
            picture=name,
            label=label,
            height_px=height_px * scale,
            confidence=None,
            height_ratio=None,
            bottom_lift=None,
            range_m=None,
        )
    _, y1, _, y2 = found.xyxy[number].tolist()
    return Sighting(
        picture=name,
        label=label,
        height_px=height_px * scale,
        confidence=float(found.confidence[number]),
        height_ratio=(y2 - y1) / height_px,
        bottom_lift=(label.xyxy[3] - y2) / (y2 - y1),
        range_m=None if np.isnan(ranges_m[number]) else float(ranges_m[number]),
    )


def _ranges_m(picture: Picture, found: Detections) -> NDArray[np.float64]:
    """As the van would range them, had it seen nothing before."""
    seen = [
        Seen(track_id=number, label=label, xyxy=tuple(xyxy))
        for number, (label, xyxy, whole) in enumerate(zip(found.labels, found.xyxy.tolist(), found.whole, strict=True))
        if whole
    ]
    estimates = Ranger(picture.camera, boxes=DETECTED, mounting=DRIVING).look(0.0, seen)
    return np.array([estimates[number].range_m if number in estimates else np.nan for number in range(len(found))])


def _range_figures(sightings: Sequence[Sighting]) -> dict[str, Any]:
    low_m, high_m = RANGED_M
    both = [
        (one.label.range_m, one.range_m)
        for one in sightings
        if one.label.range_m is not None and one.range_m is not None and low_m <= one.label.range_m <= high_m
    ]
    if not both:
        return {"n": 0, "abs_rel": None, "bias_rel": None, "rmse_m": None, "bias_m_by_10m": {}}
    truth, read = np.array(both).T
    off = read - truth
    return {
        "n": len(both),
        "abs_rel": _round(np.abs(off / truth).mean(), 4),
        "bias_rel": _round((off / truth).mean(), 4),
        "rmse_m": _round(np.sqrt((off**2).mean()), 3),
        "bias_m_by_10m": {
            f"{low}-{low + 10}": _round(off[within].mean())
            for low in range(0, 100, 10)
            if (within := (truth >= low) & (truth < low + 10)).any()
        },
    }


def _box_figures(sightings: Sequence[Sighting]) -> dict[str, Any]:
    """How boxes lie around vehicles that nothing hides: what `vehicle_vision.boxes.DETECTED` is fitted to."""
    free = [
        (one.height_ratio, one.bottom_lift)
        for one in sightings
        if one.height_ratio is not None and one.bottom_lift is not None and not one.label.hidden
    ]
    if len(free) < 2:
        return {"n": len(free), "height_ratio": None, "height_ratio_sigma": None, "bottom_lift": None}
    ratios, lifts = np.array(free).T
    return {
        "n": len(free),
        "height_ratio": _round(ratios.mean(), 3),
        "height_ratio_sigma": _round(ratios.std(ddof=1), 3),
        "bottom_lift": _round(lifts.mean(), 3),
    }


def _bins(
    edges: Sequence[float],
    of_labels: NDArray[np.float64],
    seen: NDArray[np.bool_],
    of_found: NDArray[np.float64],
    true: NDArray[np.bool_],
    false: NDArray[np.bool_],
) -> list[dict[str, Any]]:
    rows = []
    for low, high in pairwise(edges):
        labels = (of_labels >= low) & (of_labels < high)
        found = (of_found >= low) & (of_found < high) & (true | false)
        rows.append(
            {
                "from": low,
                "to": None if np.isinf(high) else high,
                "n": int(labels.sum()),
                "recall": _share(seen[labels]),
                "found": int(found.sum()),
                "precision": _share(true[found]),
            }
        )
    return rows


def _all(looks: Sequence[Looked], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(looked, name) for looked in looks])


def _boxes(labels: Sequence[Labelled]) -> NDArray[np.float64]:
    return np.array([one.xyxy for one in labels], dtype=np.float64).reshape(-1, 4)


def _share(of: NDArray[np.bool_]) -> float | None:
    return _round(of.mean(), 4) if of.size else None


def _round(value: Any, digits: int = 2) -> float | None:
    return None if value is None else round(float(value), digits)
