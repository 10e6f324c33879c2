"""Labelled pictures of the rendered road, in the layout that ultralytics trains from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene.paint import Box, Frame
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.scenarios import passing_traffic
from gyrophare.sim.van_scene.scene import Scene, Truth
from gyrophare.sim.van_scene.vehicles import Vehicle
from gyrophare.sim.van_scene.weather import Faults, Light, Weather
from vehicle_vision.camera import Camera
from vehicle_vision.sizes import Kind

CLASSES = ("car", "motorcycle", "bus", "truck")
CROP_WH = (256, 160)
LEAST_PX = 5.0  # what is lower in the picture has no label
_CLASS_OF = {Kind.CAR: 0, Kind.VAN: 0, Kind.MOTORCYCLE: 1, Kind.BUS: 2, Kind.TRUCK: 3}
_KINDS = {Kind.CAR: 0.5, Kind.VAN: 0.15, Kind.TRUCK: 0.15, Kind.BUS: 0.05, Kind.MOTORCYCLE: 0.15}
_FRAME_WH = (960, 540)
_SCALES = (1.0, 1.0, 0.66, 0.4, 0.3)  # native as in the strip, and as in the whole frame shrunk
_FRAMES, _CROPS = 8, 2  # of a scene, of a frame
_HIDDEN = 0.7
_FAINTEST = 0.06  # of its light must arrive, else fog hides it


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture, its boxes (n, 4) float64 xyxy pixels, and the class of each, shape (n,)."""

    image: Frame
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]


