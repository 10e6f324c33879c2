"""`gyrophare zones`: where the radio does not reach, and how long one may be silent there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gyrophare import settings
from gyrophare.commands.database import AsJson, ConfigFile, Organisation, in_transaction
from gyrophare.commands.geojson import read_area
from gyrophare.commands.said import say, say_json
from gyrophare.kernel.errors import GyrophareError
from gyrophare.platform.db import Connection
from ingest import registry
from lone_worker import zones
from lone_worker.profiles import SILENCE_MAX_S
from lone_worker.zones import Zone

app = typer.Typer(
    help="Declare white zones: polygons in which an agent may be silent for longer, 20 minutes at most.\n\n"
    "Whoever is heard and does not move is alarmed there as everywhere.",
    no_args_is_help=True,
)


class ZoneError(GyrophareError):
    """There is no such zone."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What people call it: 'Gorges de la Coquille'.", show_default=False)],
    geojson: Annotated[
        Path, typer.Argument(help="A GeoJSON file with one Polygon, as any map editor draws it.", show_default=False)
    ],
    minutes: Annotated[
        int, typer.Option(min=1, max=SILENCE_MAX_S // 60, help="How long one may be silent there.")
    ] = SILENCE_MAX_S // 60,
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Declare a zone, or draw one of that name anew. It counts at once, for whoever was last heard in it."""
    area = read_area(geojson)

    async def work(connection: Connection, _now: datetime) -> None:
        whose = await registry.find_organisation(connection, organisation)
        await zones.put(connection, Zone(organisation_id=whose, name=name.strip(), area=area, silence_s=60 * minutes))

    in_transaction(settings.load(config), work)
    if as_json:
        say_json({"name": name.strip(), "corners": len(area), "minutes": minutes})
        return
    say(f"{escape(name.strip())}: silent for up to {minutes} min, in {len(area)} corners.")


@app.command("list")
def list_all(organisation: Organisation = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the white zones."""

    async def work(connection: Connection, _now: datetime) -> list[Zone]:
        return await zones.find(connection, [await registry.find_organisation(connection, organisation)])

    found = in_transaction(settings.load(config), work)
    if as_json:
        say_json([{"name": zone.name, "area": zone.area, "minutes": zone.silence_s / 60} for zone in found])
        return
    if not found:
        say("No white zone is declared: silence alarms everywhere as the profile says.")
        return
    table = Table("zone", "minutes", "corners", box=None, padding=(0, 2, 0, 0))
    for zone in found:
        table.add_row(escape(zone.name), f"{zone.silence_s / 60:g}", str(len(zone.area)))
    say(table)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="As `gyrophare zones list` shows it.", show_default=False)],
    organisation: Organisation = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a zone away: the radio reaches there now."""

    async def work(connection: Connection, _now: datetime) -> bool:
        return await zones.remove(connection, await registry.find_organisation(connection, organisation), name.strip())

    if not in_transaction(settings.load(config), work):
        raise ZoneError(f"There is no zone {name!r}. Expected one of `gyrophare zones list`.")
    if as_json:
        say_json({"removed": name.strip()})
        return
    say(f"{escape(name.strip())} is no white zone any more.")
