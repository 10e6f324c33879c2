"""The dispatcher: takes due notifications from the outbox, sends them, writes down what became of them.

At least once, duplicates recognisable and counted: the claim is committed *before* the call, so a crash on the way
leaves a lease that runs out; then the provider is asked before anything is sent again. In a storm several go to one
number in one text; when a cap is reached second messages wait (ADR 20).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from alerts import wording
from alerts.bundle import TOGETHER, bundle
from alerts.channels import Channel, Outcome, OutgoingText, SendResult
from alerts.model import FIRST_URGENCY
from alerts.policy import TARGETED
from alerts.store import QUERIES
from gyrophare.kernel.clock import Clock
from gyrophare.platform.db import Pool

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R", bound=SendResult | None)

LEASE_S = 30  # longer than any channel's own timeouts
_AT_ONCE = 20  # messages of one channel under way
_POLL_S = 1.0
_RETRY_MIN_S, _RETRY_MAX_S = 2.0, 60.0
_JITTER = 0.25
_AMBIGUOUS_S = 5.0  # a provider's list may lag behind what it took
_BUNDLED = frozenset({"sms"})
_FEW = 5  # texts to one number within a minute; from then on those that come close together are one
_PAUSE_S = 0.2  # between these: a storm of thirty a second fills a text, and half a second is what an alarm may take
_CAPPED = ("sms", "voice")  # what somebody pays for, and a telephone rings for

_NOT_WANTED = SendResult(  # such a message is cancelled when it is settled
    outcome=Outcome.TEMPORARY,
    provider_id=None,
    http_status=None,
    error_code=None,
    detail="not found at the provider, and somebody has taken the alert meanwhile",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many texts and calls go before second messages wait; the first about somebody in danger never does."""

    per_number_hour: int = 60
    per_day: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    message: OutgoingText
    channel: str
    alert_id: int
    attempts: int
    lease_token: UUID
    first_started_at: datetime
    in_doubt: bool
    """The provider may have it from an earlier attempt."""
    taken: bool
    """A step of an alert that somebody has taken, or closed."""


