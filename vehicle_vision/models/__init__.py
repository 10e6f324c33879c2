"""The network that comes with the package: it makes demo and tests run real inference, and has never seen a road."""

from __future__ import annotations

from pathlib import Path

from vehicle_vision.boxes import BoxModel
from vehicle_vision.errors import VisionError

DEMO = Path(__file__).with_name("demo.onnx")
"""Classes, input and what it sees, by size and weather: `demo.json` beside it."""
DEMO_BOXES = BoxModel(height_ratio=1.01, bottom_lift=0.0, edge_sigma=0.04)
"""How it draws them around vehicles of the rendered road, by day: some 300 of 12 pixels and more."""
MARK = "NOT FOR THE ROAD"
"""What the description inside such a model says, and that of any export of it."""


def is_demo(model: Path) -> bool:
    """Whether a model, a file or a folder of OpenVINO's, says of itself that it is not for the road.

    Whoever protects people asks, and refuses. Raise VisionError when it cannot be read.
    """
    files = sorted(model.glob("*.yaml")) if model.is_dir() else [model]
    try:
        return any(MARK.encode() in file.read_bytes() for file in files)
    except OSError as error:
        raise VisionError(f"{model} cannot be read ({error.strerror}); expected a model") from error
