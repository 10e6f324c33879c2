"""What a dispatcher sees of the protection of the agents, in a real Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Browser, expect
from psycopg import sql

import alerts.store
from alerts.model import AlertKind, NewAlert
from gyrophare.kernel.clock import ManualClock, SystemClock
from gyrophare.kernel.ids import DeviceId
from gyrophare.server import Server
from lone_worker.profiles import Profile
from lone_worker.shifts import agents
from lone_worker.shifts import store as shifts
from lone_worker.shifts.spans import Terms
from tests.chromium import NEEDS_BROWSER, open_console, photograph
from tests.department import DIJON, ORGANISATION, Department

pytestmark = NEEDS_BROWSER

PATIENT = Profile(name="patrol", prealarm_after_s=(150,), alarm_after_s=3600, silence_after_s=3600)
"""Asks as everybody does, and leaves the test all the time it needs until the alarm."""
CREW = {
    "w-1": ("Martin Lefèvre", "Fauchage RD 70"),
    "w-2": ("Zoé Garnier", "Patrouille RD 971"),
    "w-3": ("Hugo Perrin", "Élagage RD 903"),
    "w-4": ("Élodie Simon", "Nids-de-poule RD 10"),
    "w-5": ("Karim Benali", "Signalisation RD 905"),
    "w-6": ("Inès Moreau", "Patrouille RD 16"),
    "w-7": ("Paul Chevalier", "Curage RD 996"),
}


@pytest.fixture
def now(clock: ManualClock) -> datetime:
    """The department lives by the machine's clock, as the server and the page do."""
    clock.set(SystemClock().now())
    return clock.now()


@asynccontextmanager
async def ticking(server: Server) -> AsyncIterator[None]:
    """The engine ticks as it does in service."""

    async def tick() -> None:
        while True:
            await server.tick()
            await asyncio.sleep(0.5)

    task = asyncio.create_task(tick())
    yield
    task.cancel()
    await asyncio.wait([task])


async def on_shift(department: Department, name: str, since_at: datetime) -> DeviceId:
    """Somebody of the crew, who has not moved since `since_at`."""
    agent, mission = CREW[name]
    agent_id = await agents.insert_agent(department.connection, ORGANISATION, agent)
    device_id = await department.register(name)
    end_at = since_at + timedelta(hours=8)
    terms = Terms(agent_id=agent_id, profile=PATIENT, mission=mission, planned_end_at=end_at)
    await shifts.start_shift(department.connection, device_id, terms, since_at)
    return device_id


