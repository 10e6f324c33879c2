"""Trains the demo's network: YOLO11 of an eighth of its width, on the rendered road alone. Needs the extra `torch`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gyrophare.sim.demo_model.dataset import CLASSES, CROP_WH, LEAST_PX, write
from gyrophare.sim.demo_model.measuring import measure
from vehicle_vision.detectors import CONFIDENCE_MIN, open_detector
from vehicle_vision.detectors.ultralytics_yolo import ultralytics
from vehicle_vision.models import DEMO, MARK

_SCALE = (0.5, 0.125, 512)  # depth, width, most channels before they are narrowed
_WHAT = (
    f"{MARK}: the network of Gyrophare's demo and tests. YOLO11 of an eighth of its width, trained on a rendered road "
    "alone; it has never seen a real one."
)
_OF_THE_MOMENT = ("date", "description", "args")
_SEEDS_APART = 100
_EMPTY_EVERY = 4
_OTHER_SEED = 10_000  # of the roads that it is measured on
_SURE = 0.25
_MEASURED_WH = (960, 544)
_EXPORT_WH = (640, 256)  # an example only: height and width of the model are free, in steps of 32


_SETTINGS: Mapping[str, Any] = {
    "imgsz": max(CROP_WH),
    "rect": True,  # crops are wide: no grey to compute
    "deterministic": True,
    "workers": 0,
    "device": "cpu",
    "amp": False,
    "optimizer": "AdamW",
    "lr0": 0.002,
    "lrf": 0.02,
    "cos_lr": True,
    "warmup_epochs": 1,
    "hsv_h": 0.02,
    "hsv_s": 0.4,
    "hsv_v": 0.3,
    "translate": 0.05,
    "scale": 0.2,
    "plots": False,
    "val": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What decides how the model comes out; the same recipe on the same machine gives the same model.

    Each round, of so many epochs, renders `pictures` of its own and goes on from the weights of the last.
    """

    pictures: int = 1600
    validation_pictures: int = 48
    epochs: tuple[int, ...] = (12, 8)
    batch: int = 8
    seed: int = 6
    threads: int = 1


def train(recipe: Recipe, into: Path) -> Path:
    """Render, train, export, measure; write the model and what it is into a folder and return the model's path.

    Raise VisionError where torch or ultralytics is not installed.
    """
    library = ultralytics()
    with TemporaryDirectory(prefix="gyrophare-demo-model-") as name:
        folder = Path(name)
        weights = _architecture(folder)
        for number in range(len(recipe.epochs)):
            weights = _round(library, recipe, number, weights, folder / f"round{number}")
        exported = library.YOLO(str(weights)).export(
            format="onnx", imgsz=_EXPORT_WH[::-1], dynamic=True, simplify=False, device="cpu"
        )
        into.mkdir(parents=True, exist_ok=True)
        _seal(Path(exported), into / DEMO.name)
    measured = _measured(into / DEMO.name, _OTHER_SEED + recipe.seed)
    _describe(into / DEMO.name, recipe, measured)
    return into / DEMO.name


def _round(library: Any, recipe: Recipe, number: int, weights: Path, folder: Path) -> Path:
    """Go on from these weights with pictures that were not seen before; return the new ones."""
    import torch

    torch.set_num_threads(recipe.threads)
    seed = recipe.seed + _SEEDS_APART * number
    empty_every = _EMPTY_EVERY if number else None  # first what a vehicle is, then that most roads carry none
    pictures = write(folder / "road", recipe.pictures, recipe.validation_pictures, seed, empty_every)
    model = library.YOLO(str(weights), task="detect")
    model.add_callback("on_train_start", _channels_last)
    model.train(
        data=str(pictures),
        epochs=recipe.epochs[number],
        batch=recipe.batch,
        nbs=recipe.batch,  # a step for each batch: there are few of them
        seed=recipe.seed,
        project=str(folder),
        name="run",
        **_SETTINGS,
    )
    return folder / "run" / "weights" / "last.pt"


def _channels_last(trainer: Any) -> None:
    """A fifth faster on a processor."""
    import torch

    trainer.model.to(memory_format=torch.channels_last)


def _architecture(folder: Path) -> Path:
    """Ultralytics' own description of YOLO11, narrower."""
    from ultralytics.utils import YAML
    from ultralytics.utils.checks import check_yaml

    found = YAML.load(check_yaml("yolo11.yaml"))
    found |= {"nc": len(CLASSES), "scales": {"n": [*_SCALE]}}
    path = folder / "yolo11n.yaml"  # its name says the scale
    YAML.save(path, found)
    return path


def _seal(exported: Path, model: Path) -> None:
    """Say inside the model what it is, in place of where and when it was made."""
    import onnx

    made = onnx.load(exported)
    said = {prop.key: prop.value for prop in made.metadata_props if prop.key not in _OF_THE_MOMENT}
    onnx.helper.set_model_props(made, said | {"description": _WHAT})
    # Of an output whose every size is free, a runtime could not tell whether it is that of a detector.
    made.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 4 + len(CLASSES)
    onnx.save(made, model)


def _measured(model: Path, seed: int) -> dict[str, Any]:
    """By the least confidence of what counts as seen."""
    return {
        f"{least:g}": measure(open_detector(model, input_wh=_MEASURED_WH, threads=1, confidence_min=least), seed)
        for least in (CONFIDENCE_MIN, _SURE)
    }


def _describe(model: Path, recipe: Recipe, measured: dict[str, Any]) -> None:
    said = {
        "what": _WHAT,
        "for_the_road": False,
        "classes": list(CLASSES),
        "least_height_px": LEAST_PX,
        "input": "RGB, 0 to 1, (n, 3, height, width), height and width multiples of 32",
        "made_by": "gyrophare van model train-demo",
        "recipe": asdict(recipe),
        "measured": {"on": "rendered roads of another seed, 960x540", "at_confidence": measured},
        "licence": "AGPL-3.0-or-later",
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
    }
    model.with_suffix(".json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
