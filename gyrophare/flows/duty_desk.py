"""A dispatcher looks at who is on call, puts somebody on call, and ends what somebody has said by hand."""

from __future__ import annotations

import logging
from datetime import datetime

from alerts import policy_store
from alerts.on_call import on_call
from alerts.rota import DURATION_MAX, Duty, KnownDuty
from dashboards.rota import Entry, Role, Rota
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.ids import AccountId, ContactId, OrganisationId
from gyrophare.platform.db import Connection, Pool

log = logging.getLogger(__name__)


class DutyDesk:
    """What the console is handed. A refusal is its reason in a word."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def rota(self, organisation_id: OrganisationId) -> Rota:
        """Who is on call now and later, and whom a step would call now."""
        now = self._clock.now()
        async with self._pool.connection() as connection:
            policies = await policy_store.find_policies(connection, organisation_id)
            contacts = (await policy_store.find_contacts(connection, [organisation_id])).get(organisation_id, ())
            known = await policy_store.find_duties(connection, organisation_id, now)
        names = {contact.id: contact.name for contact in contacts}
        duties = [duty for duty in known if duty.contact_id in names]  # no step calls a contact of others

        def entry(duty: KnownDuty) -> Entry:
            return Entry(
                id=duty.id,
                role=duty.role,
                contact=names[duty.contact_id],
                from_at=duty.starts_at,
                until_at=duty.ends_at,
                by_hand=duty.uid is None,
            )

        return Rota(
            roles=tuple(
                Role(
                    name=one.role,
                    called=one.called,
                    now=tuple(map(entry, one.now)),
                    next=None if one.next is None else entry(one.next),
                    unreached=one.unreached,
                )
                for one in on_call(policies, contacts, duties, now)
            ),
            entries=tuple(map(entry, duties)),
            contacts=names,
        )

    async def add(
        self,
        organisation_id: OrganisationId,
        account_id: AccountId,
        role: str,
        contact_id: ContactId,
        from_at: datetime,
        until_at: datetime,
    ) -> str | None:
        """Put a contact on call. Return why not, None when it is done."""
        now = self._clock.now()
        if until_at <= from_at:
            return "backwards"
        if until_at <= now:
            return "over"
        if until_at - from_at > DURATION_MAX:
            return "too_long"
        duty = Duty(role=role, contact_id=contact_id, starts_at=from_at, ends_at=until_at)
        async with self._pool.connection() as connection, connection.transaction():
            why_not = await _unfit(connection, organisation_id, duty, now)
            if why_not is None:
                await policy_store.add_duties(connection, organisation_id, [duty])
        if why_not is None:
            log.info("Somebody was put on call", extra={"action": "duty_added", "account_id": account_id})
        return why_not

    async def end(self, organisation_id: OrganisationId, account_id: AccountId, duty_id: int) -> str | None:
        """End what was said by hand, or forget it when it has not begun. Return why not, None when it is done."""
        now = self._clock.now()
        async with self._pool.connection() as connection, connection.transaction():
            duties = await policy_store.find_duties(connection, organisation_id, now)
            duty = next((one for one in duties if one.id == duty_id), None)
            if duty is None:
                return "no_duty"
            if duty.uid is not None:
                return "calendar"
            await policy_store.end_duty(connection, duty_id, now)
        log.info("A duty was ended", extra={"action": "duty_ended", "account_id": account_id, "duty_id": duty_id})
        return None


async def _unfit(connection: Connection, organisation_id: OrganisationId, duty: Duty, now: datetime) -> str | None:
    policies = await policy_store.find_policies(connection, organisation_id)
    if not any(step.to == f"duty {duty.role}" for policy in policies for step in policy.steps):
        return "no_role"
    contacts = (await policy_store.find_contacts(connection, [organisation_id])).get(organisation_id, ())
    if duty.contact_id not in {contact.id for contact in contacts}:
        return "no_contact"
    for known in await policy_store.find_duties(connection, organisation_id, now):
        covers = known.starts_at <= max(duty.starts_at, now) and duty.ends_at <= known.ends_at
        if (known.role, known.contact_id) == (duty.role, duty.contact_id) and covers:
            return "already"
    return None
