"""A guard from what lies in the van: the camera's description and a network."""

from __future__ import annotations

from pathlib import Path

from vehicle_vision.boxes import DETECTED
from vehicle_vision.camera import Camera
from vehicle_vision.detectors import Precision, open_detector
from vehicle_vision.detectors.strip import horizon_strip, to_stride
from vehicle_vision.detectors.two_crops import TwoCrops
from vehicle_vision.errors import VisionError
from vehicle_vision.guard import Guard
from vehicle_vision.hazard import Policy
from vehicle_vision.models import DEMO_BOXES, is_demo

FRAME_WIDTH_PX, STRIP_WIDTH_PX = 640, 960


def open_guard(
    camera: Camera,
    model: Path,
    *,
    strip_model: Path | None = None,
    demo: bool = False,
    policy: Policy | None = None,
    precision: Precision = Precision.FAST,
) -> Guard:
    """A guard that looks at each frame twice: the whole of it scaled down, the strip around the horizon as it is.

    `strip_model`: the network for the strip, where a network's size of input is fixed; None: the same for both. Raise
    VisionError when the network cannot serve, or is that of the demo and nobody has said that this is one.
    """
    shown = [one for one in (model, strip_model) if one is not None and one.exists() and is_demo(one)]
    if shown and not demo:
        raise VisionError(
            f"{shown[0]} is NOT FOR THE ROAD: it has seen a rendered one only, and would leave the crew unprotected. "
            "Expected a network trained on real roads: `gyrophare van model fetch yolo11n`, then `export`."
        )
    width, height = camera.frame_wh
    crop = horizon_strip(camera, STRIP_WIDTH_PX)
    frame_wh = FRAME_WIDTH_PX, to_stride(FRAME_WIDTH_PX * height / width)
    strip_wh = to_stride(crop.width_px), to_stride(crop.height_px)
    fixed = strip_model is not None
    detector = TwoCrops(
        camera,
        frame=open_detector(model, input_wh=None if fixed else frame_wh, precision=precision),
        strip=open_detector(strip_model or model, input_wh=None if fixed else strip_wh, precision=precision),
        strip_width_px=STRIP_WIDTH_PX,
    )
    return Guard(camera, detector, policy=policy, boxes=DEMO_BOXES if shown else DETECTED, aim=detector.aim)
