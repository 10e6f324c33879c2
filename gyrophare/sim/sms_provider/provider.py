"""The stand-in's account: takes messages and calls, moves each on as its clock goes on, and calls back.

It keeps what it was given and shows everything on /outbox. `faults` makes the next sendings go wrong in the ways a
network and a provider do, `callbacks.faults` the next callbacks.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlencode

import httpx
from aiohttp import web

from gyrophare.kernel.clock import Clock
from gyrophare.sim.sms_provider import faults, page
from gyrophare.sim.sms_provider.callbacks import Callbacks
from gyrophare.sim.sms_provider.exchange import Exchange
from gyrophare.sim.sms_provider.faults import Fault
from gyrophare.sim.sms_provider.messages import Message, error_code
from gyrophare.sim.sms_provider.refusals import error, refusal

MESSAGES_KEPT = 10_000
PAGE_SIZE, PAGE_SIZE_LIMIT = 50, 1000
_PAGE = "PA"  # and the last message of the page before
_TURN_S = 0.25
_ENDS = {"sent", "delivered", "undelivered", "failed", "canceled", "read"}


class SmsProvider:
    """One account of the stand-in provider, reached at `base_url` between `start` and `stop`.

    `auth_token` signs what it calls back, `http` carries it. A message is taken at once, and answered `answer_after_s`
    later, in real time.
    """

    def __init__(
        self,
        *,
        account_sid: str,
        api_key: str,
        api_secret: str,
        clock: Clock,
        auth_token: str = "the stand-in's token",  # noqa: S107  # of no account
        http: httpx.AsyncClient | None = None,
        answer_after_s: float = 0.0,
    ) -> None:
        self.account_sid = account_sid
        self.faults: deque[Fault] = deque()
        """The next sendings' faults, in order; a sending without one is answered properly."""
        self.redacts = True
        """Whether it knows how to forget a text."""
        self.listed_after_s = 0.0
        """How far its list lags behind what it took."""
        self.callbacks = Callbacks(auth_token, http)
        self.reply_url: str | None = None
        """Where an answer to one of the account's numbers is said."""
        self._authorization = b"Basic " + base64.b64encode(f"{api_key}:{api_secret}".encode())
        self._clock = clock
        self._answer_after_s = answer_after_s
        self.messages: deque[Message] = deque(maxlen=MESSAGES_KEPT)  # newest first
        self._untold: list[Message] = []
        self._released = asyncio.Event()
        self.exchange = Exchange(account_sid, clock, self.callbacks, self.faults, self._released)
        self._runner: web.AppRunner | None = None
        self._uri = f"/2010-04-01/Accounts/{account_sid}/Messages"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raise OSError if the port is taken."""
        app = web.Application(middlewares=[self._authorise])
        app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", self._create)
        app.router.add_get("/2010-04-01/Accounts/{account}/Messages.json", self._list)
        app.router.add_get("/2010-04-01/Accounts/{account}/Messages/{sid}.json", self._fetch)
        app.router.add_post("/2010-04-01/Accounts/{account}/Messages/{sid}.json", self._update)
        app.router.add_get("/outbox", self._outbox_page)
        app.router.add_get("/outbox.json", self._outbox_json)
        app.router.add_post("/reply", self._reply)
        self.exchange.add_routes(app.router)
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
        await self.callbacks.aclose()

    async def run(self) -> None:
        """Call back as time goes on, until cancelled. Whoever moves the clock calls `call_back` himself."""
        while True:
            await self.call_back()
            await asyncio.sleep(_TURN_S)

    async def call_back(self) -> None:
        """Say what has become of messages and calls until now, to whoever asked for it."""
        await self.exchange.call_back()
        now_s = self._clock.monotonic_s()
        for message in list(self._untold):
            for status in message.take_news(now_s):
                await self.callbacks.call(message.status_callback or "", self._status_form(message, status))
        self._untold = [message for message in self._untold if not message.all_told]

    async def answer(self, phone_e164: str, text: str, *, message_sid: str | None = None) -> int | None:
        """Somebody answers from that telephone. Return the HTTP status it met; None: nobody hears it."""
        if self.reply_url is None:
            return None
        sid = message_sid or f"SM{secrets.token_hex(16)}"
        to = next((message.sender for message in self.messages if message.to == phone_e164), "+33380000000")
        form = {"MessageSid": sid, "SmsSid": sid, "AccountSid": self.account_sid, "From": phone_e164, "To": to}
        form |= {"Body": text, "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01"}
        called = await self.callbacks.call(self.reply_url, form)
        return called.http_statuses[-1] if called is not None else None

    @property
    def received(self) -> int:
        """How many messages were taken."""
        return len(self.messages)

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
        return error(401, 20003, "Authenticate", headers={"WWW-Authenticate": 'Basic realm="Twilio API"'})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        refused = refusal(form)
        if refused is not None:
            return refused
        fault = self.faults.popleft() if self.faults else Fault(stored=True, http_status=201)
        message = self._store(form, fault) if fault.takes_message else None
        await asyncio.sleep(self._answer_after_s)
        taken = self._resource(message) if message is not None else None
        return await faults.play(request, fault, self._released, taken, form["To"])

    async def _list(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        now_s = self._clock.monotonic_s()
        try:
            number, size = max(int(query.get("Page", 0)), 0), int(query.get("PageSize", PAGE_SIZE))
            found = [
                message
                for message in self.messages
                if message.matches(query, now_s) and now_s - message.created_monotonic_s >= self.listed_after_s
            ]
            # The token leads from page to page, the number is only the caller's: what comes meanwhile moves no page.
            start = _behind(query["PageToken"], found) if "PageToken" in query else 0
        except ValueError:
            return error(400, 20001, "Invalid parameter value.")
        size = min(max(size, 1), PAGE_SIZE_LIMIT)
        filters = [(name, value) for name, value in query.items() if name not in {"Page", "PageSize", "PageToken"}]

        def uri(number: int, start: int) -> str:
            token = [("PageToken", _PAGE + found[start - 1].sid)] if start else []
            return f"{self._uri}.json?{urlencode([*filters, ('PageSize', size), ('Page', number), *token])}"

        shown = found[start : start + size]
        return web.json_response(
            {
                "messages": [self._resource(message) for message in shown],
                "page": number,
                "page_size": size,
                "start": start,
                "end": start + max(len(shown) - 1, 0),
                "uri": uri(number, start),
                "first_page_uri": uri(0, 0),
                "previous_page_uri": uri(number - 1, max(start - size, 0)) if number else None,
                "next_page_uri": uri(number + 1, start + size) if start + size < len(found) else None,
            }
        )

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        message = self._find(request.match_info["sid"])
        if message is None:
            return error(404, 20404, f"The requested resource {request.path} was not found")
        return web.json_response(self._resource(message))

    async def _update(self, request: web.Request) -> web.StreamResponse:
        """Forget the text of a message that has ended: the only change that it knows."""
        if not self.redacts:
            return error(405, 20004, "Method not allowed")
        message = self._find(request.match_info["sid"])
        if message is None:
            return error(404, 20404, f"The requested resource {request.path} was not found")
        if (await request.post()).get("Body") != "":
            return error(400, 30400, "Parameters are not valid")
        if message.status(self._clock.monotonic_s()) not in _ENDS:
            return error(409, 20009, "Cannot change this resource before it is complete")
        message.redacted = True
        return web.json_response(self._resource(message))

    async def _outbox_json(self, _request: web.Request) -> web.StreamResponse:
        # The API says whole seconds; whoever measures us wants to know it better.
        return web.json_response(
            [
                self._resource(message) | {"body": message.body, "received_at": message.created_at.isoformat()}
                for message in self.messages
            ]
        )

    async def _outbox_page(self, _request: web.Request) -> web.StreamResponse:
        return page.outbox(
            [*self.messages, *self.exchange.calls],
            self._clock.monotonic_s(),
            answers=self.reply_url is not None,
        )

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        """A telephone answers: `From`, or `MessageSid` of the message that its owner answers, and `Body`.

        Or, during the call `CallSid`, it presses `Digits`.
        """
        form = await request.post()
        if "CallSid" in form:
            if await self.exchange.press(str(form["CallSid"]), str(form.get("Digits", ""))) is None:
                return error(502, 11200, "Nobody hears this key.")
            return web.Response(status=303, headers={"Location": "/outbox"})
        message = self._find(str(form.get("MessageSid")))
        number = message.to if message is not None else str(form.get("From", ""))
        if not number or await self.answer(number, str(form.get("Body", ""))) is None:
            return error(502, 11200, "Nobody hears this answer.")
        return web.Response(status=303, headers={"Location": "/outbox"})

    def _find(self, sid: str) -> Message | None:
        return next((message for message in self.messages if message.sid == sid), None)

    def _store(self, form: Mapping[str, str], fault: Fault) -> Message:
        message = Message(
            sid=f"SM{secrets.token_hex(16)}",
            to=form["To"],
            sender=form["From"],
            body=form["Body"],
            created_at=self._clock.now(),
            created_monotonic_s=self._clock.monotonic_s(),
            stuck_at=fault.message_status,
            ends_as=fault.ends_as or "delivered",
            status_callback=form.get("StatusCallback"),
        )
        self.messages.appendleft(message)
        if message.status_callback:
            self._untold.append(message)
        return message

    def _resource(self, message: Message) -> dict[str, object]:
        return message.resource(self.account_sid, self._clock.monotonic_s())

    def _status_form(self, message: Message, status: str) -> dict[str, str]:
        form = {"MessageSid": message.sid, "SmsSid": message.sid, "AccountSid": self.account_sid, "To": message.to}
        form |= {"From": message.sender, "ApiVersion": "2010-04-01", "MessageStatus": status, "SmsStatus": status}
        code = error_code(status)
        return form if code is None else form | {"ErrorCode": str(code)}


def _behind(token: str, found: Sequence[Message]) -> int:
    """Where the page of that token begins. Raise ValueError for a token of no page."""
    return 1 + [_PAGE + message.sid for message in found].index(token)
