"""server_mother.py, whose servers wait a tenth of what a department's do: the dispatcher's lease, its pauses before it
tries again, the SMS channel's patience; and which ask soon after messages that the provider says nothing of.

Nothing else is changed: a killed server's messages are found out about after 3 s, not after half a minute.
"""

from __future__ import annotations

from functools import partial

import alerts.dispatcher
import gyrophare.outgoing
from alerts.channels.sms import SmsChannel
from alerts.channels.twilio import CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from gyrophare.flows import provider_asked
from tests.chaos import server_mother


def _hurry() -> None:
    for name in ("LEASE_S", "_RETRY_MIN_S", "_RETRY_MAX_S", "_AMBIGUOUS_S"):
        setattr(alerts.dispatcher, name, getattr(alerts.dispatcher, name) / 10)
    hasty = partial(SmsChannel, connect_timeout_s=CONNECT_TIMEOUT_S / 10, read_timeout_s=READ_TIMEOUT_S / 10)
    setattr(gyrophare.outgoing, "SmsChannel", hasty)  # noqa: B010  # a class in the eyes of the type checker
    provider_asked.FIRST_AFTER_S["sms"] /= 20
    provider_asked.AT_ONCE *= 20


if __name__ == "__main__":
    _hurry()
    server_mother.main()
