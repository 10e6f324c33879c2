"""The camera's geometry: what is projected, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vehicle_vision.camera import Camera
from vehicle_vision.errors import CameraError

HD = (1920, 1080)
LENS = (-0.30, 0.10, 0.001, -0.0008, -0.01)


def camera(**changed: Any) -> Camera:
    return Camera.from_field_of_view(HD, 60, **{"height_m": 2.2} | changed)


def test_a_field_of_view_gives_the_focal_length() -> None:
    assert camera().fx_px == pytest.approx(1663, abs=0.5)
    assert camera().horizontal_fov_deg == pytest.approx(60)


def test_a_car_at_100_m_has_the_size_that_optics_says() -> None:
    corners = np.array([(-0.9, 0.0, 100.0), (0.9, 1.5, 100.0)])
    (left, bottom), (right, top) = camera().project(corners)
    assert (right - left, bottom - top) == (pytest.approx(29.9, abs=0.1), pytest.approx(24.9, abs=0.1))
    assert bottom - camera().horizon_px == pytest.approx(1663 * 2.2 / 100, abs=0.1)


@pytest.mark.parametrize("pitch_deg", [-3.0, 0.0, 4.0])
@pytest.mark.parametrize("yaw_deg", [-5.0, 0.0, 2.5])
def test_the_far_end_of_the_axis_is_where_horizon_and_vanishing_column_meet(pitch_deg: float, yaw_deg: float) -> None:
    one = camera(pitch_deg=pitch_deg, yaw_deg=yaw_deg)
    ((u, v),) = one.project(np.array([(0.0, 2.2, 1e7)]))
    assert v == pytest.approx(one.horizon_px, abs=0.1)
    assert u == pytest.approx(one.vanishing_px, rel=0.01)


def test_looking_down_raises_the_horizon_and_looking_right_moves_the_axis_to_the_left() -> None:
    assert camera(pitch_deg=2).horizon_px < camera().horizon_px
    assert camera(yaw_deg=2).vanishing_px < camera().vanishing_px


@given(st.lists(st.tuples(st.floats(0, 1920), st.floats(0, 1080)), min_size=1, max_size=20))
def test_what_is_undistorted_distorts_back(points: list[tuple[float, float]]) -> None:
    one, given_points = camera(distortion=LENS), np.array(points)
    assert np.abs(one.distort(one.undistort(given_points)) - given_points).max() < 0.5


def test_a_lens_moves_the_corners_and_not_the_middle() -> None:
    one = camera(distortion=LENS)
    middle, corner = one.undistort(np.array([(960.0, 540.0), (5.0, 5.0)]))
    assert middle.tolist() == [960.0, 540.0]
    assert math.dist(corner, (5, 5)) > 20


def test_another_resolution_of_the_same_shape_looks_the_same_way() -> None:
    half = camera(pitch_deg=1.5).scaled_to((960, 540))
    place = np.array([(1.0, 0.5, 60.0)])
    assert half.project(place) == pytest.approx(camera(pitch_deg=1.5).project(place) / 2)


def test_another_shape_is_refused() -> None:
    with pytest.raises(CameraError, match=r"1280x1024.*1920x1080.*same shape"):
        camera().scaled_to((1280, 1024))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"fx_px": 0.0}, "fx_px = 0.0; expected 16"),
        ({"fx_px": math.nan}, "fx_px = nan"),
        ({"cx_px": 2000.0}, "cx_px = 2000.0"),
        ({"cy_px": -1.0}, "cy_px = -1.0"),
        ({"height_m": 0.0}, "height_m = 0.0"),
        ({"pitch_deg": 95.0}, "pitch_deg = 95.0"),
        ({"pitch_sigma_deg": 0.0}, "pitch_sigma_deg = 0.0"),
        ({"distortion": (math.inf, 0.0, 0.0, 0.0, 0.0)}, "distortion"),
        ({"distortion": (-2.0, 0.0, 0.0, 0.0, 0.0)}, "distortion.*undone"),
        ({"frame_wh": (0, 1080)}, "frame_wh"),
    ],
)
def test_a_camera_that_cannot_be_is_refused_by_name(changed: dict[str, Any], named: str) -> None:
    known = {"frame_wh": HD, "fx_px": 1663.0, "fy_px": 1663.0, "cx_px": 960.0, "cy_px": 540.0}
    with pytest.raises(CameraError, match=named):
        Camera(**{**known, **changed})


def test_nothing_is_projected_from_an_unknown_height_nor_from_behind() -> None:
    with pytest.raises(CameraError, match="height_m"):
        camera(height_m=None).project(np.array([(0.0, 0.0, 10.0)]))
    with pytest.raises(CameraError, match="behind"):
        camera().project(np.array([(0.0, 0.0, -10.0)]))
