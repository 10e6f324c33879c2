"""Which detection is which vehicle. After ByteTrack (Zhang et al. 2022): the confident detections first, then the
doubtful ones for those tracks that are still without; what is doubtful begins no track."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import lap
import numpy as np
from numpy.typing import NDArray

from vehicle_vision.boxes import CUBOIDS, Boxes, Edges, edges, usable
from vehicle_vision.errors import VisionError
from vehicle_vision.tracking.box_filters import BoxFilters

XYXY = tuple[float, float, float, float]
_Rows = NDArray[np.intp]

CONFIDENT, DOUBTFUL = 0.20, 0.10
LOST_S = 1.0
_GATE, _DOUBTFUL_GATE = 18.5, 9.5  # squared sigmas of four: one in a thousand, one in twenty of the true ones left out
_BARRED = 1e6  # a cost that no pair inside the gate comes near


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A track as it is seen in this frame: the detection itself, not the filter's opinion of it."""

    track_id: int
    label: str
    xyxy: XYXY
    confidence: float
    hits: int
    """In how many frames it was detected."""
    since_s: float
    """When it was first seen."""
    whole: bool = True
    """False: a crop has cut the box, and nothing is to be measured of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coasting:
    """A track that was not detected in this frame, where it is believed to be."""

    track_id: int
    label: str
    xyxy: XYXY
    hits: int
    since_s: float
    lost_s: float
    """For how long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """All tracks in one frame."""

    at_s: float
    seen: tuple[Tracked, ...]
    coasting: tuple[Coasting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Track:
    track_id: int
    label: str
    hits: int
    since_s: float
    seen_s: float


class Tracker:
    """Call `update` with what was detected in each frame of one camera; ids are never used again."""

    def __init__(self, frame_wh: tuple[int, int], *, lost_s: float = LOST_S) -> None:
        self._frame_wh = frame_wh
        self._lost_s = lost_s
        self._filters = BoxFilters()
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._at_s: float | None = None

    def update(
        self,
        at_s: float,
        xyxy: Boxes,
        confidence: NDArray[np.float64],
        labels: Sequence[str],
        frame_wh: tuple[int, int],
        whole: NDArray[np.bool_] | None = None,
    ) -> Frame:
        """The tracks of the frame taken at `at_s`, monotonic seconds.

        xyxy: float64, shape (n, 4), pixels as detected; confidence: float64, shape (n,), 0 to 1; whole: shape (n,),
        which boxes no crop has cut, None: all. Raise VisionError, and take nothing of the frame, when it cannot be one
        of this camera after the last.
        """
        self._check(at_s, xyxy, confidence, labels, frame_wh)
        self._filters.advance(at_s - (at_s if self._at_s is None else self._at_s))
        self._at_s = at_s
        self._forget(at_s)
        seen = edges(xyxy, self._frame_wh, CUBOIDS)
        owners = self._associate(xyxy, confidence, seen)
        self._correct(at_s, xyxy, labels, owners, seen)
        self._begin(at_s, xyxy, labels, owners, confidence >= CONFIDENT)
        uncut = np.ones(len(xyxy), np.bool_) if whole is None else whole
        return self._frame(at_s, xyxy, confidence, uncut, owners)

    def _associate(self, xyxy: Boxes, confidence: NDArray[np.float64], whole: Edges) -> _Rows:
        """The row of the track that owns each box, -1 where none does; shape (n,)."""
        owners = np.full(len(xyxy), -1)
        free = np.full(len(self._tracks), True)
        squared, costs = self._filters.distances(xyxy, whole)
        sure = confidence >= CONFIDENT
        for chosen, gate in ((sure, _GATE), (~sure & (confidence >= DOUBTFUL), _DOUBTFUL_GATE)):
            rows, columns = np.flatnonzero(free), np.flatnonzero(chosen)
            if len(rows) and len(columns):
                pairs = np.ix_(rows, columns)
                owners[columns] = _assign(np.where(squared[pairs] < gate, costs[pairs], _BARRED), rows)
                free[owners[columns][owners[columns] >= 0]] = False
        return owners

    def _correct(self, at_s: float, xyxy: Boxes, labels: Sequence[str], owners: _Rows, whole: Edges) -> None:
        owned = owners >= 0
        self._filters.correct(owners[owned], xyxy[owned], whole.of(owned))
        for column in np.flatnonzero(owned).tolist():
            track = self._tracks[owners[column]]
            self._tracks[owners[column]] = replace(track, hits=track.hits + 1, seen_s=at_s, label=labels[column])

    def _begin(self, at_s: float, xyxy: Boxes, labels: Sequence[str], owners: _Rows, sure: NDArray[np.bool_]) -> None:
        """A track for each sure box that nobody owns; `owners` then names it."""
        new = (owners < 0) & sure
        self._filters.add(xyxy[new])
        for column in np.flatnonzero(new).tolist():
            owners[column] = len(self._tracks)
            self._last_id += 1
            track = _Track(track_id=self._last_id, label=labels[column], hits=1, since_s=at_s, seen_s=at_s)
            self._tracks.append(track)

    def _forget(self, at_s: float) -> None:
        """What was lost for too long, or went out of the picture while it was not seen."""
        boxes = self._filters.xyxy
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = ((centres > 0) & (centres < self._frame_wh)).all(axis=1)
        recent = np.array([at_s - track.seen_s <= self._lost_s for track in self._tracks], dtype=np.bool_)
        kept = inside & recent
        self._filters.keep(kept)
        self._tracks = [track for track, stays in zip(self._tracks, kept, strict=True) if stays]

    def _frame(
        self, at_s: float, xyxy: Boxes, confidence: NDArray[np.float64], uncut: NDArray[np.bool_], owners: _Rows
    ) -> Frame:
        columns = {int(row): column for column, row in enumerate(owners) if row >= 0}
        believed = self._filters.xyxy
        seen, coasting = [], []
        for row, track in enumerate(self._tracks):
            if (column := columns.get(row)) is None:
                coasting.append(
                    Coasting(
                        track_id=track.track_id,
                        label=track.label,
                        xyxy=_xyxy(believed[row]),
                        hits=track.hits,
                        since_s=track.since_s,
                        lost_s=at_s - track.seen_s,
                    )
                )
            else:
                seen.append(
                    Tracked(
                        track_id=track.track_id,
                        label=track.label,
                        xyxy=_xyxy(xyxy[column]),
                        confidence=float(confidence[column]),
                        hits=track.hits,
                        since_s=track.since_s,
                        whole=bool(uncut[column]),
                    )
                )
        return Frame(at_s=at_s, seen=tuple(seen), coasting=tuple(coasting))

    def _check(
        self,
        at_s: float,
        xyxy: Boxes,
        confidence: NDArray[np.float64],
        labels: Sequence[str],
        frame_wh: tuple[int, int],
    ) -> None:
        if not math.isfinite(at_s) or (self._at_s is not None and at_s < self._at_s):
            raise VisionError(f"a frame of {at_s} s after one of {self._at_s} s; expected times that go forward")
        if frame_wh != self._frame_wh:
            raise VisionError(
                f"a frame of {frame_wh[0]}x{frame_wh[1]} after those of {self._frame_wh[0]}x{self._frame_wh[1]}; "
                "expected one resolution. Begin again with a camera scaled to the new one."
            )
        if xyxy.shape != (len(labels), 4) or confidence.shape != (len(labels),):
            raise VisionError(
                f"boxes of shape {xyxy.shape}, confidence {confidence.shape}, {len(labels)} labels; "
                "expected (n, 4), (n,) and n"
            )
        if not (good := usable(xyxy)).all():
            raise VisionError(
                f"a box {xyxy[~good][0].tolist()}; expected x1 y1 x2 y2, finite and a pixel or more each way. "
                "Check the detector."
            )
        if not ((confidence >= 0) & (confidence <= 1)).all():
            raise VisionError(f"confidence {confidence.tolist()}; expected 0 to 1 each")


def _assign(costs: NDArray[np.float64], rows: _Rows) -> _Rows:
    """The cheapest assignment; costs of shape (rows, columns). Return the row of each column, -1 for none."""
    _, _, of_column = lap.lapjv(costs, extend_cost=True, cost_limit=_BARRED / 2)
    return np.where(of_column >= 0, rows[of_column], -1)


def _xyxy(box: NDArray[np.float64]) -> XYXY:
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2
