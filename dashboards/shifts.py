"""What a dispatcher can do with shifts: begin, end, pause, go on. What it does is handed in; refusals are in French."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from aiohttp import web

from dashboards.answers import answer, foreign, instant, refusal
from dashboards.live import Live
from dashboards.read_models import Viewer
from gyrophare.kernel.ids import AccountId, AgentId, DeviceId, OrganisationId, ShiftId
from gyrophare.platform import sql
from gyrophare.platform.db import Pool

QUERIES = sql.load(__file__, "shifts.sql")
_TEXT_MAX = 200
_ID_MAX = 2**63

# reason: status, what is, what was expected, what to do
_REFUSALS = {
    "no_agent": (404, "Cet agent n'existe pas", "un agent de la liste", "Rechargez la page."),
    "no_watch": (409, "Pas de montre pour cet agent", "une montre en service", "Choisissez une montre."),
    "watch_on_shift": (409, "Cette montre protège déjà quelqu'un", "une montre libre", "Choisissez une autre montre."),
    "agent_on_shift": (409, "Cet agent est déjà en service", "un agent hors service", "Terminez d'abord son service."),
    "no_profile": (404, "Ce profil n'existe pas", "un profil de la liste", "Rechargez la page."),
    "ended": (409, "Ce service est terminé", "un service en cours", "Rechargez la page."),
    "paused": (409, "Ce service est déjà en pause", "un service sans pause", "Il n'y a rien à faire."),
    "not_paused": (409, "Ce service n'est pas en pause", "un service en pause", "Il n'y a rien à faire."),
}


class Desk(Protocol):
    """Who does it."""

    async def start(
        self,
        organisation_id: OrganisationId,
        account_id: AccountId,
        agent_id: AgentId,
        device_id: DeviceId | None,
        mission: str | None,
        profile_name: str | None,
        planned_end_at: datetime | None,
    ) -> tuple[ShiftId, bool] | str: ...

    async def tell(
        self, organisation_id: OrganisationId, account_id: AccountId, shift_id: ShiftId, what: str
    ) -> str | None: ...


class ShiftRoutes:
    """The routes below /api/v1/shifts."""

    def __init__(self, pool: Pool, live: Live, viewer: Viewer, desk: Desk, profiles: Sequence[str]) -> None:
        self._pool = pool
        self._live = live
        self._viewer = viewer
        self._desk = desk
        self._profiles = profiles

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/api/v1/shifts/choices", self._serve_choices)
        app.router.add_post("/api/v1/shifts", self._serve_start)
        app.router.add_post(r"/api/v1/shifts/{shift_id:\d{1,18}}/{what:end|pause|resume}", self._serve_tell)

    async def _serve_choices(self, request: web.Request) -> web.StreamResponse:
        """Who and what is free for a new shift."""
        if refused := foreign(request):
            return refused
        parameters = {"organisation_id": self._viewer.organisation_id}
        async with self._pool.connection() as connection:
            agents = await (await connection.execute(QUERIES["free_agents"], parameters)).fetchall()
            watches = await (await connection.execute(QUERIES["free_watches"], parameters)).fetchall()
        return answer(200, {"agents": agents, "watches": watches, "profiles": list(self._profiles)})

    async def _serve_start(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request, writes=True):
            return refused
        try:
            asked = _read(await request.read())
        except (ValueError, TypeError, KeyError, RecursionError):
            return refusal(
                400,
                "Demande illisible",
                "agent_id, et au besoin device_id, mission, profile, planned_end_at (2026-01-14T16:00:00Z)",
                "Rechargez la page.",
            )
        viewer = self._viewer
        begun = await self._desk.start(viewer.organisation_id, viewer.account_id, *asked)
        if isinstance(begun, str):
            return refusal(*_REFUSALS[begun])
        self._live.refresh()
        shift_id, reachable = begun
        return answer(201, {"shift_id": shift_id, "reachable": reachable})

    async def _serve_tell(self, request: web.Request) -> web.StreamResponse:
        if refused := foreign(request, writes=True):
            return refused
        shift_id = ShiftId(int(request.match_info["shift_id"]))
        viewer = self._viewer
        why_not = await self._desk.tell(viewer.organisation_id, viewer.account_id, shift_id, request.match_info["what"])
        if why_not is not None:
            return refusal(*_REFUSALS[why_not])
        self._live.refresh()
        return answer(200, {"shift_id": shift_id})


def _read(body: bytes) -> tuple[AgentId, DeviceId | None, str | None, str | None, datetime | None]:
    """What is asked for. Raise ValueError, TypeError or KeyError when it is not what it must be."""
    asked = json.loads(body)
    if not isinstance(asked, dict):
        raise TypeError("expected an object")
    device_id, ends = asked.get("device_id"), asked.get("planned_end_at")
    planned_end_at = None if ends is None else instant(ends)
    if ends is not None and planned_end_at is None:
        raise ValueError("planned_end_at is no instant")
    return (
        AgentId(_number(asked["agent_id"])),
        None if device_id is None else DeviceId(_number(device_id)),
        _line(asked.get("mission")),
        _line(asked.get("profile")),
        planned_end_at,
    )


def _number(value: object) -> int:
    if type(value) is not int or not 0 < value < _ID_MAX:
        raise ValueError("expected a number of ours")
    return value


def _line(value: object) -> str | None:
    """A line of text; None when there is none."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _TEXT_MAX or not value.isprintable():
        raise ValueError(f"expected a line of {_TEXT_MAX} characters at most")
    return value.strip() or None
