"""`gyrophare agents`: who is protected, and whose watch is whose."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gyrophare import settings
from gyrophare.commands.database import AsJson, ConfigFile, Organisation, in_transaction
from gyrophare.commands.named import find_watch
from gyrophare.commands.said import say, say_json
from gyrophare.platform.db import Connection
from ingest import registry
from lone_worker.shifts import agents
from lone_worker.shifts.agents import Agent

app = typer.Typer(
    help="Register the people who are protected, and say which watch is theirs.\n\n"
    "A watch that says that its wearer begins work begins the shift of whoever it belongs to.",
    no_args_is_help=True,
)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="First name and name, as alarms shall say it.", show_default=False)],
    device: Annotated[
        str | None, typer.Option(help="Their watch: its name, or wire/name where two devices have it.")
    ] = None,
    no_watch: Annotated[bool, typer.Option("--no-watch", help="Take their watch from them.")] = False,
    email: Annotated[str | None, typer.Option(help="The address by which calendars name them.")] = None,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Register a person; one who is known is given the watch or the address."""

    async def work(connection: Connection, _now: datetime) -> Agent:
        whose = await registry.find_organisation(connection, organisation)
        if not await agents.find_agents(connection, whose, name):
            await agents.insert_agent(connection, whose, name)
        agent = await agents.the_agent(connection, whose, name)
        if device is not None:
            watch = await find_watch(connection, device)
            await agents.give_watch(connection, agent, watch.id, watch.label)
        elif no_watch:
            await agents.give_watch(connection, agent, None)
        if email is not None:
            await agents.set_email(connection, agent, email)
        return await agents.the_agent(connection, whose, name)

    agent = in_transaction(settings.load(config), work)
    if as_json:
        say_json(agent_json(agent))
        return
    has = (
        f"has the watch {agent.label}"
        if agent.label
        else "has no watch: give one with `gyrophare agents add … --device`"
    )
    say(f"{escape(agent.name)} is registered and {escape(has)}.")


@app.command("list")
def list_all(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List everybody: name, watch, e-mail address."""

    async def work(connection: Connection, _now: datetime) -> list[Agent]:
        return await agents.list_agents(connection)

    found = in_transaction(settings.load(config), work)
    if as_json:
        say_json([agent_json(agent) for agent in found])
        return
    table = Table("name", "watch", "e-mail", box=None, padding=(0, 2, 0, 0))
    for agent in found:
        label = f"{agent.label} (revoked)" if agent.revoked else agent.label or "none"
        table.add_row(escape(agent.name), escape(label), escape(agent.email or ""))
    none = "Nobody yet. Register somebody: `gyrophare agents add 'Zoé Martin' --device w-01`."
    say(table if found else none)


def agent_json(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "email": agent.email,
        "device_id": agent.device_id,
        "watch": agent.label,
        "watch_revoked": agent.revoked,
    }
