"""What the engine reads and writes each second: due deadlines, the facts behind them, pre-alarms, protection.

Set-based, in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from psycopg.rows import tuple_row

from gyrophare.kernel.geo import Position
from gyrophare.kernel.ids import DeviceId, OrganisationId, ShiftId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from lone_worker import episode
from lone_worker.protection import Protection
from lone_worker.rules.facts import Facts
from lone_worker.stillness import WatchState
from lone_worker.store import QUERIES

_PASSED_COLUMNS: Mapping[str, sql.Write] = {
    "device_id": sql.array,
    "evidence_s": sql.instants,
    "evidence": sql.texts,
    "due_s": sql.instants,
    "episode": sql.texts,
    "check_s": sql.instants,
    "protection": sql.texts,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A watch whose deadline has passed, locked by us."""

    organisation_id: OrganisationId
    facts: Facts
    due_at: datetime
    check_at: datetime
    protection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of it."""

    state: WatchState
    check_at: datetime
    protection: str


async def claim_due(connection: Connection, now: datetime, most: int) -> dict[DeviceId, datetime]:
    """Take at most `most` watches with a passed deadline that no other process is taking; when it was due."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        rows = await (await cursor.execute(QUERIES["claim_due"], {"now": now, "most": most})).fetchall()
    return dict(rows)


async def find_watched(
    connection: Connection,
    states: Mapping[DeviceId, WatchState],
    due_at: Mapping[DeviceId, datetime],
    help_since_at: Mapping[DeviceId, datetime],
) -> list[Watched]:
    """All that is known of these locked watches."""
    rows = await (await connection.execute(QUERIES["find_facts"], {"device_ids": list(states)})).fetchall()
    return [
        Watched(
            organisation_id=OrganisationId(row["organisation_id"]),
            facts=Facts(
                state=states[row["device_id"]],
                planned_end_at=row["planned_end_at"],
                area=row["area"],
                position=_position(row["latitude_deg"], row["longitude_deg"]),
                positioned_at=row["fixed_at"],
                battery_pct=row["battery_pct"],
                clock_skew_s=median(row["clock_skews_s"]) if row["clock_skews_s"] else None,
                help_since_at=help_since_at.get(row["device_id"]),
                restarted_at=row["restarted_at"],
            ),
            due_at=due_at[row["device_id"]],
            check_at=row["check_at"],
            protection=row["protection"],
        )
        for row in rows
    ]


async def save_judged(connection: Connection, judged: Sequence[Judged]) -> None:
    """Write back what the engine made of locked watches."""
    if not judged:
        return
    rows = [
        (
            one.state.device_id,
            one.state.evidence_at,
            one.state.evidence,
            one.state.due_at,
            episode.pack(one.state.episode),
            one.check_at,
            one.protection,
        )
        for one in judged
    ]
    await connection.execute(QUERIES["save_passed"], sql.columns(_PASSED_COLUMNS, rows))


async def look_soon(connection: Connection, device_ids: Sequence[DeviceId], now: datetime) -> None:
    """Have these watches judged at the next tick: they may have begun anew."""
    if device_ids:
        await connection.execute(QUERIES["look_soon"], {"device_ids": list(device_ids), "now": now})


async def put_off(connection: Connection, device_id: DeviceId, now: datetime, until_at: datetime) -> None:
    """Judge a watch later, because our own code failed at it."""
    await connection.execute(QUERIES["put_off"], {"device_id": device_id, "now": now, "until_at": until_at})


async def note_prealarms(connection: Connection, states: Sequence[WatchState], now: datetime) -> None:
    """The wearers are asked; of an episode the first time counts."""
    if not states:
        return
    parameters = {
        "device_id": [state.device_id for state in states],
        "shift_id": [state.shift_id for state in states],
        "episode_s": [state.evidence_at.timestamp() for state in states],
        "now": now,
    }
    await connection.execute(QUERIES["note_prealarms"], parameters)


async def end_prealarms(
    connection: Connection, outcomes: Mapping[DeviceId, str], now: datetime
) -> dict[DeviceId, datetime]:
    """What became of them: `answered`, `moved`, `moved_before`, `alarm`, `shift_ended`. The last evidence before
    each that was open."""
    if not outcomes:
        return {}
    parameters = {"device_id": list(outcomes), "outcome": list(outcomes.values()), "now": now}
    rows = await (await connection.execute(QUERIES["end_prealarms"], parameters)).fetchall()
    return {DeviceId(row["device_id"]): row["episode_at"] for row in rows}


async def note_protection(connection: Connection, changes: Sequence[tuple[ShiftId, Protection]], now: datetime) -> None:
    """The protection of these shifts is another from `now` on."""
    if not changes:
        return
    parameters = {
        "shift_id": [shift_id for shift_id, _ in changes],
        "level": [str(protection.level) for _, protection in changes],
        "reasons": [",".join(protection.reasons) for _, protection in changes],
        "now": now,
    }
    await connection.execute(QUERIES["note_protection"], parameters)


def _position(latitude_deg: float | None, longitude_deg: float | None) -> Position | None:
    if latitude_deg is None or longitude_deg is None:
        return None
    return Position(latitude_deg, longitude_deg)
