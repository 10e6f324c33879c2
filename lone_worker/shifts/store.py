"""The tables shift, shift_act and shift_pause. In the caller's transaction.

What is said of a watch's shifts is kept as it was said, and from all of it the shifts are made anew each time: in which
order, how often and by which process it was heard does not matter.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gyrophare.kernel.ids import AccountId, AgentId, DeviceId, OrganisationId, ShiftId
from gyrophare.platform import sql
from gyrophare.platform.db import Connection
from lone_worker.profiles import Profile, read
from lone_worker.shifts import spans
from lone_worker.shifts.spans import Act, ActKind, By, Pause, Shift, Span, Terms

QUERIES = sql.load(__file__)
LATE_BUFFER_MAX = timedelta(days=7)  # as long as the broker keeps a session


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentShift:
    """Whose shift a device is in."""

    id: ShiftId
    agent_name: str
    mission: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenShift:
    """A shift that goes on; `label` is its watch's."""

    id: ShiftId
    organisation_id: OrganisationId
    agent_id: AgentId
    agent_name: str
    device_id: DeviceId
    label: str
    mission: str | None
    profile_name: str
    started_at: datetime
    started_by: By
    planned_end_at: datetime | None
    paused_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of acts: the shift that is open now, whether it began by them, and when nobody was to be followed."""

    open_shift_id: ShiftId | None
    began: bool
    private: Sequence[tuple[datetime, datetime | None]]


async def lock(connection: Connection, device_ids: Iterable[DeviceId]) -> None:
    """Have these watches' shifts to oneself until the commit. To be done before their states are locked."""
    await connection.execute(QUERIES["lock_watches"], {"device_ids": list(device_ids)})


async def record(connection: Connection, device_id: DeviceId, acts: Sequence[Act], now: datetime) -> Recorded:
    """Put `acts`, one or more, among what was said of this watch before, and make its shifts of it all."""
    async with connection.transaction():
        await lock(connection, [device_id])
        await connection.execute(QUERIES["lock_state"], {"device_id": device_id})
        for act in acts:
            await connection.execute(QUERIES["insert_acts"], _act_row(device_id, act, now))
        since_at = min(act.at for act in acts)
        parameters = {"device_id": device_id, "since_at": since_at}
        said = await (await connection.execute(QUERIES["find_acts"], parameters)).fetchall()
        known = await (await connection.execute(QUERIES["find_known"], parameters)).fetchall()
        shifts = spans.fold(_act(row) for row in said)
        numbered = spans.matched([(ShiftId(row["id"]), row["started_at"]) for row in known], shifts)
        shift_ids = [await _write(connection, device_id, shift_id, shift) for shift_id, shift in numbered]
        await _write_pauses(connection, dict(zip(shift_ids, shifts, strict=True)))
        is_open = bool(shifts) and shifts[-1].end is None
        if is_open:
            await _have_state(connection, device_id, shift_ids[-1], shifts[-1], now)
        else:
            await connection.execute(QUERIES["forget_state"], {"device_id": device_id, "now": now})
    return Recorded(
        open_shift_id=shift_ids[-1] if is_open else None,
        began=is_open and numbered[-1][0] is None,
        private=spans.private([shift.span for shift in shifts], since_at),
    )


async def say(
    connection: Connection,
    device_id: DeviceId,
    kind: ActKind,
    now: datetime,
    by: By = "cli",
    account_id: AccountId | None = None,
    terms: Terms | None = None,
) -> Recorded:
    """Somebody says it now. It counts after all that was said before, even if our clock was set back meanwhile."""
    async with connection.transaction():
        await lock(connection, [device_id])
        parameters = {"device_id": device_id, "now": now}
        [row] = await (await connection.execute(QUERIES["after_all"], parameters)).fetchall()
        act = Act(at=row["at"], kind=kind, by=by, account_id=account_id, terms=terms)
        return await record(connection, device_id, [act], now)


async def start_shift(connection: Connection, device_id: DeviceId, terms: Terms, now: datetime) -> Recorded:
    """Protect somebody by a watch from `now` on, if it does not yet."""
    return await say(connection, device_id, ActKind.START, now, terms=terms)


async def end_shift(connection: Connection, device_id: DeviceId, now: datetime) -> Recorded:
    """End the open shift of a watch, if there is one."""
    return await say(connection, device_id, ActKind.END, now)


async def find_spans(
    connection: Connection, device_ids: Iterable[DeviceId], now: datetime
) -> Mapping[DeviceId, list[Span]]:
    """The shifts that something said by these devices in the last seven days may belong to, with their pauses."""
    parameters = {"device_ids": list(device_ids), "since": now - LATE_BUFFER_MAX}
    rows = await (await connection.execute(QUERIES["find_spans"], parameters)).fetchall()
    pauses: dict[ShiftId, list[Pause]] = defaultdict(list)
    for row in rows:
        if row["paused_at"] is not None:
            pauses[row["id"]].append(Pause(started_at=row["paused_at"], ended_at=row["resumed_at"]))
    found: dict[DeviceId, list[Span]] = defaultdict(list)
    for row in {row["id"]: row for row in rows}.values():
        span = Span(started_at=row["started_at"], ended_at=row["ended_at"], pauses=tuple(pauses[row["id"]]))
        found[row["device_id"]].append(span)
    return found


