"""A network that sees white, built in the tests: where a cell of 8 pixels is bright, it says there is a vehicle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

NAMES = {0: "person", 1: "car", 2: "truck"}
CELL_PX = 8


def blob_model(
    path: Path,
    *,
    wh: tuple[int, int] = (128, 96),
    names: dict[int, str] | None = None,
    end_to_end: bool = False,
    rows_more: int = 0,
    scale: float = 1.0,
    describe: bool = True,
    task: str = "detect",
) -> Path:
    """Write an ONNX with the head of YOLO 11, or the end-to-end one; `car` scores by brightness, the others nothing.

    `rows_more` adds rows to the head, as those of a model that outlines; `scale` multiplies the scores.
    """
    names = NAMES if names is None else names
    columns, rows = wh[0] // CELL_PX, wh[1] // CELL_PX
    count = columns * rows
    y, x = np.divmod(np.arange(count, dtype=np.float32), columns)
    cells = np.stack(((x + 0.5) * CELL_PX, (y + 0.5) * CELL_PX, np.full(count, CELL_PX), np.full(count, CELL_PX)))
    if end_to_end:
        cells = np.stack((x * CELL_PX, y * CELL_PX, (x + 1) * CELL_PX, (y + 1) * CELL_PX))
    parts, tensors = ["cells"], {"cells": cells[None].astype(np.float32), "flat": np.array([1, 1, count])}
    tensors["gain"] = np.array(scale, dtype=np.float32)
    before = [0] * len([number for number, name in names.items() if name != "car"][:1])
    after = len(names) - len(before) - 1 + rows_more
    if end_to_end:
        tensors["class"] = np.full((1, 1, count), next(n for n, name in names.items() if name == "car"), np.float32)
        parts += ["scores", "class"]
    else:
        tensors["before"] = np.zeros((1, len(before), count), np.float32)
        tensors["after"] = np.zeros((1, after, count), np.float32)
        parts += ["before", "scores", "after"]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["mean"], kernel_shape=[CELL_PX] * 2, strides=[CELL_PX] * 2),
        helper.make_node("Mul", ["mean", "gain"], ["bright"]),
        helper.make_node("Reshape", ["bright", "flat"], ["scores"]),
        helper.make_node("Concat", parts, ["head"], axis=1),
        helper.make_node("Transpose", ["head"], ["output0"], perm=[0, 2, 1] if end_to_end else [0, 1, 2]),
    ]
    height = 6 if end_to_end else 4 + len(names) + rows_more
    shape = [1, count, height] if end_to_end else [1, height, count]
    said = {"names": str(names), "imgsz": str([wh[1], wh[0]]), "task": task} if describe else {}
    _save(path, nodes, tensors, wh, shape, said)
    return path


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    tensors: dict[str, NDArray[np.generic]],
    wh: tuple[int, int],
    shape: list[int],
    said: dict[str, str],
) -> None:
    graph = helper.make_graph(
        nodes,
        "blobs",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, wh[1], wh[0]])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, text in said.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, text
    onnx.checker.check_model(model)
    onnx.save(model, path)
