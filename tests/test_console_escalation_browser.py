"""The escalation in a real Chromium, as a tired dispatcher sees it: who is next, who heard nothing, who is on call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from alerts import policy_store
from alerts.model import Step
from alerts.policy import Policy
from alerts.rota import Duty
from gyrophare.kernel.clock import ManualClock, SystemClock
from gyrophare.kernel.ids import ContactId
from gyrophare.server import Server
from tests.chromium import NEEDS_BROWSER, open_console, photograph
from tests.department import ORGANISATION, Department

pytestmark = NEEDS_BROWSER

LANDLINE = "+15005550009"  # the provider refuses it: 21614
OWNED = "<img src=x onerror=document.title='owned'>"
STEPS = (
    Step(after_s=0, channel="console", to="console"),
    Step(after_s=0, channel="sms", to="rank 1"),
    Step(after_s=30, channel="sms", to="rank 2"),
    Step(after_s=300, channel="sms", to="duty astreinte", between="00:00-23:59"),
    Step(after_s=600, channel="sms", to="duty direction"),
)


@pytest.fixture
async def night(live_server: Server, department: Department, clock: ManualClock) -> Department:
    """Paul Roy's number is a landline, Anne Petit is on call for three hours, and nobody for the direction."""
    now = SystemClock().now()
    clock.set(now)
    connection = department.connection
    for rank, name, phone in ((1, "Paul Roy", LANDLINE), (2, "Anne Petit", "+33600000002"), (3, OWNED, "+33600000003")):
        await policy_store.put_contact(connection, ORGANISATION, rank, name, phone)
    await policy_store.replace_policies(connection, ORGANISATION, [Policy(name="urgence", kinds=None, steps=STEPS)])
    hour = timedelta(hours=1)
    anne, next_one = (
        Duty(role="astreinte", contact_id=ContactId(number), starts_at=starts_at, ends_at=starts_at + 4 * hour, uid="a")
        for number, starts_at in ((2, now - hour), (1, now + 3 * hour))
    )
    await policy_store.add_duties(connection, ORGANISATION, [anne, next_one])
    await department.on_shift("w-1", agent="Zoé Perrin", mission="Fauchage RD 70")
    await department.send("w-1", department.report("w-1"))
    await department.press("w-1")
    await department.until_rows(1, "select from notification where state = 'failed'")
    await live_server.tick()  # at once: the first one will never hear of it
    await department.until_rows(1, "select from notification where channel = 'sms' and state = 'sent'")
    return department


async def overlaps(page: Page, *selectors: str) -> bool:
    """Whether two of these cover each other, or one stands out of the window's width."""
    return bool(
        await page.evaluate(
            """selectors => {
                const boxes = selectors.map(one => document.querySelector(one).getBoundingClientRect());
                const beside = (a, b) => a.right < b.left + 1 || a.bottom < b.top + 1;
                const cross = (a, b) => !beside(a, b) && !beside(b, a);
                return boxes.some((a, i) => a.right > innerWidth + 1 || boxes.slice(i + 1).some(b => cross(a, b)));
            }""",
            selectors,
        )
    )


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 800), (320, 640)])
async def test_dispatcher_sees_who_heard_nothing_who_is_next_and_who_is_on_call(
    browser: Browser, live_server: Server, night: Department, width: int, height: int
) -> None:
    watched = await open_console(browser, live_server.console_url, width, height)
    page = watched.page
    row = page.locator("[data-alert-id]")
    await expect(row.locator(".next-step")).to_contain_text("Prochaine étape dans 4 min : SMS à Anne Petit")
    await expect(page.locator("#engine-stopped")).to_have_count(0)
    await expect(row).to_contain_text("1 message NON REMIS")
    await expect(page.locator("#on-call [data-role=astreinte]")).to_contain_text("Anne Petit")
    await expect(page.locator("#on-call [data-role=direction] .nobody")).to_have_text("PERSONNE")
    assert not await overlaps(page, ".queue", "#protection", "#on-call")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await photograph(page, f"escalation-{width}", whole=width < 860)

    await page.locator('#undelivered [data-action="open-undelivered"]').click()
    sheet = page.locator("#alarm-sheet")
    failed = sheet.locator('.notifications [data-state="failed"]')
    await expect(failed).to_contain_text("Paul Roy")
    await expect(failed).to_contain_text("ce n’est pas un numéro de mobile")
    assert await sheet.evaluate("sheet => sheet.scrollWidth <= sheet.clientWidth")
    await photograph(page, f"escalation-sheet-{width}")
    await failed.scroll_into_view_if_needed()
    await photograph(page, f"escalation-messages-{width}")
    assert watched.complaints == []