async def current_shifts(connection: Connection, device_ids: Iterable[DeviceId]) -> dict[DeviceId, CurrentShift]:
    """The open shift of each device that has one."""
    rows = await (await connection.execute(QUERIES["current_shifts"], {"device_ids": list(device_ids)})).fetchall()
    return {
        DeviceId(row["device_id"]): CurrentShift(
            id=ShiftId(row["id"]), agent_name=row["agent_name"], mission=row["mission"]
        )
        for row in rows
    }


async def open_shifts(
    connection: Connection,
    *,
    organisation_id: OrganisationId | None = None,
    agent_id: AgentId | None = None,
    device_id: DeviceId | None = None,
    shift_id: ShiftId | None = None,
) -> list[OpenShift]:
    """The shifts that go on, of all or of whom it is asked for; the oldest first."""
    parameters = {
        "organisation_id": organisation_id, "agent_id": agent_id, "device_id": device_id, "shift_id": shift_id,
    }  # fmt: skip
    rows = await (await connection.execute(QUERIES["open_shifts"], parameters)).fetchall()
    return [OpenShift(**row) for row in rows]


async def note_plan(
    connection: Connection,
    shift_id: ShiftId,
    planned_end_at: datetime,
    mission: str | None,
    profile: Profile | None,
) -> None:
    """Tell a shift that began without a plan what was planned for it."""
    parameters = {
        "shift_id": shift_id,
        "planned_end_at": planned_end_at,
        "mission": mission,
        "profile": None if profile is None else profile.as_json(),
    }
    await connection.execute(QUERIES["note_plan"], parameters)


async def _write(connection: Connection, device_id: DeviceId, shift_id: ShiftId | None, shift: Shift) -> ShiftId:
    end = shift.end
    parameters: dict[str, Any] = {
        "started_at": shift.span.started_at,
        "started_by": shift.start.by,
        "started_by_account": shift.start.account_id,
        "ended_at": shift.span.ended_at,
        "ended_by": end.by if end else None,
        "ended_by_account": end.account_id if end else None,
    }
    if shift_id is not None:
        await connection.execute(QUERIES["update_shift"], {"id": shift_id, **parameters})
        return shift_id
    parameters |= {"device_id": device_id, **_terms_row(shift.terms)}
    [row] = await (await connection.execute(QUERIES["insert_shift"], parameters)).fetchall()
    return ShiftId(row["id"])


async def _write_pauses(connection: Connection, shifts: Mapping[ShiftId, Shift]) -> None:
    await connection.execute(QUERIES["forget_pauses"], {"shift_ids": list(shifts)})
    for shift_id, shift in shifts.items():
        for pause in shift.span.pauses:
            parameters = {"shift_id": shift_id, "started_at": pause.started_at, "ended_at": pause.ended_at}
            await connection.execute(QUERIES["insert_pause"], parameters)


async def _have_state(
    connection: Connection, device_id: DeviceId, shift_id: ShiftId, shift: Shift, now: datetime
) -> None:
    parameters: dict[str, Any] = {
        "device_id": device_id,
        "shift_id": shift_id,
        "started_at": shift.span.started_at,
        "now": now,
    }
    await connection.execute(QUERIES["keep_state"], parameters)
    await connection.execute(QUERIES["forget_checkpoints"], parameters)
    await connection.execute(QUERIES["begin_state"], parameters)
    pause = shift.span.pauses[-1] if shift.span.pauses else None
    parameters |= {"paused_at": pause and pause.started_at, "resumed_at": pause and pause.ended_at}
    await connection.execute(QUERIES["note_pause"], parameters)


def _act_row(device_id: DeviceId, act: Act, now: datetime) -> dict[str, Any]:
    nothing = dict.fromkeys(("agent_id", "profile", "mission", "planned_end_at", "area"))
    return {
        "device_id": device_id,
        "at": act.at,
        "kind": str(act.kind),
        "by": act.by,
        "account_id": act.account_id,
        "now": now,
        **(nothing if act.terms is None else _terms_row(act.terms)),
    }


def _terms_row(terms: Terms) -> dict[str, Any]:
    return {
        "agent_id": terms.agent_id,
        "profile": terms.profile.as_json(),
        "mission": terms.mission,
        "planned_end_at": terms.planned_end_at,
        "area": None if terms.area is None else json.dumps(terms.area),
    }


def _act(row: Mapping[str, Any]) -> Act:
    terms = None
    if row["agent_id"] is not None:
        terms = Terms(
            agent_id=row["agent_id"],
            profile=read(row["profile"]),
            mission=row["mission"],
            planned_end_at=row["planned_end_at"],
            area=row["area"],
        )
    return Act(at=row["at"], kind=ActKind(row["kind"]), by=row["said_by"], account_id=row["account_id"], terms=terms)
