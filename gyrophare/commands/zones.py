"""`gyrophare zones`: where the radio does not reach, and how long one may be silent there."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gyrophare import settings
from gyrophare.commands.database import AsJson, ConfigFile, Organisation, in_transaction
from gyrophare.commands.said import say, say_json
from gyrophare.kernel.errors import GyrophareError
from gyrophare.platform.db import Connection
from ingest import registry
from lone_worker import zones
from lone_worker.areas import Area
from lone_worker.profiles import SILENCE_MAX_S
from lone_worker.zones import Zone

app = typer.Typer(
    help="Declare white zones: polygons in which an agent may be silent for longer, 20 minutes at most.\n\n"
    "Whoever is heard and does not move is alarmed there as everywhere.",
    no_args_is_help=True,
)
_CORNERS_MIN, _CORNERS_MAX = 3, 1000


class ZoneError(GyrophareError):
    """A zone cannot be declared as it was given."""


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
    area = _read(geojson)

    async def work(connection: Connection, _now: datetime) -> None:
        whose = await registry.find_organisation(connection, organisation)
        await zones.put(connection, whose, Zone(name=name.strip(), area=area, silence_s=60 * minutes))

    in_transaction(settings.load(config), work)
    if as_json:
        say_json({"name": name.strip(), "corners": len(area), "minutes": minutes})
        return
    say(f"{escape(name.strip())}: silent for up to {minutes} min, in {len(area)} corners.")


@app.command("list")
def list_all(organisation: Organisation = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the white zones."""

    async def work(connection: Connection, _now: datetime) -> list[Zone]:
        return await zones.find(connection, await registry.find_organisation(connection, organisation))

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


def _read(path: Path) -> Area:
    """The outer ring of the one polygon in the file. Raise ZoneError saying what was expected."""
    try:
        polygons = list(_polygons(json.loads(path.read_text(encoding="utf-8"))))
        [rings] = polygons
        corners = [(float(latitude_deg), float(longitude_deg)) for longitude_deg, latitude_deg, *_ in rings[0]]
    except OSError as error:
        raise ZoneError(f"{path} cannot be read: {error.strerror}. Expected a GeoJSON file.") from None
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise ZoneError(
            f"{path} holds no single polygon. Expected GeoJSON: one Polygon, alone or in a Feature; draw it anew."
        ) from None
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if not _CORNERS_MIN <= len(corners) <= _CORNERS_MAX:
        raise ZoneError(f"{path} has {len(corners)} corners. Expected {_CORNERS_MIN} to {_CORNERS_MAX}.")
    if not all(-90 <= latitude_deg <= 90 and -180 <= longitude_deg <= 180 for latitude_deg, longitude_deg in corners):
        raise ZoneError(f"{path} has corners off the Earth. Expected WGS84 degrees, longitude first.")
    return corners


def _polygons(found: Any) -> Any:
    match found["type"]:
        case "Polygon":
            yield found["coordinates"]
        case "Feature":
            yield from _polygons(found["geometry"])
        case "FeatureCollection":
            for feature in found["features"]:
                yield from _polygons(feature)
