"""`gyrophare contacts`: who is told when an alarm rises, and in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

import alerts.policy_store
from alerts.model import Contact
from gyrophare import settings
from gyrophare.commands.database import AsJson, ConfigFile, Organisation, in_transaction
from gyrophare.commands.named import NamedError
from gyrophare.commands.said import say, say_json
from gyrophare.platform.db import Connection
from ingest import registry

app = typer.Typer(
    help="Say who is told of an alarm by text message, first, second and so on.\n\n"
    "An agent whose alarm nobody hears is not protected: without a contact the console must stay open.",
    no_args_is_help=True,
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@app.command()
def add(
    rank: Annotated[int, typer.Argument(min=1, help="Who is told first: 1, 2, …", show_default=False)],
    name: Annotated[str, typer.Argument(help="Who answers that telephone.", show_default=False)],
    phone: Annotated[str, typer.Argument(help="In international form: +33612345678.", show_default=False)],
    email: Annotated[str | None, typer.Option(help="For steps by email.", show_default=False)] = None,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Put somebody at a rank, in the place of whoever was there."""
    phone_e164 = re.sub(r"[ .\-()]", "", phone)
    if not _E164.fullmatch(phone_e164):
        raise NamedError(
            f"The telephone {phone!r} was given; expected it in international form, +33612345678 for 06 12 34 56 78."
        )
    if not name.strip() or not name.isprintable():
        raise NamedError(f"The name {name!r} was given; expected printable characters.")

    if email is not None and not _EMAIL.fullmatch(email):
        raise NamedError(f"The e-mail {email!r} was given; expected name@domain.")

    async def work(connection: Connection, _now: datetime) -> None:
        whose = await registry.find_organisation(connection, organisation)
        await alerts.policy_store.put_contact(connection, whose, rank, name.strip(), phone_e164, email)

    in_transaction(settings.load(config), work)
    if as_json:
        say_json({"rank": rank, "name": name.strip(), "phone": phone_e164, "email": email})
        return
    also = f" and {email}" if email is not None else ""
    say(f"{escape(name.strip())} is told at rank {rank}, at {phone_e164}{escape(also)}.")


@app.command("list")
def list_all(organisation: Organisation = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the contacts in the order in which they are told."""

    async def work(connection: Connection, _now: datetime) -> Sequence[Contact]:
        whose = await registry.find_organisation(connection, organisation)
        return await alerts.policy_store.list_contacts(connection, whose)

    found = in_transaction(settings.load(config), work)
    if as_json:
        say_json([{"rank": one.rank, "name": one.name, "phone": one.phone_e164, "email": one.email} for one in found])
        return
    table = Table("rank", "name", "telephone", "e-mail", box=None, padding=(0, 2, 0, 0))
    for one in found:
        table.add_row(str(one.rank), escape(one.name), one.phone_e164, escape(one.email or "–"))
    say(table if found else "Nobody yet. Name the first: `gyrophare contacts add 1 'Astreinte' +33612345678`.")
