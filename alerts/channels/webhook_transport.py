"""The way to a webhook's target: its name is resolved once, judged, and the connection goes to what was judged.

If the name were resolved again for the connection, it could lead elsewhere by then (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from alerts.channels.webhook_policy import WebhookPolicy

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses, the preferred first. Raises OSError when there are none."""

_PORTS = {"http": 80, "https": 443}


class ForbiddenTargetError(httpx.TransportError):
    """The target, or where its name leads, is not allowed. The text says why."""


class SystemResolver:
    """The system's own, with two threads of its own: a name server that hangs does not hold up other look-ups."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="webhook-names")

    async def __call__(self, host: str, port: int) -> list[str]:
        def look_up() -> list[str]:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(entry[4][0]) for entry in found))

        return await asyncio.get_running_loop().run_in_executor(self._threads, look_up)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


async def allowed_addresses(policy: WebhookPolicy, resolve: Resolve, url: httpx.URL, *, timeout_s: float) -> list[str]:
    """Where `url` leads. Raise ForbiddenTargetError unless all of it is allowed, ConnectError if it leads nowhere."""
    host = url.raw_host.decode("ascii").lower()
    if why := policy.refuse_url(url.scheme, host):
        raise ForbiddenTargetError(why)
    try:
        async with asyncio.timeout(timeout_s):
            addresses = await resolve(host, url.port or _PORTS[url.scheme])
    except TimeoutError:
        raise httpx.ConnectTimeout(f"no answer to what {host} resolves to") from None
    except (OSError, UnicodeError):  # the latter: a label that is too long
        raise httpx.ConnectError(f"{host} does not resolve") from None
    for address in addresses:
        if why := policy.refuse_address(host, address):
            raise ForbiddenTargetError(why)
    if not addresses:
        raise httpx.ConnectError(f"{host} does not resolve")
    return addresses


class PinnedTransport(httpx.AsyncBaseTransport):
    """Hands each request to `inner` with the judged address in place of the name, which stays in Host and in TLS."""

    def __init__(
        self, policy: WebhookPolicy, inner: httpx.AsyncBaseTransport, resolve: Resolve, *, timeout_s: float
    ) -> None:
        self._policy = policy
        self._inner = inner
        self._resolve = resolve
        self._timeout_s = timeout_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        addresses = await allowed_addresses(self._policy, self._resolve, request.url, timeout_s=self._timeout_s)
        while True:
            try:
                return await self._inner.handle_async_request(_pinned(request, addresses.pop(0)))
            except (httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent: another address may answer
                if not addresses:
                    raise

    async def aclose(self) -> None:
        await self._inner.aclose()


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,  # Host among them
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )
