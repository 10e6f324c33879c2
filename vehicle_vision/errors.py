"""What vision refuses; each text says what is, what was expected and what to do."""

from __future__ import annotations

from gyrophare.kernel.errors import GyrophareError


class VisionError(GyrophareError):
    """A frame, a box or a time that cannot be judged: the loop turns it into a fault, never into an empty road."""


class CameraError(GyrophareError):
    """A camera's description cannot be used; the text names the value."""
