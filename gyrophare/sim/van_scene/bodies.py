"""The vehicles: a few blocks each, with glass, lamps, wheels and a plate on their faces."""

from __future__ import annotations

from collections.abc import Mapping

from gyrophare.sim.van_scene.blocks import Block, Rectangle, Stuff
from vehicle_vision.sizes import Kind


def _pair(rectangle: Rectangle, stuff: Stuff) -> tuple[tuple[Rectangle, Stuff], ...]:
    """The same on the left and on the right."""
    u0, u1, v0, v1 = rectangle
    return (rectangle, stuff), ((1 - u1, 1 - u0, v0, v1), stuff)


def _tyres(places: tuple[float, ...], *, wide: float, high: float, long: float) -> tuple[Block, ...]:
    return tuple(
        Block(x=x, y=(0.0, high), z=(place - long / 2, place + long / 2), stuff=Stuff.TYRE, level=1)
        for place in places
        for x in ((-0.5, -0.5 + wide), (0.5 - wide, 0.5))
    )


_CAR = (
    *_tyres((0.18, 0.80), wide=0.13, high=0.40, long=0.15),
    Block(
        y=(0.12, 0.60),
        top_x=(-0.47, 0.47),
        top_z=(0.03, 0.98),
        front=(
            ((0.0, 1.0, 0.0, 0.16), Stuff.TRIM),
            ((0.26, 0.74, 0.44, 0.66), Stuff.TRIM),
            ((0.34, 0.66, 0.22, 0.38), Stuff.PLATE),
            *_pair((0.03, 0.22, 0.58, 0.82), Stuff.LAMP),
        ),
        rear=(
            ((0.0, 1.0, 0.0, 0.2), Stuff.TRIM),
            ((0.34, 0.66, 0.42, 0.58), Stuff.PLATE),
            *_pair((0.02, 0.18, 0.58, 0.92), Stuff.TAIL_LAMP),
        ),
    ),
    Block(
        y=(0.60, 1.0),
        x=(-0.47, 0.47),
        z=(0.23, 0.94),
        top_x=(-0.36, 0.36),
        top_z=(0.42, 0.82),
        level=3,
        front=(((0.05, 0.95, 0.05, 0.9), Stuff.GLASS),),
        rear=(((0.08, 0.92, 0.2, 0.88), Stuff.GLASS),),
        sides=(((0.1, 0.48, 0.08, 0.86), Stuff.GLASS), ((0.53, 0.88, 0.08, 0.86), Stuff.GLASS)),
    ),
)
_VAN = (
    *_tyres((0.17, 0.78), wide=0.13, high=0.32, long=0.14),
    Block(
        y=(0.10, 0.50),
        top_z=(0.02, 1.0),
        front=(
            ((0.0, 1.0, 0.0, 0.22), Stuff.TRIM),
            ((0.25, 0.75, 0.5, 0.78), Stuff.TRIM),
            ((0.35, 0.65, 0.28, 0.42), Stuff.PLATE),
            *_pair((0.02, 0.2, 0.6, 0.92), Stuff.LAMP),
        ),
        rear=(
            ((0.0, 1.0, 0.0, 0.2), Stuff.TRIM),
            ((0.36, 0.64, 0.4, 0.54), Stuff.PLATE),
            *_pair((0.01, 0.1, 0.45, 1.0), Stuff.TAIL_LAMP),
        ),
    ),
    Block(
        y=(0.50, 1.0),
        z=(0.15, 1.0),
        top_x=(-0.45, 0.45),
        top_z=(0.28, 0.98),
        level=3,
        front=(((0.05, 0.95, 0.06, 0.8), Stuff.GLASS),),
        rear=(((0.08, 0.47, 0.35, 0.85), Stuff.GLASS), ((0.53, 0.92, 0.35, 0.85), Stuff.GLASS)),
        sides=(((0.12, 0.32, 0.1, 0.8), Stuff.GLASS),),
    ),
)
_TRUCK = (
    *_tyres((0.14, 0.72, 0.84), wide=0.16, high=0.30, long=0.11),
    Block(y=(0.14, 0.30), x=(-0.4, 0.4), z=(0.05, 0.97), stuff=Stuff.TRIM, level=1),
    Block(
        y=(0.12, 0.86),
        x=(-0.49, 0.49),
        z=(0.0, 0.22),
        top_z=(0.02, 0.22),
        front=(
            ((0.0, 1.0, 0.0, 0.14), Stuff.TRIM),
            ((0.2, 0.8, 0.2, 0.46), Stuff.TRIM),
            ((0.39, 0.61, 0.04, 0.1), Stuff.PLATE),
            ((0.06, 0.94, 0.52, 0.86), Stuff.GLASS),
            *_pair((0.03, 0.17, 0.08, 0.2), Stuff.LAMP),
        ),
        sides=(((0.15, 0.7, 0.52, 0.84), Stuff.GLASS),),
    ),
    Block(
        y=(0.28, 1.0),
        z=(0.24, 1.0),
        stuff=Stuff.CARGO,
        rear=(((0.495, 0.505, 0.0, 1.0), Stuff.TRIM), ((0.0, 1.0, 0.0, 0.05), Stuff.TRIM)),
    ),
    Block(
        y=(0.16, 0.25),
        x=(-0.48, 0.48),
        z=(0.985, 1.0),
        stuff=Stuff.TRIM,
        level=3,
        rear=(((0.4, 0.6, 0.1, 0.6), Stuff.PLATE), *_pair((0.02, 0.14, 0.2, 0.9), Stuff.TAIL_LAMP)),
    ),
)
_BUS = (
    *_tyres((0.2, 0.75), wide=0.14, high=0.3, long=0.08),
    Block(
        y=(0.08, 1.0),
        front=(
            ((0.04, 0.96, 0.34, 0.84), Stuff.GLASS),
            ((0.38, 0.62, 0.06, 0.11), Stuff.PLATE),
            ((0.0, 1.0, 0.0, 0.05), Stuff.TRIM),
            *_pair((0.04, 0.18, 0.12, 0.2), Stuff.LAMP),
        ),
        rear=(
            ((0.1, 0.9, 0.5, 0.84), Stuff.GLASS),
            ((0.4, 0.6, 0.14, 0.19), Stuff.PLATE),
            *_pair((0.02, 0.1, 0.14, 0.34), Stuff.TAIL_LAMP),
        ),
        sides=(((0.03, 0.97, 0.42, 0.82), Stuff.GLASS),),
    ),
)
_MOTORCYCLE = (
    Block(x=(-0.08, 0.08), y=(0.0, 0.4), z=(0.0, 0.28), stuff=Stuff.TYRE, level=1),
    Block(x=(-0.11, 0.11), y=(0.0, 0.4), z=(0.72, 1.0), stuff=Stuff.TYRE, level=1),
    Block(x=(-0.2, 0.2), y=(0.22, 0.5), z=(0.3, 0.8), stuff=Stuff.TRIM, level=2),
    Block(  # legs and boots
        x=(-0.34, 0.34), y=(0.2, 0.52), z=(0.42, 0.66), top_x=(-0.26, 0.26), stuff=Stuff.TRIM, level=2
    ),
    Block(x=(-0.28, 0.28), y=(0.5, 0.86), z=(0.42, 0.68), top_x=(-0.3, 0.3), stuff=Stuff.JACKET, level=2),
    Block(x=(-0.5, 0.5), y=(0.63, 0.68), z=(0.24, 0.3), stuff=Stuff.TRIM, level=2),
    Block(x=(-0.42, -0.26), y=(0.6, 0.8), z=(0.28, 0.5), stuff=Stuff.JACKET, level=2),
    Block(x=(0.26, 0.42), y=(0.6, 0.8), z=(0.28, 0.5), stuff=Stuff.JACKET, level=2),
    Block(
        x=(-0.16, 0.16),
        y=(0.36, 0.68),
        z=(0.14, 0.4),
        top_x=(-0.24, 0.24),
        level=3,
        front=(((0.28, 0.72, 0.5, 0.82), Stuff.LAMP), ((0.1, 0.9, 0.86, 1.0), Stuff.GLASS)),
    ),
    Block(
        x=(-0.14, 0.14),
        y=(0.36, 0.55),
        z=(0.7, 0.95),
        level=3,
        rear=(((0.2, 0.8, 0.6, 0.95), Stuff.TAIL_LAMP), ((0.1, 0.9, 0.0, 0.5), Stuff.PLATE)),
    ),
    Block(
        x=(-0.16, 0.16),
        y=(0.84, 1.0),
        z=(0.4, 0.54),
        top_x=(-0.11, 0.11),
        top_z=(0.42, 0.52),
        level=4,
        front=(((0.1, 0.9, 0.3, 0.75), Stuff.GLASS),),
    ),
)
BLOCKS: Mapping[Kind, tuple[Block, ...]] = {
    Kind.CAR: _CAR,
    Kind.VAN: _VAN,
    Kind.TRUCK: _TRUCK,
    Kind.BUS: _BUS,
    Kind.MOTORCYCLE: _MOTORCYCLE,
}
WHEELS: Mapping[Kind, tuple[tuple[float, ...], float, float]] = {
    Kind.CAR: ((0.18, 0.80), 0.42, 0.165),
    Kind.VAN: ((0.17, 0.78), 0.33, 0.148),
    Kind.TRUCK: ((0.14, 0.72, 0.84), 0.30, 0.116),
    Kind.BUS: ((0.2, 0.75), 0.29, 0.08),
}
"""Where the axles are along the length; height and length of a wheel."""
