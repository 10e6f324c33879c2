"""The dispatcher: takes due notifications from the outbox, sends them, writes down what became of them.

At least once, duplicates recognisable and counted: the claim is committed *before* the call, so a crash on the way
leaves a lease that runs out; then the provider is asked before anything is sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
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
_AT_ONCE = 20  # messages of one channel under way
_POLL_S = 1.0
_RETRY_MIN_S, _RETRY_MAX_S = 2.0, 60.0
_JITTER = 0.25
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
    """Sends by the channels it is given; several may run, on several machines.

    Each channel has its own loop, and each message its own task: neither a provider that hangs nor one slow message
    holds back what others could send.
    """

    def __init__(self, pool: Pool, clock: Clock, channels: Iterable[Channel]) -> None:
        self._pool = pool
        self._clock = clock
        self._channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._wakes = {name: asyncio.Event() for name in self._channels}

    def wake(self) -> None:
        """Something was queued."""
        for wake in self._wakes.values():
            wake.set()

    async def run(self) -> None:
        """Send what is due until cancelled: at once when woken, and every second anyway."""
        async with asyncio.TaskGroup() as group:
            for name in self._channels:
                group.create_task(self._run_channel(name, group), name=f"dispatch {name}")

    async def dispatch_due(self) -> int:
        """Send what is due now, once each; return how many were tried."""
        claims = [claim for name in self._channels for claim in await self._claim(name, _AT_ONCE)]
        await asyncio.gather(*(self._send(claim) for claim in claims))
        return len(claims)

    async def _run_channel(self, name: str, group: asyncio.TaskGroup) -> None:
        under_way: set[asyncio.Task[None]] = set()
        wake = self._wakes[name]

        def ended(task: asyncio.Task[None]) -> None:
            under_way.discard(task)
            wake.set()

        while True:
            wake.clear()
            free = _AT_ONCE - len(under_way)
            claims = await self._claim_patiently(name, free) if free else []
            for claim in claims:
                task = group.create_task(self._send_patiently(claim), name=f"send {claim.message.reference}")
                under_way.add(task)
                task.add_done_callback(ended)
            if free and len(claims) == free:
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await wake.wait()

    async def _claim_patiently(self, name: str, most: int) -> list[_Claim]:
        try:
            return await self._claim(name, most)
        except psycopg.OperationalError as error:
            log.warning("The outbox cannot be read, trying again: %s", error, extra={"action": "dispatch"})
        except Exception:
            log.exception("The dispatcher failed and goes on", extra={"action": "dispatch", "channel": name})
        return []

    async def _send_patiently(self, claim: _Claim) -> None:
        """What is not settled has a lease that runs out: then it is found out whether it was sent."""
        try:
            await self._send(claim)
        except psycopg.OperationalError as error:
            log.warning("A result could not be written: %s", error, extra=_about(claim))
        except Exception:
            log.exception("The dispatcher failed and goes on", extra=_about(claim))

    async def _claim(self, name: str, most: int) -> list[_Claim]:
        parameters = {"channels": [name], "now": self._clock.now(), "most": most, "lease_s": LEASE_S}
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
            log.exception("A channel failed", extra=_about(claim))
            result = SendResult(
                outcome=Outcome.AMBIGUOUS, provider_id=None, http_status=None, error_code=None, detail=repr(error)[:200]
            )
        await self._settle(claim, result)

    async def _settle(self, claim: _Claim, result: SendResult) -> None:
        now = self._clock.now()
        state, wait_s = _next(result, claim.attempts)
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
            extra=_about(claim) | {"attempt": claim.attempts},
        )


def _next(result: SendResult, attempts: int) -> tuple[str, float]:
    """The notification's next state, and in how many seconds it is due again."""
    match result.outcome:
        case Outcome.SENT:
            return "sent", 0
        case Outcome.PERMANENT:
            return "failed", 0
        case Outcome.AMBIGUOUS:
            # Who cannot be asked may have it each time: not again and again every few seconds.
            return "ambiguous", min(_AMBIGUOUS_S * 2 ** (attempts - 1), _RETRY_MAX_S)
        case Outcome.TEMPORARY:
            wait_s = min(_RETRY_MIN_S * 2 ** (attempts - 1), _RETRY_MAX_S)
            # Not all at once when a provider comes back; and not before it said.
            wait_s *= 1 + _JITTER * random.random()  # noqa: S311  # no secret depends on it
            return "pending", max(wait_s, min(result.retry_after_s or 0.0, _RETRY_MAX_S))


def _about(claim: _Claim) -> dict[str, Any]:
    """What a line of the log may say of a message: neither for whom it is nor what it says."""
    return {"action": "send", "channel": claim.channel, "alert_id": claim.alert_id}


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
