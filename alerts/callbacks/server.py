"""Where the provider calls back: an address and a port of its own, because the console listens on this machine only.

A signed request is stored before it is answered. Nothing that is sent here can end in a 500: what is refused is counted
(`Audit`), and while we cannot store, a 503 has the provider say it again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import web

from alerts.callbacks.audit import Audit
from alerts.callbacks.signature import Fields, is_signed
from alerts.callbacks.status import StatusSaid, read_code, read_word
from alerts.callbacks.store import Verdict
from gyrophare.kernel.errors import NotReadyError

log = logging.getLogger(__name__)

BODY_MAX_BYTES = 16_384
FIELDS_MAX = 100  # a status has a dozen
BODY_TIMEOUT_S = 10.0
AT_ONCE = 2  # however many call: the connections to the database are for the alarms
STATUS_PATH, REPLY_PATH = "/sms/status", "/sms/reply"
NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PROVIDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_AUDITED = frozenset({Verdict.UNKNOWN, Verdict.NOT_UNDERSTOOD, Verdict.NOT_A_CONTACT, Verdict.NOT_TOLD})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySaid:
    """A text message that came in. Its repr holds no number and no text."""

    channel: str
    provider_id: str
    from_e164: str = field(repr=False)
    text: str = field(repr=False)


class _RefusedError(Exception):
    """Why a request is not looked at any further."""

    def __init__(self, reason: str, http_status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.http_status = http_status


class CallbacksServer:
    """Hears statuses and answers. `public_url` is how the provider reaches us; a proxy takes a path of it away."""

    def __init__(
        self,
        *,
        public_url: str,
        tokens: Sequence[str],
        note_status: Callable[[StatusSaid], Awaitable[Verdict]],
        note_reply: Callable[[ReplySaid], Awaitable[Verdict]],
        audit: Audit,
    ) -> None:
        self._public_url = public_url.rstrip("/")
        self._tokens = tokens
        self._note_status = note_status
        self._note_reply = note_reply
        self._audit = audit
        self._few = asyncio.Semaphore(AT_ONCE)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port: 0 takes a free one. Raise NotReadyError if it is taken."""
        app = web.Application(client_max_size=BODY_MAX_BYTES)
        app.router.add_post(STATUS_PATH, self._serve_status)
        app.router.add_post(REPLY_PATH, self._serve_reply)
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
            said = _read_status(form)
            async with self._few:
                verdict = await self._note_status(said)
            await self._count("status", verdict)
            return web.Response(status=404 if verdict is Verdict.UNKNOWN else 204)

        return await self._serve("status", request, heard)

    async def _serve_reply(self, request: web.Request) -> web.Response:
        async def heard(form: dict[str, str]) -> web.Response:
            said = _read_reply(form)
            async with self._few:
                verdict = await self._note_reply(said)
            await self._count("reply", verdict)
            return web.Response(text=NO_ANSWER, content_type="text/xml")

        return await self._serve("reply", request, heard)

    async def _serve(
        self, route: str, request: web.Request, heard: Callable[[dict[str, str]], Awaitable[web.Response]]
    ) -> web.Response:
        try:
            return await heard(await self._signed_form(request))
        except _RefusedError as refused:
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
            raise _RefusedError("unsigned", 403)
        if not is_signed(self._tokens, self._public_url + request.raw_path, fields, signatures[0]):
            raise _RefusedError("forged", 403)
        return dict(fields)

    async def _count(self, route: str, verdict: Verdict) -> None:
        if verdict in _AUDITED:
            await self._audit.note(route, verdict)


async def _fields(request: web.Request) -> Fields:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _RefusedError("too_large", 413) from None
    except (TimeoutError, ConnectionError, web.RequestPayloadError):
        raise _RefusedError("cut_short", 408) from None
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise _RefusedError("no_form", 400) from None


def _read_status(form: dict[str, str]) -> StatusSaid:
    return StatusSaid(
        channel="sms",
        provider_id=_read_id(form),
        status=_read_status_word(form),
        error_code=read_code(form.get("ErrorCode")),
    )


def _read_status_word(form: dict[str, str]) -> str:
    word = read_word(form.get("MessageStatus"))
    if word is None:
        raise _RefusedError("no_status", 400)
    return word


def _read_reply(form: dict[str, str]) -> ReplySaid:
    sender = form.get("From", "")
    return ReplySaid(
        channel="sms",
        provider_id=_read_id(form),
        from_e164=sender if _E164.fullmatch(sender) else "",  # a name or a short number is nobody's
        text=form.get("Body", ""),
    )


def _read_id(form: dict[str, str]) -> str:
    provider_id = form.get("MessageSid", "")
    if not _PROVIDER_ID.fullmatch(provider_id):
        raise _RefusedError("no_message_id", 400)
    return provider_id
