"""Which edges of a box are the vehicle's: half a car taken for a whole one is read too far."""

from __future__ import annotations

import numpy as np
import pytest

from vehicle_vision.boxes import CUBOIDS, DETECTED, edges

WH = (1920, 1080)


def box(x1: float, y1: float, x2: float, y2: float) -> np.ndarray:
    return np.array([[x1, y1, x2, y2]], dtype=np.float64)


@pytest.mark.parametrize("short_px", [0, 3, 12])
def test_network_ends_half_a_car_short_of_the_pictures_edge(short_px: float) -> None:
    """300 pixels of it are seen; a third of the pixels at the network's input: its box ends up to 12 above the edge."""
    assert not edges(box(800, 780 - short_px, 1200, 1080 - short_px), WH, DETECTED).bottom[0]
    assert not edges(box(1520 - short_px, 300, 1920 - short_px, 600), WH, DETECTED).sides[0]
    assert not edges(box(short_px, 300, 400 + short_px, 600), WH, DETECTED).sides[0]
    assert not edges(box(800, short_px, 1200, 300 + short_px), WH, DETECTED).top[0]


def test_small_box_near_the_edge_is_a_whole_vehicle() -> None:
    found = edges(box(800, 1045, 830, 1070), WH, DETECTED)
    assert found.bottom[0]
    assert found.sides[0]
    assert found.top[0]


def test_label_that_ends_above_the_edge_is_of_the_whole_vehicle() -> None:
    """People know where it ends."""
    assert edges(box(800, 770, 1200, 1070), WH, CUBOIDS).bottom[0]
    assert not edges(box(800, 770, 1200, 1079), WH, CUBOIDS).bottom[0]


def test_no_boxes_have_no_edges() -> None:
    assert edges(np.empty((0, 4)), WH, DETECTED).bottom.shape == (0,)
