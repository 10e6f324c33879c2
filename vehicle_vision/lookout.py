"""The lookout: from the detections of a frame to the verdict, stages 3 to 6 of the way from a frame to the siren.

On the way it learns where the camera looks: how far it looks down from the sizes and places of vehicles, where the road
goes from the ways they drive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vehicle_vision import corridor, hazard
from vehicle_vision.boxes import DETECTED, Boxes, BoxModel, edges
from vehicle_vision.calibration.state import Calibration
from vehicle_vision.calibration.vanishing import Vanishing
from vehicle_vision.camera import Camera
from vehicle_vision.hazard.judgement import judge
from vehicle_vision.ranging import PARKED, Mounting, RangeEstimate, Ranger, Seen
from vehicle_vision.tracking import XYXY, Frame, Tracked, Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one frame amounts to; by track id, of those seen in it."""

    boxes: Mapping[int, XYXY]
    """Pixels, as detected."""
    ranges: Mapping[int, RangeEstimate]
    places: Mapping[int, corridor.Place]
    verdict: hazard.Verdict


class Lookout:
    """Call `look` with what was detected in each frame of one parked van's camera."""

    def __init__(
        self,
        camera: Camera,
        *,
        policy: hazard.Policy | None = None,
        lane: corridor.Corridor | None = None,
        boxes: BoxModel = DETECTED,
        mounting: Mounting = PARKED,
    ) -> None:
        self._camera = camera
        self._policy = policy or hazard.Policy()
        self._lane = lane or corridor.Corridor()
        self._model = boxes
        self._tracker = Tracker(camera.frame_wh, lost_s=self._policy.lost_s)
        self._ranger = Ranger(camera, boxes=boxes, mounting=mounting)
        self._vanishing = Vanishing(camera, boxes)
        self._corridor, self._hazard = corridor.State(), hazard.State()

    @property
    def calibration(self) -> Calibration:
        """Where the camera looks beside what its file says, as far as it was learnt."""
        horizon = self._ranger.horizon
        return Calibration(
            pitch_off_deg=math.degrees(horizon.settled_rad),
            pitch_sigma_deg=math.degrees(horizon.settled_sigma_rad),
            yaw_off_deg=self._vanishing.off_deg,
            yaw_sigma_deg=self._vanishing.sigma_deg,
        )

    def see_lines(self, column_px: float, sigma_px: float) -> None:
        """Take where the lines painted on the road meet; once, for they do not move: `calibration.lane_lines`."""
        self._vanishing.see_lines(column_px, sigma_px)

    def look(
        self,
        at_s: float,
        xyxy: Boxes,
        confidence: NDArray[np.float64],
        labels: Sequence[str],
        frame_wh: tuple[int, int],
        whole: NDArray[np.bool_] | None = None,
    ) -> tuple[Frame, Judged]:
        """Judge the frame taken at `at_s`, monotonic; arguments as `Tracker.update`, which refuses what is none."""
        frame = self._tracker.update(at_s, xyxy, confidence, labels, frame_wh, whole)
        alive = {one.track_id for one in frame.seen} | {one.track_id for one in frame.coasting}
        return frame, self.judge(at_s, frame.seen, alive)

    def miss(self, at_s: float) -> hazard.Verdict:
        """A frame that could not be looked at: time passes, and nothing is known."""
        self._hazard, verdict = hazard.pass_time(self._hazard, at_s, self._policy)
        return verdict

    def judge(self, at_s: float, seen: Sequence[Tracked], alive: AbstractSet[int]) -> Judged:
        """The same for vehicles that somebody else has tracked; `alive`: the ids still followed, seen or not."""
        straight = [replace(one, xyxy=xyxy) for one, xyxy in zip(seen, self._undistorted(seen), strict=True)]
        ranges = self._ranger.look(
            at_s,
            [Seen(track_id=one.track_id, label=one.label, xyxy=one.xyxy, whole=one.whole) for one in straight],
        )
        bodies = {
            one.track_id: corridor.place(one.xyxy, ranges[one.track_id], self._camera, self._model)
            for one in straight
            if one.track_id in ranges
        }
        self._corridor, places = corridor.look(self._corridor, at_s, bodies, alive, self._learnt(at_s, straight))
        judgements = [
            judge(one.track_id, one.confidence, ranges[one.track_id], places[one.track_id])
            for one in straight
            if one.track_id in places
        ]
        self._hazard, verdict = hazard.step(self._hazard, judgements, at_s, self._policy)
        boxes = {one.track_id: one.xyxy for one in seen}
        return Judged(boxes=boxes, ranges=ranges, places=places, verdict=verdict)

    def _learnt(self, at_s: float, straight: Sequence[Tracked]) -> corridor.Corridor:
        """The corridor along the road as it is known by now."""
        focal_px, horizon = self._camera.fy_px, self._ranger.horizon
        found = edges(np.array([one.xyxy for one in straight]).reshape(-1, 4), self._camera.frame_wh, self._model)
        uncut = found.bottom & found.sides
        self._vanishing.look(
            at_s,
            [
                (one.track_id, one.xyxy)
                for one, whole in zip(straight, uncut, strict=True)
                if whole and one.whole and self._ranger.moves(one.track_id)
            ],
            self._camera.horizon_px - focal_px * horizon.settled_rad,
            focal_px * horizon.settled_sigma_rad,
        )
        off_deg, sigma_deg = self._vanishing.off_deg, self._vanishing.sigma_deg
        return replace(self._lane, yaw=math.radians(off_deg), yaw_sigma=math.radians(sigma_deg))

    def _undistorted(self, seen: Sequence[Tracked]) -> list[XYXY]:
        corners = np.array([one.xyxy for one in seen], dtype=np.float64).reshape(-1, 2)
        return [(x1, y1, x2, y2) for x1, y1, x2, y2 in self._camera.undistort(corners).reshape(-1, 4).tolist()]
