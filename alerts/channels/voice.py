"""Calls through any provider that speaks Twilio's REST API: a voice says the alarm, key 1 takes it.

A call carries no text, so the provider's list cannot tell which of our calls one is. Each names its notification in the
URLs that the provider calls back: by them a call is recognised whose answer was lost (`gyrophare.flows.provider_said`).
Where none comes back it rings again: a second ring is better than none.
"""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from alerts import spoken
from alerts.channels import OutgoingText, SendResult
from alerts.channels.twilio import HOW_OFTEN, Options, TwilioChannel, classify
from alerts.channels.twiml import alarm

RING_S = 20  # the provider adds some 5; a mailbox that picks up sooner looks like a person who presses no key
EVENTS = ("initiated", "answered", "completed")
"""The first soon says that the provider has the call, the last is also said when nobody picks up."""


class VoiceChannel(TwilioChannel):
    """Calls. `key_url` is the public URL where a pressed key is said; None: nobody can answer by a key."""

    name = "voice"
    resource = "Calls"

    def __init__(self, *, key_url: str | None = None, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._key_url = key_url

    async def send(self, message: OutgoingText) -> SendResult:
        named = f"?n={message.notification_id}{HOW_OFTEN}"
        if self._key_url is None:
            said = alarm(message.text)
        else:
            said = alarm(f"{message.text} {spoken.PRESS_ONE}", key_url=self._key_url + named)
        form: dict[str, str | list[str]] = {
            "To": message.to,
            "From": self._from_number,
            "Twiml": said,
            "Timeout": str(RING_S),
        }
        if self._status_callback is not None:
            form |= {"StatusCallback": self._status_callback + named, "StatusCallbackEvent": list(EVENTS)}
        return classify(await self._request("POST", form=form))

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        return None  # see above
