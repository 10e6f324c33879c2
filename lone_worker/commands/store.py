"""The table of commands. Set-based, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gyrophare.kernel.ids import AccountId, AlertId, CommandId, DeviceId, OrganisationId, ShiftId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from lone_worker.commands.words import Body, CommandKind

QUERIES = sql.load(__file__)
LEASE_S = 30  # longer than the broker is waited for


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommand:
    """A command to be queued. `(device_id, kind, episode_at, number)` makes that of an episode one, whoever queues."""

    organisation_id: OrganisationId
    device_id: DeviceId
    topic: str
    kind: CommandKind
    body: Body
    expires_at: datetime
    shift_id: ShiftId | None = None
    account_id: AccountId | None = None
    alert_id: AlertId | None = None
    episode_at: datetime | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A command that is ours to send until the lease runs out."""

    id: CommandId
    topic: str
    body: Body
    expires_at: datetime
    lease_token: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a watch said of a command: that it has it, and with `text` what its wearer answered."""

    command_id: CommandId
    device_id: DeviceId
    at: datetime
    text: str | None = None


class PrealarmOutcome(StrEnum):
    """What became of the pre-alarms of an episode; an alarm must say it."""

    DELIVERED = "delivered"
    NOT_DELIVERED = "not_delivered"
    IMPOSSIBLE = "impossible"
    """None was ever queued: this watch cannot be told anything."""


async def queue(connection: Connection, new: Sequence[NewCommand], now: datetime) -> list[CommandId]:
    """Queue those of `new` that nobody has queued yet, and wake the senders when this commits."""
    if not new:
        return []
    columns = {
        "organisation_id": [command.organisation_id for command in new],
        "device_id": [command.device_id for command in new],
        "shift_id": [command.shift_id for command in new],
        "kind": [str(command.kind) for command in new],
        "number": [command.number for command in new],
        "topic": [command.topic for command in new],
        "body": [json.dumps(command.body) for command in new],
        "account_id": [command.account_id for command in new],
        "alert_id": [command.alert_id for command in new],
        "episode_at": [command.episode_at for command in new],
        "expires_at": [command.expires_at for command in new],
        "now": now,
    }
    rows = await (await connection.execute(QUERIES["queue_commands"], columns)).fetchall()
    if rows:
        await connection.execute(QUERIES["wake"])
    return [CommandId(row["id"]) for row in rows]


async def withdraw(connection: Connection, episodes: Mapping[DeviceId, datetime], now: datetime) -> None:
    """The wearers have moved: pre-alarms of these episodes that nobody has begun to send never go.

    One that is under way may overtake its cancellation; the watch knows both by their episode.
    """
    if episodes:
        await connection.execute(QUERIES["withdraw"], {**_asked(episodes), "now": now})


async def hush(connection: Connection, device_ids: Sequence[DeviceId], now: datetime) -> None:
    """These watches must not ring: of what nobody has begun to send only the question where they are goes."""
    if device_ids:
        await connection.execute(QUERIES["hush"], {"device_ids": list(device_ids), "now": now})


async def claim(connection: Connection, now: datetime, most: int) -> list[Claimed]:
    """Take commands that nobody is sending. To be committed before anything is sent."""
    parameters = {"now": now, "most": most, "lease_s": LEASE_S}
    rows = await (await connection.execute(QUERIES["claim"], parameters)).fetchall()
    return [Claimed(**row) for row in rows]


async def settle(connection: Connection, sent: Iterable[Claimed], failed: Iterable[Claimed], now: datetime) -> None:
    """The broker has these; those can never be sent. Whose lease was lost changes nothing."""
    ended = [(claimed, "sent") for claimed in sent] + [(claimed, "failed") for claimed in failed]
    if not ended:
        return
    parameters = {
        "id": [claimed.id for claimed, _ in ended],
        "lease_token": [claimed.lease_token for claimed, _ in ended],
        "state": [state for _, state in ended],
        "now": now,
    }
    await connection.execute(QUERIES["settle"], parameters)


async def expire(connection: Connection, now: datetime, most: int) -> int:
    """Commands whose time is over without their watch having said that it has them. Return how many, at most `most`."""
    return (await connection.execute(QUERIES["expire"], {"now": now, "most": most})).rowcount


async def note_answers(connection: Connection, answers: Sequence[Answer], now: datetime) -> None:
    """Watches have said what became of their commands; of another's command it is not theirs to say."""
    if not answers:
        return
    parameters = {
        "id": [answer.command_id for answer in answers],
        "device_id": [answer.device_id for answer in answers],
        "at": [answer.at for answer in answers],
        "answer": [answer.text for answer in answers],
        "now": now,
    }
    await connection.execute(QUERIES["note_answers"], parameters)


async def prealarm_outcomes(
    connection: Connection, episodes: Mapping[DeviceId, datetime]
) -> dict[DeviceId, PrealarmOutcome]:
    """What became of the pre-alarms of each device's episode, which is named by its last evidence of movement."""
    rows = await (await connection.execute(QUERIES["prealarm_outcomes"], _asked(episodes))).fetchall()
    delivered = {row["device_id"]: row["delivered"] for row in rows}
    return {device_id: _outcome(delivered.get(device_id)) for device_id in episodes}


def _outcome(delivered: bool | None) -> PrealarmOutcome:
    if delivered is None:
        return PrealarmOutcome.IMPOSSIBLE
    return PrealarmOutcome.DELIVERED if delivered else PrealarmOutcome.NOT_DELIVERED


def _asked(episodes: Mapping[DeviceId, datetime]) -> dict[str, list[DeviceId] | list[datetime]]:
    return {"device_id": list(episodes), "episode_at": list(episodes.values())}
