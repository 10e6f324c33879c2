"""Whatever ultralytics loads: its own weights, TensorRT, and the rest. Never by the network, and never a program.

Weights are pickles, which may hold any program: ultralytics is told to refuse all but its own networks.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.detectors.detections import CONFIDENCE_MIN
from vehicle_vision.detectors.yolo import Yolo
from vehicle_vision.errors import VisionError

_INSTALL = "Install Gyrophare with its extra `torch`, or export the model where that is: `gyrophare van model export`."
# Read when it is imported, by it and by all that it starts.
_MANNERS = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
    "ULTRALYTICS_SAFE_LOAD": "true",
}


def ultralytics() -> Any:
    """The library, told to stay off the network. Raise VisionError when it is not installed."""
    late = "ultralytics" in sys.modules
    os.environ.update(_MANNERS)  # noqa: TID251 - it has no other way to be told before it is imported
    try:
        import ultralytics as library
    except ImportError as error:
        raise VisionError(f"ultralytics is not installed ({error}). {_INSTALL}") from error
    if late and (library.utils.AUTOINSTALL or library.utils.ONLINE):
        raise VisionError(
            "ultralytics was loaded before it was told to stay off the network; load it through here first"
        )
    return library


class UltralyticsYolo(Yolo):
    """By torch, or what else the file is for."""

    def __init__(
        self,
        path: Path,
        *,
        input_wh: tuple[int, int] = (640, 640),
        device: str = "cpu",
        confidence_min: float = CONFIDENCE_MIN,
    ) -> None:
        """`device`: as torch calls it. Raise VisionError when the model cannot serve."""
        if not path.exists():
            raise VisionError(f"{path}: no such model; expected a file. `gyrophare van model fetch` gets one.")
        network = _Backend(path, device)
        super().__init__(network, network.names, input_wh, confidence_min)


class _Backend:
    """Ultralytics' own loader of all formats: the bare output, so that a figure that is not finite is seen."""

    def __init__(self, path: Path, device: str) -> None:
        ultralytics()
        import torch
        from ultralytics.nn.autobackend import AutoBackend

        self._torch = torch
        try:
            self._device = torch.device(device)
            self._backend = AutoBackend(str(path), device=self._device, verbose=False)
        except Exception as error:  # whatever the format's own library raises
            raise VisionError(
                f"{path}: ultralytics cannot load it ({_brief(error)}); expected a YOLO detector"
            ) from error
        task = getattr(self._backend.model, "task", None) or getattr(self._backend, "task", None)
        if task not in ("detect", None):  # not every format says it; the head's shape is looked at besides
            raise VisionError(f"{path}: a model for {task!r}; expected one for 'detect'")
        self.names = dict(self._backend.names)

    def run(self, blob: NDArray[np.float32]) -> NDArray[np.floating]:
        try:
            with self._torch.inference_mode():
                found = self._backend(self._torch.from_numpy(blob).to(self._device))
        except Exception as error:  # whatever the format's own library raises
            raise VisionError(f"the network failed on a frame: {_brief(error)}") from error
        first = found[0] if isinstance(found, list | tuple) else found
        return np.asarray(first.detach().cpu().numpy())


def _brief(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
