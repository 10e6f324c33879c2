"""What the due steps of escalations tell, also to colleagues who are near: where those are, alerts do not know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import alerts.store
import lone_worker.nearest
from alerts.model import Colleague
from gyrophare.kernel.ids import AlertId
from gyrophare.platform.db import Connection
from ingest import topics

AT_ONCE = 100


async def take(connection: Connection, now: datetime, most: int = AT_ONCE) -> int:
    """Turn every due step into notifications. Return how many alerts had one due."""
    return await alerts.store.take_due_steps(connection, now, most, find_nearest)


async def find_nearest(
    connection: Connection, asked: Mapping[AlertId, int], now: datetime
) -> Mapping[AlertId, Sequence[Colleague]]:
    """Of each alert at most so many colleagues, the nearest first."""
    found: dict[AlertId, list[Colleague]] = defaultdict(list)
    for near in await lone_worker.nearest.find(connection, asked, now):
        address = topics.command_topic(near.sender)
        if address is not None:
            found[near.alert_id].append(
                Colleague(
                    device_id=near.device_id,
                    name=near.name,
                    address=address,
                    distance_m=near.distance_m,
                    bearing_deg=near.bearing_deg,
                )
            )
    return found
