"""A dispatcher begins, ends and pauses shifts at the console: `shift_command` in a transaction of its own."""

from __future__ import annotations

from datetime import datetime

from gyrophare.flows import shift_command
from gyrophare.flows.shift_command import ShiftError, Who
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.errors import ProfileError
from gyrophare.kernel.ids import AccountId, AgentId, DeviceId, OrganisationId, ShiftId
from gyrophare.platform.db import Pool
from lone_worker.profile_store import find_profile
from lone_worker.shifts import agents
from lone_worker.shifts.spans import Terms

_TELL = {"end": shift_command.end, "pause": shift_command.pause, "resume": shift_command.resume}


class ShiftDesk:
    """What the console is handed. A refusal is its reason, as `ShiftError` names it."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def start(
        self,
        organisation_id: OrganisationId,
        account_id: AccountId,
        agent_id: AgentId,
        device_id: DeviceId | None,
        mission: str | None,
        profile_name: str | None,
        planned_end_at: datetime | None,
    ) -> tuple[ShiftId, bool] | str:
        """Begin a shift. Return its number and whether somebody would hear an alarm, or why it cannot begin."""
        now = self._clock.now()
        who = Who(by="console", account_id=account_id)
        try:
            async with self._pool.connection() as connection, connection.transaction():
                agent = await agents.agent_by_id(connection, agent_id)
                if agent is None or agent.organisation_id != organisation_id:
                    return "no_agent"
                profile = await find_profile(connection, organisation_id, profile_name)
                terms = Terms(agent_id=agent_id, profile=profile, mission=mission, planned_end_at=planned_end_at)
                begun = await shift_command.start(connection, agent, device_id, terms, who, now)
        except ShiftError as error:
            return error.reason
        except ProfileError:
            return "no_profile"
        return begun.shift.id, begun.reachable

    async def tell(
        self, organisation_id: OrganisationId, account_id: AccountId, shift_id: ShiftId, what: str
    ) -> str | None:
        """`end`, `pause` or `resume` a shift. Return why not, None when it is done."""
        who = Who(by="console", account_id=account_id)
        try:
            async with self._pool.connection() as connection, connection.transaction():
                shift = await shift_command.find(connection, shift_id)
                if shift.organisation_id != organisation_id:
                    return "ended"
                await _TELL[what](connection, shift, who, self._clock.now())
        except ShiftError as error:
            return error.reason
        return None
