"""Before a watch is told anything the rules know it: what it feels while it vibrates is no movement of its wearer.

In a transaction of its own, that has committed when the command leaves: nothing the watch feels of it is heard earlier,
and whoever sends holds no other row for which somebody waits who has locked the watch.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

import psycopg

import ingest.directory
import lone_worker.store
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool
from ingest.topics import commanded
from lone_worker.stillness import told

log = logging.getLogger(__name__)


async def expect(pool: Pool, clock: Clock, topics: Sequence[str]) -> None:
    """Something is about to be published on each of these topics of commands.

    It goes whether or not this can be written: then the watch's own word of when it began must do.
    """
    if not topics:
        return
    orders = Counter(commanded(topic) for topic in topics)
    try:
        async with pool.connection() as connection, connection.transaction():
            await lone_worker.store.wait_briefly(connection)
            found = await ingest.directory.find_devices(connection, orders)
            number = {device.id: orders[sender] for sender, (device, _) in found.items()}
            states = await lone_worker.store.lock_states(connection, number)
            now = clock.now()
            shaken = [told(state, now, number[device_id]) for device_id, state in states.items()]
            await lone_worker.store.save_states(connection, shaken)
    except psycopg.OperationalError as error:
        log.warning("The rules do not know what watches are told: %s", error, extra={"action": "command"})
    except Exception:  # a row that our code cannot bear must keep nobody's pre-alarm back
        log.exception("The rules do not know what watches are told: our own fault", extra={"action": "command"})
