"""Every page: axe-core finds nothing serious at both sizes, light and dark; none scrolls sideways; it is well built
in both languages.

The pages show the demo data and are connected while they are looked at.
"""

import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.running import NODE_CLIENTS, ServerProcess
from tests.web.browser import DESK, IN_A_BROWSER, PHONE, Windows, windows_on
from tests.web.pages import PAGES

pytestmark = IN_A_BROWSER

AXE = NODE_CLIENTS / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async (rules) => (await axe.run(document, { resultTypes: ["violations"], ...rules })).violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => `${node.target} ${node.failureSummary}`) }))"""
UNLABELLED = """[...document.querySelectorAll("input:not([type=hidden]), textarea, select")]
    .filter((field) => !field.labels?.length && !field.ariaLabel).map((field) => field.outerHTML)"""
OUTSIDE = """[...document.querySelectorAll("main *")].filter((one) => {
    const { right, width } = one.getBoundingClientRect();
    const held = (part) =>
        part !== document.body && (getComputedStyle(part).overflowX !== "visible" || held(part.parentElement));
    return width > 1 && right > innerWidth + 1 && one.checkVisibility({ visibilityProperty: true })
        && !held(one.parentElement) && !one.closest("svg, details, .unseen");
}).map((one) => one.outerHTML.slice(0, 200))"""
# The theme changes colours and nothing else.
THEMES: dict[Any, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}


@pytest.fixture(scope="module")
def full_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the demo data, whose sensors let a page stand still while its colours are measured."""
    server = ServerProcess(tmp_path_factory.mktemp("server"), empty=0, sensor_interval=60)
    yield server.start()
    server.check_clean_end()


@pytest_asyncio.fixture(loop_scope="session")
async def full_windows(full_server: ServerProcess) -> AsyncIterator[Windows]:
    async with windows_on(full_server.url) as windows:
        yield windows


@pytest.mark.node
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
async def test_no_page_shuts_anybody_out(full_windows: Windows, screen: dict[str, int]) -> None:
    # Its own policy lets a page load no script of ours; what animates is measured where it ends.
    page = await full_windows.blank(viewport=screen, bypass_csp=True, reduced_motion="reduce")
    found: dict[str, Any] = {}
    for path in PAGES:
        await page.emulate_media(color_scheme="light")
        await full_windows.visit(page, path)
        await page.add_script_tag(path=str(AXE))
        for theme, rules in THEMES.items():
            await page.emulate_media(color_scheme=theme)
            await settled(page)
            if violations := await page.evaluate(RUN, rules):
                found[f"{path}, {theme}"] = violations
        if (wider := await page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
            found[f"{path}, wider than its screen by"] = wider
    assert found == {}


async def settled(page: Page) -> None:
    """What the page draws at first is drawn, and no colour is on its way to another one."""
    await page.wait_for_load_state("load")
    await page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    await page.evaluate("""Promise.allSettled(document.getAnimations()
        .filter((one) => one.effect.getComputedTiming().endTime < Infinity).map((one) => one.finished))""")


async def headings(page: Page) -> list[int]:
    levels: list[int] = await page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')].filter((one) => one.checkVisibility())"
        ".map((one) => Number(one.tagName[1]))"
    )
    return levels


@pytest.mark.parametrize("language", ["es", "en"])
async def test_each_page_says_what_it_is_in_its_language(full_windows: Windows, language: str) -> None:
    page = await full_windows.blank(locale=language, viewport=PHONE)
    for path in PAGES:
        await full_windows.visit(page, path)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        levels = await headings(page)
        assert levels.count(1) == 1, path
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), (path, levels)
        assert await page.evaluate(UNLABELLED) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert await page.evaluate(OUTSIDE) == [], path
        assert await page.get_by_role("main").count() == 1, path
