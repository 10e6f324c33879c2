"""`gyrophare shifts`: who is protected now, who will be, and how it begins and ends from here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gyrophare import settings
from gyrophare.commands import shift_words as words
from gyrophare.commands.database import AsJson, ConfigFile, Organisation, in_transaction
from gyrophare.commands.geojson import read_area
from gyrophare.commands.named import NamedError, find_watch, next_instant
from gyrophare.flows import shift_command, shift_plan
from gyrophare.flows.shift_command import Begun, ShiftError, Who
from gyrophare.flows.shift_plan import Imported
from gyrophare.platform.db import Connection
from ingest import registry
from lone_worker.profile_store import find_profile
from lone_worker.shifts import agents, plan, plan_store, store
from lone_worker.shifts.plan_store import DueShift
from lone_worker.shifts.spans import Terms
from lone_worker.shifts.store import OpenShift

app = typer.Typer(
    help="Begin, pause and end the protection of agents, and plan it by a calendar.\n\n"
    "A watch does it too, and so does the console. Outside a shift and in a pause nobody is followed; SOS and falls "
    "are always heard.",
    no_args_is_help=True,
)

AgentName = Annotated[str, typer.Argument(metavar="AGENT", help="Name or e-mail address.", show_default=False)]
Device = Annotated[str | None, typer.Option(help="The watch: its name, or wire/name. Default: the agent's own.")]
_CLI = Who(by="cli")


@app.command()
def start(
    agent: AgentName,
    device: Device = None,
    mission: Annotated[str | None, typer.Option(help="What for, as alarms shall say it: 'Fauchage RD 70'.")] = None,
    profile: Annotated[str | None, typer.Option(help="The kind of mission, which sets the limits.")] = None,
    until: Annotated[
        str | None, typer.Option(help="When it is to end, HH:MM in Paris; it goes on until somebody ends it.")
    ] = None,
    area: Annotated[
        Path | None, typer.Option(help="Where the mission is: GeoJSON with one Polygon. Whoever leaves it is noticed.")
    ] = None,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Protect an agent from now on. Says so when nobody would hear an alarm."""
    drawn = None if area is None else read_area(area)

    async def work(connection: Connection, now: datetime) -> Begun:
        whose = await registry.find_organisation(connection, organisation)
        found = await agents.the_agent(connection, whose, agent)
        watch = await find_watch(connection, device) if device is not None else None
        planned_end_at = next_instant(until, now) if until is not None else None
        figures = await find_profile(connection, whose, profile)
        terms = Terms(agent_id=found.id, profile=figures, mission=mission, planned_end_at=planned_end_at, area=drawn)
        return await shift_command.start(connection, found, watch.id if watch else None, terms, _CLI, now)

    words.say_begun(in_transaction(settings.load(config), work), as_json=as_json)


@app.command()
def end(
    agent: AgentName,
    device: Device = None,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """End an agent's protection now. An alert that nobody has answered stays open."""
    shift = _tell(shift_command.end, agent, device, organisation, config)
    words.say_told(shift, f"The shift of {shift.agent_name} with {shift.label} has ended.", as_json=as_json)


@app.command()
def pause(
    agent: AgentName,
    device: Device = None,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Follow an agent no more until `resume`. SOS and falls are heard all the same."""
    shift = _tell(shift_command.pause, agent, device, organisation, config)
    words.say_told(shift, f"{shift.agent_name} is in a pause: nobody follows them.", as_json=as_json)


@app.command()
def resume(
    agent: AgentName,
    device: Device = None,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """End an agent's pause."""
    shift = _tell(shift_command.resume, agent, device, organisation, config)
    words.say_told(shift, f"{shift.agent_name} is protected again.", as_json=as_json)


@app.command("list")
def list_all(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the shifts that go on, and those that are planned."""

    async def work(connection: Connection, now: datetime) -> tuple[list[OpenShift], list[DueShift]]:
        return await store.open_shifts(connection), await plan_store.list_planned(connection, now)

    words.say_list(*in_transaction(settings.load(config), work), as_json=as_json)


@app.command("import")
def import_calendar(
    file: Annotated[Path, typer.Argument(metavar="FILE.ics", help="The calendar.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be planned, and plan nothing.")] = False,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Plan the shifts of a calendar, 92 days ahead; import it again whenever it has changed.

    An event is a shift. Its agent is X-AGENT, else each ATTENDEE, else what stands before the colon of the summary
    ("Zoé Martin: Déneigement RD 905"); its profile is the first category. What the calendar cancels is cancelled.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise NamedError(f"{file} cannot be read: {error.strerror}. Expected an iCalendar file (.ics).") from None

    async def work(connection: Connection, now: datetime) -> Imported:
        async with connection.transaction(force_rollback=dry_run):
            whose = await registry.find_organisation(connection, organisation)
            until_at = now + shift_plan.AHEAD
            return await shift_plan.import_plan(connection, whose, plan.read(text, now, until_at), until_at, now)

    words.say_imported(in_transaction(settings.load(config), work), dry_run=dry_run, as_json=as_json)


Tell = Callable[[Connection, OpenShift, Who, datetime], Awaitable[None]]


def _tell(tell: Tell, named: str, device: str | None, organisation: str | None, config: Path | None) -> OpenShift:
    """Do `tell` to the open shift of an agent, and return it. Raise ShiftError unless there is exactly one."""

    async def work(connection: Connection, now: datetime) -> OpenShift:
        whose = await registry.find_organisation(connection, organisation)
        agent = await agents.the_agent(connection, whose, named)
        watch = await find_watch(connection, device) if device is not None else None
        found = await store.open_shifts(connection, agent_id=agent.id, device_id=watch.id if watch else None)
        if not found:
            raise ShiftError(
                "ended", f"{agent.name} is not on shift. Expected one who is; see `gyrophare shifts list`."
            )
        if len(found) > 1:
            labels = ", ".join(shift.label for shift in found)
            raise ShiftError(
                "two", f"{agent.name} is on shift with {labels}. Expected one: name the watch with --device."
            )
        shift = await shift_command.find(connection, found[0].id)
        await tell(connection, shift, _CLI, now)
        return shift

    return in_transaction(settings.load(config), work)
