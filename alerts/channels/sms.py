"""Text messages through any provider that speaks Twilio's REST API, version 2010-04-01.

That API has no idempotency key: a message whose answer was lost is looked for by its reference in the provider's list.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx

from alerts.channels import Outcome, OutgoingText, SendResult
from alerts.channels.gsm_text import room_septets, to_gsm7_within
from alerts.channels.twilio import HOW_OFTEN, Answer, TwilioChannel, classify, classify_resource, json_object, result

VALIDITY_S = 300  # an alarm that the network delivers later than this would only mislead
LIST_SIZE, PAGES_MAX = 200, 10
LOOK_S = 10.0  # for the whole list; with the sending after it less than the dispatcher's lease
CLOCK_SKEW = timedelta(minutes=5)  # between our clock and the provider's


class SmsChannel(TwilioChannel):
    """Sends text messages."""

    name = "sms"
    resource = "Messages"

    async def send(self, message: OutgoingText) -> SendResult:
        room = room_septets(message.parts)
        form: dict[str, str | list[str]] = {
            "To": message.to,
            "From": self._from_number,
            "Body": to_gsm7_within(message.text, keep_end=message.reference, septets_at_most=room),
            "ValidityPeriod": str(VALIDITY_S),
        }
        if self._status_callback is not None:
            form["StatusCallback"] = self._status_callback + HOW_OFTEN
        return classify(await self._request("POST", form=form))

    async def find_sent(self, message: OutgoingText, *, since: datetime) -> SendResult | None:
        """See Channel. A message is ours if its text holds the reference and it was created after `since`."""
        try:
            async with asyncio.timeout(LOOK_S):  # and then there is to be time to send it
                return await self._find_sent(message, since.astimezone(UTC) - CLOCK_SKEW)
        except TimeoutError:
            return result(Outcome.AMBIGUOUS, "the provider's list could not be read in time")

    async def _find_sent(self, message: OutgoingText, earliest: datetime) -> SendResult | None:
        reference = re.compile(rf"{re.escape(message.reference)}(?![\w-])")  # #A17-2 is not in #A17-20
        who = {"To": message.to, "From": self._from_number, "PageSize": str(LIST_SIZE)}
        failed: SendResult | None = None
        # The date filter knows whole days only, and a message still queued has no date of sending: ask without it too.
        for day in ({"DateSent>": f"{earliest:%Y-%m-%d}"}, {}):
            messages = await self._list(who | day, earliest)
            if isinstance(messages, SendResult):
                return messages
            for listed in messages:
                if reference.search(str(listed.get("body"))):
                    found = classify_resource(listed, http_status=None)
                    if found.outcome is Outcome.SENT:  # of several attempts, one that lives is enough
                        return found
                    failed = failed or found
        return failed

    async def redact(self, provider_id: str) -> bool:
        """Have the provider forget the text of a message that has ended; False: it does not."""
        answer = await self._request("POST", one=f"/{provider_id}", form={"Body": ""})
        if not isinstance(answer, httpx.Response) or not answer.is_success:
            return False
        resource = json_object(answer)
        return resource.get("sid") == provider_id and not resource.get("body", "unread")

    async def _list(self, query: Mapping[str, str], earliest: datetime) -> list[dict[str, Any]] | SendResult:
        """The messages created since `earliest`; why not, where the list cannot be read.

        Behind PAGES_MAX nobody looks: a message that might be there is sent again.
        """
        found: list[dict[str, Any]] = []
        page: Mapping[str, str] | None = query
        for _ in range(PAGES_MAX):
            answer = await self._request("GET", query=page)
            messages = _listed(answer)
            if messages is None:
                status = answer.status_code if isinstance(answer, httpx.Response) else None
                return result(Outcome.AMBIGUOUS, "the provider's list could not be read", http_status=status)
            recent = [message for message in messages if _created_since(message, earliest)]
            found += recent
            page = _next_page(answer)
            if page is None or not recent:  # the newest come first
                break
        return found


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    """The messages of one page of a list; None where the answer is no list."""
    if not isinstance(answer, httpx.Response) or not answer.is_success:
        return None
    messages = json_object(answer).get("messages")
    return [entry for entry in messages if isinstance(entry, dict)] if isinstance(messages, list) else None


def _next_page(answer: Answer) -> Mapping[str, str] | None:
    """What to ask for to have the next page; None behind the last. Only the query counts: we know whom we ask."""
    uri = json_object(answer).get("next_page_uri") if isinstance(answer, httpx.Response) else None
    query = uri.partition("?")[2] if isinstance(uri, str) else ""
    return dict(parse_qsl(query)) or None


def _created_since(message: dict[str, Any], earliest: datetime) -> bool:
    """False for an unreadable date: an old message taken for ours would hide a miss."""
    try:
        created_at = parsedate_to_datetime(str(message.get("date_created")))
    except (ValueError, OverflowError):
        return False
    return (created_at if created_at.tzinfo else created_at.replace(tzinfo=UTC)) >= earliest