async def heard(department: Department, name: str, number: int, *, steps: int | None, battery_pct: float = 83) -> None:
    """A report from a place of its own in the department."""
    at = department.clock.now().isoformat()
    place = {"lat": DIJON[0] + 0.16 * (number % 3 - 1), "lon": DIJON[1] + 0.2 * (number // 3 - 1)}
    fix = {"fixed_at": at, "accuracy_m": 6.5} | place
    await department.send(name, department.report(name, steps=steps, battery_pct=battery_pct, fix=fix))


async def long_ago(department: Department, device_id: DeviceId) -> None:
    """What that watch said was four minutes ago."""
    for table in (sql.Identifier("watch_state"), sql.Identifier("device_latest")):
        aged = sql.SQL("update {} set heard_at = heard_at - interval '4 minutes' where device_id = %s").format(table)
        await department.connection.execute(aged, [device_id])


async def test_prealarm_is_seen_before_the_alarm(
    browser: Browser, live_server: Server, department: Department, now: datetime
) -> None:
    for number, name in enumerate(("w-1", "w-2", "w-3")):
        await on_shift(department, name, now - timedelta(seconds=151))
        await heard(department, name, number, steps=None if name == "w-1" else 4)
    await department.until_rows(3, "select from watch_state where heard_at is not null")
    async with ticking(live_server):
        watched = await open_console(browser, live_server.console_url)
        page = watched.page
        await expect(page.locator('[data-count="prealarm"]')).to_contain_text("1 en pré-alarme")
        await expect(page.locator("#map")).to_have_attribute("data-ready", "true", timeout=30_000)
        bar = await page.locator(".topbar").bounding_box()
        assert bar is not None
        assert bar["height"] < 60  # one line
        await photograph(page, "prealarm-map")
        await page.keyboard.press("m")
        first = page.locator("#device-table tbody tr").first
        await expect(first).to_contain_text("Martin Lefèvre")
        await expect(first).to_contain_text("PRÉ-ALARME")
        await photograph(page, "prealarm-table")
        await first.get_by_role("button").click()
        await expect(page.locator(".card .fact", has_text="Pré-alarmeil y a")).to_be_visible()
        await page.keyboard.press("m")
        await photograph(page, "prealarm-card")
        await department.press("w-1", "ok")
        await expect(page.locator('[data-count="prealarm"]')).to_have_count(0, timeout=15_000)
        assert watched.complaints == []


async def test_who_is_not_protected_is_always_listed_with_why_and_since_when(
    browser: Browser, live_server: Server, department: Department, now: datetime
) -> None:
    devices = {name: await on_shift(department, name, now - timedelta(minutes=10)) for name in CREW}
    for number, name in enumerate(CREW):
        if name != "w-7":  # never heard
            await heard(department, name, number, steps=4, battery_pct=9 if name == "w-4" else 83)
    await department.press("w-5", "pause")
    await department.press("w-6", "removed")
    await department.until_rows(6, "select from watch_state where heard_at is not null")
    await long_ago(department, devices["w-3"])
    async with ticking(live_server):
        watched = await open_console(browser, live_server.console_url)
        page = watched.page
        counts = page.locator("#protection .levels")
        await expect(counts).to_contain_text("2 protégés", timeout=15_000)
        await expect(counts).to_contain_text("1 dégradé")
        await expect(counts).to_contain_text("4 non protégés")
        rows = page.locator("#protection [data-unprotected-id]")
        await expect(rows).to_have_count(4)
        for name, reason in (
            ("w-3", "montre silencieuse"), ("w-5", "en pause"), ("w-6", "montre non portée"), ("w-7", "montre jamais"),
        ):  # fmt: skip
            row = page.locator(f'[data-unprotected-id="{devices[name]}"]')
            await expect(row).to_contain_text(CREW[name][0])
            await expect(row).to_contain_text(reason)
            await expect(row).to_contain_text("depuis")
        await expect(page.locator("#map")).to_have_attribute("data-ready", "true", timeout=30_000)
        await photograph(page, "protection-map")

        await page.keyboard.press("p")  # by the keyboard alone: the list, then the agent
        await page.keyboard.press("Enter")
        await expect(page.locator(".card, #alarm-sheet").first).to_contain_text("Non protégé")
        await photograph(page, "protection-card")
        await page.keyboard.press("Escape")
        await page.keyboard.press("m")
        low = page.locator(f'[data-device-id="{devices["w-4"]}"] .level')
        await expect(low).to_contain_text("Dégradée")
        await expect(low).to_contain_text("batterie faible")
        await photograph(page, "protection-table")
        await page.locator('[data-action="toggle-theme"]').click()
        await photograph(page, "protection-light")
        await page.keyboard.press("?")
        await photograph(page, "legend-light")
        await page.keyboard.press("Escape")
        await page.keyboard.press("m")
        await photograph(page, "protection-map-light")

        await page.locator('[data-action="shift-report"]').click()
        await expect(page.locator("#shift-report tbody tr")).to_have_count(7)
        await page.locator("#shift-report summary").first.click()
        await photograph(page, "protection-report")
        await page.keyboard.press("Escape")
        await expect(page.locator("#shift-report")).to_be_hidden()
        assert watched.complaints == []


async def test_lost_reception_is_one_banner_and_everybody_unprotected(
    browser: Browser, live_server: Server, department: Department, now: datetime
) -> None:
    for number, name in enumerate(CREW):
        await on_shift(department, name, now - timedelta(minutes=10))
        await heard(department, name, number, steps=4)
    await department.until_rows(7, "select from watch_state where heard_at is not null")
    await live_server.tick()
    await department.connection.execute(
        "update engine_tick set ticked_at = %(at)s", {"at": now + timedelta(hours=1)}
    )  # an engine that ticks and hears nobody
    since_at = now - timedelta(minutes=2)
    await department.connection.execute("insert into outage (since_at) values (%(at)s)", {"at": since_at})
    alert = NewAlert(
        organisation_id=ORGANISATION, kind=AlertKind.INFRASTRUCTURE, device_id=None, shift_id=None,
        subject="Réception des montres", mission=None, reply_topic=None, episode="1", episode_at=since_at,
        triggered_at=now, detail={"agents": 7},
    )  # fmt: skip
    await alerts.store.raise_alerts(department.connection, [alert], now)
    watched = await open_console(browser, live_server.console_url)
    page = watched.page
    banner = page.locator("#reception-lost")
    await expect(banner).to_contain_text("RÉCEPTION DES MONTRES PERDUE : 7 agents non protégés depuis", timeout=15_000)
    await expect(page.locator("#protection .levels")).to_contain_text("7 non protégés")
    await expect(page.locator("[data-alert-id]")).to_have_count(1)
    await expect(page.locator("#map")).to_have_attribute("data-ready", "true", timeout=30_000)
    await page.locator('[data-alert-id] [data-action="open"]').click()
    await expect(page.locator("#alarm-sheet")).to_contain_text("7 agents étaient en service.")
    await photograph(page, "reception-lost")
    await department.connection.execute("update outage set until_at = since_at")
    await expect(banner).to_have_count(0, timeout=15_000)
    await expect(page.locator("#protection .levels")).to_contain_text("7 protégés")
    assert watched.complaints == []


async def test_discreet_sos_says_what_must_not_be_done(
    browser: Browser, live_server: Server, department: Department, now: datetime
) -> None:
    await on_shift(department, "w-2", now)
    await heard(department, "w-2", 4, steps=4)
    await department.press("w-2", "duress")
    async with ticking(live_server):
        watched = await open_console(browser, live_server.console_url)
        page = watched.page
        item = page.locator('[data-alert-id][data-kind="duress"]')
        await expect(item).to_contain_text("SOS DISCRET")
        await expect(item).to_contain_text("ne pas faire sonner la montre")
        await expect(page.locator("#map")).to_have_attribute("data-ready", "true", timeout=30_000)
        await item.locator('[data-action="open"]').click()
        sheet = page.locator("#alarm-sheet")
        await expect(sheet.locator(".discreet")).to_contain_text("La montre n’est pas prévenue")
        await photograph(page, "discreet-sos")
        await sheet.locator('[data-action="acknowledge"]').click()
        await expect(item).to_have_attribute("data-state", "acknowledged", timeout=5_000)
        await expect(sheet.locator(".notifications")).not_to_contain_text("Montre")
        await sheet.locator('[data-action="open-card"]').click()
        await expect(page.locator(".card .fact").first).to_have_text("ÉtatSOS DISCRET")
        watch = page.get_by_role("region", name="Montre")
        await expect(watch).to_contain_text("SOS discret : ne pas faire sonner la montre")
        await expect(watch.locator("input, [data-action=write]")).to_have_count(0)
        await watch.locator('[data-action="locate"]').click()
        await expect(watch.locator('[data-kind="locate"]')).to_be_visible()
        await photograph(page, "discreet-card")
        assert watched.complaints == []


async def test_movement_during_an_alarm_is_told_and_closes_nothing(
    browser: Browser, live_server: Server, department: Department, now: datetime
) -> None:
    await department.on_shift("w-1")
    await department.connection.execute(
        "update watch_state set evidence_at = evidence_at - interval '200 seconds', "
        "stillness_due_at = stillness_due_at - interval '200 seconds'"
    )
    await heard(department, "w-1", 4, steps=None)
    await department.until_rows(1, "select from watch_state where heard_at is not null")
    async with ticking(live_server):
        watched = await open_console(browser, live_server.console_url)
        item = watched.page.locator('[data-alert-id][data-kind="stillness"]')
        await expect(item).to_have_attribute("data-state", "triggered", timeout=15_000)
        department.clock.set(SystemClock().now())
        await heard(department, "w-1", 4, steps=6)
        await expect(item).to_contain_text("A bougé depuis", timeout=15_000)
        await item.locator('[data-action="open"]').click()
        news = watched.page.locator('#alarm-sheet [data-news="moved_in_alarm"]')
        await expect(news).to_contain_text("L’alerte reste ouverte")
        await photograph(watched.page, "moved-in-alarm")
        assert watched.complaints == []


async def test_protection_is_read_on_a_narrow_screen_without_scrolling_sideways(
    browser: Browser, live_server: Server, department: Department, now: datetime
) -> None:
    await on_shift(department, "w-1", now)
    await department.press("w-1", "duress")
    await on_shift(department, "w-2", now)
    async with ticking(live_server):
        watched = await open_console(browser, live_server.console_url, width=320, height=640)
        page = watched.page
        await expect(page.locator("#protection [data-unprotected-id]").first).to_contain_text("montre jamais entendue")
        await page.keyboard.press("m")
        await expect(page.locator("#device-table .level").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        queue, panel = await page.evaluate(  # both at once: the page lives on
            "['#alarm-queue', '#protection'].map((id) => document.querySelector(id).getBoundingClientRect().toJSON())"
        )
        assert panel["top"] >= queue["bottom"] > queue["top"] + 100  # the queue first, and whole
        await photograph(page, "protection-narrow", whole=True)
        await page.locator('[data-action="shift-report"]').click()
        await expect(page.locator("#shift-report tbody tr")).to_have_count(2)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        assert watched.complaints == []
