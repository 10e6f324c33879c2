"""The canary: a watch that nobody wears presses SOS each hour, and somebody must be told, the whole real way.

Through the real broker with an account of its own, by the same lanes, rules and outbox as everybody's. It belongs to an
organisation of its own, so that no dispatcher sees it and none of their contacts is called.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

import psycopg
from prometheus_client import CollectorRegistry, Counter, Histogram

import alerts.canary
from alerts import policy_store
from alerts.auditor import Finding, FindingKind
from gyrophare.kernel.clock import Clock
from gyrophare.kernel.errors import NotReadyError
from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import Wire
from gyrophare.platform.db import Connection, Pool
from gyrophare.platform.mqtt import MqttSession
from ingest import registry, topics
from ingest.accounts import RegistryError
from ingest.registry import Issued

log = logging.getLogger(__name__)

LIMIT_S = 30.0
_FIRST_AFTER_S = 60.0  # a broker that reads files has our new account by then
_AGAIN_AFTER_S = 60.0  # not an hour: who is not heard wants to know whether nobody is
_FAILURES_MAX = 1  # one may be a restart of the broker
_LOOK_S = 0.2
_BUCKETS_S = (0.25, 0.5, 1, 2, 5, 10, 20, 30)


class _NotHeardError(Exception):
    """The way broke; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The canary's watch, as the registry knows it."""

    device_id: DeviceId
    name: str
    username: str
    password: str = field(repr=False)
    texts: bool
    """Whether its alarm is sent as a text message."""

    def url(self, devices_url: str) -> str:
        """The broker's, with the account in it."""
        parts = urlsplit(devices_url)
        return f"{parts.scheme}://{quote(self.username, safe='')}:{quote(self.password, safe='')}@{parts.netloc}"


async def enrol(connection: Connection, instance: str, phone_e164: str | None, now: datetime) -> Enrolled:
    """The canary of the server `instance`, with a new password at each start; `phone_e164` gets its text messages."""
    organisation_id = await alerts.canary.put_organisation(connection, texts=phone_e164 is not None)
    if phone_e164 is not None:
        await policy_store.put_contact(connection, organisation_id, 1, "Canari", phone_e164)
    name = f"canary-{instance}"
    issued: Issued | None
    try:
        device, issued = await registry.rotate(connection, name, Wire.NATIVE, now)
    except RegistryError:  # not there, or revoked
        device, issued = await registry.add(
            connection, organisation_id, "watch", Wire.NATIVE, name, f"Canari {instance}", now
        )
    if issued is None:
        raise RuntimeError("a native watch was given no account")
    return Enrolled(
        device_id=device.id,
        name=name,
        username=issued.account.username,
        password=issued.password,
        texts=phone_e164 is not None,
    )


class Canary:
    """Presses SOS and looks what becomes of it; after the second failure in a row it is a finding of the auditor."""

    def __init__(
        self, pool: Pool, clock: Clock, enrolled: Enrolled, devices_url: str, every_s: float, metrics: CollectorRegistry
    ) -> None:
        """`devices_url` is the broker's, as devices reach it."""
        self._pool = pool
        self._clock = clock
        self._enrolled = enrolled
        self._url = enrolled.url(devices_url)
        self._every_s = every_s
        self._failures = 0
        rounds = Counter("gyrophare_canary_rounds", "Alarms of the canary.", ["result"], registry=metrics)
        self._ok, self._failed = rounds.labels("ok"), rounds.labels("failed")
        self._seconds = Histogram(
            "gyrophare_canary_seconds",
            "From the canary's connection to its message, of those that arrived.",
            buckets=_BUCKETS_S,
            registry=metrics,
        )

    async def run(self) -> None:
        """Sing until cancelled."""
        await asyncio.sleep(_FIRST_AFTER_S)
        while True:
            heard = await self.sing()
            await asyncio.sleep(self._every_s if heard else _AGAIN_AFTER_S)

    def findings(self) -> tuple[Finding, ...]:
        """For the auditor."""
        return (Finding(kind=FindingKind.CANARY, count=self._failures),) if self._failures > _FAILURES_MAX else ()

    async def sing(self) -> bool:
        """Press SOS once; whether somebody was told within 30 s. Never raises: that nobody was is the news."""
        began_s = self._clock.monotonic_s()
        try:
            await self._sing()
        except (_NotHeardError, NotReadyError, TimeoutError, psycopg.Error) as error:
            why = str(error) if isinstance(error, _NotHeardError) else type(error).__name__
            self._failures += 1
            self._failed.inc()
            log.error("The canary was not heard: %s", why, extra={"action": "canary", "failures": self._failures})
            return False
        self._failures = 0
        self._ok.inc()
        self._seconds.observe(self._clock.monotonic_s() - began_s)
        log.info("The canary was heard", extra={"action": "canary"})
        return True

    async def _sing(self) -> None:
        await self._close()  # what an earlier process left: pressed again it would be the same alarm
        missing = "its connection"
        try:
            async with asyncio.timeout(LIMIT_S):
                since_at = self._clock.now()
                session = MqttSession(
                    self._url, self._enrolled.name, [topics.receipts(self._enrolled.name)], clock=self._clock
                )
                await session.start(LIMIT_S)
                try:
                    missing = "a receipt"
                    await self._press(session, since_at)
                finally:
                    await session.stop()
                missing = "an alert with its message" if not self._enrolled.texts else "an alert with its text message"
                await self._see_somebody_told(since_at)
        except TimeoutError:
            raise _NotHeardError(f"{missing} did not come within {LIMIT_S:g} s") from None
        finally:
            await self._close()

    async def _press(self, session: MqttSession, now: datetime) -> None:
        """Send the SOS as a watch does, and wait for the word that it is stored."""
        boot = secrets.token_hex(4)
        sos = {"boot": boot, "seq": 1, "kind": "sos", "occurred_at": now.isoformat()}
        await session.publish(f"gyrophare/v1/watches/{self._enrolled.name}/events", json.dumps(sos).encode())
        while True:
            if any(_stored(message.payload, boot) for message in await session.receive(20)):
                return

    async def _see_somebody_told(self, since_at: datetime) -> None:
        while True:
            async with self._pool.connection() as connection:
                told = await alerts.canary.find_told(connection, self._enrolled.device_id, since_at)
            if told is not None and (told.texted if self._enrolled.texts else told.queued):
                return
            await asyncio.sleep(_LOOK_S)

    async def _close(self) -> None:
        async with self._pool.connection() as connection:
            await alerts.canary.close(connection, self._enrolled.device_id, self._clock.now())


def _stored(payload: bytes, boot: str) -> bool:
    """Whether it is a receipt for the first message of `boot`. At a broker without rights anybody may write here."""
    try:
        receipt = json.loads(payload)
        return bool(receipt["boot"] == boot and receipt["up_to"] >= 1)
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
