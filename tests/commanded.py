"""Commands for the tests, and a watch's ear at the broker."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import lone_worker.commands.store
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import CommandId, DeviceId
from gyrophare.platform.mqtt import MqttSession
from ingest import topics
from lone_worker.commands import words
from lone_worker.commands.store import NewCommand
from lone_worker.commands.words import CommandKind
from tests.department import ORGANISATION, Department

_number = itertools.count()


def a_prealarm(
    device_id: DeviceId, episode_at: datetime, number: int = 1, *, name: str = "w-1", valid_s: float = 30
) -> NewCommand:
    alarm_at = episode_at + timedelta(seconds=valid_s)
    return NewCommand(
        organisation_id=ORGANISATION,
        device_id=device_id,
        topic=topics.commands(name),
        kind=CommandKind.PREALARM,
        body=words.prealarm(number=number, episode_at=episode_at, alarm_at=alarm_at),
        expires_at=alarm_at,
        episode_at=episode_at,
        number=number,
    )


def a_message(device_id: DeviceId, now: datetime, *, name: str = "w-1", valid_s: float = 1800) -> NewCommand:
    return NewCommand(
        organisation_id=ORGANISATION,
        device_id=device_id,
        topic=topics.commands(name),
        kind=CommandKind.MESSAGE,
        body=words.message("Rentrez au centre", ["Oui", "Non"]),
        expires_at=now + timedelta(seconds=valid_s),
    )


async def queued(department: Department, *new: NewCommand) -> list[CommandId]:
    """In a transaction of its own."""
    async with department.connection.transaction():
        return await lone_worker.commands.store.queue(department.connection, new, department.clock.now())


async def command_is(department: Department, state: str) -> dict[str, Any]:
    """The first command in that state, as soon as there is one."""
    return (await department.until_rows(1, "select * from command where state = %(state)s order by id", state=state))[0]


class Ear:
    """Hears what a watch is told."""

    def __init__(self, session: MqttSession) -> None:
        self._session = session

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str, name: str, clock: Clock) -> AsyncIterator[Ear]:
        client_id = f"ear-{os.getpid()}-{next(_number)}"
        session = MqttSession(url, client_id, [topics.commands(name)], clock=clock)
        await session.start()
        yield cls(session)
        await session.stop()

    async def next(self) -> dict[str, Any]:
        """The next command."""
        async with asyncio.timeout(15):
            [message] = await self._session.receive(1)
        self._session.acknowledge([message])
        told: dict[str, Any] = json.loads(message.payload)
        return told

    def heard_nothing_more(self) -> bool:
        return not self._session._queue
