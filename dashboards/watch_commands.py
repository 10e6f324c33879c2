"""What a dispatcher tells a watch, over HTTP: words with answers to press, or "say where you are"."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from dashboards import read_models
from dashboards.answers import answer, foreign, refusal
from dashboards.read_models import Viewer
from gyrophare.kernel.ids import DeviceId
from gyrophare.platform.db import Pool

Write = Callable[[Viewer, DeviceId, str, str, Sequence[str]], Awaitable[int | str]]
"""`(viewer, device, kind, text, replies)`: the number of the command, or in a word why there is none.

Raise ValueError when a watch cannot show it, with what was expected.
"""

_REFUSALS = {
    "unknown": (404, "Cette montre n'existe pas", "une montre du tableau", "Rechargez la page."),
    "discreet": (
        409,
        "SOS discret : ne pas faire sonner la montre",
        "une demande de position, qui ne se remarque pas",
        "N'écrivez pas et ne téléphonez pas à l'agent.",
    ),
    "off_shift": (409, "Cette montre n'est pas en service", "un agent en service", "Appelez l'agent par téléphone."),
    "no_way_back": (
        409,
        "Cette montre ne sait pas recevoir de message",
        "une montre au format natif",
        "Appelez l'agent par téléphone.",
    ),
}


class CommandRoutes:
    """Routes under a device. What is queued is handed in: this package decides nothing."""

    def __init__(self, pool: Pool, viewer: Viewer, write: Write) -> None:
        self._pool = pool
        self._viewer = viewer
        self._write = write

    def add_to(self, router: web.UrlDispatcher) -> None:
        path = r"/api/v1/devices/{device_id:\d{1,18}}/commands"
        router.add_get(path, self._serve_list)
        router.add_post(path, self._serve_write)

    async def _serve_list(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request):
            return refused
        device_id = DeviceId(int(request.match_info["device_id"]))
        async with self._pool.connection() as connection:
            found = await read_models.commands(connection, self._viewer.organisation_id, device_id)
        return answer(200, {"device_id": device_id, "commands": found})

    async def _serve_write(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request, writes=True):
            return refused
        device_id = DeviceId(int(request.match_info["device_id"]))
        try:
            kind, text, replies = await _read(request)
            written = await self._write(self._viewer, device_id, kind, text, replies)
        except ValueError as error:
            return refusal(400, "Message illisible pour une montre", str(error), "Corrigez le message.")
        if isinstance(written, str):
            return refusal(*_REFUSALS[written])
        async with self._pool.connection() as connection:
            command = await read_models.command(connection, self._viewer.organisation_id, written)
        return answer(201, command)


async def _read(request: web.Request) -> tuple[str, str, list[str]]:
    """Raise ValueError when the body is not what a console sends."""
    with contextlib.suppress(ValueError, RecursionError):
        match await request.json():
            case {"kind": str(kind), "text": str(text), "replies": list(replies)} if all(
                isinstance(reply, str) for reply in replies
            ):
                return kind, text, replies
            case {"kind": "locate"}:
                return "locate", "", []
    raise ValueError('{"kind": "message", "text": "…", "replies": ["…"]} ou {"kind": "locate"}')