async def test_exhausted_escalation_says_that_nobody_answered(
    browser: Browser, live_server: Server, night: Department, clock: ManualClock
) -> None:
    [alert] = await night.rows("update alert set next_step_at = now() - interval '1 hour' returning id")
    await live_server.tick()
    await night.until_rows(1, "select from alert_event where kind = 'steps_exhausted'")
    watched = await open_console(browser, live_server.console_url)
    page = watched.page
    row = page.locator(f"[data-alert-id='{alert['id']}']")
    await expect(row).to_contain_text("PERSONNE n’a répondu")
    await expect(row.locator(".next-step")).to_have_count(0)
    await expect(page.locator("#undelivered")).to_contain_text("2 messages NON REMIS")
    await row.locator('[data-action="open"]').click()
    await expect(page.locator(".notifications")).to_contain_text("Étape 5 : PERSONNE à prévenir")
    await photograph(page, "escalation-exhausted")
    assert watched.complaints == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 640)])
async def test_dispatcher_puts_somebody_on_call_and_ends_it(
    browser: Browser, live_server: Server, night: Department, width: int, height: int
) -> None:
    watched = await open_console(browser, live_server.console_url, width, height)
    page = watched.page
    await page.locator('[data-action="duty"]').click()
    dialog = page.get_by_role("dialog", name="Astreinte")
    await expect(dialog.locator("[data-duty-id]")).to_have_count(2)
    await expect(dialog.locator('[data-action="end-duty"]')).to_have_count(0)
    await expect(dialog).to_contain_text("se corrige dans le calendrier")
    assert await dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    await photograph(page, f"duty-calendar-{width}")

    await dialog.get_by_label("Rôle").select_option("direction")
    await dialog.get_by_label("Contact").select_option(OWNED)
    await dialog.get_by_label("Jusqu’au").fill("2020-01-01T08:00")
    await dialog.locator('[data-action="add-duty"]').click()
    await expect(dialog.get_by_role("alert")).to_contain_text("La fin vient avant le début")
    await photograph(page, f"duty-refused-{width}")
    tomorrow = SystemClock().now() + timedelta(days=1)
    await dialog.get_by_label("Jusqu’au").fill(f"{tomorrow:%Y-%m-%dT%H:%M}")
    await dialog.locator('[data-action="add-duty"]').click()
    mine = dialog.locator("[data-duty-id]", has_text="direction")
    await expect(mine).to_contain_text(OWNED)
    await expect(page.locator("#on-call [data-role=direction]")).to_contain_text(OWNED)
    await expect(page.locator("#on-call [data-role=direction] .nobody")).to_have_count(0)
    assert await dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    await photograph(page, f"duty-added-{width}")

    await mine.locator('[data-action="end-duty"]').click()  # once is not enough
    assert len(await night.rows("select from duty")) == 3
    await mine.locator('[data-action="end-duty"]').click()
    await expect(mine).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.locator("#on-call [data-role=direction] .nobody")).to_have_text("PERSONNE")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.title() != "owned"
    assert await page.locator("img[src=x]").count() == 0
    assert [one for one in watched.complaints if "409" not in one] == []
