"""What a dispatcher can do with the on-call rota: see it, put somebody on call, end what was said by hand.

What it does is handed in; refusals are in French.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Protocol

from aiohttp import web

from dashboards.answers import answer, foreign, instant, refusal
from dashboards.live import Live
from dashboards.read_models import Viewer
from dashboards.rota import Rota
from gyrophare.kernel.ids import AccountId, ContactId, OrganisationId

_ID_MAX = 2**63
_ASKED = "role, contact_id, from et until, instants avec fuseau (2026-01-14T17:00:00Z)"

# reason: status, what is, what was expected, what to do
_REFUSALS = {
    "no_role": (404, "Aucune consigne n'appelle ce rôle", "un rôle de la liste", "Rechargez la page."),
    "no_contact": (404, "Ce contact n'existe pas", "un contact de la liste", "Rechargez la page."),
    "over": (409, "Cette astreinte serait déjà finie", "une fin à venir", "Corrigez la fin."),
    "backwards": (409, "La fin vient avant le début", "une fin après le début", "Corrigez le début ou la fin."),
    "too_long": (409, "Cette astreinte est trop longue", "15 jours au plus", "Faites-en plusieurs."),
    "already": (409, "Ce contact est déjà d'astreinte à ce moment", "une autre période", "Il n'y a rien à faire."),
    "no_duty": (404, "Cette astreinte est terminée ou n'existe pas", "une astreinte de la liste", "Rechargez la page."),
    "calendar": (
        409,
        "Cette astreinte vient d'un calendrier, qui la remettrait",
        "une astreinte ajoutée à la main",
        "Corrigez le calendrier, ou ajoutez quelqu'un.",
    ),
}


class Desk(Protocol):
    """Who does it. A refusal is its reason."""

    async def rota(self, organisation_id: OrganisationId) -> Rota: ...

    async def add(
        self,
        organisation_id: OrganisationId,
        account_id: AccountId,
        role: str,
        contact_id: ContactId,
        from_at: datetime,
        until_at: datetime,
    ) -> str | None: ...

    async def end(self, organisation_id: OrganisationId, account_id: AccountId, duty_id: int) -> str | None: ...


class DutyRoutes:
    """The routes below /api/v1/duty. Each answers with the rota as it is now."""

    def __init__(self, live: Live, viewer: Viewer, desk: Desk) -> None:
        self._live = live
        self._viewer = viewer
        self._desk = desk

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/v1/duty", self._serve_rota)
        router.add_post("/api/v1/duty", self._serve_add)
        router.add_post(r"/api/v1/duty/{duty_id:\d{1,18}}/end", self._serve_end)

    async def _serve_rota(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request):
            return refused
        return await self._answer(200)

    async def _serve_add(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request, writes=True):
            return refused
        try:
            asked = _read(await request.read())
        except (ValueError, TypeError, KeyError, RecursionError):
            return refusal(400, "Demande illisible", _ASKED, "Corrigez les heures, ou rechargez la page.")
        why_not = await self._desk.add(self._viewer.organisation_id, self._viewer.account_id, *asked)
        return await self._done(201, why_not)

    async def _serve_end(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request, writes=True):
            return refused
        duty_id = int(request.match_info["duty_id"])
        why_not = await self._desk.end(self._viewer.organisation_id, self._viewer.account_id, duty_id)
        return await self._done(200, why_not)

    async def _done(self, status: int, why_not: str | None) -> web.Response:
        if why_not is not None:
            return refusal(*_REFUSALS[why_not])
        self._live.refresh()
        return await self._answer(status)

    async def _answer(self, status: int) -> web.Response:
        rota = await self._desk.rota(self._viewer.organisation_id)
        return answer(
            status,
            {
                "roles": [role.said for role in rota.roles],
                "entries": [entry.said for entry in rota.entries],
                "contacts": [{"id": contact_id, "name": name} for contact_id, name in rota.contacts.items()],
            },
        )


def _read(body: bytes) -> tuple[str, ContactId, datetime, datetime]:
    """What is asked for. Raise ValueError, TypeError or KeyError when it is not what it must be."""
    asked = json.loads(body)
    role, contact_id = asked["role"], asked["contact_id"]
    if not isinstance(role, str) or type(contact_id) is not int or not 0 < contact_id < _ID_MAX:
        raise ValueError("expected a role and a number of ours")
    from_at, until_at = instant(asked["from"]), instant(asked["until"])
    if from_at is None or until_at is None:
        raise ValueError("expected instants with a zone")
    return role, ContactId(contact_id), from_at, until_at
