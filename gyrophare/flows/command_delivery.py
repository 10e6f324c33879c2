"""Commands on their way to the watches: claimed by row lock, published, noted; and given up when their time is over.

At least once: the claim is committed before the publish, so a crash on the way leaves a lease that runs out. The watch
knows each by its number, and shows it once. Without a broker they wait, and expire: late they would do harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

import psycopg

import lone_worker.commands.store
from gyrophare.flows import shaking
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool
from gyrophare.platform.mqtt import MqttSession
from lone_worker.commands import words
from lone_worker.commands.store import Claimed
from lone_worker.commands.words import CommandKind

log = logging.getLogger(__name__)

_AT_ONCE = 200
_POLL_S = 1.0


class CommandSender:
    """Sends over `session`; several may run, on several machines."""

    def __init__(self, pool: Pool, clock: Clock, session: MqttSession) -> None:
        self._pool = pool
        self._clock = clock
        self._session = session
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled: at once when woken, and every second anyway."""
        while True:
            self._wake.clear()
            try:
                if await self.send_due():
                    continue
            except psycopg.OperationalError as error:
                log.warning("The commands cannot be read, trying again: %s", error, extra={"action": "command"})
            except Exception:
                log.exception("The sender of commands failed and goes on", extra={"action": "command"})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._wake.wait()

    async def send_due(self) -> int:
        """Give up what is too late, send what is due; how many were taken in hand."""
        now = self._clock.now()
        async with self._pool.connection() as connection:
            expired = await lone_worker.commands.store.expire(connection, now, _AT_ONCE)
            claims = []
            if self._session.connected:
                claims = await lone_worker.commands.store.claim(connection, now, _AT_ONCE)
        if claims:
            await self._send(claims)
        return expired + len(claims)

    async def _send(self, claims: list[Claimed]) -> None:
        # Of a pre-alarm they know since they asked for it.
        others = [claim.topic for claim in claims if claim.body["command"] != CommandKind.PREALARM]
        await shaking.expect(self._pool, self._clock, others)
        taken = await asyncio.gather(*map(self._publish, claims))
        sent = [claim for claim, has in zip(claims, taken, strict=True) if has]
        failed = [claim for claim, has in zip(claims, taken, strict=True) if has is False]
        async with self._pool.connection() as connection:
            await lone_worker.commands.store.settle(connection, sent, failed, self._clock.now())

    async def _publish(self, claim: Claimed) -> bool | None:
        """Whether the broker has it; None when nobody knows: then it goes again after its lease."""
        now, extra = self._clock.now(), {"action": "command", "command_id": claim.id}
        payload = words.on_the_wire(claim.body, claim.id, now, claim.expires_at)
        try:
            await self._session.publish(claim.topic, payload, expires_at=claim.expires_at)
        except TimeoutError:
            log.warning("The broker did not acknowledge a command; it goes again", extra=extra)
            return None
        except ValueError as error:  # no broker takes such a topic
            log.error("A command can never be sent: %s", error, extra=extra)
            return False
        return True
