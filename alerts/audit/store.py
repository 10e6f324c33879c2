"""The tables of the proof: audit_chain, alert_seal, alert_salt. In the caller's transaction."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from alerts.audit.chain import SALT_BYTES, Event, Head, Seal, genesis, seal
from alerts.audit.walk import Walk
from gyrophare.platform import sql
from gyrophare.platform.db import Connection, lock_key

QUERIES = sql.load(__file__)
SEALER = {"key": lock_key("seal the history of alerts")}
_PAGE = 1_000  # seals in memory at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """Events that have no seal yet."""

    events: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    event: Event
    salt: bytes | None
    erased: bool


async def become_sealer(connection: Connection) -> bool:
    """Be the one who writes the chain until the transaction ends; False when somebody else is."""
    [row] = await (await connection.execute(QUERIES["be_sealer"], SEALER)).fetchall()
    return bool(row["alone"])


async def hold_sealer(connection: Connection) -> None:
    """Wait until nobody writes the chain, and let nobody until the transaction ends."""
    await connection.execute(QUERIES["hold_sealer"], SEALER)


async def find_unsealed(connection: Connection, look_back: int, most: int) -> list[int]:
    """Events without a seal, oldest first; those more than `look_back` numbers before the newest seal are not seen."""
    parameters = {"look_back": look_back, "most": most}
    rows = await (await connection.execute(QUERIES["find_unsealed"], parameters)).fetchall()
    return [row["id"] for row in rows]


async def seal_events(connection: Connection, event_ids: Sequence[int], now: datetime) -> list[Seal]:
    """Put these events, which have no seal, at the end of the chain. Only the sealer may."""
    _, head = await read_ends(connection)
    seals, salts = [], []
    for told in await _read_events(connection, event_ids):
        salts.append(secrets.token_bytes(SALT_BYTES))
        seals.append(seal(head, told.event, salts[-1], now))
        head = Head(number=seals[-1].number, hash=seals[-1].hash)
    if seals:
        columns: dict[str, Any] = {
            "number": [one.number for one in seals],
            "event_id": [one.event_id for one in seals],
            "previous": [one.previous for one in seals],
            "commitment": [one.commitment for one in seals],
            "hash": [one.hash for one in seals],
            "salt": salts,
            "now": now,
        }
        await connection.execute(QUERIES["insert_seals"], columns)
    return seals


async def read_ends(connection: Connection) -> tuple[Head, Head]:
    """Where this installation's chain begins, and where it ends now."""
    [row] = await (await connection.execute(QUERIES["find_ends"])).fetchall()
    begin = genesis(row["installation"])
    return begin, begin if row["number"] is None else Head(number=row["number"], hash=row["hash"])


async def look_at_one_instant(connection: Connection) -> None:
    """Let all that follows in this transaction see the same rows; nothing may have been asked in it before."""
    await connection.execute(QUERIES["look_at_one_instant"])


async def count_unsealed(connection: Connection) -> Unsealed:
    """How many events have no seal, and when the oldest of them happened."""
    [row] = await (await connection.execute(QUERIES["count_unsealed"])).fetchall()
    return Unsealed(**row)


async def follow(connection: Connection, walk: Walk) -> AsyncIterator[int]:
    """Lead `walk` along the whole chain in bounded memory; yield how many seals were looked at, now and then."""
    async with connection.cursor(name="walk_seals", row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["walk_seals"])
        while rows := await cursor.fetchmany(_PAGE):
            seals = [Seal(**row) for row in rows]
            found = await _read_events(connection, [one.event_id for one in seals])
            told = {one.event.id: one for one in found}
            for one in seals:
                if known := told.get(one.event_id):
                    walk.look(one, known.event, known.salt, erased=known.erased)
                else:
                    walk.look(one, None, None, erased=False)
            yield len(seals)
    walk.end()


async def _read_events(connection: Connection, event_ids: Sequence[int]) -> list[_Told]:
    rows = await (await connection.execute(QUERIES["read_events"], {"event_ids": list(event_ids)})).fetchall()
    return [
        _Told(
            event=Event(
                id=row["id"],
                alert_id=row["alert_id"],
                at=row["at"],
                kind=row["kind"],
                account_id=row["account_id"],
                detail=row["detail"],
                statement=row["statement"],
            ),
            salt=row["salt"],
            erased=row["erased"],
        )
        for row in rows
    ]
