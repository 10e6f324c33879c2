"""The console's page in a real Chromium. Screenshots are left in test-artifacts/ for a person to look at."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from dashboards.server import WEB

ARTIFACTS = Path(__file__).parent.parent / "test-artifacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_BROWSER = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: the console is untested. apt-get install chromium"),
    pytest.mark.skipif(not (WEB / "index.html").is_file(), reason="the console is not built: run `make setup`"),
]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                # Draw without a graphics card, and without Chromium's remarks on how slow that is.
                "--use-gl=angle",
                "--use-angle=swiftshader",
                "--enable-unsafe-swiftshader",
            ],
        )
        yield browser
        await browser.close()


class Watched:
    """A page whose complaints and requests are written down."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(re.sub(r"^\w+://([^/]*).*", r"\1", request.url)))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


async def open_console(browser: Browser, url: str, width: int = 1280, height: int = 800) -> Watched:
    page = await browser.new_page(viewport={"width": width, "height": height}, locale="fr-FR")
    watched = Watched(page)
    await page.goto(url)
    await expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=15_000)
    return watched


async def photograph(page: Page, name: str, *, whole: bool = False) -> None:
    """What is in sight, or the whole page."""
    ARTIFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=whole)
