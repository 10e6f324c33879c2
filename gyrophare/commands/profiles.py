"""`gyrophare profiles`: the limits of each kind of mission."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gyrophare import settings
from gyrophare.commands.database import AsJson, ConfigFile, Organisation, in_transaction
from gyrophare.commands.said import say, say_json
from gyrophare.kernel.errors import ProfileError
from gyrophare.platform.db import Connection
from ingest import registry
from lone_worker import profile_store
from lone_worker.profile_store import Put
from lone_worker.profiles import PROFILES, Profile, build, resolve

app = typer.Typer(
    help="Look at the limits of each kind of mission, and set your own.\n\n"
    "A shift copies its profile when it begins: a change counts from the next shift on. `pna11` keeps German limits.",
    no_args_is_help=True,
)
_SHOWN = ("alarm_after_s", "prealarm_after_s", "silence_after_s", "engine", "check_every_s", "signal_lost_after_s")


@app.command("list")
def list_all(organisation: Organisation = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the profiles that a shift may have, each with the limits that matter most."""
    put = _put(organisation, config)
    found = {**PROFILES, **{one.profile.name: one.profile for one in put}}
    if as_json:
        say_json([asdict(profile) for profile in found.values()])
        return
    own = {one.profile.name: one for one in put}
    table = Table("profile", *(name.removesuffix("_s") for name in _SHOWN), "changed", box=None, padding=(0, 2, 0, 0))
    for name, profile in found.items():
        changed = f"{own[name].changed_at:%Y-%m-%d} by {escape(own[name].changed_by)}" if name in own else "–"
        table.add_row(escape(name), *(str(getattr(profile, shown)) for shown in _SHOWN), changed)
    say(table)
    say("Seconds. `gyrophare profiles show NAME` tells all of one.")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="As `gyrophare profiles list` shows it, or in French.")],
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show every figure of a profile."""

    async def work(connection: Connection, _now: datetime) -> Profile:
        whose = await registry.find_organisation(connection, organisation)
        return await profile_store.find_profile(connection, whose, name)

    profile = in_transaction(settings.load(config), work)
    if as_json:
        say_json(asdict(profile))
        return
    table = Table("figure", "value", box=None, padding=(0, 2, 0, 0))
    for key, figure in asdict(profile).items():
        table.add_row(key, str(figure))
    say(table)


@app.command("set")
def put(
    name: Annotated[str, typer.Argument(help="Of one there is, or of a new one that is like the default.")],
    figures: Annotated[
        list[str],
        typer.Argument(metavar="KEY=VALUE...", help="alarm_after_s=120 prealarm_after_s=[90,110] engine=true"),
    ],
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Change figures of a profile, for the shifts that begin from now on. Who changed them is kept."""
    changed = dict(_figure(name, text) for text in figures)

    async def work(connection: Connection, now: datetime) -> Profile:
        whose = await registry.find_organisation(connection, organisation)
        try:
            before = asdict(await profile_store.find_profile(connection, whose, name))
        except ProfileError:
            before = {"name": resolve(name)}
        profile = build({**before, **changed})
        await profile_store.put_profile(connection, whose, profile, getpass.getuser(), now)
        return profile

    profile = in_transaction(settings.load(config), work)
    if as_json:
        say_json(asdict(profile))
        return
    say(f"{escape(profile.name)} is set; shifts that begin from now on have it.")


def _put(organisation: str | None, config: ConfigFile) -> list[Put]:
    async def work(connection: Connection, _now: datetime) -> list[Put]:
        whose = await registry.find_organisation(connection, organisation)
        return await profile_store.find_profiles(connection, whose)

    return in_transaction(settings.load(config), work)


def _figure(profile: str, text: str) -> tuple[str, object]:
    """`key=value`, the value as JSON. Raise ProfileError."""
    key, given, value = text.partition("=")
    try:
        if given:
            return key, json.loads(value)
    except ValueError:
        pass
    raise ProfileError(profile, key, value, "KEY=VALUE, a number, true, false, null or a list such as [150,170]")
