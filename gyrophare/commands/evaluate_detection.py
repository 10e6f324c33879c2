"""`gyrophare evaluate detection`: what a network sees of labelled pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gyrophare.commands.said import say, to_stderr
from gyrophare.commands.van_exports import need_vision


def detection(
    folder: Annotated[Path, typer.Argument(help="KITTI's layout for objects: image_2, label_2, calib.")],
    model: Annotated[Path, typer.Option(help="An .onnx, a folder of OpenVINO, or weights of ultralytics.")],
    strip: Annotated[
        Path | None, typer.Option(help="A second one, for the strip around the horizon: two looks, as in the van.")
    ] = None,
    strip_width: Annotated[int, typer.Option(min=64, help="Of the strip, pixels.")] = 960,
    confidence: Annotated[float, typer.Option(min=0.01, max=0.99, help="The least that counts.")] = 0.10,
    f32: Annotated[bool, typer.Option("--f32", help="Compute in float32, even where bfloat16 is faster.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the first 24 pictures, with what was seen, into it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Compare what a network sees of labelled pictures with the labels, and range its boxes, each picture alone.

    A label counts if it is a car, van, truck or tram, not cut by the picture and at most partly hidden; what else was
    labelled, or left unlabelled on purpose, may be seen or not. It is seen if a box has an IoU of 0.4 with it.

    n: labels that count. recall: of those, seen. precision: of boxes, those that are of one. recall_20_px, n_20_px:
    of labels that are 20 pixels high or more at the network's input. by_height_px (at the network's input), by_range_m
    (of labels the truth, of false boxes as ranged): n, recall, found, precision. range: of what was seen at 5 to 100 m,
    nearest corner along the optical axis: abs_rel, bias_rel (positive: read too far), rmse_m, bias_m_by_10m, n. boxes:
    height_ratio and bottom_lift, as `vehicle_vision.boxes` means them, of vehicles that nothing hides. missed: which.
    """
    need_vision()
    from gyrophare.evaluation.vision.detection import figures, look
    from gyrophare.evaluation.vision.drawing import write
    from gyrophare.evaluation.vision.objects import read
    from gyrophare.evaluation.vision.sheet import sheet
    from vehicle_vision.detectors import Detector, Precision, open_detector
    from vehicle_vision.detectors.two_crops import TwoCrops

    precision = Precision.F32 if f32 else Precision.FAST
    whole = open_detector(model, precision=precision, confidence_min=confidence)
    narrow = None if strip is None else open_detector(strip, precision=precision, confidence_min=confidence)
    looks, images = [], []
    for picture in read(folder):
        detector: Detector = whole
        if narrow is not None:
            detector = TwoCrops(picture.camera, frame=whole, strip=narrow, strip_width_px=strip_width)
        looks.append(look(picture, detector.detect(picture.image), detector.scale(picture.camera.frame_wh)))
        images += [picture.image] if plot else []
    found = figures(looks)
    if plot is not None:
        write(plot, sheet(images, looks))
        to_stderr().print(f"Drawn: {plot}", markup=False)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    for key, title in (("by_height_px", "height px"), ("by_range_m", "range m")):
        table = Table(title, "labels", "recall", "boxes", "precision", box=None, padding=(0, 2, 0, 0))
        for row in found[key]:
            if row["n"] or row["found"]:
                name = f"{row['from']}–{row['to']}" if row["to"] is not None else f"{row['from']}+"
                table.add_row(name, str(row["n"]), _said(row["recall"]), str(row["found"]), _said(row["precision"]))
        say(table)
    ranged, boxes = found["range"], found["boxes"]
    say(
        f"{found['n']} vehicles in {found['frames']} pictures: recall {_said(found['recall'])}, precision "
        f"{_said(found['precision'])}; of {found['n_20_px']} of 20 pixels or more, "
        f"recall {_said(found['recall_20_px'])}."
    )
    say(
        f"Range of {ranged['n']}: AbsRel {_said(ranged['abs_rel'], 3)}, bias {_said(ranged['bias_rel'], 3)}, RMSE "
        f"{_said(ranged['rmse_m'])} m. Boxes of {boxes['n']}: {_said(boxes['height_ratio'], 3)} of the height "
        f"(± {_said(boxes['height_ratio_sigma'], 3)}), lifted by {_said(boxes['bottom_lift'], 3)}."
    )


def _said(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
