"""The story of one alert for an inquiry: what happened, who was told how often, who took it, and the seals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gyrophare.kernel.ids import AlertId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "story.sql")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Rows as they are stored; each kind in the order in which it happened."""

    alert: Row
    events: list[Row]
    notifications: list[Row]
    attempts: list[Row]


async def tell(connection: Connection, alert_id: AlertId) -> Story | None:
    """All that is known of an alert; None when there is none of that number."""
    parameters = {"alert_id": alert_id}
    alert = await (await connection.execute(QUERIES["alert"], parameters)).fetchone()
    if alert is None:
        return None
    return Story(
        alert=alert,
        events=await (await connection.execute(QUERIES["events"], parameters)).fetchall(),
        notifications=await (await connection.execute(QUERIES["notifications"], parameters)).fetchall(),
        attempts=await (await connection.execute(QUERIES["attempts"], parameters)).fetchall(),
    )
