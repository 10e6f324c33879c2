"""Somebody begins, ends or pauses another's shift: a dispatcher at the console, an operator at the command line.

People are refused what makes no sense, with the reason; a watch never is.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

import ingest.directory
import ingest.private
from gyrophare.flows import reachable
from gyrophare.kernel.errors import GyrophareError
from gyrophare.kernel.ids import AccountId, DeviceId, ShiftId
from gyrophare.platform.db import Connection
from lone_worker.shifts import store as shifts
from lone_worker.shifts.agents import Agent
from lone_worker.shifts.plan_store import adopt
from lone_worker.shifts.spans import ActKind, By, Terms
from lone_worker.shifts.store import OpenShift

log = logging.getLogger(__name__)


class ShiftError(GyrophareError):
    """A shift cannot begin, end or pause as it was asked; `reason` is the same in every language."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who says it."""

    by: By
    account_id: AccountId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A shift that has begun; not `reachable`: nobody would hear its alarms, which who began it must be told."""

    shift: OpenShift
    reachable: bool


async def start(
    connection: Connection, agent: Agent, device_id: DeviceId | None, terms: Terms, who: Who, now: datetime
) -> Begun:
    """Begin a shift of `agent` with that watch, or with their own. Raise ShiftError when there is none, or when one of
    the two is on shift already."""
    wanted = device_id if device_id is not None else agent.device_id
    if wanted is None or (device_id is None and agent.revoked):
        has = f"has {agent.label}, which was revoked" if agent.revoked else "has no watch"
        raise ShiftError("no_watch", f"{agent.name} {has}. Expected one. Name it, or give them one of their own.")
    device = (await ingest.directory.devices_by_id(connection, [wanted])).get(wanted)
    if device is None or device.kind != "watch" or device.organisation_id != agent.organisation_id:
        raise ShiftError("no_watch", f"{agent.name} was to take something that is no watch of theirs. Choose a watch.")
    await shifts.lock(connection, [wanted])
    await _refuse_twice(connection, agent, wanted)
    said = await shifts.say(connection, wanted, ActKind.START, now, who.by, who.account_id, terms)
    shift_id = said.open_shift_id
    assert shift_id is not None  # noqa: S101 what is said now counts after all that was said before
    if terms.planned_end_at is None:
        await adopt(connection, agent.id, shift_id, now)
    [shift] = await shifts.open_shifts(connection, shift_id=shift_id)
    log.info("A shift has begun", extra={"action": "shift_start", "shift_id": shift.id, "by": who.by})
    return Begun(shift=shift, reachable=await reachable.check(connection, agent.organisation_id, now))


async def end(connection: Connection, shift: OpenShift, who: Who, now: datetime) -> None:
    """End a shift; an alert that nobody has answered stays open."""
    await _tell(connection, shift, ActKind.END, who, now)


async def pause(connection: Connection, shift: OpenShift, who: Who, now: datetime) -> None:
    """Follow nobody until `resume`; SOS and falls are heard all the same. Raise ShiftError when that is so already."""
    if shift.paused_at is not None:
        raise ShiftError(
            "paused",
            f"The shift of {shift.agent_name} is paused already. Expected one that goes on. Nothing is left to do.",
        )
    await _tell(connection, shift, ActKind.PAUSE, who, now)


async def resume(connection: Connection, shift: OpenShift, who: Who, now: datetime) -> None:
    """Go on after a pause. Raise ShiftError when there is none."""
    if shift.paused_at is None:
        raise ShiftError(
            "not_paused", f"The shift of {shift.agent_name} is not paused. Expected one that is. Nothing is left to do."
        )
    await _tell(connection, shift, ActKind.RESUME, who, now)


async def find(connection: Connection, shift_id: ShiftId) -> OpenShift:
    """The open shift of that number, its watch locked. Raise ShiftError when it has ended, or never was."""
    for shift in await shifts.open_shifts(connection, shift_id=shift_id):
        await shifts.lock(connection, [shift.device_id])
        for locked in await shifts.open_shifts(connection, shift_id=shift_id):
            return locked
    raise ShiftError("ended", f"The shift {shift_id} is not open. Expected one that goes on. Look at the list again.")


async def _refuse_twice(connection: Connection, agent: Agent, device_id: DeviceId) -> None:
    for shift in await shifts.open_shifts(connection, agent_id=agent.id):
        raise ShiftError(
            "agent_on_shift",
            f"{agent.name} is on shift with {shift.label} since {shift.started_at:%Y-%m-%d %H:%M} UTC. "
            "Expected an agent who is not. End that shift first.",
        )
    for shift in await shifts.open_shifts(connection, device_id=device_id):
        raise ShiftError(
            "watch_on_shift",
            f"{shift.label} protects {shift.agent_name} since {shift.started_at:%Y-%m-%d %H:%M} UTC. "
            "Expected a watch that is free. End that shift first, or take another watch.",
        )


async def _tell(connection: Connection, shift: OpenShift, kind: ActKind, who: Who, now: datetime) -> None:
    said = await shifts.say(connection, shift.device_id, kind, now, who.by, who.account_id)
    await ingest.private.forget(connection, shift.device_id, said.private)
    log.info("A shift was told to %s", kind, extra={"action": "shift_act", "shift_id": shift.id, "by": who.by})
