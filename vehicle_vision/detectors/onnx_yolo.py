"""An exported YOLO, v8, 11 or 26, without torch: for the small box in the van."""

from __future__ import annotations

from pathlib import Path

from vehicle_vision.detectors import exported, model_file
from vehicle_vision.detectors.detections import CONFIDENCE_MIN
from vehicle_vision.detectors.exported import ExportedNetwork, Precision, Runtime
from vehicle_vision.detectors.model_file import ModelFile
from vehicle_vision.detectors.yolo import Yolo
from vehicle_vision.errors import VisionError


class OnnxYolo(Yolo):
    """By OpenVINO or ONNX Runtime."""

    def __init__(
        self,
        path: Path,
        *,
        runtime: Runtime | None = None,
        precision: Precision = Precision.FAST,
        threads: int | None = None,
        confidence_min: float = CONFIDENCE_MIN,
        input_wh: tuple[int, int] | None = None,
    ) -> None:
        """`path`: an `.onnx`, or a folder or `.xml` of OpenVINO, as ultralytics exports them.

        `input_wh` is for models exported with sizes that are not fixed; default: what they were exported at.
        Raise VisionError when the model cannot serve.
        """
        file = model_file.find(path)
        network = exported.load(file, runtime or exported.usual_runtime(file), precision, threads)
        self.file = model_file.described(file, network.properties)
        super().__init__(network, self.file.names, _input_wh(network, self.file, input_wh), confidence_min)
        self.head.expect(network.output_shape)
        network.fix(self.input_wh)


def _input_wh(network: ExportedNetwork, file: ModelFile, wanted_wh: tuple[int, int] | None) -> tuple[int, int]:
    shape = network.input_shape
    if len(shape) != 4 or shape[0] not in (1, -1) or shape[1] not in (3, -1):
        raise VisionError(f"{file.path}: its input has the shape {shape}; expected (1, 3, height, width)")
    fixed_wh = (shape[3], shape[2])
    if -1 in fixed_wh:
        chosen = wanted_wh or file.made_for_wh
        if chosen is None:
            raise VisionError(f"{file.path}: its input has no fixed size; expected to be told one")
        return chosen
    if wanted_wh is not None and wanted_wh != fixed_wh:
        raise VisionError(
            f"{file.path}: its input is {fixed_wh[0]}x{fixed_wh[1]}; {wanted_wh[0]}x{wanted_wh[1]} was asked for. "
            "Export it at that size."
        )
    return fixed_wh
