"""The console's border: who may ask, what every answer carries, what the live socket says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gyrophare.kernel.clock import ManualClock
from gyrophare.kernel.errors import SettingsError
from gyrophare.server import Server, refuse_foreign_address
from lone_worker.shifts import store as shifts
from tests.department import DIJON, Department


@pytest.fixture
async def browser(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=server.console_url) as session:
        yield session


async def next_of(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of that type."""
    while True:
        said: dict[str, Any] = await socket.receive_json(timeout=15)
        if said["type"] == kind:
            return said


async def test_page_sees_an_alarm_rise_and_be_taken(
    server: Server, department: Department, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    device_id = await department.on_shift("w-1", agent="<img src=x onerror=alert(1)>")
    async with browser.ws_connect("/api/v1/live", headers={"Origin": server.console_url}) as socket:
        snapshot = await next_of(socket, "snapshot")
        assert snapshot["organisation"]["name"] == "Département de la Côte-d'Or"
        [device] = snapshot["devices"]
        assert device["label"] == "<img src=x onerror=alert(1)>"
        assert (device["state"], device["position"], device["battery_pct"]) == ("unknown", None, None)

        await department.send("w-1", department.report("w-1", steps=3))
        [moved] = (await next_of(socket, "delta"))["devices"]
        assert (moved["id"], moved["position"]["lat"], moved["position"]["lon"]) == (device_id, *DIJON)

        await department.press("w-1")
        delta = await next_of(socket, "delta")
        while not delta["alerts"]:
            delta = await next_of(socket, "delta")
        [alert] = delta["alerts"]
        assert (alert["kind"], alert["state"], alert["ref"]) == ("sos", "triggered", f"A{alert['id']}")

        await socket.send_json({"type": "presented", "alert_id": alert["id"]})
        await department.until_rows(1, "select from alert_event where kind = 'presented'")
        await department.until_rows(1, "select from notification where channel = 'console' and state = 'sent'")
        async with browser.post(
            f"/api/v1/alerts/{alert['id']}/acknowledge", json={}, headers={"X-Gyrophare": "test"}
        ) as answer:
            assert answer.status == 200
        while alert["state"] != "acknowledged":
            alert = ([alert, *(await next_of(socket, "delta"))["alerts"]])[-1]
    looks = await department.rows("select what, account_id from access_log")
    assert looks == [{"what": "live_map", "account_id": 1}]


async def test_agent_leaves_the_page_when_the_shift_ends(
    department: Department, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    device_id = await department.on_shift("w-1")
    async with browser.ws_connect("/api/v1/live") as socket:
        assert [device["id"] for device in (await next_of(socket, "snapshot"))["devices"]] == [device_id]
        await next_of(socket, "delta")
        await shifts.end_shift(department.connection, device_id, clock.now())
        clock.advance(5)
        assert (await next_of(socket, "snapshot"))["devices"] == []


async def test_trail_is_shown_and_the_look_is_written_down(
    department: Department, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    device_id = await department.on_shift("w-1")
    await department.send("w-1", department.report("w-1"))
    await department.until_rows(1, "select from fix")
    day = {"from": "2026-01-14T00:00:00+01:00", "until": "2026-01-15T00:00:00+01:00"}
    async with browser.get(f"/api/v1/devices/{device_id}/trail", params=day) as answer:
        shown = await answer.json()
    assert shown == {
        "device_id": device_id,
        "from": "2026-01-13T23:00:00.000Z",
        "until": "2026-01-14T23:00:00.000Z",
        "points": [{"at": "2026-01-14T07:42:03.000Z", "lon": DIJON[1], "lat": DIJON[0], "speed_mps": None}],
    }
    assert await department.rows("select what, detail from access_log") == [
        {"what": "trail", "detail": {key: shown[key] for key in ("device_id", "from", "until")}}
    ]


async def test_protection_of_shifts_is_shown_and_the_look_is_written_down(
    department: Department, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    await department.on_shift("w-1")
    clock.advance(60)
    day = {"from": "2026-01-14T00:00:00+01:00", "until": "2026-01-15T00:00:00+01:00"}
    async with browser.get("/api/v1/shifts/protection", params=day) as answer:
        shown = await answer.json()
    [shift] = shown.pop("shifts")
    assert shown == {"from": "2026-01-13T23:00:00.000Z", "until": "2026-01-14T23:00:00.000Z"}
    assert (shift["agent"], shift["mission"], shift["ended_at"]) == ("Martin Lefèvre", "Fauchage RD 70", None)
    assert (shift["not_protected_s"], shift["degraded_s"]) == (60, 0)
    assert await department.rows("select what, detail from access_log") == [
        {"what": "shift_protection", "detail": shown}
    ]


@pytest.mark.parametrize("path", ["/api/v1/devices/1/trail", "/api/v1/shifts/protection"])
@pytest.mark.parametrize(
    "period",
    [
        {},
        {"from": "2026-01-14T00:00:00Z"},
        {"from": "2026-01-14T00:00:00", "until": "2026-01-15T00:00:00"},
        {"from": "2026-01-14T00:00:00Z", "until": "2026-01-14T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "until": "2026-03-14T00:00:00Z"},
        {"from": "now", "until": "then"},
        {"from": "0001-01-01T00:00:00+14:00", "until": "0001-01-01T09:00:00+14:00"},
    ],
    ids=["none", "no end", "no zone", "empty", "too long", "words", "before time"],
)
async def test_look_at_no_period_is_refused_and_not_written_down(
    department: Department, browser: aiohttp.ClientSession, period: dict[str, str], path: str
) -> None:
    async with browser.get(path, params=period) as answer:
        assert (answer.status, (await answer.json())["error"]["what"]) == (400, "Période illisible")
    assert await department.rows("select from access_log") == []


async def test_heartbeat_tells_whether_the_engine_ticks(
    server: Server, browser: aiohttp.ClientSession, clock: ManualClock
) -> None:
    async with browser.ws_connect("/api/v1/live") as socket:
        beat = await next_of(socket, "heartbeat")
        assert (beat["engine_ok"], beat["not_heard_since_at"]) == (False, None)
        await server.tick()
        clock.advance(0)
    async with browser.ws_connect("/api/v1/live") as socket:
        beat = await next_of(socket, "heartbeat")
        assert (beat["engine_ok"], beat["tick_age_s"]) == (True, 0.0)


@pytest.mark.parametrize("garbage", ["", "{", "[]", '{"type":"presented"}', '{"type":"presented","alert_id":"x"}'])
async def test_socket_lives_on_when_a_page_says_nonsense(browser: aiohttp.ClientSession, garbage: str) -> None:
    async with browser.ws_connect("/api/v1/live") as socket:
        await next_of(socket, "snapshot")
        await socket.send_str(garbage)
        await socket.send_json({"type": "presented", "alert_id": 12345})
        assert await next_of(socket, "heartbeat")


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
async def test_foreign_page_is_refused(browser: aiohttp.ClientSession, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await browser.ws_connect("/api/v1/live", headers={"Origin": origin})
    assert refusal.value.status == 403
    headers = {"Origin": origin, "X-Gyrophare": "test"}
    async with browser.post("/api/v1/alerts/1/acknowledge", json={}, headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("path", ["/api/v1/devices/1/trail", "/api/v1/shifts/protection"])
async def test_look_is_refused_to_a_foreign_page(browser: aiohttp.ClientSession, path: str) -> None:
    async with browser.get(path, headers={"Origin": "https://example.org"}) as answer:
        assert answer.status == 403


async def test_acknowledgement_needs_our_header_and_an_existing_alert(browser: aiohttp.ClientSession) -> None:
    async with browser.post("/api/v1/alerts/1/acknowledge", json={}) as answer:
        assert answer.status == 403
    async with browser.post("/api/v1/alerts/1/acknowledge", json={}, headers={"X-Gyrophare": "test"}) as answer:
        assert answer.status == 404
        assert set(json.loads(await answer.text())["error"]) == {"what", "expected", "do"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("notes", '{"text": "Appelé"}', 200),
        ("notes", '{"text": "  "}', 400),
        ("notes", '{"text": 7}', 400),
        ("notes", '{"text": "\\u0000"}', 400),
        ("notes", '{"text": "\\ud800"}', 400),
        ("notes", json.dumps({"text": "x" * 2_001}), 400),
        ("notes", "[" * 50_000, 400),
        ("close", '{"cause": "false", "reached": false}', 409),
        ("close", '{"cause": "false", "reached": "yes"}', 400),
        ("close", '{"cause": "whatever", "reached": true}', 400),
        ("close", '{"cause": "real"}', 400),
        ("close", '{"cause": "real", "reached": true, "outcome": 7}', 400),
        ("close", '{"cause": "real", "reached": true, "outcome": "\\u0000"}', 400),
        ("close", '{"cause": "real", "reached": true, "outcome": "Évacué"}', 200),
    ],
)
async def test_what_is_said_of_an_alert_is_taken_or_refused_with_what_was_expected(
    browser: aiohttp.ClientSession, department: Department, path: str, body: str, status: int
) -> None:
    await department.on_shift("w-1")
    await department.press("w-1")
    [alert] = await department.until_rows(1, "select id from alert")
    headers = {"X-Gyrophare": "test", "Content-Type": "application/json"}
    url = f"/api/v1/alerts/{alert['id']}/{path}"
    async with browser.post(url, data=body) as answer:
        assert answer.status == 403
    async with browser.post(url, data=body, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        said = await answer.json()
        assert status == 200 or {"what", "expected", "do"} <= said["error"].keys()
    if status == 200 and path == "close":
        assert (said["state"], said["cause"], said["closed_by"]) == ("closed", "real", "Poste de supervision")
        async with browser.post(url, data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["what"]) == (
                409,
                "Déjà close par Poste de supervision",
            )
    async with browser.post(f"/api/v1/alerts/4711/{path}", data=body, headers=headers) as answer:
        assert answer.status == (404 if status in (200, 409) else 400)


async def test_name_that_only_points_here_is_refused(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/", headers={"Host": "rebound.example"}) as answer:
        assert answer.status == 421


@pytest.mark.parametrize("path", ["/", "/api/v1/live", "/nothing-here", "/assets/../../pyproject.toml"])
async def test_every_answer_carries_the_security_headers(browser: aiohttp.ClientSession, path: str) -> None:
    async with browser.get(path) as answer:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "gyrophare" not in (await answer.text() if answer.status >= 400 else "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "supervision.cotedor.fr"])  # noqa: S104
def test_address_that_others_reach_is_refused_with_the_reason(host: str) -> None:
    with pytest.raises(SettingsError, match="accounts"):
        refuse_foreign_address(host)
