"""What sees: one interface over the networks, and two looks at each frame, so that 100 m is not eight pixels."""

from vehicle_vision.detectors.detections import CONFIDENCE_MIN, NOTHING, VEHICLES, Detections, Detector, Image
from vehicle_vision.detectors.exported import Precision, Runtime
from vehicle_vision.detectors.opening import open_detector

__all__ = [
    "CONFIDENCE_MIN",
    "NOTHING",
    "VEHICLES",
    "Detections",
    "Detector",
    "Image",
    "Precision",
    "Runtime",
    "open_detector",
]
