"""`gyrophare audit`: whether the history of alerts is as it was written, and what may be erased of it."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress

from alerts.audit import erasure, store
from alerts.audit.chain import Head
from alerts.audit.store import Unsealed
from alerts.audit.walk import Walk
from alerts.model import reference
from gyrophare import settings
from gyrophare.commands import audit_show
from gyrophare.commands.database import AsJson, ConfigFile, in_transaction
from gyrophare.commands.named import PARIS, NamedError
from gyrophare.commands.said import say, say_json, to_stderr
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Connection

app = typer.Typer(
    help="Prove that the history of alerts is whole and unchanged; show one alert's; erase old names and places.\n\n"
    "Note `gyrophare audit head` each day outside this machine: only that shows an end that was cut or written anew.",
    no_args_is_help=True,
)
app.command("show")(audit_show.show)

_FAULTS_SHOWN = 50
_DAY = "%Y-%m-%d"


@app.command()
def verify(
    head: Annotated[
        list[str] | None, typer.Option(help="A hash that `audit head` once printed; repeat it.", metavar="HASH")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Check every event of every alert against its seal. Exit code 1 if anything is not as it was sealed."""
    anchors = [_hash(text) for text in head or ()]

    async def work(connection: Connection, now: datetime) -> tuple[Walk, Unsealed, float]:
        await store.look_at_one_instant(connection)
        begin, end = await store.read_ends(connection)
        walk = Walk(begin, anchors)
        person = to_stderr()
        with Progress(console=person, transient=True, disable=not person.is_terminal) as progress:
            task = progress.add_task("seals", total=end.number)
            async for looked_at in store.follow(connection, walk):
                progress.advance(task, looked_at)
        unsealed = await store.count_unsealed(connection)
        return walk, unsealed, (now - unsealed.oldest_at).total_seconds() if unsealed.oldest_at else 0.0

    walk, unsealed, oldest_s = in_transaction(settings.load(config), work)
    if as_json:
        say_json(_report(walk, unsealed, oldest_s))
    else:
        _say_verdict(walk, unsealed, oldest_s)
    if walk.faults_in_all:
        raise typer.Exit(1)


@app.command("head")
def show_head(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print number and hash of the last seal, to be kept where nobody of this machine can change it."""

    async def work(connection: Connection, _now: datetime) -> Head:
        return (await store.read_ends(connection))[1]

    found = in_transaction(settings.load(config), work)
    if as_json:
        say_json({"number": found.number, "hash": found.hash.hex()})
    else:
        say(f"{found.number} {found.hash.hex()}")


@app.command()
def erase(
    closed_before: Annotated[datetime, typer.Option(formats=[_DAY], help="Alerts that were closed before that day.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say how many they are.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Erase names, places, numbers and texts of closed alerts for good; that they happened stays proven."""
    before = closed_before.replace(tzinfo=PARIS)

    async def work(connection: Connection, now: datetime) -> list[AlertId]:
        found = await erasure.find_erasable(connection, before)
        return await erasure.erase(connection, found, now) if yes else found

    alert_ids = in_transaction(settings.load(config), work)
    if as_json:
        say_json({"erased": yes, "alerts": [reference(alert_id) for alert_id in alert_ids]})
    elif yes:
        say(f"Erased: {len(alert_ids)} alerts closed before {before:{_DAY}}.")
    else:
        say(f"{len(alert_ids)} alerts closed before {before:{_DAY}} would be erased for good. Do it with --yes.")


def _hash(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise NamedError(
            f"--head {text!r} was given; expected 64 hexadecimal digits, as `gyrophare audit head` prints."
        )
    return bytes.fromhex(text)


def _report(walk: Walk, unsealed: Unsealed, oldest_s: float) -> dict[str, object]:
    return {
        "ok": not walk.faults_in_all,
        "seals": walk.seals,
        "head": walk.head.hash.hex(),
        "erased": walk.erased,
        "sealed_late": walk.sealed_late,
        "unsealed": unsealed.events,
        "oldest_unsealed_s": oldest_s,
        "faults_in_all": walk.faults_in_all,
        "faults": [asdict(fault) | {"says": str(fault)} for fault in walk.faults],
    }


def _say_verdict(walk: Walk, unsealed: Unsealed, oldest_s: float) -> None:
    for fault in walk.faults[:_FAULTS_SHOWN]:
        say(f"[red]fault[/] {escape(str(fault))}")
    if walk.faults_in_all > _FAULTS_SHOWN:
        say(f"… and {walk.faults_in_all - _FAULTS_SHOWN} more (--json lists up to a thousand)")
    waiting = f"{unsealed.events} not sealed yet" + (f", the oldest for {oldest_s:.0f} s" if unsealed.events else "")
    counted = f"{walk.seals} seals, {walk.erased} erased, {walk.sealed_late} sealed late, {waiting}"
    say(f"[red]{walk.faults_in_all} faults[/]: {counted}" if walk.faults_in_all else f"[green]OK[/]: {counted}")
