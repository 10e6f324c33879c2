"""The command line: what an operator types, with help a stranger can follow."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gyrophare import settings as settings_module
from gyrophare.commands import (
    agents,
    audit,
    bench,
    contacts,
    devices,
    duty,
    evaluate_siren,
    policies,
    profiles,
    shifts,
    simulate,
    van,
    zones,
)
from gyrophare.kernel.errors import GyrophareError
from gyrophare.platform.migrations.migrate import SchemaState

app = typer.Typer(
    name="gyrophare",
    help="Somebody is told, in time, that a road agent is in danger.\n\n"
    "Start with `gyrophare demo`; install with `gyrophare config show`, `gyrophare doctor`, `gyrophare serve`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(simulate.app, name="simulate")
app.add_typer(van.app, name="van")
app.add_typer(devices.app, name="devices")
app.add_typer(agents.app, name="agents")
app.add_typer(contacts.app, name="contacts")
app.add_typer(duty.app, name="duty")
app.add_typer(policies.app, name="policies")
app.add_typer(shifts.app, name="shifts")
app.add_typer(profiles.app, name="profiles")
app.add_typer(zones.app, name="zones")
app.add_typer(audit.app, name="audit")
app.add_typer(bench.app, name="bench")
app.add_typer(evaluate_siren.app, name="evaluate")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file; default: gyrophare.toml in this folder, if there.")
]
_out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 1000)  # a pipe has no width
_err = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command()
def serve(config: ConfigFile = None) -> None:
    """Run everything: devices in, alarms out, the console for dispatchers.

    Without a database or a broker in the configuration, embedded ones are started and keep their data in data_dir.
    Stop with Ctrl-C.
    """
    from gyrophare.platform import logs
    from gyrophare.server import Server

    settings = settings_module.load(config)
    logs.configure(settings.log.level, settings.log.format)

    async def run() -> None:
        server = Server(settings)
        await server.start()
        # What is there now stays, and messages leave no cycles: a third of the time went into looking for some.
        gc.freeze()
        gc.set_threshold(50_000)
        _err.print(f"Console: [bold]{server.console_url}[/]   (Ctrl-C stops)")
        if settings.mqtt.url is None:
            _err.print(f"Broker:  {server.devices_url}   (embedded, MQTT 5, this machine only)")
        try:
            await server.run_until_stopped()
        finally:
            await server.stop()

    asyncio.run(run())


@app.command()
def demo(
    config: ConfigFile = None,
    headless: Annotated[bool, typer.Option(help="No console to look at: play the story and report.")] = False,
    seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds; default: at Ctrl-C.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happened as JSON on standard output.")] = False,
) -> None:
    """Play a day's work in the Côte-d'Or: 12 agents, one van, one who lies still, one SOS.

    Nothing needs to be configured and nothing leaves this machine. The exit code is 0 only if the whole story was told:
    both alarms raised in time, their SMS sent, somebody answered, and the watches heard it.
    """
    from gyrophare.demo import story
    from gyrophare.platform import logs

    settings = settings_module.load(config)
    logs.configure("warning" if settings.log.level == "info" else settings.log.level, settings.log.format)
    if headless and seconds is None:
        seconds = 60.0
    told = asyncio.run(story.play(settings, headless=headless, seconds=seconds, say=_err.print))
    if as_json:
        print(json.dumps(told.as_json(), indent=2, ensure_ascii=False))
    else:
        _out.print(told.in_words())
    if headless:
        raise typer.Exit(0 if told.complete else 1)


@app.command()
def migrate(config: ConfigFile = None) -> None:
    """Bring the database to this version's schema. Safe to run again, and from several machines at once."""
    from gyrophare.platform.migrations.migrate import migrate as apply
    from gyrophare.server import database

    async def run() -> SchemaState:
        async with database(settings_module.load(config)) as url:
            return await asyncio.to_thread(apply, url)

    state = asyncio.run(run())
    _out.print(f"Schema: {', '.join(state.applied)}")
    _out.print(f"TimescaleDB: {state.timescaledb}")


@app.command()
def doctor(
    config: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at everything an alarm depends on, and say what to do about what is wrong. Exit code 1 if something is."""
    from gyrophare.doctor import examine

    findings = examine(settings_module.load(config))
    if as_json:
        print(json.dumps([finding.as_json() for finding in findings], indent=2, ensure_ascii=False))
    else:
        table = Table(show_header=False, box=None, padding=(0, 1))
        for finding in findings:
            colour = {"ok": "green", "warning": "yellow", "fault": "red"}[finding.verdict]
            table.add_row(f"[{colour}]{finding.verdict}[/]", f"[bold]{finding.name}[/]", escape(finding.found))
            if finding.do:
                table.add_row("", "", escape(f"→ {finding.do}"))
        _out.print(table)
    if any(finding.verdict == "fault" for finding in findings):
        raise typer.Exit(1)


@config_app.command("show")
def config_show(config: ConfigFile = None) -> None:
    """Print the effective settings, secrets hidden, each with its environment variable."""
    table = Table("key", "value", "environment", "meaning", box=None, padding=(0, 2, 0, 0))
    for shown in settings_module.effective(settings_module.load(config)):
        table.add_row(*map(escape, (shown.key, shown.value, shown.variable, shown.meaning)))
    _out.print(table)


@app.command()
def version() -> None:
    """Print the version."""
    print(f"gyrophare {installed_version('gyrophare')}")


def main() -> None:
    """Run the command line; an error of ours is a sentence, not a stack."""
    try:
        app()
    except GyrophareError as error:
        _err.print(f"[bold red]gyrophare:[/] {escape(str(error))}")
        sys.exit(2)


if __name__ == "__main__":
    main()
