"""`gyrophare policies`: who is told of which alerts, when, by which way, and how often."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from alerts import policy_store, reach
from alerts.checker import Flaw, check
from alerts.policy import Policy, PolicyError, read_file, write_file
from gyrophare import settings
from gyrophare.commands.database import AsJson, ConfigFile, Organisation, in_transaction
from gyrophare.commands.said import say, say_json
from gyrophare.kernel.errors import GyrophareError
from gyrophare.kernel.ids import OrganisationId
from gyrophare.platform.db import Connection
from ingest import registry

app = typer.Typer(
    help="Look at the escalation policies, and write your own.\n\n"
    "An alert copies its policy when it is raised: a change counts from the next alert on.",
    no_args_is_help=True,
)


@app.command()
def show(organisation: Organisation = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print the policies as the file that `gyrophare policies set` reads: save it, change it, set it."""

    async def work(connection: Connection, _now: datetime) -> list[Policy]:
        return await policy_store.find_policies(connection, await registry.find_organisation(connection, organisation))

    found = in_transaction(settings.load(config), work)
    if as_json:
        say_json([asdict(policy) for policy in found])
        return
    sys.stdout.write(write_file(found))


@app.command("set")
def replace(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="TOML, as `policies show` prints it.")],
    anyway: Annotated[bool, typer.Option("--anyway", help="Also where a step tells nobody.")] = False,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Put the policies of a file in the place of all there are, unless a step would tell nobody."""
    try:
        policies = read_file(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise PolicyError(f"{file}: not UTF-8; expected a TOML file as `gyrophare policies show` prints it") from None

    async def work(connection: Connection, now: datetime) -> list[Flaw]:
        whose = await registry.find_organisation(connection, organisation)
        flaws = await _flaws(connection, whose, policies, now)
        grave = [flaw for flaw in flaws if flaw.grave]
        if grave and not anyway:
            said = "\n".join(f"{flaw.where}: {flaw.what}; {flaw.do}" for flaw in grave)
            raise GyrophareError(f"{said}\nNothing was changed. Mend that, or say --anyway.")
        await policy_store.replace_policies(connection, whose, policies)
        return flaws

    flaws = in_transaction(settings.load(config), work)
    if as_json:
        say_json({"policies": len(policies), "flaws": [asdict(flaw) for flaw in flaws]})
        return
    say(f"{len(policies)} {'policy counts' if len(policies) == 1 else 'policies count'} from the next alert on.")
    _say_flaws(flaws)


@app.command("check")
def check_all(organisation: Organisation = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say which steps tell nobody, and where a policy is weak. Ends with 1 when a step tells nobody."""

    async def work(connection: Connection, now: datetime) -> list[Flaw]:
        whose = await registry.find_organisation(connection, organisation)
        return await _flaws(connection, whose, await policy_store.find_policies(connection, whose), now)

    flaws = in_transaction(settings.load(config), work)
    if as_json:
        say_json([asdict(flaw) for flaw in flaws])
    elif flaws:
        _say_flaws(flaws)
    else:
        say("Every step tells somebody.")
    if any(flaw.grave for flaw in flaws):
        raise typer.Exit(1)


async def _flaws(
    connection: Connection, whose: OrganisationId, policies: Sequence[Policy], now: datetime
) -> list[Flaw]:
    contacts = await policy_store.list_contacts(connection, whose)
    duties = await policy_store.find_duties(connection, whose, now)
    return check(policies, contacts, await reach.find_carried(connection, now), duties, now)


def _say_flaws(flaws: Sequence[Flaw]) -> None:
    if not flaws:
        return
    table = Table("", "where", "what", "do", box=None, padding=(0, 2, 0, 0))
    for flaw in sorted(flaws, key=lambda one: not one.grave):
        table.add_row("✕" if flaw.grave else "!", escape(flaw.where), escape(flaw.what), escape(flaw.do))
    say(table)
