"""What vehicles are built of: boxes with patches on their sides.

Points are shares of the width (-0.5 left to 0.5), the height (0 road to 1) and the length (0 front to 1 rear): a shape
fills exactly the size of the vehicle that wears it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Points3 = NDArray[np.float64]
Rectangle = tuple[float, float, float, float]
"""On a face: from left, to right, from below, to above; shares of the face."""


class Stuff(StrEnum):
    """What a face is made of."""

    PAINT = "paint"
    TRIM = "trim"
    GLASS = "glass"
    TYRE = "tyre"
    LAMP = "lamp"
    TAIL_LAMP = "tail lamp"
    PLATE = "plate"
    CARGO = "cargo"
    JACKET = "jacket"


@dataclass(frozen=True, slots=True)
class Face:
    """A flat polygon, shape (k, 3), counter-clockwise seen from outside. Faces of a higher `level` hide lower ones;
    within a level, nearer blocks hide farther ones."""

    points: Points3
    stuff: Stuff
    level: int
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A box, or one whose top is smaller than its bottom, with patches on its sides.

    x and z: from and to, at the bottom; `top_x`, `top_z` at the top, None: the same.
    """

    x: tuple[float, float] = (-0.5, 0.5)
    y: tuple[float, float]
    z: tuple[float, float] = (0.0, 1.0)
    top_x: tuple[float, float] | None = None
    top_z: tuple[float, float] | None = None
    stuff: Stuff = Stuff.PAINT
    level: int = 2
    front: tuple[tuple[Rectangle, Stuff], ...] = ()
    rear: tuple[tuple[Rectangle, Stuff], ...] = ()
    sides: tuple[tuple[Rectangle, Stuff], ...] = ()

    def faces(self, number: int) -> list[Face]:
        (left, right), (low, high), (near, far) = self.x, self.y, self.z
        (tleft, tright), (tnear, tfar) = self.top_x or self.x, self.top_z or self.z
        bottom = [(left, low, near), (right, low, near), (right, low, far), (left, low, far)]
        top = [(tleft, high, tnear), (tright, high, tnear), (tright, high, tfar), (tleft, high, tfar)]
        # lower left, lower right, upper right, upper left, as one sees it who stands before the face
        outlines = {
            "front": (bottom[0], bottom[1], top[1], top[0]),
            "rear": (bottom[2], bottom[3], top[3], top[2]),
            "left": (bottom[3], bottom[0], top[0], top[3]),
            "right": (bottom[1], bottom[2], top[2], top[1]),
            "top": (top[0], top[1], top[2], top[3]),
        }
        patches = {"front": self.front, "rear": self.rear, "left": self.sides, "right": self.sides}
        found = []
        for name, outline in outlines.items():
            corners = np.array(outline, dtype=np.float64)
            found.append(Face(corners, self.stuff, self.level, number))
            for (u0, u1, v0, v1), stuff in patches.get(name, ()):
                if name == "left":  # its left is the rear: patches are told from the front
                    u0, u1 = 1 - u1, 1 - u0
                found.append(Face(_patch(corners, (u0, u1, v0, v1)), stuff, self.level, number))
        return found


def _patch(corners: Points3, rectangle: Rectangle) -> Points3:
    u0, u1, v0, v1 = rectangle
    lower_left, lower_right, upper_right, upper_left = corners
    return np.array(
        [
            (1 - v) * ((1 - u) * lower_left + u * lower_right) + v * ((1 - u) * upper_left + u * upper_right)
            for u, v in ((u0, v0), (u1, v0), (u1, v1), (u0, v1))
        ]
    )
