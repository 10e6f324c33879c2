"""A stand-in for a Twilio-compatible SMS provider, at its HTTP border: no text leaves the machine.

It keeps what it was given, moves each message from queued to delivered as its clock goes on, and shows everything on
/outbox. `faults` makes the next sendings go wrong in the ways a network and a provider do.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
import secrets
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from html import escape
from operator import eq, ge, le
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gyrophare.kernel.clock import Clock

MESSAGES_KEPT = 10_000
BODY_LIMIT = 1600
PAGE_SIZE, PAGE_SIZE_LIMIT = 50, 1000
SENT_AFTER_S = 1.0
_LIFE = ((3.0, "delivered"), (SENT_AFTER_S, "sent"), (0.5, "sending"), (0.0, "queued"))  # since when, latest first

_DATE_FILTERS = {"DateSent": eq, "DateSent>": ge, "DateSent<": le}
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# GSM 7-bit alphabet, written out again: the stand-in judges our texts, so it shares no code with their author.
_GSM7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_ESCAPED = set("^{}\\[~]|€")
_FRENCH = {
    "queued": "en file",
    "sending": "en cours d’envoi",
    "sent": "envoyé",
    "delivered": "remis",
    "undelivered": "non remis",
    "failed": "échec",
}
_PAGE = """<!doctype html><html lang="fr"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Opérateur SMS simulé</title><style>
body{{font:1rem system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}} table{{width:100%;
border-collapse:collapse}} th,td{{text-align:left;vertical-align:top;padding:.5rem;border-bottom:1px solid #8888}}
td.text{{white-space:pre-wrap;overflow-wrap:anywhere}}</style></head><body><h1>Opérateur SMS simulé</h1>
<p>Aucun message ne quitte cette machine. Messages reçus : {count}.</p>
<table><thead><tr><th>Heure (UTC)<th>Destinataire<th>Message<th>Parties<th>État</thead><tbody>
{rows}</tbody></table></body></html>"""


class Act(StrEnum):
    """What the stand-in does instead of its ordinary answer."""

    ANSWER = "answer"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with one sending; `stored` says whether the message was taken all the same."""

    act: Act = Act.ANSWER
    stored: bool = False
    http_status: int = 503
    code: int | None = None
    raw_body: str | None = None
    """Sent in place of the JSON body."""
    message_status: str | None = None
    """The message is taken, and stays in this state for good."""


@dataclass(frozen=True, kw_only=True)
class _Message:
    sid: str
    to: str
    sender: str
    body: str
    created_at: datetime
    created_monotonic_s: float
    stuck_at: str | None

    def status(self, now_monotonic_s: float) -> str:
        age_s = now_monotonic_s - self.created_monotonic_s
        return self.stuck_at or next(status for since_s, status in _LIFE if age_s >= since_s)

    def sent_at(self, now_monotonic_s: float) -> datetime | None:
        if self.status(now_monotonic_s) not in {"sent", "delivered", "undelivered"}:
            return None
        return self.created_at + timedelta(seconds=SENT_AFTER_S)


class SmsProvider:
    """One account of the stand-in provider, reached at `base_url` between `start` and `stop`."""

    def __init__(self, *, account_sid: str, api_key: str, api_secret: str, clock: Clock) -> None:
        self.account_sid = account_sid
        self.faults: deque[Fault] = deque()
        """The next sendings' faults, in order; a sending without one is answered properly."""
        self._authorization = b"Basic " + base64.b64encode(f"{api_key}:{api_secret}".encode())
        self._clock = clock
        self._messages: deque[_Message] = deque(maxlen=MESSAGES_KEPT)  # newest first
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._uri = f"/2010-04-01/Accounts/{account_sid}/Messages"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raise OSError if the port is taken."""
        app = web.Application(middlewares=[self._authorise])
        app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", self._create)
        app.router.add_get("/2010-04-01/Accounts/{account}/Messages.json", self._list)
        app.router.add_get("/2010-04-01/Accounts/{account}/Messages/{sid}.json", self._fetch)
        app.router.add_get("/outbox", self._outbox_page)
        app.router.add_get("/outbox.json", self._outbox_json)
        self._released.clear()
        self._runner = web.AppRunner(app, access_log=None)  # its lines would hold the numbers asked for
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        """Let go of hanging requests and close. The messages stay."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def received(self) -> int:
        """How many messages were taken."""
        return len(self._messages)

    @property
    def base_url(self) -> str:
        if self._runner is None:
            raise RuntimeError("the SMS stand-in has no address before start()")
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    @web.middleware
    async def _authorise(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        account = request.match_info.get("account")
        given = request.headers.get("Authorization", "").encode(errors="replace")
        if account is None or (account == self.account_sid and hmac.compare_digest(given, self._authorization)):
            return await handler(request)
        return _error(401, 20003, "Authenticate", headers={"WWW-Authenticate": 'Basic realm="Twilio API"'})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        refusal = _refusal(form)
        if refusal is not None:
            return refusal
        fault = self.faults.popleft() if self.faults else None
        if fault is None:
            return web.json_response(self._resource(self._store(form)), status=201)
        message = self._store(form, fault.message_status) if fault.stored or fault.message_status else None
        if fault.act is Act.RESET:
            _reset(request)
        elif fault.act is Act.HANG:
            await self._released.wait()
        elif fault.raw_body is not None:
            return web.Response(status=fault.http_status, text=fault.raw_body)
        elif fault.message_status is not None and message is not None:
            return web.json_response(self._resource(message), status=201)
        return _error(fault.http_status, fault.code, f"Simulated fault for {form['To']}")

    async def _list(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        try:
            page, size = max(int(query.get("Page", 0)), 0), int(query.get("PageSize", PAGE_SIZE))
            found = [message for message in self._messages if self._matches(message, query)]
        except ValueError:
            return _error(400, 20001, "Invalid parameter value.")
        size = min(max(size, 1), PAGE_SIZE_LIMIT)
        start = page * size
        filters = [(name, value) for name, value in query.items() if name not in {"Page", "PageSize"}]

        def uri(number: int) -> str:
            return f"{self._uri}.json?{urlencode([*filters, ('PageSize', size), ('Page', number)])}"

        shown = found[start : start + size]
        return web.json_response(
            {
                "messages": [self._resource(message) for message in shown],
                "page": page,
                "page_size": size,
                "start": start,
                "end": start + max(len(shown) - 1, 0),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "previous_page_uri": uri(page - 1) if page else None,
                "next_page_uri": uri(page + 1) if start + size < len(found) else None,
            }
        )

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        for message in self._messages:
            if message.sid == request.match_info["sid"]:
                return web.json_response(self._resource(message))
        return _error(404, 20404, f"The requested resource {request.path} was not found")

    async def _outbox_json(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response([self._resource(message) for message in self._messages])

    async def _outbox_page(self, _request: web.Request) -> web.StreamResponse:
        rows = "".join(_row(message, message.status(self._clock.monotonic_s())) for message in self._messages)
        return web.Response(
            text=_PAGE.format(count=len(self._messages), rows=rows),
            content_type="text/html",
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )

    def _store(self, form: Mapping[str, str], stuck_at: str | None = None) -> _Message:
        message = _Message(
            sid=f"SM{secrets.token_hex(16)}",
            to=form["To"],
            sender=form["From"],
            body=form["Body"],
            created_at=self._clock.now(),
            created_monotonic_s=self._clock.monotonic_s(),
            stuck_at=stuck_at,
        )
        self._messages.appendleft(message)
        return message

    def _matches(self, message: _Message, query: Mapping[str, str]) -> bool:
        """Filter as the provider does: dates count by whole days, a message not yet sent has none."""
        if message.to != query.get("To", message.to) or message.sender != query.get("From", message.sender):
            return False
        sent_at = message.sent_at(self._clock.monotonic_s())
        bounds = [(fits, date.fromisoformat(query[name][:10])) for name, fits in _DATE_FILTERS.items() if name in query]
        return all(sent_at is not None and fits(sent_at.date(), day) for fits, day in bounds)

    def _resource(self, message: _Message) -> dict[str, Any]:
        now_s = self._clock.monotonic_s()
        status, sent_at = message.status(now_s), message.sent_at(now_s)
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": message.body,
            "date_created": format_datetime(message.created_at),
            "date_sent": format_datetime(sent_at) if sent_at else None,
            "date_updated": format_datetime(sent_at or message.created_at),
            "direction": "outbound-api",
            "error_code": 30008 if status in {"failed", "undelivered"} else None,
            "error_message": None,
            "from": message.sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": str(_parts(message.body)[1]),
            "price": None,
            "price_unit": "EUR",
            "sid": message.sid,
            "status": status,
            "subresource_uris": {"media": f"{self._uri}/{message.sid}/Media.json"},
            "to": message.to,
            "uri": f"{self._uri}/{message.sid}.json",
        }


def _refusal(form: Mapping[str, str]) -> web.Response | None:
    """The provider's answer to a form it cannot take; None if it can."""
    if not form.get("To"):
        return _error(400, 21604, "A 'To' phone number is required.")
    if not _E164.fullmatch(form["To"]):
        return _error(400, 21211, f"Invalid 'To' Phone Number: {form['To']}")
    if not form.get("From"):
        return _error(400, 21603, "A 'From' phone number is required.")
    if not form.get("Body"):
        return _error(400, 21602, "Message body is required.")
    if len(form["Body"]) > BODY_LIMIT:
        return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    return None


def _error(status: int, code: int | None, message: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more_info, "status": status}
    return web.json_response(body, status=status, headers=headers)


def _reset(request: web.Request) -> None:
    """Cut the connection with a TCP RST, as a firewall or a dying peer does."""
    if request.transport is not None:
        peer = request.transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()


def _parts(body: str) -> tuple[str, int]:
    """The encoding a text needs and the number of parts it takes."""
    if all(character in _GSM7 or character in _GSM7_ESCAPED for character in body):
        encoding, size, one, each = "GSM-7", len(body) + sum(character in _GSM7_ESCAPED for character in body), 160, 153
    else:
        encoding, size, one, each = "UCS-2", len(body.encode("utf-16-be")) // 2, 70, 67
    return encoding, 1 if size <= one else -(-size // each)


def _row(message: _Message, status: str) -> str:
    encoding, parts = _parts(message.body)
    return (
        f"<tr><td>{message.created_at:%H:%M:%S}<td>{escape(_masked(message.to))}"
        f'<td class="text">{escape(message.body)}<td>{parts} {encoding}<td>{escape(_FRENCH.get(status, status))}\n'
    )


def _masked(number: str) -> str:
    return f"{number[:4]}{'•' * max(len(number) - 6, 0)}{number[-2:]}"
