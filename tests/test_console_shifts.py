"""The console's shifts: who may ask, what is done, and why not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gyrophare.kernel.clock import ManualClock
from gyrophare.server import Server
from lone_worker.shifts.agents import give_watch, insert_agent, the_agent
from tests.department import ORGANISATION, Department

OURS = {"X-Gyrophare": "test"}


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=server.console_url) as session:
        yield session


@pytest.fixture
async def zoe(department: Department) -> int:
    device_id = await department.register("w-1")
    await insert_agent(department.connection, ORGANISATION, "Zoé Martin")
    zoe = await the_agent(department.connection, ORGANISATION, "Zoé Martin")
    await give_watch(department.connection, zoe, device_id)
    return zoe.id


async def post(browser: aiohttp.ClientSession, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    async with browser.post(path, json={} if body is None else body, headers=OURS) as answer:
        return answer.status, await answer.json()


async def test_shift_is_begun_paused_resumed_and_ended(
    department: Department, browser: aiohttp.ClientSession, clock: ManualClock, zoe: int
) -> None:
    async with browser.get("/api/v1/shifts/choices") as answer:
        assert await answer.json() == {
            "agents": [{"id": zoe, "name": "Zoé Martin", "device_id": 1}],
            "watches": [{"id": 1, "label": "w-1"}],
            "profiles": ["mowing", "snow_clearing", "patrol", "chainsaw", "office", "pna11"],
        }
    asked = {"agent_id": zoe, "mission": " RD 70 ", "profile": "mowing", "planned_end_at": "2026-01-14T17:30:00+01:00"}
    status, begun = await post(browser, "/api/v1/shifts", asked)
    assert (status, begun) == (201, {"shift_id": begun["shift_id"], "reachable": False})  # no page is open
    [alert] = await department.rows("select subject from alert")
    assert alert["subject"] == "Personne n'est joignable"
    path = f"/api/v1/shifts/{begun['shift_id']}"
    async with browser.ws_connect("/api/v1/live") as socket:
        [shown] = (await socket.receive_json(timeout=15))["devices"]
        assert shown["planned_end_at"] == "2026-01-14T16:30:00.000Z"
        assert (shown["shift_id"], shown["mission"], shown["paused_at"]) == (begun["shift_id"], "RD 70", None)
        clock.advance(60)
        assert (await post(browser, f"{path}/pause"))[0] == 200
        while shown["state"] != "paused":
            shown = next(iter((await socket.receive_json(timeout=15)).get("devices", [])), shown)
        assert shown["paused_at"] == "2026-01-14T07:43:03.000Z"
    status, refused = await post(browser, f"{path}/pause")
    assert (status, refused["error"]["what"]) == (409, "Ce service est déjà en pause")
    assert (await post(browser, f"{path}/resume"))[0] == 200
    assert (await post(browser, f"{path}/resume"))[0] == 409
    assert (await post(browser, f"{path}/end"))[0] == 200
    status, refused = await post(browser, f"{path}/end")
    assert (status, set(refused["error"])) == (409, {"what", "expected", "do"})
    said = await department.rows("select kind, said_by, account_id from shift_act order by at")
    assert [row["kind"] for row in said] == ["start", "pause", "resume", "end"]
    assert {(row["said_by"], row["account_id"]) for row in said} == {("console", 1)}


async def test_open_page_is_somebody_who_hears(
    department: Department, browser: aiohttp.ClientSession, zoe: int
) -> None:
    async with browser.ws_connect("/api/v1/live") as socket:
        await socket.receive_json(timeout=15)
        await department.until_rows(1, "select from console_presence")
        _, begun = await post(browser, "/api/v1/shifts", {"agent_id": zoe})
    assert begun["reachable"] is True
    assert await department.rows("select from alert") == []


async def test_contact_with_a_provider_is_somebody_who_hears(
    department: Department, browser: aiohttp.ClientSession, zoe: int
) -> None:
    await department.with_contacts("+33600000001")
    _, begun = await post(browser, "/api/v1/shifts", {"agent_id": zoe})
    assert begun["reachable"] is True


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"agent_id": 99}, "Cet agent n'existe pas"),
        ({"device_id": 99}, "Pas de montre pour cet agent"),
        ({"device_id": 2}, "Cette montre protège déjà quelqu'un"),
        ({"agent_id": 2}, "Cet agent est déjà en service"),
    ],
)
async def test_start_that_makes_no_sense_is_refused(
    department: Department, browser: aiohttp.ClientSession, zoe: int, change: dict[str, int], what: str
) -> None:
    await department.on_shift("w-2", agent="Luc")
    status, refused = await post(browser, "/api/v1/shifts", {"agent_id": zoe, "device_id": 1} | change)
    assert status in {404, 409}
    assert refused["error"]["what"] == what
    assert len(await department.rows("select from shift")) == 1


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        {},
        {"agent_id": "1"},
        {"agent_id": True},
        {"agent_id": -1},
        {"agent_id": 2**63},
        {"agent_id": 1, "device_id": 0.5},
        {"agent_id": 1, "mission": 7},
        {"agent_id": 1, "mission": "x" * 201},
        {"agent_id": 1, "mission": "\x00"},
        {"agent_id": 1, "planned_end_at": "2026-01-14T17:30:00"},
        {"agent_id": 1, "planned_end_at": 7},
    ],
)
async def test_nonsense_begins_nothing(
    department: Department, browser: aiohttp.ClientSession, zoe: int, body: object
) -> None:
    status, refused = await post(browser, "/api/v1/shifts", body)
    assert (status, refused["error"]["what"]) == (400, "Demande illisible")
    assert await department.rows("select from shift") == []


@pytest.mark.parametrize("path", ["/api/v1/shifts", "/api/v1/shifts/1/end", "/api/v1/shifts/1/pause"])
async def test_foreign_page_can_do_nothing(browser: aiohttp.ClientSession, path: str) -> None:
    for headers in ({}, OURS | {"Origin": "https://evil.example"}):
        async with browser.post(path, json={}, headers=headers) as answer:
            assert answer.status == 403
    async with browser.get("/api/v1/shifts/choices", headers={"Origin": "null"}) as answer:
        assert answer.status == 403


async def test_shift_of_another_organisation_is_none(
    department: Department, browser: aiohttp.ClientSession, zoe: int
) -> None:
    _, begun = await post(browser, "/api/v1/shifts", {"agent_id": zoe})
    await department.rows("insert into organisation (slug, name) values ('dole', 'Dole') returning id")
    await department.rows("update shift set organisation_id = 2 returning id")
    await department.rows("update agent set organisation_id = 2 returning id")
    assert (await post(browser, f"/api/v1/shifts/{begun['shift_id']}/end"))[0] == 409
    assert (await post(browser, "/api/v1/shifts", {"agent_id": zoe}))[0] == 404
    assert len(await department.rows("select from shift where ended_at is null")) == 1
