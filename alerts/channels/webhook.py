"""Webhooks: an alert as a JSON document, posted to another system of the department.

The contract with the receiver (docs/channels.md shows it whole):

- `Idempotency-Key` names the document. One that was answered may come again, because its answer was lost: do what it
  says once, answer it each time.
- `Gyrophare-Signature` is `v1=` and the HMAC-SHA256, in hexadecimal digits, of `Gyrophare-Timestamp`, a full stop and
  the body as it came, keyed by the shared secret. Compare in constant time, refuse a timestamp (UNIX seconds) more than
  five minutes away, read the body only then: `webhook_signature.verify` is that in Python.
- Answer 2xx once the document is safe, within ten seconds. 408, 425, 429 and 5xx mean "again later"; another 4xx, or a
  redirect, means "never". The body of the answer is not read.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from datetime import datetime

import httpx

from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.channels.identity import stable_key
from alerts.channels.webhook_policy import WebhookPolicy
from alerts.channels.webhook_signature import sign
from alerts.channels.webhook_transport import ForbiddenTargetError, PinnedTransport, Resolve, SystemResolver
from gyrophare.kernel.clock import Clock

# At INFO httpx writes the whole URL of each request.
logging.getLogger("httpx").setLevel(logging.WARNING)

CONNECT_TIMEOUT_S = 5.0
LIMIT_S = 10.0  # name, connection and answer together; less than the dispatcher's lease

_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_AGAIN_LATER = frozenset({408, 425, 429})


def classify(answer: int | httpx.HTTPError | TimeoutError) -> SendResult:
    """Decide what became of a document from the status of the answer, or from what came instead of one.

    A receiver that says "again later" may have taken it all the same: by contract it knows it by its Idempotency-Key.
    """
    if isinstance(answer, ForbiddenTargetError):
        return _result(Outcome.PERMANENT, f"not sent: {answer}")
    if not isinstance(answer, int):
        never_sent = isinstance(answer, _BEFORE_SENDING)
        return _result(
            Outcome.TEMPORARY if never_sent else Outcome.AMBIGUOUS,
            f"{'not connected' if never_sent else 'no answer'}: {type(answer).__name__}",
        )
    if 200 <= answer < 300:
        return _result(Outcome.SENT, "taken by the receiver", status=answer)
    if answer in _AGAIN_LATER or answer >= 500:
        return _result(Outcome.TEMPORARY, f"again later, says the receiver: HTTP {answer}", status=answer)
    if 300 <= answer < 400:
        return _result(Outcome.PERMANENT, f"a redirect, never followed: HTTP {answer}", status=answer)
    return _result(Outcome.PERMANENT, f"refused with HTTP {answer}", status=answer)


class WebhookChannel:
    """Posts to the targets of the settings, by name: `to` is the name, `text` the JSON document, sent as it is."""

    name = "webhook"

    def __init__(
        self,
        *,
        targets: Mapping[str, str],
        secret: str,
        policy: WebhookPolicy,
        tls: ssl.SSLContext,
        clock: Clock,
        resolve: Resolve | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._targets = {name: httpx.URL(url) for name, url in targets.items()}
        self._secret = secret
        self._clock = clock
        self._resolver = SystemResolver()
        self._limit_s = limit_s
        # The environment is read by gyrophare.settings alone, so no proxy is taken from it: it would resolve again.
        # No connection is kept: the next request is judged anew.
        inner = httpx.AsyncHTTPTransport(
            verify=tls, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0, max_connections=100)
        )
        self._http = httpx.AsyncClient(
            transport=PinnedTransport(policy, inner, resolve or self._resolver, timeout_s=connect_timeout_s),
            timeout=httpx.Timeout(limit_s, connect=connect_timeout_s),
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        await self._http.aclose()
        self._resolver.close()

    async def send(self, message: OutgoingText) -> SendResult:
        url = self._targets.get(message.to)
        if url is None:
            return _result(Outcome.PERMANENT, "no such target in [webhook.targets]")
        body = message.text.encode()
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Gyrophare",
            "Gyrophare-Reference": message.reference,
            "Gyrophare-Timestamp": timestamp,
            "Gyrophare-Signature": sign(self._secret, timestamp, body),
            "Idempotency-Key": stable_key(message),
        }
        try:
            async with (
                asyncio.timeout(self._limit_s),  # httpx bounds each read, not their sum
                self._http.stream("POST", url, content=body, headers=headers) as response,
            ):
                return classify(response.status_code)  # its body, however long, is left where it is
        except (httpx.HTTPError, TimeoutError) as error:
            return classify(error)

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        return None  # a receiver cannot be asked; it knows a document that comes twice by its key


def _result(outcome: Outcome, detail: str, *, status: int | None = None) -> SendResult:
    return SendResult(outcome=outcome, provider_id=None, http_status=status, error_code=None, detail=detail)
