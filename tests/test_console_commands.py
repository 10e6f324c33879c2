"""What a dispatcher tells a watch over HTTP: to whom it may go, that it is written down, what the page sees of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from dashboards.live import Live
from dashboards.read_models import COMMANDS_MAX, COMMANDS_PUSHED_MAX, commands_since
from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.observations import Wire
from gyrophare.server import Server
from tests.commanded import Ear, a_message, a_prealarm, command_is, queued
from tests.department import ORGANISATION, Department

OURS = {"X-Gyrophare": "test"}
HELLO = {"kind": "message", "text": "On passe à midi ?", "replies": ["Oui", "Non"]}


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=server.console_url) as session:
        yield session


async def post(
    browser: aiohttp.ClientSession, device_id: int, body: Any, headers: dict[str, str] = OURS
) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with browser.post(f"/api/v1/devices/{device_id}/commands", data=data, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_message_goes_to_the_watch_and_the_page_sees_what_becomes_of_it(
    department: Department, browser: aiohttp.ClientSession, broker: MqttBroker, clock: ManualClock
) -> None:
    device_id = await department.on_shift("w-1")
    async with Ear.of(broker.url, "w-1", clock) as ear, browser.ws_connect("/api/v1/live") as socket:
        status, command = await post(browser, device_id, HELLO)
        assert (status, command["by"]) == (201, "Poste de supervision")
        assert command["state"] in {"pending", "sending", "sent"}  # the sender is woken by the commit
        told = await ear.next()
        assert (told["text"], told["replies"], told["id"]) == ("On passe à midi ?", ["Oui", "Non"], f"c{command['id']}")
        await command_is(department, "sent")
        await department.press("w-1", "reply", command=told["id"], text="Oui")

        seen: dict[str, Any] = {"state": None}
        while seen["state"] != "answered":
            delta = await socket.receive_json(timeout=15)
            for seen in delta.get("commands", ()):
                assert seen["id"] == command["id"]
        assert (seen["answer"], seen["delivered_at"]) == ("Oui", "2026-01-14T07:42:03.000Z")

    async with browser.get(f"/api/v1/devices/{device_id}/commands") as answer:
        assert await answer.json() == {"device_id": device_id, "commands": [seen]}


async def test_locating_is_a_look_that_is_written_down_without_words(
    department: Department, browser: aiohttp.ClientSession
) -> None:
    device_id = await department.on_shift("w-1")
    assert (await post(browser, device_id, {"kind": "locate"}))[0] == 201
    assert (await post(browser, device_id, HELLO))[0] == 201
    detail = {"device_id": device_id}
    assert await department.rows("select account_id, what, detail from access_log order by id") == [
        {"account_id": 1, "what": "locate", "detail": detail},
        {"account_id": 1, "what": "message", "detail": detail},
    ]
    commands = await department.rows("select kind, account_id, shift_id is not null as shift from command order by id")
    assert commands == [{"kind": kind, "account_id": 1, "shift": True} for kind in ("locate", "message")]


async def test_watch_of_a_discreet_sos_is_not_made_to_ring_but_may_be_located(
    department: Department, browser: aiohttp.ClientSession
) -> None:
    device_id, other = await department.on_shift("w-1"), await department.on_shift("w-2", agent="Zoé")
    await department.press("w-1", "duress")
    await department.until_rows(1, "select from alert where kind = 'duress'")
    for _ in ("triggered", "acknowledged"):
        status, said = await post(browser, device_id, HELLO)
        assert (status, said["error"]["what"]) == (409, "SOS discret : ne pas faire sonner la montre")
        assert (await post(browser, device_id, {"kind": "locate"}))[0] == 201
        await department.rows(
            "update alert set state = 'acknowledged', acknowledged_at = raised_at, acknowledged_by = 1 returning id"
        )
    assert (await post(browser, other, HELLO))[0] == 201
    await department.close_alerts()
    assert (await post(browser, device_id, HELLO))[0] == 201


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Gyrophare": "test", "Origin": "https://evil.example"}, {"X-Gyrophare": "test", "Origin": "null"}],
)
async def test_foreign_page_tells_no_watch_anything(
    department: Department, browser: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    device_id = await department.on_shift("w-1")
    assert (await post(browser, device_id, HELLO, headers))[0] == 403
    if "Origin" in headers:
        async with browser.get(f"/api/v1/devices/{device_id}/commands", headers=headers) as answer:
            assert answer.status == 403
    assert await department.rows("select from command") == await department.rows("select from access_log") == []


async def test_watch_that_cannot_be_told_is_refused_with_the_reason(
    department: Department, browser: aiohttp.ClientSession
) -> None:
    phone = await department.on_shift("michelot/telephone", wire=Wire.OWNTRACKS)
    idle = await department.register("w-2")
    revoked = await department.on_shift("w-3", agent="Zoé")
    await department.rows("update device set revoked_at = now() where id = %(id)s returning id", id=revoked)
    [town] = await department.rows("insert into organisation (slug, name) values ('is', 'Is') returning id")
    foreign = await department.on_shift("w-4", agent="Noé")
    await department.rows(
        "update device set organisation_id = %(town)s where id = %(id)s returning id", town=town["id"], id=foreign
    )
    for device_id, status, what in (
        (phone, 409, "Cette montre ne sait pas recevoir de message"),
        (idle, 409, "Cette montre n'est pas en service"),
        (revoked, 409, "Cette montre n'est pas en service"),
        (foreign, 404, "Cette montre n'existe pas"),
        (10**17, 404, "Cette montre n'existe pas"),
    ):
        for body in (HELLO, {"kind": "locate"}):
            answered, said = await post(browser, device_id, body)
            assert (answered, said["error"]["what"]) == (status, what)
            assert set(said["error"]) == {"what", "expected", "do"}
    assert await department.rows("select from command") == await department.rows("select from access_log") == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "locate"),
        (b"[" * 10_000, "locate"),
        ([], "locate"),
        ({"kind": "prealarm", "text": "", "replies": []}, "locate"),
        ({"kind": "message"}, "replies"),
        ({"kind": "message", "text": "Oui ?", "replies": [1]}, "replies"),
        ({"kind": "message", "text": "", "replies": []}, "160 caractères"),
        ({"kind": "message", "text": "x" * 161, "replies": []}, "160 caractères"),
        ({"kind": "message", "text": "a\0b", "replies": []}, "160 caractères"),
        ({"kind": "message", "text": "\ud800", "replies": []}, "160 caractères"),
        ({"kind": "message", "text": "Oui ?", "replies": ["Oui", "Oui"]}, "différentes"),
    ],
)
async def test_message_that_no_watch_can_show_is_refused_with_what_was_expected(
    department: Department, browser: aiohttp.ClientSession, body: object, expected: str
) -> None:
    device_id = await department.on_shift("w-1")
    status, said = await post(browser, device_id, body)
    assert status == 400
    assert expected in said["error"]["expected"]
    assert await department.rows("select from command") == []


async def test_list_holds_the_last_of_that_device_newest_first(
    department: Department, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    device_id, other = await department.on_shift("w-1"), await department.on_shift("w-2", agent="Zoé")
    ids = [
        (await queued(department, a_message(device_id, clock.now(), name="nobody")))[0] for _ in range(COMMANDS_MAX + 1)
    ]
    await queued(department, a_message(other, clock.now(), name="nobody"))
    async with browser.get(f"/api/v1/devices/{device_id}/commands") as answer:
        found = (await answer.json())["commands"]
    assert [command["id"] for command in found] == ids[:0:-1]


async def test_push_is_bounded_and_remembers_nothing_that_it_will_not_see_again(
    department: Department, server: Server, clock: ManualClock
) -> None:
    device_id = await department.on_shift("w-1")
    [mine] = await queued(department, a_message(device_id, clock.now(), name="nobody"))
    await department.rows("update command set account_id = 1 returning id")
    many = [a_prealarm(device_id, clock.now(), number) for number in range(COMMANDS_PUSHED_MAX + 50)]
    await queued(department, *many)
    async with server.pool.connection() as connection:
        pushed = await commands_since(connection, ORGANISATION, clock.now())
    assert len(pushed) == COMMANDS_PUSHED_MAX
    assert pushed[0]["id"] == mine

    live = Live(server.pool, clock, server.live._viewer, "test", server.live._rota)
    await live._push_changes(None, clock.now())
    assert sum(kind == "command" for kind, _ in live._sent) == COMMANDS_PUSHED_MAX
    clock.advance(60)
    # The server's own sender lets them expire meanwhile, which is a change that is pushed once more.
    over = "select where not exists (select from command where kind = 'prealarm' and state <> 'expired')"
    await department.until_rows(1, over)
    clock.advance(60)
    await live._push_changes(None, clock.now())
    assert sum(kind == "command" for kind, _ in live._sent) == 0


async def test_page_knows_who_can_be_told_and_when_the_wearer_knew_that_somebody_comes(
    department: Department, browser: aiohttp.ClientSession, broker: MqttBroker, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    await department.on_shift("michelot/telephone", wire=Wire.OWNTRACKS, agent="Thomas Michelot")
    await department.press("w-1")
    [alert] = await department.until_rows(1, "select id from alert")
    async with Ear.of(broker.url, "w-1", clock) as ear:
        async with browser.post(f"/api/v1/alerts/{alert['id']}/acknowledge", json={}, headers=OURS) as answer:
            assert answer.status == 200
        told = await ear.next()
    clock.advance(2)
    await department.press("w-1", "delivered", command=told["id"])
    await department.until_rows(1, "select from notification where delivered_at is not null")
    async with browser.ws_connect("/api/v1/live") as socket:
        snapshot = await socket.receive_json(timeout=15)
    assert [device["hears_commands"] for device in snapshot["devices"]] == [True, False]
    [reached] = [one for one in snapshot["alerts"][0]["notifications"] if one["channel"] == "watch"]
    assert reached["delivered_at"].startswith("2026-01-14T07:42:05")
