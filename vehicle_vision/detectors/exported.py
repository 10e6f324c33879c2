"""The two runtimes that carry an exported network without torch; each is loaded only when it is wanted."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vehicle_vision.detectors import model_file
from vehicle_vision.detectors.yolo import Network
from vehicle_vision.errors import VisionError

_X86 = ("x86_64", "amd64", "i386", "i686")
_INSTALL = "Install Gyrophare with its extra `van`."


class Runtime(StrEnum):
    """Who carries the network."""

    OPENVINO = "openvino"
    ONNXRUNTIME = "onnxruntime"


class Precision(StrEnum):
    """Of the network's arithmetic."""

    FAST = "fast"
    """What the processor does fastest: bfloat16 where it has it."""
    F32 = "f32"


class ExportedNetwork(Network, Protocol):
    """A network in a file; sizes that are not fixed are -1."""

    properties: Mapping[str, Any]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def fix(self, input_wh: tuple[int, int]) -> None:
        """Get ready to run, with inputs of that size; once, before `run`."""


def usual_runtime(path: Path) -> Runtime:
    """OpenVINO on x86, where it is twice as fast, and for its own files."""
    x86 = platform.machine().lower() in _X86
    return Runtime.OPENVINO if x86 or path.suffix == ".xml" else Runtime.ONNXRUNTIME


def load(path: Path, runtime: Runtime, precision: Precision, threads: int | None) -> ExportedNetwork:
    """Read a file that `model_file.find` has found."""
    if runtime is Runtime.OPENVINO:
        return OpenVinoNetwork(path, precision, threads)
    if path.suffix != ".onnx":
        raise VisionError(f"{path}: ONNX Runtime reads .onnx only. Take --runtime openvino, or an ONNX export.")
    return OnnxRuntimeNetwork(path, threads)


class OpenVinoNetwork:
    """On the processor, tuned for the time of one frame."""

    def __init__(self, path: Path, precision: Precision, threads: int | None) -> None:
        try:
            import openvino
        except ImportError as error:
            raise VisionError(f"OpenVINO is not installed. {_INSTALL}") from error
        self._core = openvino.Core()
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if precision is Precision.F32:
            self._options["INFERENCE_PRECISION_HINT"] = "f32"
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads
        try:
            self._model = self._core.read_model(path)
        except RuntimeError as error:
            raise _no_model(path, error) from error
        self.properties = self._said_of(path)
        self.input_shape = _fixed(self._model.inputs[0].partial_shape)
        self.output_shape = _fixed(self._model.outputs[0].partial_shape)

    def fix(self, input_wh: tuple[int, int]) -> None:
        try:
            if -1 in self.input_shape:
                self._model.reshape([1, 3, input_wh[1], input_wh[0]])
            self._request = self._core.compile_model(self._model, "CPU", self._options).create_infer_request()
        except RuntimeError as error:
            raise VisionError(f"OpenVINO cannot run the model: {_first_line(error)}") from error

    def run(self, blob: NDArray[np.float32]) -> NDArray[np.floating]:
        try:
            self._request.infer([blob])
        except RuntimeError as error:
            raise VisionError(f"OpenVINO failed on a frame: {_first_line(error)}") from error
        return np.asarray(self._request.get_output_tensor(0).data)

    def _said_of(self, path: Path) -> Mapping[str, Any]:
        if path.suffix == ".xml":
            return model_file.beside(path)
        has_any = self._model.has_rt_info(["framework"])
        said: Mapping[str, Any] = self._model.get_rt_info(["framework"]).value if has_any else {}
        return said


class OnnxRuntimeNetwork:
    """On the processor."""

    def __init__(self, path: Path, threads: int | None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise VisionError(f"ONNX Runtime is not installed. {_INSTALL}") from error
        options = onnxruntime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's own have no common base
            raise _no_model(path, error) from error
        self.properties = self._session.get_modelmeta().custom_metadata_map
        self._input = self._session.get_inputs()[0]
        self._half = self._input.type == "tensor(float16)"
        self.input_shape = _known(self._input.shape)
        self.output_shape = _known(self._session.get_outputs()[0].shape)

    def fix(self, input_wh: tuple[int, int]) -> None:
        """Nothing to do: it takes any size that the model takes."""

    def run(self, blob: NDArray[np.float32]) -> NDArray[np.floating]:
        try:
            outputs = self._session.run(None, {self._input.name: blob.astype(np.float16) if self._half else blob})
        except Exception as error:  # the runtime's own have no common base
            raise VisionError(f"ONNX Runtime failed on a frame: {_first_line(error)}") from error
        return np.asarray(outputs[0])


def _no_model(path: Path, error: Exception) -> VisionError:
    return VisionError(
        f"{path}: no network that can be read ({_first_line(error)}); expected an export of a YOLO detector"
    )


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Exception from")]
    return (lines[0] if lines else type(error).__name__)[:200]


def _fixed(shape: Any) -> tuple[int, ...]:
    """Of OpenVINO's partial shape."""
    return tuple(size.get_length() if size.is_static else -1 for size in shape)


def _known(shape: list[Any]) -> tuple[int, ...]:
    """Of ONNX Runtime's, where a name or None stands for a size that is not fixed."""
    return tuple(size if isinstance(size, int) else -1 for size in shape)
