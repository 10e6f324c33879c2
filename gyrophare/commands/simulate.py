"""`gyrophare simulate`: devices that nobody wears, to try an installation before somebody does."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from gyrophare import settings as settings_module
from gyrophare.kernel.clock import SystemClock
from gyrophare.kernel.errors import SettingsError
from gyrophare.settings import Settings
from gyrophare.sim import faults as sim_faults
from gyrophare.sim.drive import Drive, Figures
from gyrophare.sim.fleet import Crew, Fleet
from gyrophare.sim.history import History
from gyrophare.sim.lines import Lines
from gyrophare.sim.spool import Spool

app = typer.Typer(help="Simulate devices against a real broker.", no_args_is_help=True)

_EQUIP_S = 0.001  # it takes so long to equip one

_err = Console(stderr=True, highlight=False, soft_wrap=True)
_FAULTS_HELP = "Some of these, between commas, or `all`, which raises no alarm. " + "; ".join(
    f"{fault}: {meaning}" for fault, meaning in sim_faults.MEANINGS.items()
)


@app.callback()  # with one command alone, typer would hide its name
def simulate() -> None:
    """Simulate devices against a real broker."""


@app.command()
def watches(
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 10,
    rate: Annotated[float, typer.Option(min=0.001, max=100, help="Reports a second of each watch.")] = 0.2,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="How long; default: until Ctrl-C.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed draws the same wearers and faults.")] = None,
    faults: Annotated[str, typer.Option(help=_FAULTS_HELP)] = "",
    url: Annotated[str | None, typer.Option(help="mqtt://user:password@host:port; default: as configured.")] = None,
    prefix: Annotated[str, typer.Option(help="What their names begin with.")] = "sim",
    phones: Annotated[float, typer.Option(min=0, max=1, help="Share of OwnTracks telephones among them.")] = 0.1,
    own_sessions: Annotated[bool, typer.Option(help="Each with a session of its own at the broker.")] = False,
    credentials: Annotated[
        Path | None, typer.Option(help="JSON file, each name with its password; each then logs in by itself.")
    ] = None,
    spool: Annotated[
        Path | None, typer.Option(help="File of what is owed; default: one for each prefix in data_dir.")
    ] = None,
    history: Annotated[
        Path | None, typer.Option(help="Write here what became of each message, for a checker to compare.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the last receipts.")] = 30.0,
    names: Annotated[bool, typer.Option(help="Only print the names, one a line, to register them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on standard output.")] = False,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file; default: gyrophare.toml.")] = None,
) -> None:
    """Let simulated watches work: agents who walk, mow, plough, ride and rest, with what goes wrong in the field.

    The server must know them, and have them on shift: register the names that --names prints. What they measure stays
    in the spool until a receipt names it, also when this program is killed; the next run sends it again. The exit code
    is 0 only if everything was receipted in the end.
    """
    settings = settings_module.load(config)
    crew = Crew(
        count=count,
        interval_s=1 / rate,
        seed=secrets.randbits(31) if seed is None else seed,
        faults=sim_faults.chosen(faults),
        prefix=prefix,
        phones=phones,
    )
    if names:
        for name, speaks in crew.members():
            typer.echo(f"{name}\t{speaks}")
        return
    lines = _lines(crew, url or _broker_url(settings), credentials, own_sessions=own_sessions)
    kept_in = spool or settings.data_dir / "simulate" / f"{prefix}.sqlite3"
    _err.print(f"{count} watches, seed {crew.seed}; what they owe is in {kept_in}", markup=False)
    figures = asyncio.run(_run(crew, lines, kept_in, history, seconds, wait))
    if as_json:
        typer.echo(json.dumps({"seed": crew.seed, **figures.as_json()}, indent=2))
    else:
        typer.echo(_line(figures).plain)
    if figures.unreceipted:
        _err.print(_advice(figures, crew), markup=False)
        raise typer.Exit(1)


async def _run(
    crew: Crew, lines: Lines, kept_in: Path, history_path: Path | None, seconds: float | None, wait_s: float
) -> Figures:
    clock, history = SystemClock(), History()
    fleets: list[Fleet] = []
    await lines.open(lambda topic, payload, now: fleets[0].hear(topic, payload, now) if fleets else None)
    spool = Spool(kept_in)
    try:
        fleets.append(Fleet(crew, clock.now() + timedelta(seconds=_EQUIP_S * crew.count), spool, history))
        drive = Drive(fleets[0], lines, clock)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, drive.stop)
        if not sys.stderr.isatty():
            return await drive.run(seconds, wait_s, lambda _figures: None)
        with Live(console=_err, auto_refresh=False, transient=True) as live:
            return await drive.run(seconds, wait_s, lambda figures: live.update(_line(figures), refresh=True))
    finally:
        await lines.close()
        spool.close()
        if history_path is not None:
            history.save(history_path)


def _lines(crew: Crew, url: str, credentials: Path | None, *, own_sessions: bool) -> Lines:
    if credentials is not None:
        return Lines.own(url, crew.members(), SystemClock(), _passwords(credentials))
    if own_sessions:
        return Lines.own(url, crew.members(), SystemClock())
    return Lines.shared(url, crew.prefix, crew.members(), SystemClock())


def _broker_url(settings: Settings) -> str:
    if settings.mqtt.url is not None:
        return settings.mqtt.url.get_secret_value()
    if settings.mqtt.port:
        return f"mqtt://127.0.0.1:{settings.mqtt.port}"
    raise SettingsError(
        "No broker is configured, and the embedded one takes a free port. Give the URL that `gyrophare serve` prints "
        "as --url, or set GYROPHARE_MQTT_PORT for both."
    )


def _passwords(path: Path) -> dict[str, str]:
    """Raise SettingsError when the file is not what it should be; its text shows no password."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} cannot be read ({type(error).__name__}). Expected JSON: each name with its password."
        ) from None
    if not isinstance(found, dict) or not all(isinstance(password, str) for password in found.values()):
        raise SettingsError(f"{path} is not what was expected: a JSON object, each name with its password.")
    return found


def _line(figures: Figures) -> Text:
    return Text(
        f"{figures.seconds:.0f} s  {figures.messages_per_s:.0f} messages/s  {figures.messages} sent  "
        f"{figures.receipted} receipted  {figures.unreceipted} unreceipted  {figures.resent} resent  "
        f"{figures.lost} lost  {figures.unprotected} non protégés"
        + (f"  {figures.behind_s:.1f} s behind" if figures.behind_s > 1 else "")
    )


def _advice(figures: Figures, crew: Crew) -> str:
    if figures.receipted:
        return f"{figures.unreceipted} messages have no receipt. They stay in the spool; run again to send them again."
    return (
        "Nothing was receipted. Does `gyrophare serve` run on this broker, and does it know these devices? Register "
        f"{crew.prefix}-0001 and the others that --names prints, for instance with `gyrophare devices add`."
    )
