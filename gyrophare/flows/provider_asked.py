"""The provider is asked what became of a message or a call that it says nothing of: what it calls back gets lost.

Its answer counts as what it calls back does. Asked often enough, it is over: that nobody knows is an end too. A final
word that comes still later counts all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import Counter

import alerts.store
from alerts.callbacks import store
from alerts.callbacks.status import StatusSaid
from gyrophare.flows import provider_said
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)

FetchStatus = Callable[[str], Awaitable[StatusSaid | None]]
"""Asks the provider about one message; None: it gives no clear answer."""

# A call rings, and speaks. A modem of our own calls nobody back, and to look costs nothing: what the network refuses is
# known within seconds, and whom it did not reach in the five minutes that it tries, soon after them.
FIRST_AFTER_S = {"sms": 60.0, "voice": 180.0, "gammu": 20.0}
ASKS = (
    6  # after 1, 2, 4 … 32 minutes for a provider's text; where `sent` is the provider's last word, no longer than that
)
AT_ONCE = 10


async def ask(pool: Pool, clock: Clock, fetches: Mapping[str, FetchStatus], unknown: Counter) -> int:
    """Ask about everything that is due, by channel; return how many were asked about.

    `unknown` counts, by channel, what stays unknown.
    """
    return sum([await _ask(pool, clock, channel, fetch, unknown) for channel, fetch in fetches.items()])


async def _ask(pool: Pool, clock: Clock, channel: str, fetch: FetchStatus, unknown: Counter) -> int:
    asked = 0
    while True:
        async with pool.connection() as connection:
            unheard = await store.claim_unheard(connection, channel, FIRST_AFTER_S[channel], clock.now(), AT_ONCE)
        silent = [provider_id for provider_id, asks in unheard.items() if asks <= ASKS]
        for said in await asyncio.gather(*(fetch(provider_id) for provider_id in silent)):
            if said is not None:
                async with pool.connection() as connection, connection.transaction():
                    await provider_said.apply(connection, clock, said)
        for provider_id in unheard.keys() - silent:
            await _give_up(pool, clock, channel, provider_id, unknown)
        asked += len(silent)
        if len(unheard) < AT_ONCE:
            return asked


async def _give_up(pool: Pool, clock: Clock, channel: str, provider_id: str, unknown: Counter) -> None:
    async with pool.connection() as connection, connection.transaction():
        told = await store.lock_notifications(connection, channel, provider_id)
        given_up = [one for one in told if await store.set_unknown(connection, one, clock.now())]
        if not given_up:
            return
        await alerts.store.wake(connection)
    unknown.labels(channel).inc()
    for notification in given_up:
        log.info(
            "Nobody knows whether a message of %s arrived",
            f"A{notification.alert_id}",
            extra={"action": "delivery_unknown", "alert_id": notification.alert_id, "channel": channel},
        )
