"""`gyrophare duty`: who is on call, in which role, and when."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from alerts import policy_store, rota
from alerts.model import PARIS
from alerts.rota import Duty
from gyrophare import settings
from gyrophare.commands.database import AsJson, ConfigFile, Organisation, in_transaction
from gyrophare.commands.named import NamedError
from gyrophare.commands.said import say, say_json
from gyrophare.platform.db import Connection
from ingest import registry

app = typer.Typer(
    help='Say who is on call. A policy\'s step `to = "duty astreinte"` tells whoever is, when it is due.',
    no_args_is_help=True,
)
AHEAD = timedelta(days=92)
Role = Annotated[str, typer.Argument(help="As policies name it: astreinte.", show_default=False)]


@app.command("import")
def import_calendar(
    role: Role,
    file: Annotated[Path, typer.Argument(metavar="FILE.ics", exists=True, dir_okay=False, help="The calendar.")],
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a calendar's duties in the place of those it said before, 92 days ahead; import it whenever it has changed.

    Who is on call are an event's ATTENDEEs by their e-mail address, else its summary names a contact.
    """
    text = file.read_bytes()

    async def work(connection: Connection, now: datetime) -> list[Duty]:
        whose = await registry.find_organisation(connection, organisation)
        contacts = await policy_store.list_contacts(connection, whose)
        duties = rota.read(text, role, contacts, now, now + AHEAD)
        await policy_store.remove_duties(connection, whose, role, now, all_of_them=False)
        await policy_store.add_duties(connection, whose, duties)
        return duties

    duties = in_transaction(settings.load(config), work)
    if as_json:
        say_json([{**asdict(duty), "starts_at": f"{duty.starts_at}", "ends_at": f"{duty.ends_at}"} for duty in duties])
        return
    until = f", until {max(duty.ends_at for duty in duties).astimezone(PARIS):%Y-%m-%d %H:%M}" if duties else ""
    say(f"Duties as {escape(role)}: {len(duties)}{until}.")


@app.command()
def add(
    role: Role,
    contact: Annotated[str, typer.Argument(help="Name of a contact.", show_default=False)],
    starts: Annotated[datetime, typer.Option("--from", help="2026-12-24T18:00:00, in Paris.", show_default=False)],
    ends: Annotated[datetime, typer.Option("--until", help="2026-12-25T08:00:00, in Paris.", show_default=False)],
    organisation: Organisation = None,
    config: ConfigFile = None,
) -> None:
    """Put somebody on call."""
    starts_at, ends_at = (at if at.tzinfo is not None else at.replace(tzinfo=PARIS) for at in (starts, ends))
    if ends_at <= starts_at:
        raise NamedError(f"From {starts} until {ends}; expected an end after the start.")

    async def work(connection: Connection, _now: datetime) -> None:
        whose = await registry.find_organisation(connection, organisation)
        known = [one for one in await policy_store.list_contacts(connection, whose) if one.name == contact]
        if not known:
            raise NamedError(f"{contact!r} is no contact. Expected one of `gyrophare contacts list`.")
        duty = Duty(role=role, contact_id=known[0].id, starts_at=starts_at, ends_at=ends_at)
        await policy_store.add_duties(connection, whose, [duty])

    in_transaction(settings.load(config), work)
    say(f"{escape(contact)} is on call as {escape(role)}.")


@app.command()
def clear(role: Role, organisation: Organisation = None, config: ConfigFile = None) -> None:
    """Forget every duty of a role that is not over."""

    async def work(connection: Connection, now: datetime) -> int:
        whose = await registry.find_organisation(connection, organisation)
        return await policy_store.remove_duties(connection, whose, role, now, all_of_them=True)

    say(f"Duties that are forgotten: {in_transaction(settings.load(config), work)}.")


@app.command("list")
def list_all(organisation: Organisation = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List who is on call now and later."""

    async def work(connection: Connection, now: datetime) -> list[tuple[Duty, str]]:
        whose = await registry.find_organisation(connection, organisation)
        names = {one.id: one.name for one in await policy_store.list_contacts(connection, whose)}
        return [(duty, names[duty.contact_id]) for duty in await policy_store.find_duties(connection, whose, now)]

    found = in_transaction(settings.load(config), work)
    spans = [[f"{at.astimezone(PARIS):%Y-%m-%d %H:%M}" for at in (duty.starts_at, duty.ends_at)] for duty, _ in found]
    if as_json:
        say_json(
            [
                {"role": duty.role, "contact": name, "from": span[0], "until": span[1]}
                for (duty, name), span in zip(found, spans, strict=True)
            ]
        )
        return
    table = Table("role", "contact", "from", "until", box=None, padding=(0, 2, 0, 0))
    for (duty, name), span in zip(found, spans, strict=True):
        table.add_row(escape(duty.role), escape(name), *span)
    say(table if found else "Nobody. `gyrophare duty import astreinte FILE.ics` reads a calendar.")
