"""`gyrophare evaluate approach` and `hazards`: when the van's siren sounds, beside the truth.

What they compute with is not installed with the server: it is imported when it is asked for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import Progress, track
from rich.table import Table

from gyrophare.commands.evaluate_vision import app as app
from gyrophare.commands.said import say, to_stderr

if TYPE_CHECKING:
    from gyrophare.evaluation.vision.approach import ApproachScore
    from gyrophare.evaluation.vision.hazards import HazardScore


ModeOption = Annotated[
    Literal["axis", "trajectory"],
    typer.Option(
        "--mode", help="axis: any vehicle in the van's axis that comes. trajectory: those whose path ends there."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")]


@app.command()
def approach(
    runs: Annotated[int, typer.Option(min=1, help="Approaches at each speed, and vehicles that pass.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    mode: ModeOption = "axis",
    camera_error: Annotated[
        float, typer.Option(min=0.01, max=2, help="Standard error of the camera's pitch and yaw, degrees.")
    ] = 0.1,
    passed: Annotated[
        int, typer.Option(min=0, help="How many vehicles pass before each; the van learns by them where it looks.")
    ] = 0,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many at once.")] = 2,
    plot: Annotated[Path | None, typer.Option(help="Draw the siren's distances into this PNG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let simulated vehicles come at the van, and measure how far away they are when the siren sounds.

    1080p, 60 degrees, the camera at 2.2 m, 20 frames a second, a straight road. Cars are seen as often as yolo11n sees
    them by their height in pixels, each edge is off by 0.8 px and 1.5 % of the box, sizes spread by 8 %; the camera
    looks somewhat elsewhere than its file says. lead: from the siren until the vehicle is here. missed: no siren at
    all. Passing: cars, vans and lorries whose middle is 3 m beside the axis; every siren is one too many.
    """
    from gyrophare.evaluation.vision.approach import run_all, score, tasks
    from vehicle_vision.hazard import Mode, Policy

    todo = tasks(runs, seed, camera_error, passed, Policy(mode=Mode(mode)))
    with Progress(console=to_stderr(), transient=True) as progress:
        bar = progress.add_task("Approaches", total=sum(len(task.speeds_kmh) for task in todo))
        done = run_all(todo, processes, lambda count: progress.advance(bar, count))
    scored = score(todo, done)
    if plot is not None:
        from gyrophare.evaluation.vision.plot_approach import plot_approach

        plot_approach(scored, plot)
    if as_json:
        typer.echo(json.dumps(scored.as_json(), indent=2))
    else:
        _show_approaches(scored)


@app.command()
def hazards(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="KITTI's tracking layout: label_02 and calib.")],
    mode: ModeOption = "axis",
    plot: Annotated[
        Path | None, typer.Option(help="Draw each recording's sirens by the truth into this PNG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play labelled traffic through the rule of the siren as if the van stood, and count its sirens by the truth.

    A threat is a vehicle that for a second on end would, going on as it does, be within the van's width in 4 s at most.
    real: sirens for a vehicle that threatens, or does so within 4 s. in axis: for one that comes in the axis and then
    does not reach us, right by the rule `axis`. false: any other. The recording car itself drives and turns, as no van
    at work does: what is parked round a bend is in its axis, and a path across a bend is none.
    """
    from gyrophare.evaluation.vision import kitti
    from gyrophare.evaluation.vision.hazards import score, total
    from vehicle_vision.hazard import Mode, Policy

    policy = Policy(mode=Mode(mode))
    recordings = kitti.read(folder)
    scores = [score(one, policy) for one in track(recordings, "Replaying", console=to_stderr(), transient=True)]
    if plot is not None:
        from gyrophare.evaluation.vision.plot_hazards import plot_hazards

        plot_hazards(scores, plot)
    if as_json:
        found = {"mode": mode, "recordings": [one.as_json() for one in scores], "totals": total(scores).as_json()}
        typer.echo(json.dumps(found, indent=2))
    else:
        _show_hazards([*scores, total(scores)])


def _show_approaches(scored: ApproachScore) -> None:
    table = Table("km/h", "siren m p5", "p50", "lead s p5", "p50", "missed", box=None, padding=(0, 2))
    for one in scored.runs:
        figures = (one.speed_kmh, one.siren_m_p5, one.siren_m_p50, one.lead_s_p5, one.lead_s_p50, one.missed)
        table.add_row(*(f"{figure:g}" for figure in figures))
    say(table)
    say(f"{scored.passing_sirens} sirens for {scored.passing_runs} vehicles that passed at 3 m")


def _show_hazards(scores: list[HazardScore]) -> None:
    names = ("minutes", "vehicles", "threats", "sirens", "real", "in_axis", "false", "missed")
    table = Table(
        "recording", *(name.replace("_", " ") for name in names), "lead s p5", "p50", box=None, padding=(0, 2)
    )
    for one in scores:
        found = one.as_json()
        figures = [found[name] for name in (*names, "lead_s_p5", "lead_s_p50")]
        table.add_row(one.name, *("–" if figure is None else f"{figure:g}" for figure in figures))
    say(table)