class Dispatcher:
    """Sends by the channels it is given; several may run, on several machines.

    Each channel has its own loop, and each message its own task: neither a provider that hangs nor one slow message
    holds back what others could send.
    """

    def __init__(self, pool: Pool, clock: Clock, channels: Iterable[Channel], caps: Caps | None = None) -> None:
        self._caps = caps or Caps()
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
        """Send what is due now, once each; return how many messages were tried."""
        for name in self._channels:
            await self._hold_back(name)
        messages = [claims for name in self._channels for claims in await self._claim(name, _AT_ONCE)]
        await asyncio.gather(*(self._send(claims) for claims in messages))
        return len(messages)

    async def _run_channel(self, name: str, group: asyncio.TaskGroup) -> None:
        under_way: set[asyncio.Task[None]] = set()
        wake = self._wakes[name]

        def ended(task: asyncio.Task[None]) -> None:
            under_way.discard(task)
            wake.set()

        while True:
            wake.clear()
            free = _AT_ONCE - len(under_way)
            messages = (await _patiently(self._claim(name, free), name) or []) if free else []
            for claims in messages:
                task = group.create_task(self._send_patiently(claims), name=f"send {_references(claims)}")
                under_way.add(task)
                task.add_done_callback(ended)
            # Only now: no first message waits for it.
            may_go = await _patiently(self._hold_back(name), name)
            if free and (len(messages) == free or may_go):
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE_S if name in _BUNDLED else _POLL_S):
                    await wake.wait()

    async def _send_patiently(self, claims: Sequence[_Claim]) -> None:
        """What is not settled has a lease that runs out: then it is found out whether it was sent."""
        try:
            await self._send(claims)
        except psycopg.OperationalError as error:
            log.warning("A result could not be written: %s", error, extra=_about(claims))
        except Exception:
            log.exception("The dispatcher failed and goes on", extra=_about(claims))

    async def _claim(self, name: str, most: int) -> list[Sequence[_Claim]]:
        """Take what is due; each sequence goes as one message, the most urgent first."""
        parameters = claim_parameters(name, self._clock.now(), most)
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(QUERIES["claim_notifications"], parameters)).fetchall()
        messages: dict[UUID, list[_Claim]] = defaultdict(list)
        for row in rows:
            messages[row["lease_token"]].append(_read_claim(row))
        return list(messages.values())

    async def _hold_back(self, name: str) -> bool:
        """Decide which second messages wait for a cap; return whether any may go now."""
        if name not in _CAPPED:
            return False
        parameters = {
            "channel": name,
            "counted": list(_CAPPED),
            "first": FIRST_URGENCY,
            "per_number_hour": self._caps.per_number_hour,
            "per_day": self._caps.per_day,
            "now": self._clock.now(),
        }
        async with self._pool.connection() as connection:
            [row] = await (await connection.execute(QUERIES["hold_back"], parameters)).fetchall()
            if row["held"]:
                await connection.execute(QUERIES["wake"])
        if row["held"]:
            log.warning(
                "%d second messages wait: a cap is reached", row["held"], extra={"action": "held_back", "channel": name}
            )
        return bool(row["free"])

    async def _send(self, claims: Sequence[_Claim]) -> None:
        """Send them as one message, but for those of which the provider has an earlier one."""
        found = await asyncio.gather(*(self._find(claim) for claim in claims))
        of: dict[SendResult | None, list[_Claim]] = defaultdict(list)
        for claim, result in zip(claims, found, strict=True):
            of[result].append(claim)
        for result, same in of.items():
            await self._settle(same, result or await self._post(same))

    async def _find(self, claim: _Claim) -> SendResult | None:
        if not claim.in_doubt:
            return None
        channel = self._channels[claim.channel]
        found = await _certainly(channel.find_sent(claim.message, since=claim.first_started_at), [claim])
        return _NOT_WANTED if found is None and claim.taken and claim.channel not in TARGETED else found

    async def _post(self, claims: Sequence[_Claim]) -> SendResult:
        channel = self._channels[claims[0].channel]
        return await _certainly(channel.send(bundle([claim.message for claim in claims])), claims)

    async def _settle(self, claims: Sequence[_Claim], result: SendResult) -> None:
        now = self._clock.now()
        attempts = min(claim.attempts for claim in claims)  # who waits for the first time waits as one who does
        state, wait_s = _next(result, attempts)
        parameters = {
            "ids": [claim.message.notification_id for claim in claims],
            "lease_token": claims[0].lease_token,
            "state": state,
            "due_at": now + timedelta(seconds=wait_s),
            "outcome": str(result.outcome),
            "provider_id": result.provider_id,
            "http_status": result.http_status,
            "error_code": result.error_code,
            "detail": result.detail,
            "machines": list(TARGETED),
            "now": now,
        }
        async with self._pool.connection() as connection:
            settled = await (await connection.execute(QUERIES["settle_notification"], parameters)).fetchall()
            await connection.execute(QUERIES["wake"])
        level = logging.INFO if result.outcome is Outcome.SENT else logging.WARNING
        log.log(
            level,
            "Notification %s: %s" if settled else "Notification %s: %s, but its lease had run out",
            _references(claims),
            result.outcome,
            extra=_about(claims) | {"attempt": attempts},
        )


def claim_parameters(channel: str, now: datetime, most: int) -> dict[str, Any]:
    """Of the statement that takes at most so many messages of a channel."""
    bundled = channel in _BUNDLED
    return {
        "channel": channel,
        "now": now,
        "most": most,
        "lease_s": LEASE_S,
        "few": _FEW if bundled else None,
        "pause_s": _PAUSE_S,
        "together": TOGETHER if bundled else 1,
        "capped": channel in _CAPPED,
        "first": FIRST_URGENCY,
    }


async def _patiently(work: Awaitable[T], channel: str) -> T | None:
    """Its result; None when it failed, which is logged."""
    try:
        return await work
    except psycopg.OperationalError as error:
        log.warning("The outbox cannot be read, trying again: %s", error, extra={"action": "dispatch"})
    except Exception:
        log.exception("The dispatcher failed and goes on", extra={"action": "dispatch", "channel": channel})
    return None


async def _certainly(asked: Awaitable[R], claims: Sequence[_Claim]) -> R | SendResult:
    """What a channel answers. A fault of its own must not stop the others; whether it sent is unknown then."""
    try:
        return await asked
    except Exception as error:
        log.exception("A channel failed", extra=_about(claims))
        return SendResult(
            outcome=Outcome.AMBIGUOUS, provider_id=None, http_status=None, error_code=None, detail=repr(error)[:200]
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


def _references(claims: Sequence[_Claim]) -> str:
    return " ".join(claim.message.reference for claim in claims)


def _about(claims: Sequence[_Claim]) -> dict[str, Any]:
    """What a line of the log may say of a message: neither for whom it is nor what it says."""
    about = [claim.alert_id for claim in claims]
    return {"action": "send", "channel": claims[0].channel} | (
        {"alert_id": about[0]} if len(about) == 1 else {"alert_ids": about}
    )


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
        in_doubt=row["in_doubt"],
        taken=row["taken"],
    )
