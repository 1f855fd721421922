"""A real Chromium for the page tests: windows of different visitors, and what their consoles complained of."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect

from tests.running import find_chromium

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1280, "height": 820}
PHONE = {"width": 390, "height": 844}
MOVING: dict[str, Any] = {"reduced_motion": "no-preference"}  # the others stand still: what moves keeps a core busy
DEADLINE = 40_000.0  # ms for anything that is awaited; a window may wait 30 s before it looks for its server again
expect.set_options(timeout=DEADLINE)
# To start a browser takes longer than most tests: all of a worker share one, and the event loop that it belongs to.
IN_A_BROWSER = [pytest.mark.browser, pytest.mark.usefixtures("chromium")]


class Chromium:
    """The browser of this process, started when it is wanted, and again where it has crashed."""

    running: ClassVar["Chromium | None"] = None

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None

    async def browser(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            self._browser = await self._playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        return self._browser

    async def stop(self) -> None:
        if self._browser is not None:
            await self._browser.close()


@asynccontextmanager
async def chromium_for_all() -> AsyncIterator[Chromium]:
    """The browser that `windows_on` opens its windows in."""
    async with async_playwright() as playwright:
        chromium = Chromium.running = Chromium(playwright)
        yield chromium
        Chromium.running = None
        await chromium.stop()


class Windows:
    """Opens pages of the server at `url`, each in a browser profile of its own."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.url = url
        self.complaints: list[str] = []
        # A page under test says itself what was refused; a busy machine may paint late.
        self._allowed = "the server responded with a status of|was preloaded using link preload but not used"

    async def open(self, path: str, **options: Any) -> Page:
        """A page at `path` whose badge says that it is connected; `options` are of the browser context."""
        page = await self.blank(**options)
        await self.visit(page, path)
        return page

    async def blank(self, **options: Any) -> Page:
        options.setdefault("viewport", DESK)
        options.setdefault("locale", "es")
        options.setdefault("reduced_motion", "reduce")
        context = await self._browser.new_context(base_url=self.url, **options)
        self._contexts.append(context)
        context.set_default_timeout(DEADLINE)
        context.on("page", self._listen)
        return await context.new_page()

    async def visit(self, page: Page, path: str) -> None:
        """Go to `path` and wait until the page is live."""
        await page.goto(path)
        await page.wait_for_selector("#badge-slot[data-state=connected]")

    async def close(self) -> None:
        """Close all of them, as their visitors would."""
        for context in self._contexts:
            await context.close()

    def allow(self, pattern: str) -> None:
        """Complaints that match are what the test is about."""
        self._allowed = f"{self._allowed}|{pattern}"

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self._note(page, said.type, said.text))

    def _note(self, page: Page, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not re.search(self._allowed, text):
            self.complaints.append(f"{page.url}: {text}")


@asynccontextmanager
async def windows_on(url: str) -> AsyncIterator[Windows]:
    """Windows on the server at `url`; a complaint in any console (a policy violation is one) fails the test."""
    assert Chromium.running is not None, "a test with windows is marked IN_A_BROWSER"
    windows = Windows(await Chromium.running.browser(), url)
    try:
        yield windows
    except BaseException as failure:
        failure.add_note(f"complaints in the consoles: {windows.complaints}")
        raise
    finally:
        await windows.close()
    assert windows.complaints == [], repr(windows.complaints)
