"""The console in a real Chromium: the demo's story as a dispatcher lives it, and what must never happen on the page."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gyrophare.embedded import MqttBroker
from gyrophare.kernel.clock import ManualClock, SystemClock
from gyrophare.kernel.ids import DeviceId
from gyrophare.kernel.observations import Wire
from gyrophare.server import Server
from gyrophare.sim.connected import ConnectedWatch
from gyrophare.sim.spool import Spool
from lone_worker.shifts.agents import give_watch, insert_agent, the_agent
from tests.chromium import NEEDS_BROWSER, open_console, photograph
from tests.commanded import a_prealarm, queued
from tests.department import ORGANISATION, Department
from tests.simulated import simulated_watch

pytestmark = NEEDS_BROWSER


async def test_dispatcher_lives_the_demo(browser: Browser, tmp_path: Path) -> None:
    began_s = SystemClock().monotonic_s()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gyrophare.cli",
        "demo",
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "GYROPHARE_DATA_DIR": str(tmp_path),
            "GYROPHARE_HTTP_PORT": "0",
        },
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        said = ""
        async with asyncio.timeout(30):
            while "SMS outbox" not in said:
                said += (await process.stderr.readline()).decode()
        console_url, outbox_url = re.findall(r"http://127\.0\.0\.1:\S+", said)
        drain = asyncio.create_task(process.stderr.read())

        watched = await open_console(browser, console_url)
        page = watched.page
        await expect(page.locator("#map")).to_have_attribute("data-ready", "true", timeout=15_000)
        await expect(page.locator("#map")).to_have_attribute("data-device-count", "13", timeout=15_000)

        still = page.locator('[data-alert-id][data-kind="stillness"]')
        await expect(still).to_have_attribute("data-state", "triggered", timeout=60_000)
        assert SystemClock().monotonic_s() - began_s < 60
        await expect(still).to_contain_text("Martin Lefèvre")
        await photograph(page, "demo-alarm")

        outbox = await browser.new_page()
        await outbox.goto(outbox_url)
        await expect(outbox.get_by_text("IMMOBILE: Martin Lefèvre")).to_be_visible()
        await outbox.close()

        await still.locator('[data-action="open"]').click()
        await page.locator('#alarm-sheet [data-action="acknowledge"]').click()
        await expect(still).to_have_attribute("data-state", "acknowledged", timeout=5_000)

        sos = page.locator('[data-alert-id][data-kind="sos"]')
        await expect(sos).to_have_attribute("data-state", "triggered", timeout=60_000)
        await photograph(page, "demo-sos")
        await page.keyboard.press("a")  # chooses the first alarm that nobody has taken
        await page.keyboard.press("a")
        await expect(sos).to_have_attribute("data-state", "acknowledged", timeout=5_000)
        await photograph(page, "demo-acknowledged")

        assert watched.complaints == []
        assert watched.hosts == {console_url.removeprefix("http://")}
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 20)
    words = (await process.stdout.read()).decode()
    await drain
    assert process.returncode == 0
    assert "The story is complete." in words


async def test_name_with_markup_is_shown_as_text(
    browser: Browser, live_server: Server, department: Department, clock: ManualClock
) -> None:
    clock.set(SystemClock().now())
    name = "<img src=x onerror=document.title='owned'>"
    await department.on_shift("w-1", agent=name, mission="<script>document.title='owned'</script>")
    await department.send("w-1", department.report("w-1"))
    await department.press("w-1")
    watched = await open_console(browser, live_server.console_url)
    item = watched.page.locator("[data-alert-id]")
    await expect(item).to_contain_text(name)
    await item.click()
    await expect(watched.page.locator("#map")).to_have_attribute("data-ready", "true", timeout=30_000)
    await photograph(watched.page, "markup-as-text")
    assert await watched.page.locator("img[src=x]").count() == 0
    assert "owned" not in await watched.page.title() or name in await watched.page.title()
    assert watched.complaints == []


async def test_page_says_so_when_the_server_is_gone(browser: Browser, live_server: Server) -> None:
    watched = await open_console(browser, live_server.console_url)
    await live_server.stop()
    await expect(watched.page.locator("#connection")).to_have_attribute("data-state", "lost", timeout=20_000)
    await expect(watched.page.get_by_text("LIAISON PERDUE").first).to_be_visible()
    await photograph(watched.page, "connection-lost")


async def test_everything_is_reachable_on_a_narrow_screen(
    browser: Browser, live_server: Server, department: Department, clock: ManualClock
) -> None:
    clock.set(SystemClock().now())
    await department.on_shift("w-1")
    await department.press("w-1")
    watched = await open_console(browser, live_server.console_url, width=320, height=640)
    page = watched.page
    item = page.locator("[data-alert-id]")
    await expect(item).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await item.locator('[data-action="open"]').click()
    await page.locator('#alarm-sheet [data-action="acknowledge"]').click()
    await expect(item).to_have_attribute("data-state", "acknowledged", timeout=5_000)
    sheet = page.locator("#alarm-sheet")
    assert await sheet.evaluate("sheet => sheet.scrollWidth <= sheet.clientWidth")
    await photograph(page, "narrow")


@pytest.fixture
async def worn_watch(
    live_server: Server, department: Department, clock: ManualClock, broker: MqttBroker
) -> AsyncIterator[int]:
    """A simulated watch on shift, whose wearer answers; the number of the device."""
    clock.set(SystemClock().now())
    device_id = await department.on_shift("w-1")
    spool = Spool(None)
    watch = ConnectedWatch(simulated_watch(spool, since=clock.now()), broker.url, SystemClock())
    working = asyncio.create_task(watch.run())
    await department.until_rows(1, "select from fix")
    yield device_id
    working.cancel()
    await asyncio.wait([working])
    spool.close()


async def test_dispatcher_writes_to_a_watch_by_keyboard_and_sees_its_wearer_answer(
    browser: Browser, live_server: Server, department: Department, worn_watch: int
) -> None:
    await queued(department, a_prealarm(DeviceId(worn_watch), SystemClock().now(), name="nobody", valid_s=0))
    await department.until_rows(1, "select from command where state = 'expired'")
    watched = await open_console(browser, live_server.console_url)
    page = watched.page
    await page.keyboard.press("m")
    await page.locator("#device-table").get_by_role("button", name="Martin Lefèvre").press("Enter")
    await expect(page.locator('[data-state="expired"]')).to_contain_text("Expiré, JAMAIS ENVOYÉ")

    await page.get_by_label("Écrire à la montre").focus()
    await page.keyboard.type("On passe à midi ?")  # an "m" that must not change the view
    await page.keyboard.press("Enter")
    message = page.locator('[data-kind="message"]')
    await expect(message).to_contain_text("On passe à midi ?")
    await expect(message).to_have_attribute("data-state", "delivered", timeout=10_000)
    await expect(message).to_be_in_viewport()
    await expect(page.get_by_label("Écrire à la montre")).to_have_value("")
    await photograph(page, "watch-delivered")
    await expect(message).to_contain_text("Répondu : Oui", timeout=20_000)

    await page.get_by_role("button", name="Localiser maintenant").press("Enter")
    await expect(page.locator('[data-kind="locate"]')).to_have_attribute("data-state", "delivered", timeout=10_000)
    await photograph(page, "watch-answered")
    await page.keyboard.press("m")
    await expect(page.locator("#map")).to_have_attribute("data-ready", "true", timeout=30_000)
    await photograph(page, "watch-card-on-map")
    assert watched.complaints == []


async def test_answer_shows_when_the_card_of_its_wearer_is_closed(
    browser: Browser, live_server: Server, department: Department, worn_watch: int
) -> None:
    watched = await open_console(browser, live_server.console_url)
    page = watched.page
    await page.keyboard.press("m")
    await page.locator("#device-table").get_by_role("button", name="Martin Lefèvre").click()
    await page.get_by_label("Écrire à la montre").fill("Tout va bien ?")
    await page.get_by_role("button", name="Envoyer").click()
    await expect(page.locator('[data-kind="message"]')).to_be_visible()
    await page.locator('[data-action="close-card"]').click()
    reply = page.locator("[data-reply-id]")
    await expect(reply).to_contain_text("Oui", timeout=20_000)
    await expect(page.locator("#announce-status")).to_have_text("Martin Lefèvre répond : Oui")
    await photograph(page, "watch-reply")
    await reply.get_by_role("button", name="Ouvrir").click()
    await expect(page.locator('[data-kind="message"]')).to_contain_text("Répondu : Oui")
    await expect(reply).to_have_count(0)
    assert watched.complaints == []


async def test_alarm_can_be_written_to_and_says_when_its_wearer_knew(
    browser: Browser, live_server: Server, department: Department, worn_watch: int
) -> None:
    await department.press("w-1", boot="another")
    watched = await open_console(browser, live_server.console_url)
    page = watched.page
    await page.locator('[data-alert-id] [data-action="open"]').click()
    await page.locator('#alarm-sheet [data-action="acknowledge"]').click()
    await expect(page.locator("#alarm-sheet .reached")).to_contain_text("reçu par la montre à", timeout=10_000)
    await page.get_by_label("Écrire à la montre").fill("Restez sur place, on arrive")
    await page.get_by_role("button", name="Envoyer").click()
    await expect(page.locator('#alarm-sheet [data-kind="message"]')).to_have_attribute(
        "data-state", "delivered", timeout=10_000
    )
    await photograph(page, "watch-in-alarm")
    assert watched.complaints == []


async def test_refused_message_stays_and_says_why(
    browser: Browser, live_server: Server, department: Department, clock: ManualClock
) -> None:
    clock.set(SystemClock().now())
    device_id = await department.on_shift("w-1")
    await department.on_shift("michelot/telephone", wire=Wire.OWNTRACKS, agent="Thomas Michelot")
    watched = await open_console(browser, live_server.console_url, width=320, height=640)
    page = watched.page
    await page.keyboard.press("m")
    await page.locator("#device-table").get_by_role("button", name="Thomas Michelot").press("Enter")
    await expect(page.get_by_text("Cette montre ne reçoit pas de message.")).to_be_visible()
    await page.locator("#device-table").get_by_role("button", name="Martin Lefèvre").press("Enter")
    await page.get_by_label("Écrire à la montre").fill("Rentrez")
    await department.rows("update device set revoked_at = now() where id = %(id)s returning id", id=device_id)
    await page.get_by_role("button", name="Envoyer").press("Enter")
    refusal = page.locator(".watch [role=alert]")
    await expect(refusal).to_contain_text("Rien n’est parti vers la montre.")
    await expect(refusal).to_contain_text("Cette montre n'est pas en service")
    await expect(page.get_by_label("Écrire à la montre")).to_have_value("Rentrez")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await photograph(page, "watch-refused-narrow")


async def test_dispatcher_begins_pauses_and_ends_a_shift(
    browser: Browser, live_server: Server, department: Department, clock: ManualClock
) -> None:
    clock.set(SystemClock().now())
    device_id = await department.register("w-1")
    await insert_agent(department.connection, ORGANISATION, "Zoé Martin")
    zoe = await the_agent(department.connection, ORGANISATION, "Zoé Martin")
    await give_watch(department.connection, zoe, device_id)
    watched = await open_console(browser, live_server.console_url)
    page = watched.page
    await page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Prise de service")
    await dialog.get_by_label("Agent").select_option("Zoé Martin")
    await expect(dialog.get_by_label("Montre")).to_have_value(str(device_id))  # her own
    await dialog.get_by_label("Mission").fill("Fauchage RD 70")
    await dialog.get_by_label("Fin prévue").fill("17:30")
    await photograph(page, "new-shift")
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    [shift] = await department.until_rows(1, "select mission, started_by, started_by_account from shift")
    assert shift == {"mission": "Fauchage RD 70", "started_by": "console", "started_by_account": 1}

    await page.keyboard.press("m")
    await page.locator("#device-table").get_by_role("button", name="Zoé Martin").click()
    card = page.locator(".card")
    await card.get_by_role("button", name="Pause", exact=True).click()
    await expect(card.get_by_role("button", name="Reprendre")).to_be_visible()
    await expect(page.locator("#device-table tbody tr")).to_have_attribute("data-state", "paused")
    await photograph(page, "shift-paused")
    await card.get_by_role("button", name="Reprendre").click()
    await expect(card.get_by_role("button", name="Pause", exact=True)).to_be_visible()

    await card.get_by_role("button", name="Terminer").click()  # once is not enough
    await photograph(page, "shift-end-asked")
    assert len(await department.rows("select from shift where ended_at is null")) == 1
    await card.get_by_role("button", name="Confirmer la fin").click()
    await expect(card).to_be_hidden()
    [shift] = await department.rows("select ended_by, ended_by_account from shift")
    assert shift == {"ended_by": "console", "ended_by_account": 1}
    assert watched.complaints == []


async def test_new_shift_fits_a_narrow_screen_and_says_why_it_is_refused(
    browser: Browser, live_server: Server, department: Department, clock: ManualClock
) -> None:
    clock.set(SystemClock().now())
    await department.register("w-1")
    await department.register("w-2")
    await insert_agent(department.connection, ORGANISATION, "Zoé Martin")
    watched = await open_console(browser, live_server.console_url, width=320, height=640)
    page = watched.page
    await page.locator('[data-action="new-shift"]').click()
    dialog = page.get_by_role("dialog", name="Prise de service")
    await dialog.get_by_label("Agent").select_option("Zoé Martin")
    await dialog.get_by_label("Montre").select_option("w-1")
    await department.on_shift("w-1", agent="Luc")  # meanwhile
    await dialog.locator('[data-action="start-shift"]').click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Cette montre protège déjà quelqu'un")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await photograph(page, "new-shift-narrow")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()


async def test_dispatcher_writes_down_what_is_learnt_and_ends_an_alert_when_the_agent_was_reached(
    browser: Browser, live_server: Server, department: Department, clock: ManualClock
) -> None:
    clock.set(SystemClock().now())
    await department.with_contacts("+33600000001", "+33600000002")
    await department.on_shift("w-1", agent="Zoé Perrin", mission="Fauchage RD 70")
    await department.send("w-1", department.report("w-1"))
    await department.press("w-1")
    watched = await open_console(browser, live_server.console_url)
    page = watched.page
    await page.locator('[data-alert-id] [data-action="open"]').click()
    sheet = page.locator("#alarm-sheet")
    await sheet.locator('[data-action="acknowledge"]').click()
    await expect(sheet.locator(".owner")).to_contain_text("Sans action d’ici")

    await sheet.get_by_label("Noter ce que vous apprenez").fill("Appelée, ne répond pas")
    await page.keyboard.press("Enter")
    await expect(sheet.locator(".follow-up li")).to_contain_text("Poste de supervision Appelée, ne répond pas")
    await expect(sheet.get_by_label("Noter ce que vous apprenez")).to_have_value("")

    await sheet.locator('[data-action="end-alert"]').click()
    await photograph(page, "alert-closing")
    await sheet.locator('[data-action="end-alert-now"]').click()  # nothing is chosen: the browser asks
    await expect(sheet).to_have_attribute("data-state", "acknowledged")
    await sheet.get_by_label("une fausse alerte").check()
    await sheet.locator('[data-action="end-alert-now"]').click()  # nobody has reached her
    await expect(sheet).to_have_attribute("data-state", "acknowledged")
    await sheet.get_by_label("L’agent a été joint").check()
    await sheet.get_by_label("Suites données").fill("Elle va bien")
    await sheet.locator('[data-action="end-alert-now"]').click()
    await expect(sheet).to_have_attribute("data-state", "closed", timeout=5_000)
    await expect(sheet.locator(".outcome")).to_have_text("C’était une fausse alerte. L’agent a été joint. Elle va bien")
    await photograph(page, "alert-closed")
    await page.keyboard.press("Escape")
    await page.mouse.move(900, 500)
    await expect(page.locator("[data-alert-id]")).to_have_count(0, timeout=10_000)
    [alert] = await department.rows("select state, cause, reached, outcome from alert")
    assert alert == {"state": "closed", "cause": "false", "reached": True, "outcome": "Elle va bien"}
    assert watched.complaints == []
