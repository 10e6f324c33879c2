"""All tracks of one camera, frame by frame: in time, causal, nothing of it known beforehand but the camera."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vehicle_vision.boxes import DETECTED, Boxes, BoxModel, Edges, edges, usable
from vehicle_vision.camera import Camera
from vehicle_vision.errors import VisionError
from vehicle_vision.ranging.estimate import RangeEstimate, estimate
from vehicle_vision.ranging.horizon import PARKED, Horizon, Mounting
from vehicle_vision.ranging.size_bank import SizeBank, View

_FORGET_S = 30.0  # a tracker that still knows a vehicle after that is mistaken


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A track as it is seen in one frame; `xyxy` in pixels, undistorted."""

    track_id: int
    label: str
    xyxy: tuple[float, float, float, float]
    whole: bool = True
    """False: a crop's edge cut it, as `Detections.whole` says; then nothing is measured, and the past goes on."""


@dataclass(slots=True, kw_only=True)
class _Followed:
    bank: SizeBank
    since_s: float
    at_s: float


class Ranger:
    """Call `look` with each frame's tracks."""

    def __init__(self, camera: Camera, *, boxes: BoxModel = DETECTED, mounting: Mounting = PARKED) -> None:
        self._camera = camera
        self._model = boxes
        self._parked = mounting.same_s > 0
        self._view = View(focal_px=camera.fy_px, horizon_px=camera.horizon_px, height_m=camera.height_m)
        self.horizon = Horizon(mounting, camera.pitch_sigma_deg)
        self._followed: dict[int, _Followed] = {}
        self._at_s: float | None = None

    def look(self, at_s: float, seen: Sequence[Seen]) -> Mapping[int, RangeEstimate]:
        """The range of each track in this frame, by its id; a track whose box cannot be one is left out.

        `at_s` is monotonic. Raise VisionError when it goes back: which order is right, nobody can tell.
        """
        if not math.isfinite(at_s) or (self._at_s is not None and at_s < self._at_s):
            raise VisionError(f"a frame of {at_s} s after one of {self._at_s} s; expected times that go forward")
        boxes = np.array([one.xyxy for one in seen], dtype=np.float64).reshape(-1, 4)
        good = usable(boxes)
        boxes, seen = boxes[good], [one for one, kept in zip(seen, good, strict=True) if kept]
        whole = np.array([one.whole for one in seen], dtype=np.bool_)
        found = edges(boxes, self._camera.frame_wh, self._model)
        found = Edges(top=found.top & whole, bottom=found.bottom & whole, sides=found.sides & whole)
        if self._at_s is not None:
            self.horizon.advance(at_s - self._at_s)
        self._at_s = at_s
        followed = [self._follow(at_s, one) for one in seen]
        self._see_sizes(followed, boxes, found)
        self._see_ground(followed, boxes, found)
        self._forget(at_s)
        return {
            one.track_id: estimate(track.bank, at_s - track.since_s) for one, track in zip(seen, followed, strict=True)
        }

    def moves(self, track_id: int) -> bool:
        """Whether it comes or goes, beyond doubt; seen from a camera that drives, all does."""
        track = self._followed.get(track_id)
        return track is not None and (not self._parked or track.bank.moves)

    def _follow(self, at_s: float, one: Seen) -> _Followed:
        track = self._followed.get(one.track_id)
        if track is None:
            bank = SizeBank(one.label, one.xyxy[3] - one.xyxy[1], self._view, self._model)
            track = self._followed[one.track_id] = _Followed(bank=bank, since_s=at_s, at_s=at_s)
        else:
            aside = ((one.xyxy[0] + one.xyxy[2]) / 2 - self._camera.vanishing_px) / self._camera.fx_px
            track.bank.advance(at_s - track.at_s, aside)
            track.bank.call(one.label)
            track.at_s = at_s
        return track

    def _see_sizes(self, followed: Sequence[_Followed], boxes: Boxes, found: Edges) -> None:
        for track, (x1, y1, x2, y2), high, wide in zip(
            followed, boxes.tolist(), found.top & found.bottom, found.sides, strict=True
        ):
            if high:
                track.bank.see_height(y2 - y1, self._view)
            if wide:
                track.bank.see_width(x2 - x1, self._view)

    def _see_ground(self, followed: Sequence[_Followed], boxes: Boxes, found: Edges) -> None:
        stands = [
            (track, float(box[3]), float(box[3] - box[1]))
            for track, box, bottom in zip(followed, boxes, found.bottom, strict=True)
            if bottom
        ]
        if self._view.height_m is None or not stands:
            return
        said = np.array([track.bank.say_pitch(bottom, height, self._view) for track, bottom, height in stands])
        silent = np.array([self._parked and not track.bank.moves for track, _, _ in stands])
        pitches, variances = self.horizon.look(said[:, 0], np.where(silent, np.inf, said[:, 1]))
        for (track, bottom, height), pitch, variance in zip(stands, pitches, variances, strict=True):
            track.bank.see_ground(bottom, height, self._view, float(pitch), float(variance))

    def _forget(self, at_s: float) -> None:
        for track_id in [track_id for track_id, track in self._followed.items() if at_s - track.at_s > _FORGET_S]:
            del self._followed[track_id]
