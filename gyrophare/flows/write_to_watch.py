"""A dispatcher writes to a watch, or asks where it is: queued if its wearer is on shift and it can be told anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

import alerts.store
import ingest.directory
import lone_worker.commands.store
import lone_worker.shifts.store
from dashboards import read_models
from dashboards.read_models import Viewer
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import CommandId, DeviceId
from gyrophare.platform.db import Pool
from ingest import topics
from lone_worker.commands import words
from lone_worker.commands.store import NewCommand
from lone_worker.commands.words import CommandKind


class Refusal(StrEnum):
    """Why nothing was queued."""

    UNKNOWN = "unknown"
    DISCREET = "discreet"
    """A message rings; to say where it is a watch does nothing that anybody notices."""
    OFF_SHIFT = "off_shift"
    NO_WAY_BACK = "no_way_back"


async def write(
    pool: Pool, clock: Clock, viewer: Viewer, device_id: DeviceId, kind: str, text: str, replies: Sequence[str]
) -> CommandId | Refusal:
    """Queue it in the name of `viewer`, and write down that somebody asked: to locate is a look at a position.

    Raise ValueError when a watch cannot show it, with what was expected, in the dispatcher's language.
    """
    match kind:
        case CommandKind.MESSAGE:
            body = words.message(text, replies)
        case CommandKind.LOCATE:
            body = words.locate()
        case _:
            raise ValueError(f"{CommandKind.MESSAGE} ou {CommandKind.LOCATE}")
    now = clock.now()
    async with pool.connection() as connection, connection.transaction():
        device = (await ingest.directory.devices_by_id(connection, [device_id])).get(device_id)
        if device is None or device.organisation_id != viewer.organisation_id:
            return Refusal.UNKNOWN
        if kind == CommandKind.MESSAGE and await alerts.store.find_discreet(connection, [device_id]):
            return Refusal.DISCREET  # before the others: they say to telephone, which rings as well
        shift = (await lone_worker.shifts.store.current_shifts(connection, [device_id])).get(device_id)
        if shift is None or not await ingest.directory.find_devices(connection, [device.sender]):  # revoked
            return Refusal.OFF_SHIFT
        topic = topics.command_topic(device.sender)
        if topic is None:
            return Refusal.NO_WAY_BACK
        command = NewCommand(
            organisation_id=viewer.organisation_id,
            device_id=device_id,
            topic=topic,
            kind=CommandKind(kind),
            body=body,
            expires_at=now + timedelta(seconds=words.VALID_FOR_S[kind]),
            shift_id=shift.id,
            account_id=viewer.account_id,
        )
        [command_id] = await lone_worker.commands.store.queue(connection, [command], now)
        await alerts.store.act_for_devices(connection, [device_id], now)
        await read_models.log_access(connection, viewer, now, kind, device_id=device_id)
    return command_id
