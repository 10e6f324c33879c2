"""By how much a picture is shifted against another: phase correlation of their edges.

Edges, because the light changes over the day and they do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.self_checks.picture import Picture

_SURE = 6.0  # times the next best place


class Reference:
    """What the camera looked at when all was well."""

    def __init__(self, picture: Picture) -> None:
        self._shape = picture.grey.shape
        self._spectrum = _spectrum(picture)

    def shift_px(self, picture: Picture) -> tuple[float, float] | None:
        """Rightwards and downwards, pixels of the small picture; None: the two have too little in common to say."""
        if picture.grey.shape != self._shape:
            return None
        across = _spectrum(picture) * np.conj(self._spectrum)
        peak = np.fft.irfft2(across / (np.abs(across) + 1e-6), s=(self._shape[0] - 1, self._shape[1] - 1))
        row, column = (int(one) for one in np.unravel_index(int(peak.argmax()), peak.shape))
        if peak[row, column] < _SURE * float(peak.std()):
            return None
        return (
            _signed(column + _between(peak[row], column), peak.shape[1]),
            _signed(row + _between(peak[:, column], row), peak.shape[0]),
        )


def _spectrum(picture: Picture) -> NDArray[np.complex128]:
    edges = picture.gradient()
    edges = np.minimum(edges, 4 * float(edges.mean()) + 1)  # one lamp is not the whole picture
    window = np.outer(np.hanning(edges.shape[0]), np.hanning(edges.shape[1]))
    return np.asarray(np.fft.rfft2((edges - edges.mean()) * window))


def _between(values: NDArray[np.float64], at: int) -> float:
    """Where between the pixels the peak is, by a parabola."""
    before, here, after = (float(values[(at + step) % len(values)]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return 0.0 if bend == 0 else 0.5 * (before - after) / bend


def _signed(place: float, size: int) -> float:
    return place - size if place > size / 2 else place
