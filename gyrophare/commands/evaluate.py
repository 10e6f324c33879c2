"""`gyrophare evaluate`: the rules on recorded tracks, the van's eyes on recorded roads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gyrophare.commands.evaluate_detection import detection
from gyrophare.commands.said import say, to_stderr
from gyrophare.evaluation.formats import Format, files, read
from gyrophare.evaluation.labels import Label, beside
from gyrophare.evaluation.labels import read as read_labels
from gyrophare.evaluation.recording import RecordingError
from gyrophare.evaluation.replay import replay
from gyrophare.evaluation.score import Score, score, totals, true_stays
from lone_worker.profiles import PROFILES, Profile

app = typer.Typer(help="Try the rules on recordings: offline, without a database.", no_args_is_help=True)
_BAD_LINES_SHOWN = 5  # of a file
app.command()(detection)


@app.command()
def stillness(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders to search for them.")],
    format_: Annotated[Format, typer.Option("--format", help="How they were recorded.")],
    profile: Annotated[str, typer.Option(help=f"One of {', '.join(PROFILES)}.")] = "default",
    labels: Annotated[Path | None, typer.Option(help="Start, end, what: `still` is the truth; as GeoLife's.")] = None,
    at_rest: Annotated[
        bool | None, typer.Option(help="Take it that the receiver lay at rest throughout. Default: of gpsd only.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
) -> None:
    """Replay recorded tracks through the rule of stillness, with an exact clock, and compare with the truth.

    The truth are the times that --labels calls still; else, of a receiver at rest, all of it; else where the track
    stays within 30 m of one place for the limit, past and future looked at, by code that the rule does not share.

    A recording is cut where it is silent for longer than the limit, as a device is that was off; each part is a shift.
    alarms: raised while the watch was heard. silence_alarms: in a silence longer than the limit; neither false nor
    missed. false_alarms: the wearer was not still for half of the limit before. missed: stays two minutes longer than
    the limit without an alarm. resets_while_still: evidence of movement later than 3 minutes into a stay. lateness_s:
    of the first alarm in each stay, after its start and the limit. hours: silences longer than the limit left out.
    stays: of ten minutes or more; alarmed_once: those with exactly one pre-alarm and one alarm.
    """
    figures = PROFILES.get(profile)
    if figures is None:
        raise RecordingError(f"There is no profile {profile!r}. Expected one of {', '.join(PROFILES)}.")
    said = None if labels is None else read_labels(labels)
    scores = [_evaluate(path, format_, figures, said, at_rest) for path in files(paths, format_)]
    if as_json:
        typer.echo(json.dumps({"files": [one.as_json() for one in scores], "totals": totals(scores)}, indent=2))
    else:
        _show(scores)


def _evaluate(path: Path, format_: Format, profile: Profile, said: list[Label] | None, at_rest: bool | None) -> Score:
    recording = read(path, format_)
    for line in recording.bad_lines[:_BAD_LINES_SHOWN]:
        to_stderr().print(f"{line} (skipped)", markup=False)
    if len(recording.bad_lines) > _BAD_LINES_SHOWN:
        to_stderr().print(f"{path}: {len(recording.bad_lines)} bad lines in all", markup=False)
    labels = beside(path) if said is None else said
    truth = true_stays(recording, labels, profile, at_rest=recording.at_rest if at_rest is None else at_rest)
    return score(recording, replay(recording, profile), truth, labels, profile)


def _show(scores: list[Score]) -> None:
    names = [
        "hours",
        "seconds_still",
        "stays",
        "alarmed_once",
        "prealarms",
        "alarms",
        "silence_alarms",
        "false_alarms",
        "missed",
    ]
    names += ["repeated", "resets_while_still", "bad_lines"]
    table = Table("file", *(name.replace("_", " ") for name in names), "lateness s", box=None, padding=(0, 1))
    for one in scores:
        late = f"{max(one.lateness_s):.0f} at most" if one.lateness_s else "–"
        table.add_row(escape(Path(one.file).name), *(f"{getattr(one, name):g}" for name in names), late)
    sums = totals(scores)
    table.add_row("[bold]in all[/]", *(f"{sums[name]:g}" for name in names), "")
    per = sums["per_1000_hours"]
    table.add_row("in 1 000 hours", *("" if per.get(name) is None else f"{per[name]:g}" for name in names), "")
    say(table)
