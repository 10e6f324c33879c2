"""What can go wrong between a sender and the provider, and how each of it looks on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from gyrophare.sim.sms_provider.refusals import error

_DRIP_S = 0.02


class Act(StrEnum):
    """What the stand-in does instead of its ordinary answer."""

    ANSWER = "answer"
    RESET = "reset"
    HANG = "hang"
    DRIP = "drip"
    """It answers a byte at a time, and never to the end."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with one sending; `stored` says whether the message was taken all the same."""

    act: Act = Act.ANSWER
    stored: bool = False
    http_status: int = 503
    code: int | None = None
    retry_after_s: int | None = None
    raw_body: str | None = None
    """Sent in place of the JSON body."""
    message_status: str | None = None
    """The message is taken, and stays in this state for good."""
    ends_as: str | None = None
    """It is taken, and ends as `undelivered`, `failed`, or `sent` where nothing more is ever known.

    A call ends as `busy`, `no-answer` or `failed`.
    """

    @property
    def takes_message(self) -> bool:
        return self.stored or self.message_status is not None or self.ends_as is not None


async def play(
    request: web.Request, fault: Fault, released: asyncio.Event, taken: Mapping[str, object] | None, to: str
) -> web.StreamResponse:
    """The answer to a sending, or what comes instead of one; `taken` is what the provider has taken."""
    if fault.act is Act.RESET:
        reset(request)
    elif fault.act is Act.HANG:
        await released.wait()
    elif fault.act is Act.DRIP:
        return await drip(request, released)
    elif fault.raw_body is not None:
        return web.Response(status=fault.http_status, text=fault.raw_body)
    elif taken is not None and (fault.http_status == 201 or fault.message_status or fault.ends_as):
        return web.json_response(taken, status=201)
    headers = {"Retry-After": str(fault.retry_after_s)} if fault.retry_after_s is not None else None
    return error(fault.http_status, fault.code, f"Simulated fault for {to}", headers=headers)


def reset(request: web.Request) -> None:
    """Cut the connection with a TCP RST, as a firewall or a dying peer does."""
    if request.transport is not None:
        peer = request.transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()


async def drip(request: web.Request, released: asyncio.Event) -> web.StreamResponse:
    """Every byte comes soon, the last never: until `released`, or until the other side has enough."""
    answer = web.StreamResponse(status=201, headers={"Content-Length": "100000"})
    await answer.prepare(request)
    with contextlib.suppress(ConnectionError):
        while not released.is_set():
            await answer.write(b" ")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRIP_S):
                    await released.wait()
    reset(request)
    return answer
