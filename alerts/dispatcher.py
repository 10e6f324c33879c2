"""The dispatcher: takes due notifications from the outbox, sends them, writes down what became of them.

At least once, duplicates recognisable and counted: the claim is committed *before* the call, so a crash on the way
leaves a lease that runs out; then the provider is asked before anything is sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from alerts import wording
from alerts.channels import Channel, Outcome, OutgoingText, SendResult
from alerts.store import QUERIES
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)

LEASE_S = 30  # longer than any channel's own timeouts
_BATCH = 20
_POLL_S = 1.0
_RETRY_MIN_S, _RETRY_MAX_S = 2.0, 60.0
_AMBIGUOUS_S = 5.0  # a provider's list may lag behind what it took


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    message: OutgoingText
    channel: str
    alert_id: int
    attempts: int
    lease_token: UUID
    first_started_at: datetime
    reconcile: bool


class Dispatcher:
    """Sends by the channels it is given; several may run, on several machines."""

    def __init__(self, pool: Pool, clock: Clock, channels: Iterable[Channel]) -> None:
        self._pool = pool
        self._clock = clock
        self._channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled: at once when woken, and every second anyway."""
        while True:
            self._wake.clear()
            try:
                if await self.dispatch_due():
                    continue
            except psycopg.OperationalError as error:
                log.warning("The outbox cannot be read, trying again: %s", error, extra={"action": "dispatch"})
            except Exception:
                log.exception("The dispatcher failed and goes on", extra={"action": "dispatch"})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._wake.wait()

    async def dispatch_due(self) -> int:
        """Send what is due now, once each; return how many were tried."""
        claims = await self._claim()
        await asyncio.gather(*(self._send(claim) for claim in claims))
        return len(claims)

    async def _claim(self) -> list[_Claim]:
        parameters = {
            "channels": list(self._channels),
            "now": self._clock.now(),
            "most": _BATCH,
            "lease_s": LEASE_S,
        }
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(QUERIES["claim_notifications"], parameters)).fetchall()
        return [_read_claim(row) for row in rows]

    async def _send(self, claim: _Claim) -> None:
        channel = self._channels[claim.channel]
        try:
            result = await channel.find_sent(claim.message, since=claim.first_started_at) if claim.reconcile else None
            if result is None:
                result = await channel.send(claim.message)
        except Exception as error:  # a channel's fault must not stop the others; whether it sent is unknown
            log.exception("A channel failed", extra={"action": "send", "channel": claim.channel})
            result = SendResult(
                outcome=Outcome.AMBIGUOUS, provider_id=None, http_status=None, error_code=None, detail=repr(error)[:200]
            )
        await self._settle(claim, result)

    async def _settle(self, claim: _Claim, result: SendResult) -> None:
        now = self._clock.now()
        state, wait_s = _next(result.outcome, claim.attempts)
        parameters = {
            "id": claim.message.notification_id,
            "lease_token": claim.lease_token,
            "state": state,
            "due_at": now + timedelta(seconds=wait_s),
            "outcome": str(result.outcome),
            "provider_id": result.provider_id,
            "http_status": result.http_status,
            "error_code": result.error_code,
            "detail": result.detail,
            "now": now,
        }
        async with self._pool.connection() as connection:
            settled = await (await connection.execute(QUERIES["settle_notification"], parameters)).fetchall()
            await connection.execute(QUERIES["wake"])
        level = logging.INFO if result.outcome is Outcome.SENT else logging.WARNING
        log.log(
            level,
            "Notification %s: %s" if settled else "Notification %s: %s, but its lease had run out",
            claim.message.reference,
            result.outcome,
            extra={"action": "send", "channel": claim.channel, "alert_id": claim.alert_id, "attempt": claim.attempts},
        )


def _next(outcome: Outcome, attempts: int) -> tuple[str, float]:
    """The notification's next state, and in how many seconds it is due again."""
    match outcome:
        case Outcome.SENT:
            return "sent", 0
        case Outcome.PERMANENT:
            return "failed", 0
        case Outcome.AMBIGUOUS:
            return "ambiguous", _AMBIGUOUS_S
        case Outcome.TEMPORARY:
            return "pending", min(_RETRY_MIN_S * 2 ** (attempts - 1), _RETRY_MAX_S)


def _read_claim(row: Mapping[str, Any]) -> _Claim:
    step = row["step"]
    return _Claim(
        message=OutgoingText(
            notification_id=row["id"],
            reference=wording.follow_up_reference(row["alert_id"], row["id"])
            if step is None
            else wording.sms_reference(row["alert_id"], step),
            to=row["address"],
            text=row["text"],
        ),
        channel=row["channel"],
        alert_id=row["alert_id"],
        attempts=row["attempts"],
        lease_token=row["lease_token"],
        first_started_at=row["first_started_at"],
        reconcile=row["was"] != "pending",
    )
