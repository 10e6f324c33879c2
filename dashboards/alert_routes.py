"""What a dispatcher does with an alert, over HTTP: take it, write down what is learnt, end it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable
from typing import Any, Protocol

from aiohttp import web

from dashboards import read_models
from dashboards.answers import answer, foreign, refusal
from dashboards.read_models import Viewer
from gyrophare.kernel.ids import AccountId, AlertId
from gyrophare.platform.db import Pool

CAUSES = ("real", "false", "test", "technical")
_TEXT_MAX = 2_000
_NOTE = f'{{"text": "…"}}, {_TEXT_MAX} caractères au plus'
_CLOSE = '{"cause": "real" | "false" | "test" | "technical", "reached": true | false, "outcome": "…"}'


class Desk(Protocol):
    """What is done is decided elsewhere; each answers in a word: yes, already, not_reached or unknown."""

    def acknowledge(self, alert_id: AlertId, account_id: AccountId) -> Awaitable[str]: ...
    def present(self, alert_id: AlertId, account_id: AccountId) -> Awaitable[None]: ...
    def note(self, alert_id: AlertId, account_id: AccountId, text: str) -> Awaitable[str]: ...
    def close(
        self, alert_id: AlertId, account_id: AccountId, cause: Any, outcome: str, *, reached: bool
    ) -> Awaitable[str]: ...


class AlertRoutes:
    """Routes under an alert."""

    def __init__(self, pool: Pool, viewer: Viewer, desk: Desk) -> None:
        self._pool = pool
        self._viewer = viewer
        self._desk = desk

    def add_to(self, router: web.UrlDispatcher) -> None:
        path = r"/api/v1/alerts/{alert_id:\d{1,18}}"
        router.add_post(f"{path}/acknowledge", self._serve_acknowledge)
        router.add_post(f"{path}/notes", self._serve_note)
        router.add_post(f"{path}/close", self._serve_close)

    async def _serve_acknowledge(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request, writes=True):
            return refused
        alert_id = _alert_id(request)
        return await self._answer(alert_id, await self._desk.acknowledge(alert_id, self._viewer.account_id))

    async def _serve_note(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request, writes=True):
            return refused
        text = await _read_note(request)
        if text is None:
            return refusal(
                400, "Note illisible", f'{{"text": "…"}}, {_TEXT_MAX} caractères au plus', "Corrigez la note."
            )
        alert_id = _alert_id(request)
        return await self._answer(alert_id, await self._desk.note(alert_id, self._viewer.account_id, text))

    async def _serve_close(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request, writes=True):
            return refused
        said = await _read_close(request)
        if said is None:
            return refusal(400, "Clôture illisible", _CLOSE, "Dites la cause et si l'agent a été joint.")
        cause, outcome, reached = said
        alert_id = _alert_id(request)
        done = await self._desk.close(alert_id, self._viewer.account_id, cause, outcome, reached=reached)
        return await self._answer(alert_id, done)

    async def _answer(self, alert_id: AlertId, done: str) -> web.Response:
        async with self._pool.connection() as connection:
            alert = await read_models.alert(connection, self._viewer.organisation_id, alert_id)
        if done == "unknown" or alert is None:
            return refusal(404, f"L'alerte A{alert_id} n'existe pas", "une alerte de la file", "Rechargez la page.")
        if done == "not_reached":
            return refusal(
                409,
                f"A{alert_id} reste ouverte : l'agent n'a pas été joint",
                "la confirmation que quelqu'un lui a parlé ou l'a vu",
                "Faites joindre l'agent, puis confirmez-le.",
            )
        if done == "already":
            closed = alert["state"] == "closed"
            who = alert["closed_by" if closed else "acknowledged_by"]
            what = f"Déjà {'close' if closed else 'prise en charge'} par {who}"
            return answer(409, {"error": {"what": what, "alert": alert}})
        return answer(200, alert)


def _alert_id(request: web.Request) -> AlertId:
    return AlertId(int(request.match_info["alert_id"]))


async def _read_note(request: web.Request) -> str | None:
    with contextlib.suppress(ValueError, RecursionError):
        match await request.json():
            case {"text": str(text)} if _storable(text) and text.strip():
                return text.strip()
    return None


async def _read_close(request: web.Request) -> tuple[str, str, bool] | None:
    with contextlib.suppress(ValueError, RecursionError):
        match await request.json():
            case {"cause": str(cause), "reached": bool(reached), **rest} if cause in CAUSES:
                outcome = rest.get("outcome", "")
                if isinstance(outcome, str) and _storable(outcome):
                    return cause, outcome.strip(), reached
    return None


def _storable(text: str) -> bool:
    """Whether PostgreSQL takes it as text, and a person reads it."""
    return len(text) <= _TEXT_MAX and "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