def samples(count: int, seed: int, empty_every: int | None = None) -> Iterator[Sample]:
    """Crops of many scenes: any road, traffic, light and weather; of so many scenes, the last is an empty road."""
    per_scene = _FRAMES * _CROPS
    for number in range(-(-count // per_scene)):
        empty = empty_every is not None and number % empty_every == empty_every - 1
        yield from islice(_of_scene(seed, number, empty=empty), count - number * per_scene)


def _of_scene(seed: int, number: int, *, empty: bool) -> Iterator[Sample]:
    dice = np.random.default_rng((seed, 21, number))
    weather = any_weather(dice)
    scene = any_scene(dice, weather, empty=empty)
    for at_s in dice.uniform(20, 110, _FRAMES):
        frame, truths = scene.frame(float(at_s))
        for _ in range(_CROPS):
            yield _crop(frame, labelled(truths, weather), dice)


def any_weather(dice: np.random.Generator) -> Weather:
    """As the dice fall."""
    light = Light(dice.choice([*Light], p=(0.5, 0.22, 0.28)))
    rainy, foggy = dice.random(2) < (0.25, 0.2)
    return Weather(
        light=light,
        rain=float(dice.uniform(0.2, 1)) if rainy else 0.0,
        visibility_m=float(np.exp(dice.uniform(np.log(80), np.log(800)))) if foggy else None,
        noise_sigma=float(dice.uniform(0.5, 6)),
    )


def any_scene(dice: np.random.Generator, weather: Weather, *, empty: bool = False) -> Scene:
    """Any camera, road and traffic, or none."""
    camera = Camera.from_field_of_view(
        _FRAME_WH,
        float(dice.uniform(28, 62)),
        height_m=float(dice.uniform(1.6, 2.9)),
        pitch_deg=float(dice.uniform(0, 4)),
        yaw_deg=float(dice.normal(0, 1)),
    )
    bend_m = float(dice.uniform(250, 1500)) * float(dice.choice((-1, 1)))
    road = Road(
        left_m=float(dice.choice((-1.75, -5.25, 1.2))),
        lanes=int(dice.integers(2, 4)),
        radius_m=bend_m if dice.random() < 0.4 else None,
    )
    faults = Faults(
        dirt=float(dice.uniform(0.01, 0.1)) if dice.random() < 0.1 else 0.0, exposure=float(dice.uniform(0.75, 1.35))
    )
    traffic = [] if empty else _traffic(road, dice)
    return Scene(camera, road, traffic, weather, int(dice.integers(1 << 30)), faults=faults)


def _traffic(road: Road, dice: np.random.Generator) -> list[Vehicle]:
    found: list[Vehicle] = []
    for lane in range(road.lanes):
        one_lane = passing_traffic(
            float(dice.uniform(200, 900)),
            int(dice.integers(1 << 30)),
            lasts_s=110,
            lateral_m=road.left_m + (lane + 0.5) * road.lane_m,
            speed_kmh=float(dice.uniform(50, 110)),
            backwards=bool(dice.random() < 0.3),
            kinds=_KINDS,
        )
        found += [replace(vehicle, id=len(found) + number) for number, vehicle in enumerate(one_lane)]
    return found


def labelled(truths: list[Truth], weather: Weather) -> list[tuple[Box, int]]:
    """Boxes and classes of those that can be seen."""
    return [
        (truth.xyxy, _CLASS_OF[truth.kind])
        for truth in truths
        if truth.xyxy is not None
        and truth.occluded < _HIDDEN
        and float(weather.transmission(max(truth.range_m, 0.0))) > _FAINTEST
    ]


def _crop(frame: Frame, seen: list[tuple[Box, int]], dice: np.random.Generator) -> Sample:
    """A crop around one of the vehicles, if there is any, at one of the scales."""
    scale = float(dice.choice(_SCALES))
    image = (
        frame if scale == 1 else np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    )
    boxes = np.array([box for box, _ in seen]).reshape(-1, 4) * scale
    classes = np.array([number for _, number in seen], dtype=np.int64)
    size = np.array(CROP_WH)
    most = np.array((image.shape[1], image.shape[0])) - size
    middle = dice.uniform(size / 2, most + size / 2)
    if len(boxes):
        box = boxes[dice.integers(len(boxes))]
        middle = (box[:2] + box[2:]) / 2 + dice.uniform(-0.42, 0.42, 2) * size
    left, top = np.clip(np.rint(middle - size / 2), 0, most).astype(int)
    crop = image[top : top + size[1], left : left + size[0]]
    blur = float(dice.uniform(-0.5, 1.0))
    if blur > 0.3:
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), blur), dtype=np.uint8)
    whole = boxes - np.tile((left, top), 2)
    cut = np.clip(whole, 0, np.tile(size, 2))
    shown = _area(cut) > 0.35 * np.maximum(_area(whole), 1e-9)
    kept = shown & (cut[:, 3] - cut[:, 1] >= LEAST_PX)
    return Sample(np.ascontiguousarray(crop), cut[kept], classes[kept])


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    width_height = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(width_height[:, 0] * width_height[:, 1])


def write(folder: Path, train: int, validate: int, seed: int, empty_every: int | None = None) -> Path:
    """Render into a folder; return the YAML file that describes it."""
    for name, count, own_seed in (("train", train, seed), ("val", validate, seed + 1)):
        for kind in ("images", "labels"):
            (folder / kind / name).mkdir(parents=True, exist_ok=True)
        for number, sample in enumerate(samples(count, own_seed, empty_every)):
            quality = 70 + number % 26
            picture = folder / "images" / name / f"{number:05}.jpg"
            cv2.imwrite(str(picture), sample.image, [cv2.IMWRITE_JPEG_QUALITY, quality])
            (folder / "labels" / name / f"{number:05}.txt").write_text(_lines(sample), encoding="ascii")
    described = folder / "road.yaml"
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    described.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames:\n{names}", encoding="utf-8")
    return described


def _lines(sample: Sample) -> str:
    """Class, middle and size of each box, as shares of the picture."""
    width, height = CROP_WH
    lines = []
    for number, (x1, y1, x2, y2) in zip(sample.classes, sample.boxes, strict=True):
        middle = f"{(x1 + x2) / 2 / width:.6f} {(y1 + y2) / 2 / height:.6f}"
        lines.append(f"{number} {middle} {(x2 - x1) / width:.6f} {(y2 - y1) / height:.6f}\n")
    return "".join(lines)
