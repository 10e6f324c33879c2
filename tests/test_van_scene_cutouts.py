"""Real vehicles on the rendered road: as large as the drawn ones, and a network for real roads sees them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from gyrophare.sim.van_scene.cutouts import cut_out
from gyrophare.sim.van_scene.paint import Box, Frame
from gyrophare.sim.van_scene.road import Road
from gyrophare.sim.van_scene.scenarios import empty, standing
from gyrophare.sim.van_scene.scene import Scene
from gyrophare.sim.van_scene.weather import Light, Weather
from vehicle_vision.camera import Camera
from vehicle_vision.detectors import open_detector
from vehicle_vision.errors import VisionError
from vehicle_vision.overlap import iou
from vehicle_vision.sizes import SIZES, Kind

SHARED = Path(__file__).parents[2] / "shared/data"
NETWORK = SHARED / "weights/yolo11n_int8_openvino_model"
PICTURE = SHARED / "clips/kitti_frames/image_2/000003.png"
IN_PICTURE = (614.24, 181.78, 727.31, 284.77)  # a car that faces the camera
CAMERA = Camera.from_field_of_view((640, 360), 22, height_m=2.2, pitch_deg=1.0)


def red(width: int = 120, height: int = 100) -> Frame:
    picture = np.zeros((height + 20, width + 20, 3), dtype=np.uint8)
    picture[10:-10, 10:-10, 2] = 250
    return picture


def boxed(vehicle_range_m: float, weather: Weather, looks_of: Frame, box: Box) -> tuple[Frame, Frame, Box]:
    """The empty road, the road with the vehicle, and the true box."""
    (car,) = standing(vehicle_range_m)
    bare, _ = Scene(CAMERA, Road(), empty(), weather, 2).frame(0)
    looks = cut_out(looks_of, box, Kind.CAR)
    frame, (truth,) = Scene(CAMERA, Road(), (replace(car, looks=looks),), weather, 2).frame(0)
    assert truth.xyxy is not None
    return bare, frame, truth.xyxy


@pytest.mark.parametrize("range_m", [30.0, 60.0, 100.0])
def test_it_is_as_high_as_its_size_at_its_range_and_as_wide_as_its_picture(range_m: float) -> None:
    bare, frame, (x1, y1, x2, y2) = boxed(range_m, Weather(noise_sigma=0), red(), (10, 10, 130, 110))
    assert y2 - y1 == pytest.approx(CAMERA.fy_px * SIZES[Kind.CAR].height_m / range_m, rel=0.01)
    assert (x2 - x1) / (y2 - y1) == pytest.approx(1.2)
    is_red = (frame[..., 2].astype(int) - frame[..., 1] > 90) & (bare[..., 2].astype(int) - bare[..., 1] < 60)
    rows, columns = np.flatnonzero(is_red.any(axis=1)), np.flatnonzero(is_red.any(axis=0))
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert seen == pytest.approx([x1, y1, x2, y2], abs=2 + 0.02 * (x2 - x1))


def test_it_has_the_light_of_the_scene() -> None:
    levels = [
        boxed(30.0, Weather(light=light, noise_sigma=0), red(), (10, 10, 130, 110))[1][..., 2].max()
        for light in (Light.DAY, Light.DUSK)
    ]
    assert levels[0] > levels[1]
    bare, frame, (_, y1, _, y2) = boxed(60.0, Weather(light=Light.NIGHT, noise_sigma=0), red(), (10, 10, 130, 110))
    lamps = (frame.astype(int) - bare)[round(y1) : round(y2)]
    assert lamps.max() > 150


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ((0.0, 0.0, 500.0, 50.0), "expected one inside it"),
        ((10.0, 10.0, 20.0, 80.0), "at least 24 pixels"),
        ((10.0, 10.0, float("nan"), 80.0), "finite"),
    ],
)
def test_a_box_that_is_no_use_is_refused(box: Box, says: str) -> None:
    with pytest.raises(VisionError, match=says):
        cut_out(red(), box, Kind.CAR)


def test_a_network_for_real_roads_sees_a_real_car_where_it_is_said_to_be() -> None:
    if not NETWORK.exists() or not PICTURE.exists():
        pytest.skip("needs the shared development data: a network for real roads and a picture with a car")
    picture = np.asarray(cv2.imread(str(PICTURE)), dtype=np.uint8)
    detector = open_detector(NETWORK, threads=1)
    for range_m in (30.0, 60.0, 100.0):
        _, frame, box = boxed(range_m, Weather(), picture, IN_PICTURE)
        found = detector.detect(frame)
        assert iou(found.xyxy, np.array([box])).max(initial=0) > 0.75, range_m
