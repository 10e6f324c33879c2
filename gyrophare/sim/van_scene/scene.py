"""A whole scene: any moment of it as a frame, and the truth about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene.backdrop import backdrop, shaken
from gyrophare.sim.van_scene.figure import Figure, draw
from gyrophare.sim.van_scene.lens import Lens
from gyrophare.sim.van_scene.paint import Box, Frame
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.shapes import shape
from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.view import View
from gyrophare.sim.van_scene.weather import SOUND, Faults, Weather
from vehicle_vision.camera import Camera
from vehicle_vision.errors import CameraError, VisionError
from vehicle_vision.sizes import Kind

CORRIDOR_HALF_M = 1.5  # half a van, and half a metre
_STEP_S = 1e-3
_CLEAR_DAY = Weather()
_MIDDLE = np.array([(0.0, 0.5, 0.5)])
_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (0.0, 1.0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of one vehicle at the time of a frame.

    `xyxy` is the tight box of what can be seen of it, pixels; None: nothing. `range_m` is that of its nearest corner
    along the van's axis, below 0 while it passes the lens; `lateral_m` is how far right of that axis its middle is.
    `closing_mps` is how fast the range shrinks. `occluded` is the share of its part of the picture that nearer vehicles
    hide. `in_corridor`: some of its body is less than 1.5 m to the side of the van's own path along the road.
    """

    id: int
    kind: Kind
    xyxy: Box | None
    range_m: float
    lateral_m: float
    closing_mps: float
    occluded: float
    in_corridor: bool


class Scene:
    """The same arguments make the same frames, in whatever order they are asked for."""

    def __init__(
        self,
        camera: Camera,
        road: Road,
        vehicles: Sequence[Vehicle],
        weather: Weather = _CLEAR_DAY,
        seed: int = 0,
        *,
        faults: Faults = SOUND,
    ) -> None:
        if camera.height_m is None:
            raise CameraError("height_m is not known; expected the height of the lens above the road, in metres")
        if len({vehicle.id for vehicle in vehicles}) != len(vehicles):
            raise VisionError("two vehicles have the same id; expected one of its own for each")
        for vehicle in vehicles:
            shape(vehicle.kind)
        self._camera, self._road, self._vehicles = camera, road, tuple(vehicles)
        self._weather, self._faults, self._seed = weather, faults, seed
        self._lens = Lens(camera.frame_wh, weather, faults, seed)
        self._margin_px = math.ceil(4 * faults.vibration_px) + 1 if faults.vibration_px else 0
        self._empty: tuple[Camera, Frame] | None = None

    def frame(self, at_s: float) -> tuple[Frame, list[Truth]]:
        """The picture at that time, (h, w, 3) uint8 BGR, and the vehicles there, nearest first.

        A frozen picture shows, with the boxes in it, what was; ranges and speeds are of now.
        """
        if not math.isfinite(at_s):
            raise VisionError(f"at_s = {at_s}; expected seconds")
        frozen_s = self._faults.frozen_from_s
        shown_s = at_s if frozen_s is None else min(at_s, frozen_s)
        dice = np.random.default_rng((self._seed, 7, round(shown_s * 1e6) & 0xFFFF_FFFF_FFFF))
        view = self._view(shown_s, dice)
        frame = self._empty_road(view)
        there = self._there(shown_s)
        seen = self._draw_all(frame, view, there, shown_s)
        if shown_s != at_s:
            there = self._there(at_s)
        truths = [self._truth(vehicle, seen.get(vehicle.id), at_s) for vehicle in there]
        return self._lens.seen_through(frame, dice), truths

    def _there(self, at_s: float) -> list[Vehicle]:
        return sorted((one for one in self._vehicles if one.is_there(at_s)), key=lambda one: one.along_m(at_s))

    def _view(self, at_s: float, dice: np.random.Generator) -> View:
        pitch_deg, yaw_deg = self._faults.turned_deg(at_s)
        camera = self._camera
        if pitch_deg or yaw_deg:
            camera = replace(camera, pitch_deg=camera.pitch_deg + pitch_deg, yaw_deg=camera.yaw_deg + yaw_deg)
        if not self._margin_px:
            return View(camera)
        right, down = np.clip(dice.standard_normal(2), -4, 4) * self._faults.vibration_px
        return View(camera, (float(right), float(down)))

    def _empty_road(self, view: View) -> Frame:
        if self._empty is None or self._empty[0] != view.camera:
            still = View(view.camera)
            self._empty = view.camera, backdrop(still, self._road, self._weather, self._seed, self._margin_px)
        image = self._empty[1]
        return shaken(image, self._margin_px, view.shift_px) if self._margin_px else image.copy()

    def _draw_all(
        self, frame: Frame, view: View, there: list[Vehicle], at_s: float
    ) -> dict[int, tuple[Box | None, float]]:
        """Paint from far to near; of each vehicle in the picture its visible box and what share is hidden."""
        figures: list[tuple[int, Figure]] = []
        owner = np.zeros(frame.shape[:2], dtype=np.int16)  # of each pixel: which figure, counted from 1
        for vehicle in reversed(there):
            figure = draw(frame, view, self._road, self._weather, vehicle, at_s)
            if figure is not None:
                figures.append((vehicle.id, figure))
                painted = figure.painted
                owner[painted.rows, painted.columns][painted.mask >= 128] = len(figures)
        return {
            name: _visible(figure, owner, number, self._camera.frame_wh)
            for number, (name, figure) in enumerate(figures, start=1)
        }

    def _truth(self, vehicle: Vehicle, seen: tuple[Box | None, float] | None, at_s: float) -> Truth:
        corners = vehicle.placed(_CORNERS, self._road, at_s)
        across = self._road.locate(*(corners[:, axis].astype(np.float32) for axis in (0, 2)))[1]
        before, after = (float(vehicle.placed(_MIDDLE, self._road, at_s + step)[0, 2]) for step in (-_STEP_S, _STEP_S))
        xyxy, occluded = seen or (None, 0.0)
        return Truth(
            id=vehicle.id,
            kind=vehicle.kind,
            xyxy=xyxy,
            range_m=float(corners[:, 2].min()),
            lateral_m=float(corners[:, 0].mean()),
            closing_mps=(before - after) / (2 * _STEP_S),
            occluded=occluded,
            in_corridor=bool(across.min() < CORRIDOR_HALF_M and across.max() > -CORRIDOR_HALF_M),
        )


def _visible(
    figure: Figure, owner: NDArray[np.int16], number: int, frame_wh: tuple[int, int]
) -> tuple[Box | None, float]:
    """The box of what nearer figures and the frame's edge leave, and the share that nearer figures hide."""
    painted = figure.painted
    whole = painted.mask >= 128
    left = whole & (owner[painted.rows, painted.columns] == number)
    x1, y1, x2, y2 = figure.xyxy
    x1, x2 = (min(max(x, 0.0), float(frame_wh[0])) for x in (x1, x2))
    y1, y2 = (min(max(y, 0.0), float(frame_wh[1])) for y in (y1, y2))
    if not left.any():
        return None, 1.0
    hidden = 1 - float(left.sum()) / float(whole.sum())
    if hidden > 0:
        rows, columns = np.flatnonzero(left.any(axis=1)), np.flatnonzero(left.any(axis=0))
        top, start = painted.rows.start, painted.columns.start
        x1, x2 = max(x1, float(start + columns[0])), min(x2, float(start + columns[-1] + 1))
        y1, y2 = max(y1, float(top + rows[0])), min(y2, float(top + rows[-1] + 1))
    return (x1, y1, x2, y2), hidden
