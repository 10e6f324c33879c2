"""One vehicle on a frame: its shadow, its body, its lights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene import paint
from gyrophare.sim.van_scene.blocks import Stuff
from gyrophare.sim.van_scene.cutouts import Cutout, paste
from gyrophare.sim.van_scene.paint import Box, Frame, Painted
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.shapes import Shape, shape
from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.view import NEAR_M, View
from gyrophare.sim.van_scene.weather import Colour, Light, Weather
from vehicle_vision.camera import Points

_COLOURS: Mapping[Stuff, Colour] = {
    Stuff.TRIM: (40, 38, 37),
    Stuff.GLASS: (74, 66, 58),
    Stuff.TYRE: (30, 29, 29),
    Stuff.LAMP: (232, 232, 228),
    Stuff.TAIL_LAMP: (46, 40, 168),
    Stuff.PLATE: (226, 232, 234),
    Stuff.CARGO: (206, 206, 202),
    Stuff.JACKET: (58, 52, 60),
}
_LIT: Mapping[Stuff, Colour] = {Stuff.LAMP: (244, 252, 255), Stuff.TAIL_LAMP: (48, 44, 250)}
_GLOW: Mapping[Stuff, tuple[float, Colour]] = {  # metres around the lamp, and what it adds there
    Stuff.LAMP: (1.1, (205, 228, 240)),
    Stuff.TAIL_LAMP: (0.4, (24, 20, 190)),
}
_GLOW_PX = 5.0  # a lamp is seen however far it is
_SUN = np.array((0.35, 0.80, -0.48))
_BEAM_M = 28.0


@dataclass(frozen=True, slots=True)
class Figure:
    """Where a vehicle is seen, whether or not something hides it; the box is not cut by the frame."""

    xyxy: Box
    painted: Painted


@dataclass(frozen=True, slots=True)
class _Side:
    """A face that is turned to the lens: as seen, with its light."""

    stuff: Stuff
    outline: Points
    colour: NDArray[np.float64]


def draw(frame: Frame, view: View, road: Road, weather: Weather, vehicle: Vehicle, at_s: float) -> Figure | None:
    """Paint it over what is farther. None: it is outside the picture."""
    sides = _sides(view, road, weather, vehicle, at_s)
    if not sides:
        return None
    if weather.light is Light.NIGHT:
        _beam(frame, view, road, weather, vehicle, at_s)
    else:
        _shadow(frame, view, road, weather, vehicle, at_s)
    if vehicle.looks is None:
        figure = _painted(frame, sides)
    else:
        figure = _pasted(frame, view, road, weather, vehicle, vehicle.looks, at_s)
    if figure is not None and weather.light is not Light.DAY:
        _shine(frame, view, weather, vehicle, sides, at_s)
    return figure


def _painted(frame: Frame, sides: list[_Side]) -> Figure | None:
    outlines = [side.outline for side in sides]
    painted = paint.polygons(frame, outlines, np.array([side.colour for side in sides]))
    if painted is None:
        return None
    corners = np.vstack(outlines)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return Figure((float(left), float(top), float(right), float(bottom)), painted)


def _pasted(
    frame: Frame, view: View, road: Road, weather: Weather, vehicle: Vehicle, looks: Cutout, at_s: float
) -> Figure | None:
    """A real one in its place: as high as its nearest face is seen, and as wide as its own picture has it."""
    end = 1.0 if vehicle.backwards else 0.0
    foot_and_top = vehicle.placed(np.array([(0.0, 0.0, end), (0.0, 1.0, end)]), road, at_s)
    if (view.depth_m(foot_and_top) < NEAR_M).any():
        return None
    foot, top = view.pixels(foot_and_top)
    half_px = (foot[1] - top[1]) * looks.image.shape[1] / looks.image.shape[0] / 2
    xyxy = (float(foot[0] - half_px), float(top[1]), float(foot[0] + half_px), float(foot[1]))
    seen = float(weather.transmission(float(foot_and_top[0, 2])))
    painted = paste(frame, looks, xyxy, weather.ambient * seen, np.array(weather.haze) * (1 - seen))
    return None if painted is None else Figure(xyxy, painted)


def _sides(view: View, road: Road, weather: Weather, vehicle: Vehicle, at_s: float) -> list[_Side]:
    """What is turned to the lens, in the order in which it is to be painted."""
    body = shape(vehicle.kind)
    placed = vehicle.placed(body.points, road, at_s)
    first, second, third = (placed[body.starts + step] for step in range(3))
    normals = np.cross(third - first, second - first)  # outwards: x right, y up, z ahead is a left hand
    turned = ((np.array((0.0, view.lens_m, 0.0)) - first) * normals).sum(axis=1) > 0
    middles = np.add.reduceat(placed[:, 2], body.starts) / (body.ends - body.starts)
    colours = _colours(body, normals, middles, weather, vehicle)
    blocks = np.bincount(body.blocks, middles) / np.maximum(np.bincount(body.blocks), 1)
    order = np.lexsort((-blocks[body.blocks], body.levels))  # keeps a block's faces as they come
    outline = _outliner(view, placed)
    sides = (
        _Side(body.stuffs[face], outline(slice(body.starts[face], body.ends[face])), colours[face])
        for face in order
        if turned[face]
    )
    return [side for side in sides if len(side.outline) >= 3]


def _outliner(view: View, placed: NDArray[np.float64]) -> Callable[[slice], Points]:
    """How to find some of the points in the picture: all at once, unless some lie behind the lens."""
    if (view.depth_m(placed) < NEAR_M).any():
        return lambda points: view.outline(placed[points])
    return view.pixels(placed).__getitem__


def _colours(
    body: Shape, normals: NDArray[np.float64], ranges_m: NDArray[np.float64], weather: Weather, vehicle: Vehicle
) -> NDArray[np.float64]:
    """Of each face, (m, 3): its own, as the sun falls on it or as it shines itself, through the air between."""
    falls = np.maximum(normals @ _SUN, 0) / np.maximum(np.linalg.norm(normals, axis=1), 1e-9)
    light = (0.55 + 0.5 * falls) * weather.ambient
    own = np.array([vehicle.colour if stuff is Stuff.PAINT else _COLOURS[stuff] for stuff in body.stuffs], dtype=float)
    if weather.light is not Light.DAY:
        lit = np.array([stuff in _LIT for stuff in body.stuffs])
        own[lit] = [_LIT[stuff] for stuff in body.stuffs if stuff in _LIT]
        light[lit] = 1.0
    seen = weather.transmission(np.maximum(ranges_m, 0).astype(np.float32))[:, None]
    return np.asarray(np.clip(own * light[:, None] * seen + np.array(weather.haze) * (1 - seen), 0, 255))


def _shadow(frame: Frame, view: View, road: Road, weather: Weather, vehicle: Vehicle, at_s: float) -> None:
    ground = np.array([(x, 0.0, z) for x, z in ((-0.66, 1.06), (0.66, 1.06), (0.66, -0.06), (-0.66, -0.06))])
    seen = float(weather.transmission(max(vehicle.along_m(at_s), 0.0)))
    _lay(frame, view, vehicle.placed(ground, road, at_s), np.asarray(_SHADOW * seen, dtype=np.uint8), None)


def _beam(frame: Frame, view: View, road: Road, weather: Weather, vehicle: Vehicle, at_s: float) -> None:
    """The road that its headlamps light; none before one that turns its rear."""
    along = vehicle.along_m(at_s)
    length_m, width_m = vehicle.body.length_m, vehicle.body.width_m
    near = min(_BEAM_M, along - 2.0) / length_m
    if vehicle.backwards or near <= 0:
        return
    wide = 2.2 / width_m
    ground = np.array([(x, 0.0, z) for x, z in ((-wide, 0.0), (wide, 0.0), (wide, -near), (-wide, -near))])
    seen = float(weather.transmission(along))
    _lay(frame, view, vehicle.placed(ground, road, at_s), _POOL, (62 * seen, 72 * seen, 76 * seen))


def _lay(
    frame: Frame, view: View, ground: NDArray[np.float64], texture: NDArray[np.uint8], colour: Colour | None
) -> None:
    if (view.depth_m(ground) > 2 * NEAR_M).all():
        paint.shade(frame, view.pixels(ground), texture, colour)


def _shine(frame: Frame, view: View, weather: Weather, vehicle: Vehicle, sides: list[_Side], at_s: float) -> None:
    """The glow around its lamps: small when it is bright around, wide in fog."""
    range_m = max(vehicle.along_m(at_s), 1.0)
    seen = float(weather.transmission(range_m))
    strength = seen * (1.0 if weather.light is Light.NIGHT else 0.45)
    for side in sides:
        if side.stuff not in _GLOW:
            continue
        around_m, colour = _GLOW[side.stuff]
        radius_px = max(_GLOW_PX, around_m * view.camera.fx_px / range_m * (1.5 - 0.5 * seen))
        middle = side.outline.mean(axis=0)
        blue, green, red = (level * strength for level in colour)
        paint.glow(frame, (float(middle[0]), float(middle[1])), min(radius_px, 300.0), (blue, green, red))


def _soft(strength: float, *, low: float) -> NDArray[np.uint8]:
    """A patch (64, 64) that fades towards its edges; `low`: where on its side it starts to."""
    at = np.abs(np.linspace(-1, 1, 64))
    fade = np.clip((1 - at) / (1 - low), 0, 1)
    fade = fade * fade * (3 - 2 * fade)
    return np.asarray(255 * strength * fade[None] * fade[:, None], dtype=np.uint8)


_SHADOW = _soft(0.72, low=0.72)
_POOL = _soft(1.0, low=0.1)
