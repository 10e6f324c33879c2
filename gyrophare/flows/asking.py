"""The wearer is asked, by the watch, before anybody else is told; and told when it is no longer a question."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import alerts.store
import lone_worker.commands.store
from gyrophare.flows import reachable, subjects
from gyrophare.flows.subjects import Subject
from gyrophare.kernel.ids import DeviceId
from gyrophare.platform.db import Connection
from lone_worker.commands import words
from lone_worker.commands.store import NewCommand
from lone_worker.commands.words import Body, CommandKind
from lone_worker.engine import Verdict
from lone_worker.episode import PreAlarm

_CANCEL_VALID_FOR = timedelta(seconds=60)
_WARNING_VALID_FOR = timedelta(seconds=words.VALID_FOR_S[CommandKind.MESSAGE])


async def ask(
    connection: Connection, verdicts: Iterable[Verdict], who: Mapping[DeviceId, Subject], now: datetime
) -> None:
    """Queue the pre-alarms and the timed checks of those who can be told anything."""
    commands: list[NewCommand] = []
    for verdict in verdicts:
        state, subject = verdict.state, who.get(verdict.state.device_id)
        if subject is None:
            continue
        if isinstance(verdict.stillness, PreAlarm):
            asked, episode_at = verdict.stillness, state.evidence_at
            body = words.prealarm(number=asked.number, episode_at=episode_at, alarm_at=asked.alarm_at)
            commands += _command(
                state.device_id, subject, CommandKind.PREALARM, body, asked.alarm_at, episode_at, asked.number
            )
        for notice in verdict.notices:
            commands += _command(
                state.device_id, subject, CommandKind.CHECKIN, words.checkin(), notice.due_at, notice.since_at
            )
    await lone_worker.commands.store.queue(connection, commands, now)


async def cancel(connection: Connection, episodes: Mapping[DeviceId, datetime], now: datetime) -> None:
    """The pre-alarms of these episodes are over: what was not sent never goes, and the watches stop."""
    if not episodes:
        return
    await lone_worker.commands.store.withdraw(connection, episodes, now)
    who = await subjects.find(connection, set(episodes) - await alerts.store.find_discreet(connection, set(episodes)))
    commands: list[NewCommand] = []
    for device_id, episode_at in episodes.items():
        if device_id in who:
            body, expires_at = words.prealarm_cancel(episode_at=episode_at), now + _CANCEL_VALID_FOR
            commands += _command(device_id, who[device_id], CommandKind.PREALARM_CANCEL, body, expires_at, episode_at)
    await lone_worker.commands.store.queue(connection, commands, now)


async def warn(connection: Connection, device_ids: Collection[DeviceId], now: datetime) -> None:
    """Their shifts have begun, and nobody would hear an alarm: they are told, so that they can tell somebody."""
    if not device_ids:
        return
    who = await subjects.find(
        connection, set(device_ids) - await alerts.store.find_discreet(connection, set(device_ids))
    )
    commands: list[NewCommand] = []
    for device_id, subject in who.items():
        body, expires_at = words.message(reachable.WARNING, []), now + _WARNING_VALID_FOR
        commands += _command(device_id, subject, CommandKind.MESSAGE, body, expires_at, now)
    await lone_worker.commands.store.queue(connection, commands, now)


def _command(
    device_id: DeviceId,
    subject: Subject,
    kind: CommandKind,
    body: Body,
    expires_at: datetime,
    episode_at: datetime,
    number: int = 1,
) -> Iterable[NewCommand]:
    """One, where the watch can be told anything."""
    if subject.reply_topic is not None:
        yield NewCommand(
            organisation_id=subject.organisation_id,
            device_id=device_id,
            topic=subject.reply_topic,
            kind=kind,
            body=body,
            expires_at=expires_at,
            shift_id=subject.shift_id,
            episode_at=episode_at,
            number=number,
        )
