"""`gyrophare evaluate ranging`: the van's judgement on labelled recordings.

What it computes with is not installed with the server: it is imported when it is asked for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from gyrophare.commands.evaluate import app as app
from gyrophare.commands.said import say, to_stderr

if TYPE_CHECKING:
    from gyrophare.evaluation.vision.ranging import RangingScore


@app.command()
def ranging(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="KITTI's tracking layout: label_02 and calib.")],
    noise: Annotated[
        float, typer.Option(help="Move each edge by N times (0.8 px + 1.5 % of the box).", min=0, max=10)
    ] = 0,
    coco: Annotated[bool, typer.Option("--coco", help="Tell only a detector's words: a van is a car.")] = False,
    seed: Annotated[int, typer.Option(help="Of the noise.", min=0)] = 0,
    plot: Annotated[Path | None, typer.Option(help="Draw the errors into this PNG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Range labelled vehicles as the van would, and compare with where they were.

    Counted: Car, Van, Truck and Tram, nothing of them cut, occlusion 0 or 1, 5 to 100 m. True is the nearest corner of
    the 3D box along the optical axis; closing speeds are true over three frames on either side. Speeds and times that
    the ranging does not give, because it cannot know them yet, are left out of their figures; how many it gives stands
    beside them.
    """
    from gyrophare.evaluation.vision import kitti
    from gyrophare.evaluation.vision.ranging import pairs, score

    sequences = kitti.read(folder)
    found = [
        pair
        for sequence in track(sequences, "Ranging", console=to_stderr(), transient=True)
        for pair in pairs(sequence, noise=noise, coco=coco, seed=seed)
    ]
    scored = score(found)
    if plot is not None:
        from gyrophare.evaluation.vision.plot import plot_ranging

        plot_ranging([(pair.range_m, pair.found) for pair in found], plot)
    if as_json:
        typer.echo(json.dumps(scored.as_json(), indent=2))
    else:
        _show(scored)


def _show(scored: RangingScore) -> None:
    rows: list[tuple[str, Any, str]] = [
        ("AbsRel", scored.abs_rel, ".4f"),
        ("RMSE, m", scored.rmse_m, ".2f"),
        ("RMSE of the logarithm", scored.rmse_log, ".4f"),
        ("within a factor of 1.25", scored.delta_1_25, ".3f"),
        ("closing speed, RMSE, m/s", scored.closing_speed_rmse_mps, ".2f"),
        ("  given for, %", scored.closing_speed_known_pct, ".1f"),
        ("time to collision within 25 %, %", scored.ttc_within_25_pct, ".1f"),
        ("  given for, %", scored.ttc_known_pct, ".1f"),
        ("truths within the 90 % interval, %", scored.interval_coverage_pct, ".1f"),
        ("boxes", scored.n, "d"),
    ]
    table = Table(box=None, padding=(0, 2), show_header=False)
    for name, value, form in rows:
        table.add_row(name, "–" if value is None else f"{value:{form}}")
    say(table)
    bins = Table("true range, m", "bias m", "AbsRel", box=None, padding=(0, 2))
    for name, bias_m in scored.bias_m_by_10m.items():
        bins.add_row(name, f"{bias_m:+.2f}", f"{scored.abs_rel_by_10m[name]:.3f}")
    say(bins)
