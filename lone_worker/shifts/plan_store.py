"""The table planned_shift: what a calendar says, until it has begun. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gyrophare.kernel.ids import AgentId, DeviceId, OrganisationId, ShiftId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from lone_worker.profile_store import planned_profile
from lone_worker.shifts.plan import Planned
from lone_worker.shifts.store import note_plan

QUERIES = sql.load(__file__, "plan.sql")
EARLY_MAX = timedelta(hours=1)
"""Who begins by himself so long before the plan has begun the planned shift."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueShift:
    """A planned shift; `device_id` is the agent's own watch, None when there is none."""

    id: int
    organisation_id: OrganisationId
    agent_id: AgentId
    agent_name: str
    device_id: DeviceId | None
    starts_at: datetime
    ends_at: datetime
    mission: str | None
    profile_name: str | None


async def put(
    connection: Connection, organisation_id: OrganisationId, planned: Planned, agent_id: AgentId, now: datetime
) -> Literal["added", "changed", "same"]:
    """Plan a shift, or change what was planned; of one that has begun only the end can move."""
    parameters = {
        "organisation_id": organisation_id,
        "uid": planned.uid,
        "occurrence": planned.occurrence,
        "agent_id": agent_id,
        "starts_at": planned.starts_at,
        "ends_at": planned.ends_at,
        "mission": planned.mission,
        "profile_name": planned.profile_name,
        "now": now,
    }
    row = await (await connection.execute(QUERIES["put_planned"], parameters)).fetchone()
    if row is None:
        return "same"
    if row["shift_id"] is not None:
        await connection.execute(QUERIES["move_end"], {"shift_id": row["shift_id"], "ends_at": planned.ends_at})
    return "added" if row["added"] else "changed"


async def cancel_others(
    connection: Connection,
    organisation_id: OrganisationId,
    uids: Collection[str],
    kept: Sequence[tuple[Planned, AgentId]],
    until_at: datetime,
    now: datetime,
) -> int:
    """Cancel what was planned before `until_at` for these events and is not among `kept`. Return how many."""
    parameters = {
        "organisation_id": organisation_id,
        "uids": list(uids),
        "uid": [planned.uid for planned, _ in kept],
        "occurrence": [planned.occurrence for planned, _ in kept],
        "agent_id": [agent_id for _, agent_id in kept],
        "until_at": until_at,
        "now": now,
    }
    return (await connection.execute(QUERIES["cancel_others"], parameters)).rowcount


async def claim(connection: Connection, now: datetime, seen: Collection[int]) -> DueShift | None:
    """The next planned shift that is due and not among `seen`, ours until the commit."""
    row = await (await connection.execute(QUERIES["claim_planned"], {"now": now, "seen": list(seen)})).fetchone()
    return None if row is None else DueShift(**row)


async def settle(
    connection: Connection, due: DueShift, state: Literal["begun", "missed"], shift_id: ShiftId | None, now: datetime
) -> None:
    """Note what became of it."""
    parameters = {"id": due.id, "state": state, "shift_id": shift_id, "now": now}
    await connection.execute(QUERIES["settle_planned"], parameters)


async def adopt(connection: Connection, agent_id: AgentId, shift_id: ShiftId, now: datetime) -> None:
    """A shift that somebody began without the plan is what was planned for them now, if something was."""
    parameters = {"agent_id": agent_id, "now": now, "until_at": now + EARLY_MAX}
    row = await (await connection.execute(QUERIES["claim_own"], parameters)).fetchone()
    if row is not None:
        due = DueShift(**row)
        profile = await planned_profile(connection, due.organisation_id, due.profile_name)
        await note_plan(connection, shift_id, due.ends_at, due.mission, profile)
        await settle(connection, due, "begun", shift_id, now)


async def list_planned(
    connection: Connection, now: datetime, organisation_id: OrganisationId | None = None, most: int = 1000
) -> list[DueShift]:
    """What is still to begin, the next first."""
    parameters = {"now": now, "organisation_id": organisation_id, "most": most}
    rows = await (await connection.execute(QUERIES["list_planned"], parameters)).fetchall()
    return [DueShift(**row) for row in rows]
