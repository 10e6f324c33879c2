"""What watches say of commands: that they have them, and what their wearers answer. Once, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import alerts.store
import lone_worker.commands.store
from alerts import wording
from alerts.store import Reached
from gyrophare.kernel.observations import Event
from gyrophare.platform.db import Connection
from ingest.directory import Device
from lone_worker.commands import words
from lone_worker.commands.store import Answer


async def settle(connection: Connection, fresh: Sequence[tuple[Device, Event]], now: datetime) -> None:
    """Note what these events tell of commands, and of alerts."""
    answers: list[Answer] = []
    reached: list[Reached] = []
    for device, event in fresh:
        if "command" not in event.detail:
            continue
        at = event.happened_at
        if command_id := words.referred(event):
            answers.append(Answer(command_id=command_id, device_id=device.id, at=at, text=words.answer(event)))
        elif notification_id := wording.read_watch_reference(event.detail["command"]):
            said = words.answer(event)
            reached.append(Reached(notification_id=notification_id, device_id=device.id, at=at, answer=said))
    await lone_worker.commands.store.note_answers(connection, answers, now)
    await alerts.store.note_reached(connection, reached, now)
