"""Positions of a time in which nobody was to be followed, which is heard of after them: they are forgotten.

A watch's events and its fixes come by two lanes, so what was measured just after a pause began may be stored before the
pause is heard of. Who called for help wanted to be found: that position stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import CALLS_FOR_HELP
from gyrophare.platform import sql
from gyrophare.platform.db import Connection

QUERIES = sql.load(__file__, "private.sql")


async def forget(
    connection: Connection, device_id: DeviceId, times: Sequence[tuple[datetime, datetime | None]]
) -> None:
    """Forget where a watch was, and how it moved, in `times`, each between two instants, or from one on."""
    if not times:
        return
    parameters = {
        "device_id": device_id,
        "from_at": [from_at for from_at, _ in times],
        "until_at": [until_at for _, until_at in times],
        "first_at": min(from_at for from_at, _ in times),
        "kept": sorted(CALLS_FOR_HELP),
    }
    await connection.execute(QUERIES["forget_fixes"], parameters)
    await connection.execute(QUERIES["forget_motion"], parameters)
    await connection.execute(QUERIES["forget_events"], parameters)
    await connection.execute(QUERIES["forget_latest"], parameters)
