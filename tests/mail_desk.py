"""A real SMTP server (aiosmtpd) that keeps what it is handed and can be told to misbehave at any step."""

from __future__ import annotations

import asyncio
import ssl
from enum import StrEnum
from typing import AnyStr

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

SLOW_S = 0.1


class Act(StrEnum):
    """What a server may do instead of answering."""

    CUT = "cut"
    SILENCE = "silence"
    SLOW = "slow"
    """It goes on as usual, SLOW_S later."""


class MailDesk:
    """`faults` names, by step, an answer or an Act; the steps are in `Wire` below. Everything heard is in `steps`."""

    def __init__(
        self, tls: ssl.SSLContext | None = None, *, wrapped: bool = False, password: str | None = None
    ) -> None:
        self.faults: dict[str, str | Act] = {}
        self.steps: list[str] = []
        self.kept: list[Envelope] = []
        self.password = password
        self.port = 0
        self.tls = tls
        self._wrapped = wrapped
        self._ended = asyncio.Event()
        self._wires: set[Wire] = set()
        self._server: asyncio.Server

    async def start(self) -> None:
        def wire() -> Wire:
            self._wires.add(made := Wire(self))
            return made

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(wire, "127.0.0.1", 0, ssl=self.tls if self._wrapped else None)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._ended.set()
        self._server.close()
        for wire in self._wires:
            await wire.end()

    async def strike(self, wire: Wire, step: str) -> bool:
        """Do what was asked for at this step; False when it should go on as usual."""
        self.steps.append(step)
        fault = self.faults.get(step)
        match fault:
            case None:
                return False
            case Act.CUT:
                wire.cut()
            case Act.SILENCE:
                await self._ended.wait()
            case Act.SLOW:
                await asyncio.sleep(SLOW_S)
                return False
            case _:
                await wire.push(fault)
        return True

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.kept.append(envelope)
        assert isinstance(server, Wire)
        return "250 taken" if not await self.strike(server, "TAKEN") else ""


class Wire(SMTP):
    """One connection. Its steps: GREETING, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, TEXT (half of it), TAKEN, QUIT."""

    def __init__(self, desk: MailDesk) -> None:
        def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, sent: object) -> AuthResult:
            assert isinstance(sent, LoginPassword)
            return AuthResult(success=sent.password == (desk.password or "").encode(), handled=False)

        super().__init__(
            desk,
            hostname="desk.test",
            tls_context=None if desk._wrapped else desk.tls,
            authenticator=check if desk.password else None,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        self._desk = desk

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]

    async def end(self) -> None:
        self.cut()
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
            await asyncio.wait([self._handler_coroutine])

    async def push(self, status: AnyStr) -> None:
        if status:
            await super().push(status)

    async def _handle_client(self) -> None:
        if not await self._desk.strike(self, "GREETING"):
            await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        if not await self._desk.strike(self, "EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if not await self._desk.strike(self, "STARTTLS"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        if not await self._desk.strike(self, "AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if not await self._desk.strike(self, "MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        if not await self._desk.strike(self, "RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if await self._desk.strike(self, "DATA"):
            return
        if "TEXT" in self._desk.faults:
            await self.push("354 go on")
            await self._reader.readline()
            await self._desk.strike(self, "TEXT")
            return
        await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        if not await self._desk.strike(self, "QUIT"):
            await super().smtp_QUIT(arg)
