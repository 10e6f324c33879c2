"""The watch as a channel: a command over MQTT. `to` is the device's command topic.

The broker's acknowledgement ends the sending; the watch says by the command's id when it shows it, and shows the same
one once.
"""

from __future__ import annotations

import json
from datetime import datetime

from alerts import wording
from alerts.channels import Outcome, OutgoingText, SendResult
from gyrophare.platform.mqtt import MqttSession


class WatchChannel:
    """Sends commands to watches."""

    name = "watch"

    def __init__(self, session: MqttSession) -> None:
        self._session = session

    async def send(self, message: OutgoingText) -> SendResult:
        if not self._session.connected:
            return _result(Outcome.TEMPORARY, "the broker is not there")
        try:
            await self._session.publish(message.to, _with_id(message))
        except TimeoutError:
            return _result(Outcome.AMBIGUOUS, "the broker did not acknowledge in time")
        return _result(Outcome.SENT, "taken by the broker")

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        return None  # a broker cannot be asked; a command said twice does no harm


def _with_id(message: OutgoingText) -> bytes:
    told = {**json.loads(message.text), "id": wording.watch_reference(message.notification_id)}
    return json.dumps(told, ensure_ascii=False).encode()


def _result(outcome: Outcome, detail: str) -> SendResult:
    return SendResult(outcome=outcome, provider_id=None, http_status=None, error_code=None, detail=detail)
