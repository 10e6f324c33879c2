"""server_mother.py, whose servers wait a fraction of what a department's do: the dispatcher's lease, its pauses before
it tries again, each channel's patience; and which soon ask after messages that the provider says nothing of, and soon
have it forget what texts said.

`python hasty_mother.py DIVISOR`. Nothing else is changed: with 10 a killed server's messages are found out about after
3 s, not after half a minute.
"""

from __future__ import annotations

import sys
from functools import partial

import alerts.channels.sms
import alerts.dispatcher
import gyrophare.outgoing
import gyrophare.server
from alerts import redaction
from alerts.channels import email, twilio, webhook
from gyrophare.flows import provider_asked, provider_said
from tests.chaos import server_mother


def _hurry(divisor: float) -> None:
    for name in ("LEASE_S", "_RETRY_MIN_S", "_RETRY_MAX_S", "_AMBIGUOUS_S"):
        setattr(alerts.dispatcher, name, getattr(alerts.dispatcher, name) / divisor)
    alerts.channels.sms.LOOK_S /= divisor
    at_provider = {
        "connect_timeout_s": twilio.CONNECT_TIMEOUT_S / divisor,
        "read_timeout_s": twilio.READ_TIMEOUT_S / divisor,
    }
    for name, patience in {
        "SmsChannel": at_provider,
        "VoiceChannel": at_provider,
        "MailServer": {"step_timeout_s": email.STEP_TIMEOUT_S / divisor},
        "EmailChannel": {"limit_s": email.LIMIT_S / divisor},
        "WebhookChannel": {"limit_s": webhook.LIMIT_S / divisor},
    }.items():
        setattr(gyrophare.outgoing, name, partial(getattr(gyrophare.outgoing, name), **patience))
    for channel in provider_asked.FIRST_AFTER_S:
        provider_asked.FIRST_AFTER_S[channel] /= 40
    provider_asked.AT_ONCE *= 20
    provider_said._TAKING /= 10
    redaction.FIRST_AFTER_S /= divisor
    gyrophare.server.REDACT_S /= divisor


if __name__ == "__main__":
    _hurry(float(sys.argv[1]))
    server_mother.main()
