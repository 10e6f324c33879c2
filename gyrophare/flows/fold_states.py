"""What reports and events tell of their wearers, folded into the states of watches that are locked.

In whatever order they come and whichever process has them, the states in the end are the same: a fix that was overtaken
is put in its place, and the way from there is followed once more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

import ingest.store
import lone_worker.store
from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import Observation
from gyrophare.platform.db import Connection
from ingest.directory import Device
from lone_worker.course import FOLLOWED_AGAIN_MAX, Checkpoint, Course, Past
from lone_worker.stillness import WatchState, fold, overtaken, shown_late

_FOLLOWED_AT_ONCE = 10  # devices: 35 MB if each has as many fixes as are followed again


async def fold_all(
    connection: Connection, states: Mapping[DeviceId, WatchState], said: Iterable[tuple[Device, Observation]]
) -> list[WatchState]:
    """The new states of those who said something; the fixes of it must be stored already."""
    heard: dict[DeviceId, list[Observation]] = defaultdict(list)
    devices: dict[DeviceId, Device] = {}
    for device, seen in said:
        if device.id in states:
            heard[device.id].append(seen)
            devices[device.id] = device
    states = {device_id: shown_late(states[device_id], seen) for device_id, seen in heard.items()}
    late = {device_id: at for device_id, seen in heard.items() if (at := overtaken(states[device_id], seen))}
    folded = [fold(states[device_id], seen) for device_id, seen in heard.items() if device_id not in late]
    for some in _portions(late):
        pasts = await _pasts(connection, states, devices, some)
        folded += [fold(states[device_id], heard[device_id], pasts.get(device_id)) for device_id in some]
    return folded


def _portions(late: Mapping[DeviceId, datetime]) -> Iterator[dict[DeviceId, datetime]]:
    """A few devices at a time: when a thousand come back from an outage at once, their pasts do not fit in memory."""
    waiting = iter(late.items())
    while some := dict(islice(waiting, _FOLLOWED_AT_ONCE)):
        yield some


async def _pasts(
    connection: Connection,
    states: Mapping[DeviceId, WatchState],
    devices: Mapping[DeviceId, Device],
    late: Mapping[DeviceId, datetime],
) -> dict[DeviceId, Past]:
    """What must be followed again; not of who has too many fixes: that would cost the others' time."""
    starts = {device_id: Checkpoint(states[device_id].shift_started_at, Course()) for device_id in late}
    starts |= await lone_worker.store.find_checkpoints(connection, late)
    since = [(devices[device_id], start.at) for device_id, start in starts.items()]
    stored = await ingest.store.find_reports(connection, since, FOLLOWED_AGAIN_MAX)
    return {device_id: Past(starts[device_id].course, reports) for device_id, reports in stored.items()}
