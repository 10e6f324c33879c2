"""A mail server and a receiver of webhooks that fail in all ways and keep a log of what they have taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.header import decode_header, make_header
from random import Random

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from gyrophare.kernel.clock import Clock
from gyrophare.sim.sms_provider.faults import reset
from tests.chaos.dispatch_history import Taken, references
from tests.mail_desk import Act, MailDesk, Wire

TARGET = "cta"
_FAILS = 0.4  # of connections, and of requests
_MAIL_FAULTS: tuple[tuple[str, str | Act], ...] = (
    ("GREETING", Act.CUT),
    ("MAIL", "451 4.3.0 later"),
    ("RCPT", "450 4.2.1 later"),
    ("RCPT", "550 5.1.1 unknown"),
    ("TEXT", Act.CUT),
    ("TAKEN", Act.CUT),
    ("TAKEN", Act.CUT),
    ("TAKEN", Act.SILENCE),
)
_WEBHOOK_FAULTS = ("later", "later, and taken", "never", "reset", "reset, and taken", "silence, and taken")


class FaultyDesk(MailDesk):
    """Each connection meets its own fault, or none, while it is `faulty`."""

    def __init__(self, clock: Clock, random: Random) -> None:
        super().__init__()
        self.log: list[Taken] = []
        self.faulty = True
        self._clock = clock
        self._random = random
        self._met: dict[Wire, dict[str, str | Act]] = {}

    async def strike(self, wire: Wire, step: str) -> bool:
        if step == "GREETING":
            fails = self.faulty and self._random.random() < _FAILS
            self._met[wire] = dict([self._random.choice(_MAIL_FAULTS)]) if fails else {}
        self.faults = self._met[wire]
        return await super().strike(wire, step)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content)
        self.log += [
            Taken(
                channel="email",
                to=to,
                at=self._clock.now(),
                names=references(str(make_header(decode_header(mail["Subject"])))),
                key=mail["Message-ID"],
            )
            for to in envelope.rcpt_tos
        ]
        return await super().handle_DATA(server, session, envelope)


class FaultyReceiver:
    """A receiver of webhooks, at `url`."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self.log: list[Taken] = []
        self.faulty = True
        self.url = ""
        self._clock = clock
        self._random = random
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post("/alerts", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/alerts"
        try:
            yield
        finally:
            self._ended.set()
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        fails = self.faulty and self._random.random() < _FAILS
        fault = self._random.choice(_WEBHOOK_FAULTS) if fails else ""
        if not fault or "taken" in fault:
            self.log.append(
                Taken(
                    channel="webhook",
                    to=TARGET,
                    at=self._clock.now(),
                    names=references(request.headers["Gyrophare-Reference"]),
                    key=request.headers["Idempotency-Key"],
                )
            )
        if fault.startswith("reset"):
            reset(request)
        elif fault.startswith("silence"):
            await self._ended.wait()
        return web.Response(status={"later": 503, "never": 410}.get(fault.partition(",")[0], 202))
