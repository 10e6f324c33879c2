"""Who is behind a device, for the text of an alert: the person on shift, else the device's own label."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import ingest.directory
import ingest.store
from gyrophare.kernel.ids import DeviceId, OrganisationId, ShiftId
from gyrophare.kernel.observations import Fix
from gyrophare.platform.db import Connection
from ingest import topics
from lone_worker.shifts.store import current_shifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Somebody who may be in danger."""

    organisation_id: OrganisationId
    shift_id: ShiftId | None
    name: str
    mission: str | None
    reply_topic: str | None
    last_fix: Fix | None


async def find(connection: Connection, device_ids: Collection[DeviceId]) -> dict[DeviceId, Subject]:
    """The subject of each registered device among `device_ids`."""
    if not device_ids:
        return {}
    devices = await ingest.directory.devices_by_id(connection, device_ids)
    latest = await ingest.store.find_latest(connection, device_ids)
    shifts = await current_shifts(connection, device_ids)
    return {
        device.id: Subject(
            organisation_id=device.organisation_id,
            shift_id=shifts[device.id].id if device.id in shifts else None,
            name=shifts[device.id].agent_name if device.id in shifts else device.label,
            mission=shifts[device.id].mission if device.id in shifts else None,
            reply_topic=topics.command_topic(device.sender),
            last_fix=latest.get(device.id),
        )
        for device in devices.values()
    }
