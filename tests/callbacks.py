"""The way of a callback in the tests: from the stand-in, through the proxy of a department, to its server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from pydantic import SecretStr

from alerts.channels.twilio import HOW_OFTEN
from gyrophare.kernel.clock import Clock
from gyrophare.settings import CallbacksSettings
from gyrophare.sim.sms_provider import SmsProvider
from tests.department import SMS_KEY, SMS_SECRET, SMS_SID

PUBLIC_URL = "https://alertes.example.test/gyrophare"
TOKEN, OLD_TOKEN = "the account's token", "the token before"
CALLBACKS = CallbacksSettings(
    port=0, public_url=PUBLIC_URL, auth_token=SecretStr(TOKEN), previous_auth_token=SecretStr(OLD_TOKEN)
)


class Proxy(httpx.AsyncHTTPTransport):
    """What answers at PUBLIC_URL: it ends TLS, takes the path away, and hands over to `port` of this machine."""

    def __init__(self) -> None:
        super().__init__()
        self.port: int | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.port is None or not str(request.url).startswith(PUBLIC_URL):
            raise httpx.ConnectError("nobody is there")
        path = request.url.raw_path.removeprefix(b"/gyrophare")
        inner = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port, raw_path=path)
        headers = {**request.headers, "host": "console.internal"}
        return await super().handle_async_request(
            httpx.Request(
                request.method, inner, headers=headers, content=await request.aread(), extensions=request.extensions
            )
        )


@asynccontextmanager
async def stand_in(clock: Clock, proxy: Proxy, *, answer_after_s: float = 0.0) -> AsyncIterator[SmsProvider]:
    """The stand-in provider, which calls back and says what telephones answer through `proxy`."""
    provider = SmsProvider(
        account_sid=SMS_SID,
        api_key=SMS_KEY,
        api_secret=SMS_SECRET,
        clock=clock,
        auth_token=TOKEN,
        http=httpx.AsyncClient(transport=proxy),
        answer_after_s=answer_after_s,
    )
    provider.reply_url = f"{PUBLIC_URL}/sms/reply{HOW_OFTEN}"
    await provider.start()
    try:
        yield provider
    finally:
        await provider.stop()
