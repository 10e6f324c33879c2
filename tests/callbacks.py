"""The way of a callback in the tests: from the stand-in, through the proxy of a department, to its server."""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from gyrophare.settings import CallbacksSettings

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
