"""All that stands still: sky, hills, ground, trees, houses, posts; painted once for each way the camera is turned."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene import paint
from gyrophare.sim.van_scene.ground import ground, sampled, soft_noise
from gyrophare.sim.van_scene.paint import Frame
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.view import View
from gyrophare.sim.van_scene.weather import Colour, Light, Weather

_SKY: dict[Light, tuple[Colour, Colour]] = {  # at the horizon, overhead
    Light.DAY: ((222, 214, 204), (196, 158, 120)),
    Light.DUSK: ((110, 128, 176), (112, 84, 72)),
    Light.NIGHT: ((24, 19, 17), (12, 9, 8)),
}
_HILLS = np.array((78, 96, 84), dtype=np.float32)
_HILLS_M = 1500.0
_SHARPEST_BEND_M = 1000.0  # tighter than that, what stands inside the bend would hide the road


@dataclass(frozen=True, slots=True)
class _Thing:
    """Something upright that faces the van: polygons right and up from its foot, metres, each with its colour."""

    along_m: float
    offset_m: float
    parts: tuple[tuple[NDArray[np.float64], Colour], ...]


def backdrop(view: View, road: Road, weather: Weather, seed: int, margin_px: int = 0) -> Frame:
    """The empty road, with `margin_px` more on every side for a picture that shakes."""
    image = _land_and_sky(view, road, weather, seed, margin_px)
    moved = View(view.camera, (view.shift_px[0] + margin_px, view.shift_px[1] + margin_px))
    things = _things(road, np.random.default_rng((seed, 2)))
    for thing in sorted(things, key=lambda thing: -thing.along_m):
        _stand(image, moved, road, weather, thing)
    if weather.light is Light.NIGHT:
        _windows(image, moved, weather, np.random.default_rng((seed, 3)))
    return image


def _land_and_sky(view: View, road: Road, weather: Weather, seed: int, margin_px: int) -> Frame:
    width, height = (side + 2 * margin_px for side in view.camera.frame_wh)
    columns, rows = np.meshgrid(np.arange(width) + 0.5 - margin_px, np.arange(height) + 0.5 - margin_px)
    x, y, z = view.rays(np.column_stack((columns.ravel(), rows.ravel())).astype(np.float64))
    found = np.empty((height * width, 3), dtype=np.float32)
    below = (y > 1e-4) & (z > 0.05)
    found[~below] = _sky(x[~below], y[~below], z[~below], weather, seed)
    far = view.lens_m / y[below]
    across, ahead = x[below] * far, np.minimum(z[below] * far, 20_000.0)
    colours = ground(road, across, ahead, view.camera.fx_px, view.lens_m, seed) * weather.ambient
    if weather.rain:
        colours *= 1 - 0.3 * weather.rain  # wet
    seen = weather.transmission(ahead)[:, None]
    found[below] = colours * seen + np.array(weather.haze, dtype=np.float32) * (1 - seen)
    return np.clip(found, 0, 255).astype(np.uint8).reshape(height, width, 3)


def _sky(
    x: NDArray[np.float32], y: NDArray[np.float32], z: NDArray[np.float32], weather: Weather, seed: int
) -> NDArray[np.float32]:
    """Clouds above hills; arguments are directions, shape (n,), y down."""
    low, high = (np.array(colour, dtype=np.float32) for colour in _SKY[weather.light])
    texture = soft_noise(np.random.default_rng((seed, 4)), 256)
    z = np.maximum(z, 0.05)
    up, bearing = np.maximum(-y / z, 0), x / z
    found = low + (high - low) * np.clip(up * 2.2, 0, 1)[:, None]
    billows = sampled(texture, bearing * 12, up * 50) + 0.5 * sampled(texture, bearing * 40, up * 130)
    cloud = np.clip(0.3 + billows, 0, 1)
    found += (low * 1.08 - found) * (0.55 * cloud * np.clip(up * 8, 0, 1))[:, None]
    # A wood's edge: slow hills, ragged with crowns.
    zero = np.zeros_like(bearing)
    top = 0.022 + 0.012 * sampled(texture, bearing * 14, zero) + 0.004 * sampled(texture, bearing * 240, zero + 90)
    wooded = np.clip((top - up) * 600 + 0.5, 0, 1)[:, None]
    leaves = _HILLS * weather.ambient * (1 + 0.35 * sampled(texture, bearing * 500, up * 900))[:, None]
    seen = float(weather.transmission(_HILLS_M))
    haze = np.array(weather.haze, dtype=np.float32)
    found += (leaves * seen + haze * (1 - seen) - found) * wooded
    sky_seen = float(weather.transmission(2 * _HILLS_M)) if weather.visibility_m or weather.rain else 1.0
    return np.asarray(found * sky_seen + haze * (1 - sky_seen), dtype=np.float32)


def _stand(image: Frame, view: View, road: Road, weather: Weather, thing: _Thing) -> None:
    x, z, _ = road.place(thing.along_m, thing.offset_m)
    if z < 5 or abs(x) > 2.5 * z:
        return
    seen = float(weather.transmission(float(np.hypot(x, z))))
    outlines, colours = [], []
    for points, colour in thing.parts:
        outlines.append(view.outline(np.column_stack((x + points[:, 0], points[:, 1], np.full(len(points), z)))))
        colours.append(np.array(colour) * weather.ambient * seen + np.array(weather.haze) * (1 - seen))
    if all(len(outline) for outline in outlines):
        paint.polygons(image, outlines, np.array(colours))


def _things(road: Road, dice: np.random.Generator) -> list[_Thing]:
    found = [
        _post(along, offset)
        for along in np.arange(20.0, 320.0, 50.0)
        for offset in (road.left_m - 0.9, road.right_m + 0.9)
    ]
    sides = [-1, 1]
    if road.radius_m is not None and abs(road.radius_m) < _SHARPEST_BEND_M:
        sides = [-1 if road.radius_m > 0 else 1]
    for _ in range(26):
        side = dice.choice(sides)
        edge = road.right_m if side > 0 else road.left_m
        away = edge + side * dice.uniform(5, 60)
        make = _tree if dice.random() < 0.85 else _house
        found.append(make(dice, float(dice.uniform(35, 380)), float(away)))
    return found


def _box(left: float, right: float, low: float, high: float) -> NDArray[np.float64]:
    return np.array(((left, low), (right, low), (right, high), (left, high)))


def _post(along_m: float, offset_m: float) -> _Thing:
    white, black = (225.0, 228.0, 228.0), (40.0, 40.0, 40.0)
    return _Thing(
        along_m,
        offset_m,
        ((_box(-0.06, 0.06, 0, 1.0), white), (_box(-0.06, 0.06, 0.66, 0.86), black)),
    )


def _tree(dice: np.random.Generator, along_m: float, offset_m: float) -> _Thing:
    high = dice.uniform(4, 11)
    leaf = np.array((48, 92, 74)) * dice.uniform(0.7, 1.2)
    parts: list[tuple[NDArray[np.float64], Colour]] = [(_box(-0.15, 0.15, 0, high * 0.5), (52, 62, 72))]
    turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    for _ in range(18):
        middle = np.array((dice.normal(0, high * 0.14), high * dice.uniform(0.42, 0.85)))
        rim = middle + high * dice.uniform(0.08, 0.17) * np.column_stack((np.cos(turn), np.sin(turn)))
        parts.append((rim, _tuple(leaf * dice.uniform(0.75, 1.25) * (0.7 + 0.5 * middle[1] / high))))
    return _Thing(along_m, offset_m, tuple(parts))


def _house(dice: np.random.Generator, along_m: float, offset_m: float) -> _Thing:
    wide, high = dice.uniform(8, 14), dice.uniform(3, 6)
    wall, roof = np.array((175, 195, 208)) * dice.uniform(0.8, 1.1), np.array((62, 78, 128)) * dice.uniform(0.7, 1.1)
    half = wide / 2
    eaves, ridge = half + 0.4, half * 0.8
    gable = np.array(((-eaves, high), (eaves, high), (ridge, high + 2.6), (-ridge, high + 2.6)))
    parts: list[tuple[NDArray[np.float64], Colour]] = [
        (_box(-half, half, 0, high), _tuple(wall)),
        (gable, _tuple(roof)),
    ]
    parts += [(_box(at - 0.5, at + 0.5, 1.0, 2.4), (70, 62, 56)) for at in np.linspace(-half + 1.5, half - 1.5, 4)]
    return _Thing(along_m, offset_m, tuple(parts))


def _windows(image: Frame, view: View, weather: Weather, dice: np.random.Generator) -> None:
    """Lit windows and street lamps, far off to the sides: lights that are no vehicle."""
    for _ in range(7):
        z, side = dice.uniform(150, 700), dice.choice((-1.0, 1.0))
        place = np.array([(side * (0.08 + dice.uniform(0, 0.5)) * z, dice.uniform(2, 6), z)])
        x, y = view.pixels(place)[0]
        seen = float(weather.transmission(float(z)))
        paint.glow(image, (float(x), float(y)), dice.uniform(2, 4), (120 * seen, 190 * seen, 240 * seen))


def _tuple(colour: NDArray[np.float64]) -> Colour:
    blue, green, red = (float(level) for level in np.clip(colour, 0, 255))
    return blue, green, red


def shaken(image: Frame, margin_px: int, shift_px: tuple[float, float]) -> Frame:
    """The part of a backdrop with a margin that a picture moved by `shift_px` (right, down) shows."""
    height, width = (side - 2 * margin_px for side in image.shape[:2])
    move = np.array(((1, 0, shift_px[0] - margin_px), (0, 1, shift_px[1] - margin_px)), dtype=np.float64)
    return np.asarray(cv2.warpAffine(image, move, (width, height), flags=cv2.INTER_LINEAR), dtype=np.uint8)
