"""The page of `envivo cluster` in a browser, by mouse and by keyboard, on a desk and on a phone."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.cli.cluster_command import Command
from tests.web.browser import DESK, IN_A_BROWSER, PHONE, Windows, windows_on
from tests.web.test_accessibility import AXE, RUN, THEMES

pytestmark = [pytest.mark.postgres, pytest.mark.redis, *IN_A_BROWSER]


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    running = Command("2").serves()
    yield running
    running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def windows(command: Command) -> AsyncIterator[Windows]:
    async with windows_on(command.page) as windows:
        yield windows


async def test_a_node_is_killed_by_a_click_and_started_by_the_keyboard(windows: Windows) -> None:
    page = await windows.blank(locale="en")
    await page.goto("/")
    node = page.get_by_role("article", name="Node 2")
    await expect(node.locator(".states")).to_have_text("running")
    await expect(page.locator("#verdict")).to_have_text(re.compile("^Nothing is missing"))

    kill = node.get_by_role("button", name="Kill: node 2")
    await kill.click()
    await expect(node.locator(".states")).to_have_text("no process")
    await expect(page.locator("#timeline li.did").first).to_contain_text("Node 2: killed (kill -9)")
    await expect(kill).to_have_attribute("aria-disabled", "true")
    await expect(kill).to_be_focused()

    for _ in range(4):
        await page.keyboard.press("Tab")
    await expect(node.get_by_role("button", name="Start: node 2", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(node.locator(".states")).to_have_text("running")
    for reader in ("ws", "sse", "poll"):
        for wrong in ("missing", "twice", "disordered"):
            await expect(page.locator(f"[data-reader={reader}] [data-figure={wrong}]")).to_have_text("0")


@pytest.mark.node
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
async def test_it_shuts_nobody_out(windows: Windows, screen: Any) -> None:
    page = await windows.blank(viewport=screen, bypass_csp=True)
    await page.goto("/")
    await expect(page.locator("#timeline li").first).to_be_visible()
    await page.add_script_tag(path=str(AXE))
    for scheme, rules in THEMES.items():
        await page.emulate_media(color_scheme=scheme)
        assert await page.evaluate(RUN, rules) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_it_speaks_spanish_and_says_when_the_command_has_ended(windows: Windows, command: Command) -> None:
    windows.allow("net::ERR_")  # of the page that does not reach it any more
    page = await windows.blank(locale="en")
    await page.goto("/")
    await page.get_by_role("button", name="Español").click()
    await expect(page.locator("h1")).to_have_text("Varios nodos")
    await expect(page.locator("#lost")).to_be_hidden()
    await expect(page.get_by_role("button", name="Matar: nodo 1")).to_be_visible()  # its module runs
    assert await asyncio.to_thread(command.end, signal.SIGTERM) == 0
    await expect(page.locator("#lost")).to_contain_text("no alcanza la orden envivo cluster")
    await expect(page.get_by_role("button", name="Matar: nodo 1")).to_have_attribute("aria-disabled", "true")
