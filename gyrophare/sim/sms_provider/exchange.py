"""The stand-in's telephone exchange: takes calls, lets them ring, and says which keys were pressed."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Mapping

from aiohttp import web

from gyrophare.kernel.clock import Clock
from gyrophare.sim.sms_provider import faults
from gyrophare.sim.sms_provider.callbacks import Callbacks
from gyrophare.sim.sms_provider.calls import Call, words
from gyrophare.sim.sms_provider.faults import Fault
from gyrophare.sim.sms_provider.refusals import call_refusal, error

CALLS_KEPT = 10_000
_RING_S = 60.0


class Exchange:
    """The calls of one account. `faults` are those of its next sendings."""

    def __init__(
        self, account_sid: str, clock: Clock, callbacks: Callbacks, faults: deque[Fault], released: asyncio.Event
    ) -> None:
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)  # newest first
        self._account_sid = account_sid
        self._clock = clock
        self._callbacks = callbacks
        self._faults = faults
        self._released = released
        self._untold: list[Call] = []

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/2010-04-01/Accounts/{account}/Calls.json", self._create)
        router.add_get("/2010-04-01/Accounts/{account}/Calls/{sid}.json", self._fetch)

    async def call_back(self) -> None:
        """Say what has become of calls until now, to whoever asked for it."""
        now_s = self._clock.monotonic_s()
        for call in list(self._untold):
            for status in call.take_news(now_s):
                await self._callbacks.call(call.status_callback or "", self._form(call, status))
        self._untold = [call for call in self._untold if not call.all_told]

    async def press(self, sid: str, key: str) -> int | None:
        """Whoever is called presses a key. Return the HTTP status it met; None: nobody hears it.

        What is then said is the last of the call's `answers`; it hangs up after that.
        """
        call = self._find(sid)
        if call is None or call.key_url is None or call.status(self._clock.monotonic_s()) != "in-progress":
            return None
        called = await self._callbacks.call(call.key_url, self._form(call, "in-progress") | {"Digits": key})
        if called is None:
            return None
        if called.http_statuses[-1] == web.HTTPOk.status_code:
            call.answers += (" ".join(words(called.answer)),)
            call.ended_monotonic_s = self._clock.monotonic_s()
        return called.http_statuses[-1]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        given = await request.post()
        form = {name: value for name, value in given.items() if isinstance(value, str)}
        refused = call_refusal(form)
        if refused is not None:
            return refused
        fault = self._faults.popleft() if self._faults else Fault(stored=True, http_status=201)
        events = frozenset(map(str, given.getall("StatusCallbackEvent", ["completed"])))
        call = self._store(form, events, fault) if fault.takes_message else None
        taken = None if call is None else call.resource(self._account_sid, self._clock.monotonic_s())
        return await faults.play(request, fault, self._released, taken, form["To"])

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        call = self._find(request.match_info["sid"])
        if call is None:
            return error(404, 20404, f"The requested resource {request.path} was not found")
        return web.json_response(call.resource(self._account_sid, self._clock.monotonic_s()))

    def _find(self, sid: str) -> Call | None:
        return next((call for call in self.calls if call.sid == sid), None)

    def _store(self, form: Mapping[str, str], events: frozenset[str], fault: Fault) -> Call:
        call = Call(
            sid=f"CA{secrets.token_hex(16)}",
            to=form["To"],
            sender=form["From"],
            twiml=form["Twiml"],
            ring_s=float(form.get("Timeout", _RING_S)),
            created_at=self._clock.now(),
            created_monotonic_s=self._clock.monotonic_s(),
            stuck_at=fault.message_status,
            ends_as=fault.ends_as or "completed",
            status_callback=form.get("StatusCallback"),
            events=events,
        )
        self.calls.appendleft(call)
        if call.status_callback:
            self._untold.append(call)
        return call

    def _form(self, call: Call, status: str) -> dict[str, str]:
        form = {"CallSid": call.sid, "AccountSid": self._account_sid, "To": call.to, "From": call.sender}
        return form | {"ApiVersion": "2010-04-01", "Direction": "outbound-api", "CallStatus": status}
