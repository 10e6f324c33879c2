"""Whether a place lies in an area."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gyrophare.kernel.geo import Position
from lone_worker.areas import Area, inside

SQUARE = [(47.0, 5.0), (47.0, 6.0), (48.0, 6.0), (48.0, 5.0)]
# A valley open to the north: what lies between its arms lies outside.
CONCAVE = [(47.0, 5.0), (47.0, 6.0), (48.0, 6.0), (47.2, 5.5), (48.0, 5.0)]


@pytest.mark.parametrize(
    ("area", "place", "expected"),
    [
        (SQUARE, (47.5, 5.5), True),
        (SQUARE, (47.5, 4.9), False),
        (SQUARE, (47.5, 6.1), False),
        (SQUARE, (46.9, 5.5), False),
        (SQUARE, (48.1, 5.5), False),
        (SQUARE, (47.0001, 5.0001), True),
        (SQUARE, (47.9999, 5.9999), True),
        # Straight south of a corner, where a ray passes through it.
        (SQUARE, (46.0, 5.0), False),
        (CONCAVE, (46.5, 5.5), False),
        (CONCAVE, (47.1, 5.5), True),
        (CONCAVE, (47.5, 5.5), False),
        (CONCAVE, (47.5, 5.05), True),
        (CONCAVE, (47.5, 5.95), True),
        ([(47.0, 5.0), (48.0, 6.0)], (47.5, 5.5), False),  # a line holds nothing
        ([], (47.5, 5.5), False),
    ],
)
def test_place_when_it_lies_there(area: Area, place: tuple[float, float], expected: bool) -> None:
    position = Position(*place)
    assert inside(area, position) is expected
    assert inside([list(corner) for corner in area], position) is expected  # type: ignore[misc]  # as JSON gives it
    assert inside([*area[2:], *area[:2]], position) is expected
    assert inside(area[::-1], position) is expected


def test_border_belongs_to_one_of_two_neighbours() -> None:
    neighbour = [(lat_deg, lon_deg + 1) for lat_deg, lon_deg in SQUARE]
    for lat_deg in (47.1, 47.5, 47.9):
        border = Position(lat_deg, 6.0)
        assert inside(SQUARE, border) is not inside(neighbour, border)


degrees = st.floats(-1, 1).map(lambda value: round(value, 3))


@given(degrees, degrees)
def test_triangle_holds_what_its_three_sides_look_at(north: float, east: float) -> None:
    corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    assume(0 not in (north, east) and round(north + east, 3) != 1)  # on a border either answer is right
    assert inside(corners, Position(north, east)) is (north > 0 and east > 0 and north + east < 1)
