"""What text messages and calls share at any provider that speaks Twilio's REST API, version 2010-04-01."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

import httpx

from alerts.callbacks.status import NEVER_ARRIVES, StatusSaid, read_code, read_word
from alerts.channels import Outcome, SendResult

# At INFO httpx writes the whole URL of each request, and that of the list holds the contact's number.
logging.getLogger("httpx").setLevel(logging.WARNING)

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
HOW_OFTEN = "#rc=5&rp=all"  # of a callback: five times again, whatever went wrong; not a part of the URL that is signed

#: An answer, or what came instead of one.
Answer = httpx.Response | httpx.HTTPError | TimeoutError

_PROVIDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # SM or CA and 32 digits at Twilio, a UUID at SignalWire
_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_TEMPORARY_CODES = frozenset({"20429", "21611"})
# The provider's own words may hold the number, so the codes that a person can act on are told in ours.
_MEANING = {
    "20003": "the provider refuses our credentials",
    "20429": "too many requests",
    "21210": "our number may not call: the provider has not verified it",
    "21211": "the number is not valid",
    "21212": "our sender number is not valid",
    "21214": "the number cannot be called",
    "21215": "the account may not call this country",
    "21216": "the account may not call this number",
    "21408": "the account may not send to this country",
    "21606": "our sender number cannot send text messages",
    "21610": "the contact has unsubscribed by STOP",
    "21611": "the sender's queue is full",
    "21612": "the number cannot be reached from our sender number",
    "21614": "the number is not a mobile number",
}


class Account(TypedDict):
    """Where the provider is, and who we are there."""

    base_url: str
    account_sid: str
    api_key: str
    api_secret: str
    from_number: str


class Options(Account, total=False):
    """What a TwilioChannel is made of."""

    status_callback: str | None
    http: httpx.AsyncClient | None
    connect_timeout_s: float
    read_timeout_s: float


def classify(answer: Answer) -> SendResult:
    """Decide what became of a message or a call from the answer to its request: the one place where this is decided.

    Whatever is not known for certain is AMBIGUOUS: a duplicate is better than a miss, a silent miss is worst.
    """
    if not isinstance(answer, httpx.Response):
        never_sent = isinstance(answer, _BEFORE_SENDING)
        return result(
            Outcome.TEMPORARY if never_sent else Outcome.AMBIGUOUS,
            f"{'not connected' if never_sent else 'no answer'}: {type(answer).__name__}",
        )
    body = json_object(answer)
    if answer.is_success:
        return classify_resource(body, answer.status_code)
    code = read_code(body.get("code"))
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or code in _TEMPORARY_CODES:
        outcome = Outcome.TEMPORARY
    elif answer.is_client_error and answer.status_code != httpx.codes.REQUEST_TIMEOUT:
        outcome = Outcome.PERMANENT
    else:
        outcome = Outcome.AMBIGUOUS
    detail = _MEANING.get(code or "", f"refused with HTTP {answer.status_code}")
    said = result(outcome, detail, http_status=answer.status_code, code=code)
    return replace(said, retry_after_s=_retry_after_s(answer)) if outcome is Outcome.TEMPORARY else said


def _retry_after_s(answer: httpx.Response) -> float | None:
    """How long the provider asks to be left alone; None: it does not say, or says it by a date."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if re.fullmatch(r"[0-9]{1,6}", asked) else None


def classify_resource(resource: Mapping[str, Any], http_status: int | None) -> SendResult:
    """What a message or a call says of itself; a status we do not know means that the provider has it."""
    sid = resource.get("sid")
    if not isinstance(sid, str) or not _PROVIDER_ID.fullmatch(sid):
        return result(Outcome.AMBIGUOUS, "the answer names nothing", http_status=http_status)
    word = read_word(resource.get("status")) or "in an unknown state"
    said = result(
        Outcome.PERMANENT if word in NEVER_ARRIVES else Outcome.SENT,
        f"held by the provider: {word}",
        provider_id=sid,
        http_status=http_status,
        code=read_code(resource.get("error_code")),
    )
    return replace(said, segments=_segments(resource))


def _segments(resource: Mapping[str, Any]) -> int | None:
    """Digits in a text; null or 0 before the provider has counted, and of a call there is none."""
    counted = resource.get("num_segments")
    return int(counted) or None if isinstance(counted, str) and re.fullmatch(r"[0-9]{1,2}", counted) else None


def result(
    outcome: Outcome,
    detail: str,
    *,
    provider_id: str | None = None,
    http_status: int | None = None,
    code: str | None = None,
) -> SendResult:
    return SendResult(outcome=outcome, provider_id=provider_id, http_status=http_status, error_code=code, detail=detail)


def json_object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of a body; {} where it holds none."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


class TwilioChannel:
    """Asks `{base_url}/2010-04-01/Accounts/{account_sid}/{resource}.json`; a path in `base_url` is kept.

    Without `http` it opens a client of its own, which `aclose` closes. `api_key` may be the account's sid again.
    `status_callback` is the public URL where the provider says what becomes of a message; None: it is not asked to.
    """

    name: str
    resource: str

    def __init__(
        self,
        *,
        base_url: str,
        account_sid: str,
        api_key: str,
        api_secret: str,
        from_number: str,
        status_callback: str | None = None,
        http: httpx.AsyncClient | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account_sid}/{self.resource}"
        self._auth = httpx.BasicAuth(api_key, api_secret)
        self._from_number = from_number
        self._status_callback = status_callback
        # Texts are rare: a kept connection is one the provider may have closed, and that would look ambiguous.
        # The environment is read by gyrophare.settings alone, so no proxy is taken from it.
        self._http = http or httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)
        self._owns_http = http is None
        self._timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s)
        self._limit_s = connect_timeout_s + read_timeout_s

    async def aclose(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def fetch_status(self, provider_id: str) -> StatusSaid | None:
        """Ask what became of what the provider knows by this id; None: there is no clear answer."""
        answer = await self._request("GET", one=f"/{provider_id}")
        if not isinstance(answer, httpx.Response) or not answer.is_success:
            return None
        resource = json_object(answer)
        word = read_word(resource.get("status"))
        if word is None or resource.get("sid") != provider_id:
            return None
        return StatusSaid(
            channel=self.name, provider_id=provider_id, status=word, error_code=read_code(resource.get("error_code"))
        )

    async def _request(
        self,
        method: str,
        *,
        one: str = "",
        form: Mapping[str, str | list[str]] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            async with asyncio.timeout(self._limit_s):  # httpx bounds each read, not their sum
                return await self._http.request(
                    method, f"{self._url}{one}.json", data=form, params=query, auth=self._auth, timeout=self._timeout
                )
        except (httpx.HTTPError, TimeoutError) as error:
            return error
