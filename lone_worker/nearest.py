"""Who is near an alert and could go there: agents on shift, and vans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gyrophare.kernel.geo import EARTH_RADIUS_M
from gyrophare.kernel.ids import AlertId, DeviceId
from gyrophare.kernel.observations import HEARS_COMMANDS, Sender, Wire
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from lone_worker.episode import SILENT_AFTER_S

QUERIES = sql.load(__file__, "nearest.sql")
HEARD_WITHIN = timedelta(seconds=SILENT_AFTER_S)
FIXED_WITHIN = timedelta(minutes=15)
"""Whoever has gone on for longer since his last position may be anywhere."""
WITHIN_M = 30_000
"""Half an hour by road: whoever is further away does not arrive before those whom the dispatch centre sends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Somebody near an alert, by his device. Its repr says of nobody who or where."""

    alert_id: AlertId
    device_id: DeviceId
    sender: Sender = field(repr=False)
    name: str = field(repr=False)
    """The agent's, or the van's."""
    distance_m: float = field(repr=False)
    bearing_deg: float = field(repr=False)
    """From there to the alert, -180 to 180, 0 north."""


async def find(connection: Connection, asked: Mapping[AlertId, int], now: datetime) -> list[Near]:
    """Of each alert at most so many, the nearest first; nobody near an alert without a position.

    Of the alert's own organisation, and by devices that can be told something: never the wearer's own, nobody who is in
    danger himself, off shift or in a pause.
    """
    parameters = {
        "alert_ids": list(asked),
        "most": list(asked.values()),
        "wires": sorted(HEARS_COMMANDS),
        "heard_since_at": now - HEARD_WITHIN,
        "fixed_since_at": now - FIXED_WITHIN,
        "within_m": WITHIN_M,
        "earth_radius_m": EARTH_RADIUS_M,
    }
    rows = await (await connection.execute(QUERIES["find_nearest"], parameters)).fetchall()
    return [
        Near(
            alert_id=AlertId(row["alert_id"]),
            device_id=DeviceId(row["device_id"]),
            sender=Sender(wire=Wire(row["wire"]), name=row["wire_name"]),
            name=row["name"],
            distance_m=row["distance_m"],
            bearing_deg=row["bearing_deg"],
        )
        for row in rows
    ]
