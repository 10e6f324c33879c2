"""A detector from a file, by what the file is."""

from __future__ import annotations

from pathlib import Path

from vehicle_vision.detectors.detections import CONFIDENCE_MIN
from vehicle_vision.detectors.exported import Precision, Runtime
from vehicle_vision.detectors.onnx_yolo import OnnxYolo
from vehicle_vision.detectors.yolo import Yolo


def open_detector(
    path: Path,
    *,
    input_wh: tuple[int, int] | None = None,
    runtime: Runtime | None = None,
    precision: Precision = Precision.FAST,
    threads: int | None = None,
    confidence_min: float = CONFIDENCE_MIN,
) -> Yolo:
    """ONNX and OpenVINO without torch, all else by ultralytics. Raise VisionError when the model cannot serve."""
    exported = path.suffix in (".onnx", ".xml") or (path.is_dir() and any(path.glob("*.xml")))
    if exported or not path.exists():
        return OnnxYolo(
            path,
            runtime=runtime,
            precision=precision,
            threads=threads,
            confidence_min=confidence_min,
            input_wh=input_wh,
        )
    from vehicle_vision.detectors.ultralytics_yolo import UltralyticsYolo

    return UltralyticsYolo(path, input_wh=input_wh or (640, 640), confidence_min=confidence_min)
