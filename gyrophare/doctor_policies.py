"""The doctor's look at who would be told: whether each step of each policy reaches somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from alerts import policy_store, reach
from alerts.checker import Flaw, check
from gyrophare.finding import Finding
from gyrophare.kernel.clock import SystemClock
from gyrophare.platform import db

_SHOWN = 3


def look(database_url: str) -> Iterator[Finding]:
    """A step that tells nobody is a fault; whatever else weakens a policy is a warning."""
    flaws = asyncio.run(_flaws(database_url))
    if not flaws:
        yield Finding(name="policies", verdict="ok", found="every step tells somebody")
        return
    grave = [flaw for flaw in flaws if flaw.grave]
    shown = "; ".join(f"{flaw.where}: {flaw.what}" for flaw in (grave or flaws)[:_SHOWN])
    more = len(grave or flaws) - _SHOWN
    yield Finding(
        name="policies",
        verdict="fault" if grave else "warning",
        found=f"{shown}; and {more} more" if more > 0 else shown,
        do="`gyrophare policies check` tells all of it",
    )


async def _flaws(database_url: str) -> list[Flaw]:
    now = SystemClock().now()
    async with await db.connect(database_url) as connection:
        carried = await reach.find_carried(connection, now)
        flaws: list[Flaw] = []
        for whose in await policy_store.find_organisations(connection):
            policies = await policy_store.find_policies(connection, whose)
            contacts = await policy_store.list_contacts(connection, whose)
            flaws += check(policies, contacts, carried, await policy_store.find_duties(connection, whose, now), now)
        return flaws
