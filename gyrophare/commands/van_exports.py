"""`gyrophare van model fetch`, `export` and `check`: from ultralytics' weights to what the van's computer runs."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from gyrophare.commands.said import say, to_stderr
from gyrophare.kernel.errors import NotReadyError

if TYPE_CHECKING:
    from vehicle_vision.detectors.likeness import Likeness

_SIZES = ["640x384", "960x256"]  # the whole of a 1080p frame scaled down, and the strip around the horizon


class Form(StrEnum):
    """What a model is exported to."""

    ONNX = "onnx"
    OPENVINO = "openvino"


def need_vision() -> None:
    """Raise NotReadyError where the extra `van` is not installed: the rest of Gyrophare does without."""
    try:
        import cv2
        import numpy
    except ImportError as error:
        raise NotReadyError(f"{error.name} is not installed. Install Gyrophare with its extra `van`.") from error
    del cv2, numpy


def size(text: str) -> tuple[int, int]:
    """Width and height of `960x256`."""
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not found:
        raise typer.BadParameter(f"{text!r}; expected width x height in pixels, such as 960x256")
    return int(found[1]), int(found[2])


def fetch(
    name: Annotated[str, typer.Argument(help="Of ultralytics: yolo11n, yolo26n, yolo11s, …")] = "yolo11n",
    folder: Annotated[Path, typer.Option(help="Where to put it.")] = Path("models"),
) -> None:
    """Download weights as ultralytics publishes them (AGPL-3.0). Needs the internet and the extra `torch`."""
    need_vision()
    from vehicle_vision.detectors import weights

    with to_stderr().status(f"fetching {name}"):
        path = weights.fetch(name, folder)
    say(f"{escape(str(path))}   sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def export(
    model: Annotated[Path, typer.Argument(help="Weights: a .pt of ultralytics.")],
    to: Annotated[Form, typer.Option(help="openvino is the faster on x86; onnx runs everywhere.")] = Form.OPENVINO,
    sizes: Annotated[
        list[str] | None,
        typer.Option("--size", metavar="WxH", help=f"Of the input; repeat it. {_SIZES}: whole frame, and strip."),
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Default: beside the weights.")] = None,
) -> None:
    """Write the model for the van's computer, once for each size. Needs the extra `torch`.

    Sizes are fixed, multiples of 32: the whole frame scaled down, and the strip around the horizon in native
    resolution. Afterwards `gyrophare van model check` says whether the export sees what its source sees.
    """
    need_vision()
    from vehicle_vision.detectors import weights

    for input_wh in [size(text) for text in sizes or _SIZES]:
        with to_stderr().status(f"exporting for {input_wh[0]}x{input_wh[1]}"):
            path = weights.export(model, weights.Form(to.value), input_wh, folder or model.parent)
        say(escape(str(path)))


def check(
    model: Annotated[Path, typer.Argument(help="The export: an .onnx, or a folder of OpenVINO.")],
    source: Annotated[Path, typer.Option(help="What it was made from: a .pt, or another export.")],
    frames: Annotated[Path, typer.Option(help="A folder of pictures, or a video: a road with traffic on it.")],
    at_most: Annotated[int, typer.Option(min=1, help="So many frames, evenly chosen.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Run a model and what it was made from on the same frames. Exit code 1: it must not stand for it.

    vehicles: that the source is sure of, with a confidence of 0.25. seen: of those, by the model, with 0.20 at least,
    at an IoU of 0.5; 98 % must be, of 20 vehicles at least. more: that the model is sure of and the source does not
    see. height_ratio: of the model's boxes beside the source's, within 3 %. confidence_shift: the model's less the
    source's. The source is run at the size that the model was exported for.
    """
    need_vision()
    from gyrophare.evaluation.vision.frames import frames as read
    from vehicle_vision.detectors import open_detector
    from vehicle_vision.detectors.likeness import compare

    exported = open_detector(model)
    original = open_detector(source, input_wh=exported.input_wh)
    with to_stderr().status("looking"):
        found = compare(original, exported, read(frames, at_most))
    if as_json:
        figures = asdict(found) | {"recall": found.recall, "alike": found.alike}
        typer.echo(json.dumps(figures, indent=2))
    else:
        _say(found)
    if not found.alike:
        raise typer.Exit(1)


def _say(found: Likeness) -> None:
    say(
        f"In {found.frames} frames the source is sure of {found.vehicles} vehicles; the model sees {found.seen} of "
        f"them and {found.more} others."
    )
    if found.mean_iou is not None and found.height_ratio is not None and found.confidence_shift is not None:
        say(
            f"Mean IoU {found.mean_iou:.3f}; boxes {found.height_ratio:.3f} of the height; confidence "
            f"{found.confidence_shift:+.3f} on average."
        )
    if not found.enough:
        say("[bold red]Too few to tell.[/] Give it frames with more traffic.")
    elif not found.draws_alike and found.sees_as_much:
        say("[bold red]It draws other boxes than its source:[/] ranges would be off. Export it again.")
    elif not found.alike:
        say("[bold red]It sees less than its source.[/] Do not drive with it: export again, without quantisation.")
    else:
        say("[bold green]It may stand for its source.[/]")
