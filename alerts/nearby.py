"""Colleagues near an alert, who are told by their own watches. Who that is others know: it is handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from alerts.escalation import Plan
from alerts.model import Colleague, Escalation
from alerts.policy import applies
from gyrophare.kernel.ids import AlertId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__)


class Nearest(Protocol):
    """Who is near alerts."""

    async def __call__(
        self, connection: Connection, asked: Mapping[AlertId, int], now: datetime
    ) -> Mapping[AlertId, Sequence[Colleague]]:
        """Of each alert at most so many colleagues, the nearest first."""
        ...


async def find(
    connection: Connection, planned: Sequence[tuple[Escalation, Plan]], nearest: Nearest, now: datetime
) -> tuple[Mapping[AlertId, Sequence[Colleague]], set[AlertId]]:
    """Whom the due steps may tell, for all alerts at once; and the alerts of which no colleague may hear.

    That is where the wearer has pressed a discreet SOS: whoever is nearest may stand beside him, and a watch that rings
    betrays both.
    """
    asked: dict[AlertId, int] = {}
    for alert, plan in planned:
        for _, step in plan.due:
            if step.colleagues and applies(step, now):
                asked[alert.alert_id] = max(asked.get(alert.alert_id, 0), step.colleagues)
    if not asked:
        return {}, set()
    rows = await (await connection.execute(QUERIES["find_discreet_alerts"], {"alert_ids": list(asked)})).fetchall()
    discreet = {AlertId(row["id"]) for row in rows}
    told = {alert_id: most for alert_id, most in asked.items() if alert_id not in discreet}
    return await nearest(connection, told, now) if told else {}, discreet
