"""The tables van, watch_state and watch_checkpoint. Set-based, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import tuple_row

from gyrophare.kernel.ids import DeviceId, OrganisationId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from lone_worker import episode, memory
from lone_worker.course import Checkpoint, Course
from lone_worker.evidence import Evidence
from lone_worker.profiles import Profile, read
from lone_worker.stillness import WatchState
from lone_worker.whereabouts import NOWHERE, Whereabouts

QUERIES = sql.load(__file__)
_STATE_COLUMNS: Mapping[str, sql.Write] = {
    "device_id": sql.array,
    "heard_s": sql.instants,
    "evidence_s": sql.instants,
    "evidence": sql.texts,
    "due_s": sql.instants,
    "fixed_s": sql.instants,
    "body_s": sql.instants,
    "body": sql.texts,
    "whereabouts": sql.texts,
    "episode": sql.texts,
    "memory": sql.texts,
    "check_s": sql.instants,
}
_CHECKPOINT_COLUMNS: Mapping[str, sql.Write] = {
    "device_id": sql.array,
    "at_s": sql.instants,
    "fixed_s": sql.instants,
    "moved_s": sql.instants,
    "moved_by": sql.texts,
    "whereabouts": sql.texts,
}
_PROFILES_MAX = 1_000
_profiles: dict[int, Profile] = {}  # by a hash of their content: the same in every database
_EVIDENCE = {str(evidence): evidence for evidence in Evidence}  # a lookup costs a tenth of a call of the class


async def insert_van(connection: Connection, organisation_id: OrganisationId, name: str, device_id: DeviceId) -> None:
    """Register a van and the box in it."""
    parameters = {"organisation_id": organisation_id, "name": name, "device_id": device_id}
    await connection.execute(QUERIES["insert_van"], parameters)


async def wait_briefly(connection: Connection) -> None:
    """Until this transaction ends: who does not get a lock within a second has an OperationalError raised."""
    await connection.execute(QUERIES["wait_briefly"])


async def lock_states(connection: Connection, device_ids: Iterable[DeviceId]) -> dict[DeviceId, WatchState]:
    """The states of the watches on shift among `device_ids`, locked until the transaction ends."""
    async with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        rows = await (await cursor.execute(QUERIES["lock_states"], {"device_ids": sql.array(device_ids)})).fetchall()
    profiles = await profiles_by_key(connection, rows)
    states = {}
    for row in rows:
        (
            device_id,
            shift_id,
            started_at,
            profile_key,
            evidence_at,
            evidence,
            due_at,
            heard_at,
            whereabouts,
            fixed_at,
            at,
            body,
            kept,
            remembered,
            paused_at,
            resumed_at,
        ) = row
        states[device_id] = WatchState(
            device_id=device_id,
            shift_id=shift_id,
            shift_started_at=started_at,
            profile=profiles[profile_key],
            evidence_at=evidence_at,
            evidence=_EVIDENCE[evidence],
            episode=episode.unpack(due_at, kept),
            heard_at=heard_at,
            whereabouts=_unpacked(whereabouts),
            fixed_at=fixed_at,
            body_at=at,
            body=None if body is None else _EVIDENCE[body],
            memory=memory.with_pause(memory.unpack(remembered), paused_at, resumed_at),
        )
    return states


async def profiles_by_key(connection: Connection, rows: Iterable[Sequence[Any]]) -> Mapping[int, Profile]:
    """The profiles of such rows; each content is read once."""
    asked = {shift_id: key for _, shift_id, _, key, *_ in rows if key not in _profiles}
    if not asked:
        return _profiles
    found = await connection.execute(QUERIES["find_profiles_of_shifts"], {"shift_ids": list(asked)})
    newer = {}
    for row in await found.fetchall():
        profile = read(row["settings"])
        _profiles[row["profile_key"]] = profile
        newer[asked[row["id"]]] = profile  # a plan may have changed it between the two statements
    known = {**newer, **_profiles}
    if len(_profiles) > _PROFILES_MAX:
        _profiles.clear()
    return known


async def save_states(connection: Connection, states: Sequence[WatchState]) -> None:
    """Write back what `fold` made of locked states."""
    if not states:
        return
    rows = [
        (
            state.device_id,
            state.heard_at,
            state.evidence_at,
            state.evidence,
            state.due_at,
            state.fixed_at,
            state.body_at,
            state.body,
            state.whereabouts.pack(),
            episode.pack(state.episode) or None,
            None if state.memory.packed is not None else memory.pack(state.memory),  # nothing new: it stays
            state.check_at,
        )
        for state in states
    ]
    await connection.execute(QUERIES["save_states"], sql.columns(_STATE_COLUMNS, rows))
    await _save_checkpoints(connection, [(state.device_id, passed) for state in states for passed in state.passed])


async def find_checkpoints(connection: Connection, since: Mapping[DeviceId, datetime]) -> dict[DeviceId, Checkpoint]:
    """The last checkpoint of each device that lies before an instant, for those that have one."""
    parameters = {"device_id": list(since), "since_at": list(since.values())}
    async with connection.cursor(row_factory=tuple_row) as cursor:
        rows = await (await cursor.execute(QUERIES["find_checkpoints"], parameters)).fetchall()
    return {
        device_id: Checkpoint(
            at, Course(_unpacked(whereabouts), fixed_at, moved_at, None if moved_by is None else _EVIDENCE[moved_by])
        )
        for device_id, at, fixed_at, moved_at, moved_by, whereabouts in rows
    }


async def _save_checkpoints(connection: Connection, passed: Sequence[tuple[DeviceId, Checkpoint]]) -> None:
    if not passed:
        return
    rows = [
        (device_id, at, course.fixed_at, course.moved_at, course.moved_by, course.whereabouts.pack())
        for device_id, (at, course) in passed
    ]
    await connection.execute(QUERIES["save_checkpoints"], sql.columns(_CHECKPOINT_COLUMNS, rows))


def _unpacked(whereabouts: str | None) -> Whereabouts:
    return NOWHERE if whereabouts is None else Whereabouts.unpack(whereabouts)
