"""`gyrophare van replay`: a recording, or a rendered road, through the van's whole judgement.

What it computes with is not installed with the server: it is imported when it is asked for.
"""

from __future__ import annotations

from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from gyrophare.commands.said import say, say_json, to_stderr
from gyrophare.kernel.errors import GyrophareError

if TYPE_CHECKING:
    from vehicle_vision.guard import Told


def replay(
    video: Annotated[Path | None, typer.Argument(metavar="[VIDEO]", help="A recording of the van's camera.")] = None,
    camera: Annotated[Path | None, typer.Option(help="The camera's file; `gyrophare van calibrate` writes it.")] = None,
    model: Annotated[Path | None, typer.Option(help="The network. Default with --demo: the demo's.")] = None,
    strip: Annotated[
        Path | None, typer.Option(help="That for the strip around the horizon, where the size of its input is fixed.")
    ] = None,
    scene: Annotated[
        str | None, typer.Option(help="In place of a recording, a rendered road: day, night, rain, fog, knock …")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Nobody relies on it: the demo's network may serve.")] = False,
    film: Annotated[Path | None, typer.Option(help="Draw what was judged into this MP4 file.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Only so much of it, from its beginning.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the rendered road.")] = 0,
) -> None:
    """Play a recording through the van's judgement, from the frame to the siren, and say what it would have told.

    level: how near to harm; ALERT and DANGER sound the siren. protection: whether the crew may rely on it, and what is
    wrong. A vehicle's range is the likeliest one, and the one that is nearer with a probability of 5 %. stages: how
    long each took for a frame, milliseconds.
    """
    from gyrophare.evaluation.vision.replay import Film, Source, Summary, recorded
    from gyrophare.sim.van_scene.rehearsals import FRAMES_PER_S, LASTS_S, REHEARSALS, rehearsal
    from vehicle_vision import camera_file
    from vehicle_vision.camera import Camera
    from vehicle_vision.models import DEMO
    from vehicle_vision.opening import open_guard

    if (video is None) == (scene is None):
        raise GyrophareError("expected a VIDEO or --scene, one of the two")
    if scene is not None and scene not in REHEARSALS:
        raise GyrophareError(f"--scene {scene!r}; expected one of {', '.join(REHEARSALS)}")
    if model is None and not demo:
        raise GyrophareError("expected --model, a network trained on real roads; or --demo, for that of the demo")
    if camera is None and video is not None:
        raise GyrophareError("expected --camera, its file; `gyrophare van calibrate fov` writes a first one")
    seen_by = Camera.from_field_of_view((960, 540), 35, height_m=2.2) if camera is None else camera_file.read(camera)
    guard = open_guard(seen_by, model or DEMO, strip_model=strip, demo=demo)
    if video is not None:
        source = recorded(video)
    else:
        rendered = rehearsal(scene or "", seen_by, seed)
        source = Source(frames=rendered, count=round(LASTS_S * FRAMES_PER_S), fps=FRAMES_PER_S)
    summary, before = Summary(), ""
    with Film(film, seen_by.frame_wh, source.fps) if film is not None else nullcontext() as shown:
        count = source.count if seconds is None else round(seconds * source.fps)
        frames = islice(source.frames, count or None)
        for at_s, image in track(frames, "Judging", total=count or None, console=to_stderr(), transient=True):
            told = guard.look(at_s, image)
            summary.take(told, 1 / source.fps)
            if shown is not None:
                shown.show(image, told)
            if not as_json and (now := _said(told)) != before:
                say(f"{at_s:7.2f} s  {escape(now)}")
                before = now
    if as_json:
        say_json(summary.as_json())
    else:
        _show(summary.as_json())
    if film is not None:
        to_stderr().print(f"Drawn: {film}", markup=False)


def _said(told: Told) -> str:
    """What a crew would be told of this frame; the same text is nothing new."""
    from gyrophare.evaluation.vision.replay import alert

    level = "not known" if told.level is None else told.level.name
    words = [f"{level:9} {told.protection}", *([f"({', '.join(told.wrong)})"] if told.wrong else [])]
    for track_id in told.judged.verdict.raised if told.judged is not None else ():
        raised = alert(told, track_id)
        words.append("a vehicle")
        if "range_m" in raised:
            words.append(f"at {raised['range_m']} m (or {raised['range_low_m']})")
        if raised.get("closing_kmh") is not None:
            words.append(f"at {raised['closing_kmh']} km/h")
        if raised.get("ttc_s") is not None:
            words.append(f"here in {raised['ttc_s']} s")
    return " ".join(words)


def _show(found: dict[str, Any]) -> None:
    protected = ", ".join(f"{name} {seconds:g} s" for name, seconds in found["protection_s"].items())
    say(f"{found['frames']} frames, {len(found['alerts'])} alerts; {protected}")
    table = Table("stage", "ms p50", "p95", box=None, padding=(0, 2))
    for stage, took_ms in found["stages_ms"].items():
        table.add_row(stage, *(f"{one:g}" for one in took_ms))
    say(table)
