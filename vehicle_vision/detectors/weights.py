"""Weights, fetched and exported by ultralytics: needs torch, at the depot, not in the van."""

from __future__ import annotations

import shutil
import tempfile
from enum import StrEnum
from pathlib import Path

from vehicle_vision.detectors.ultralytics_yolo import UltralyticsYolo, ultralytics
from vehicle_vision.errors import VisionError


class Form(StrEnum):
    """What a model is exported to."""

    ONNX = "onnx"
    OPENVINO = "openvino"


def fetch(name: str, folder: Path) -> Path:
    """Download weights as ultralytics publishes them, and see that they serve. The one step that needs the internet."""
    file = Path(name).with_suffix(".pt")
    if file.name != str(file) or file.name.startswith("."):
        raise VisionError(f"{name!r}; expected the name of a model of ultralytics, such as yolo11n")
    target = folder / file
    if target.exists():
        raise VisionError(f"{target} is there already; remove it to fetch it again")
    ultralytics()
    from ultralytics.utils import downloads

    if file.name not in downloads.GITHUB_ASSETS_NAMES:
        raise VisionError(f"ultralytics publishes no {file.name}; expected a name such as yolo11n, yolo11s or yolo26n")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as aside:  # what was cut off on its way never bears the name
        part = Path(aside) / file
        try:
            downloads.attempt_download_asset(part)
        except Exception as error:  # of urllib, of the system, or its own
            raise VisionError(f"{file.name} cannot be fetched ({_brief(error)}); expected the internet") from error
        UltralyticsYolo(part)
        part.rename(target)
    return target


def export(weights: Path, form: Form, input_wh: tuple[int, int], folder: Path) -> Path:
    """Write the model for inputs of exactly that size, beside others for other sizes; float32.

    Return the `.onnx`, or OpenVINO's folder. What was there under that name is replaced.
    """
    model = UltralyticsYolo(weights, input_wh=input_wh)  # says what is wrong with it, better than the exporter
    width, height = model.input_wh
    name = f"{weights.stem}_{width}x{height}"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        copy = Path(shutil.copyfile(weights, Path(aside) / f"{name}.pt"))
        try:
            made = Path(ultralytics().YOLO(copy).export(format=form.value, imgsz=(height, width), device="cpu"))
        except Exception as error:  # whatever the format's own library raises
            raise VisionError(f"{weights} cannot be exported to {form.value}: {_brief(error)}") from error
        target = folder / made.name
        if target.is_dir():
            shutil.rmtree(target)
        made.replace(target)
    return target


def _brief(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
