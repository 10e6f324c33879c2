"""Where the provider calls back: an address and a port of its own, because the console listens on this machine only.

A signed request is stored before it is answered. Nothing that is sent here can end in a 500: what is refused is counted
(`Audit`), and while we cannot store, a 503 has the provider say it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qsl

from aiohttp import web

from alerts import spoken
from alerts.callbacks.audit import Audit
from alerts.callbacks.forms import (
    KeySaid,
    RefusedError,
    ReplySaid,
    read_call_status,
    read_key,
    read_message_status,
    read_reply,
)
from alerts.callbacks.signature import Fields, is_signed
from alerts.callbacks.status import StatusSaid
from alerts.callbacks.store import Verdict
from alerts.channels.twiml import last_words
from gyrophare.kernel.errors import NotReadyError
from gyrophare.kernel.ids import AlertId

log = logging.getLogger(__name__)

BODY_MAX_BYTES = 16_384
FIELDS_MAX = 100  # a status has a dozen
BODY_TIMEOUT_S = 10.0
AT_ONCE = 2  # however many call: the connections to the database are for the alarms
STATUS_PATH, REPLY_PATH = "/sms/status", "/sms/reply"
CALL_STATUS_PATH, KEY_PATH = "/voice/status", "/voice/key"
NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

_AUDITED = frozenset({Verdict.UNKNOWN, Verdict.NOT_UNDERSTOOD, Verdict.NOT_A_CONTACT, Verdict.NOT_TOLD})


class CallbacksServer:
    """Hears statuses, answers and keys. `public_url` is how the provider reaches us; a proxy takes its path away."""

    def __init__(
        self,
        *,
        public_url: str,
        tokens: Sequence[str],
        note_status: Callable[[StatusSaid], Awaitable[Verdict]],
        note_reply: Callable[[ReplySaid], Awaitable[Verdict]],
        note_key: Callable[[KeySaid], Awaitable[tuple[Verdict, AlertId | None]]],
        audit: Audit,
    ) -> None:
        self._public_url = public_url.rstrip("/")
        self._tokens = tokens
        self._note_status = note_status
        self._note_reply = note_reply
        self._note_key = note_key
        self._audit = audit
        self._few = asyncio.Semaphore(AT_ONCE)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port: 0 takes a free one. Raise NotReadyError if it is taken."""
        app = web.Application(client_max_size=BODY_MAX_BYTES)
        app.router.add_post(STATUS_PATH, self._serve_status)
        app.router.add_post(REPLY_PATH, self._serve_reply)
        app.router.add_post(CALL_STATUS_PATH, self._serve_call_status)
        app.router.add_post(KEY_PATH, self._serve_key)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            raise NotReadyError(
                f"The SMS provider's callbacks cannot be heard on {host}:{port}: {error.strerror or error}. "
                "Choose another port with GYROPHARE_CALLBACKS_PORT."
            ) from None
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve_status(self, request: web.Request) -> web.Response:
        async def heard(form: dict[str, str]) -> web.Response:
            return await self._heard_status("status", read_message_status(form))

        return await self._serve("status", request, heard)

    async def _serve_call_status(self, request: web.Request) -> web.Response:
        async def heard(form: dict[str, str]) -> web.Response:
            return await self._heard_status("call status", read_call_status(form, request.query.get("n")))

        return await self._serve("call status", request, heard)

    async def _heard_status(self, route: str, said: StatusSaid) -> web.Response:
        async with self._few:
            verdict = await self._note_status(said)
        await self._count(route, verdict)
        return web.Response(status=404 if verdict is Verdict.UNKNOWN else 204)

    async def _serve_reply(self, request: web.Request) -> web.Response:
        async def heard(form: dict[str, str]) -> web.Response:
            said = read_reply(form)
            async with self._few:
                verdict = await self._note_reply(said)
            await self._count("reply", verdict)
            return web.Response(text=NO_ANSWER, content_type="text/xml")

        return await self._serve("reply", request, heard)

    async def _serve_key(self, request: web.Request) -> web.Response:
        """Whoever pressed it is still on the telephone, and hears what became of it."""

        async def heard(form: dict[str, str]) -> web.Response:
            said = read_key(form, request.query.get("n"))
            async with self._few:
                verdict, alert_id = await self._note_key(said)
            await self._count("key", verdict)
            return web.Response(text=last_words(_answer(verdict, alert_id)), content_type="text/xml")

        return await self._serve("key", request, heard)

    async def _serve(
        self, route: str, request: web.Request, heard: Callable[[dict[str, str]], Awaitable[web.Response]]
    ) -> web.Response:
        try:
            return await heard(await self._signed_form(request))
        except RefusedError as refused:
            await self._audit.note(route, refused.reason)
            return web.Response(status=refused.http_status)
        except Exception as error:
            # Only its name: a database's error text may hold the number.
            log.error(
                "A callback could not be stored: %s", type(error).__name__, extra={"action": "callback", "route": route}
            )
            return web.Response(status=503, headers={"Retry-After": "5"})

    async def _signed_form(self, request: web.Request) -> dict[str, str]:
        """The fields of a form that the provider has signed; of a repeated name the last value."""
        fields = await _fields(request)
        signatures = request.headers.getall("X-Twilio-Signature", [])
        if len(signatures) != 1:
            raise RefusedError("unsigned", 403)
        if not is_signed(self._tokens, self._public_url + request.raw_path, fields, signatures[0]):
            raise RefusedError("forged", 403)
        return dict(fields)

    async def _count(self, route: str, verdict: Verdict) -> None:
        if verdict in _AUDITED:
            await self._audit.note(route, verdict)


async def _fields(request: web.Request) -> Fields:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise RefusedError("too_large", 413) from None
    except (TimeoutError, ConnectionError, web.RequestPayloadError):
        raise RefusedError("cut_short", 408) from None
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise RefusedError("no_form", 400) from None


def _answer(verdict: Verdict, alert_id: AlertId | None) -> str:
    if verdict is Verdict.ACKNOWLEDGED and alert_id is not None:
        return spoken.you_have_it(alert_id)
    if verdict is Verdict.TOO_LATE:
        return spoken.ALREADY_TAKEN
    return spoken.KEY_NOT_KNOWN if verdict is Verdict.NOT_UNDERSTOOD else spoken.NOT_TAKEN
