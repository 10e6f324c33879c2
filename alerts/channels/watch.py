"""The watch as a channel: a command over MQTT. `to` is the device's command topic.

The broker's acknowledgement ends the sending; the watch says by the command's id when it shows it, and shows the same
one once. After `expires_at`, where it has one, it is never sent (ADR 13).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from alerts import wording
from alerts.channels import Outcome, OutgoingText, SendResult
from gyrophare.kernel.clock import Clock, instant_text
from gyrophare.platform.mqtt import MqttSession


class Expect(Protocol):
    """Whoever must know that a watch is about to vibrate."""

    async def __call__(self, topics: Sequence[str]) -> None:
        """Something is about to be published on these. Raise nothing: it goes all the same."""
        ...


class WatchChannel:
    """Sends commands to watches; `expect` is told of each before it leaves."""

    name = "watch"

    def __init__(self, session: MqttSession, clock: Clock, expect: Expect) -> None:
        self._session = session
        self._clock = clock
        self._expect = expect

    async def send(self, message: OutgoingText) -> SendResult:
        if not self._session.connected:
            return _result(Outcome.TEMPORARY, "the broker is not there")
        told, now = json.loads(message.text), self._clock.now()
        expires_at = datetime.fromisoformat(told["expires_at"]) if "expires_at" in told else None
        if expires_at is not None and expires_at <= now:
            return _result(Outcome.PERMANENT, "its time is over")
        told |= {"id": wording.watch_reference(message.notification_id), "sent_at": instant_text(now)}
        payload = json.dumps(told, ensure_ascii=False).encode()
        await self._expect([message.to])
        try:
            await self._session.publish(message.to, payload, expires_at=expires_at)
        except TimeoutError:
            return _result(Outcome.AMBIGUOUS, "the broker did not acknowledge in time")
        return _result(Outcome.SENT, "taken by the broker")

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        return None  # a broker cannot be asked; a command said twice does no harm


def _result(outcome: Outcome, detail: str) -> SendResult:
    return SendResult(outcome=outcome, provider_id=None, http_status=None, error_code=None, detail=detail)
