"""What vehicles look like, ready to be placed and painted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gyrophare.sim.van_scene.blocks import Face, Points3, Stuff
from gyrophare.sim.van_scene.bodies import BLOCKS, WHEELS
from vehicle_vision.errors import VisionError
from vehicle_vision.sizes import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """All faces of a kind: their points one after the other, (n, 3), and of each face, (m,), where its points start and
    end, what it is made of, its level and its block."""

    points: Points3
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    stuffs: tuple[Stuff, ...]
    levels: NDArray[np.int64]
    blocks: NDArray[np.int64]


@cache
def shape(kind: Kind) -> Shape:
    """What a kind of vehicle looks like. Raise VisionError when nobody has drawn it."""
    if kind not in BLOCKS:
        raise VisionError(f"there is no shape of a {kind}; expected one of {', '.join(BLOCKS)}")
    blocks = BLOCKS[kind]
    faces = [face for number, block in enumerate(blocks) for face in block.faces(number)]
    if kind in WHEELS:
        places, high, long = WHEELS[kind]
        # They belong to the body, the first block above the tyres.
        body = next(number for number, block in enumerate(blocks) if block.level == 2)
        faces += _wheels(places, high=high, long=long, number=body)
    ends = np.cumsum([len(face.points) for face in faces], dtype=np.int64)
    return Shape(
        points=np.vstack([face.points for face in faces]),
        starts=np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1])),
        ends=ends,
        stuffs=tuple(face.stuff for face in faces),
        levels=np.array([face.level for face in faces]),
        blocks=np.array([face.block for face in faces]),
    )


def _wheels(places: tuple[float, ...], *, high: float, long: float, number: int) -> list[Face]:
    """Discs on both sides; `high` and `long` are diameters."""
    found = []
    for place in places:
        for share, stuff in ((1.0, Stuff.TYRE), (0.55, Stuff.TRIM)):
            for side in (-0.5, 0.5):
                turn = [side * 4 * math.pi * step / 14 for step in range(14)]
                rim = [
                    (side, high / 2 * (1 + share * math.sin(t)), place + long / 2 * share * math.cos(t)) for t in turn
                ]
                found.append(Face(np.array(rim), stuff, 2, number))
    return found
