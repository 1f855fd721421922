"""The guide in a real browser: it is searched while one types, copied from, read on a phone, and printed."""

import re

import pytest
from playwright.async_api import expect

from tests.web.browser import DESK, IN_A_BROWSER, PHONE, Windows

pytestmark = IN_A_BROWSER

# The points of an element in the window where something else is on top.
_COVERED = """(element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const covered = [];
    const header = document.querySelector(".site").getBoundingClientRect().bottom;
    for (let x = left + 4; x < Math.min(right, innerWidth); x += 12)
        for (let y = Math.max(top + 4, header); y < Math.min(bottom - 4, innerHeight); y += 12)
            if (!element.contains(document.elementFromPoint(x, y))) covered.push([x, y]);
    return covered;
}"""


async def test_the_search_answers_while_one_types_and_the_arrows_walk_through_it(windows: Windows) -> None:
    page = await windows.open("/guide/start", locale="en")
    field = page.get_by_role("searchbox", name="Search the guide")
    await field.press_sequentially("ladder")
    first = page.locator("#guide-search [data-found] a").first
    await expect(first).to_contain_text("The ladder")
    await expect(page.locator("#guide-search [role=status]")).to_have_text(re.compile(r"^\d+ results?$"))
    await page.keyboard.press("ArrowDown")
    await expect(first).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(field).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/guide/idea#the-ladder$"))
    await expect(page.get_by_role("heading", name="The ladder")).to_be_in_viewport()


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
async def test_what_is_found_lies_over_the_text(windows: Windows, screen: dict[str, int]) -> None:
    page = await windows.open("/guide/start", locale="en", viewport=screen)
    await page.get_by_role("searchbox", name="Search the guide").press_sequentially("server")
    found = page.locator("#guide-search [data-found]")
    await expect(found.get_by_role("link").first).to_be_visible()
    # Every point of the list that is in the window belongs to it, whatever the text has below.
    assert await found.evaluate(_COVERED) == []
    await page.mouse.wheel(0, 350)
    assert await found.evaluate(_COVERED) == []


async def test_the_section_that_is_read_is_marked_and_in_view(windows: Windows) -> None:
    page = await windows.open("/guide/trouble", locale="en", viewport={"width": 1280, "height": 480})
    side = page.get_by_role("navigation", name="Pages of the guide")
    await expect(side.locator("[aria-current=page]")).to_be_in_viewport()
    await expect(page.get_by_role("searchbox", name="Search the guide")).to_be_in_viewport()
    assert await page.evaluate("scrollY") == 0
    await page.locator("#close-codes").evaluate("(heading) => heading.scrollIntoView()")
    read = side.locator("[aria-current=location]")
    await expect(read).to_have_text("Close codes")
    await expect(read).to_be_in_viewport()


async def test_escape_closes_the_results_and_leaves_the_field(windows: Windows) -> None:
    page = await windows.open("/guide", locale="en")
    field = page.get_by_role("searchbox", name="Search the guide")
    await field.fill("xyzzy")
    found = page.locator("#guide-search [data-found]")
    await expect(found).to_contain_text("Nothing in the guide says “xyzzy”.")
    await page.keyboard.press("Escape")
    await expect(found).to_be_hidden()
    await expect(field).to_be_focused()


async def test_enter_in_the_field_shows_the_results_as_a_page(windows: Windows) -> None:
    page = await windows.open("/guide", locale="en")
    field = page.get_by_role("searchbox", name="Search the guide")
    await field.fill("ladder")
    await field.press("Enter")
    await expect(page).to_have_url(re.compile(r"/guide\?q=ladder$"))
    await expect(page.get_by_role("region", name="Results of the search").get_by_role("link").first).to_be_visible()


async def test_code_is_copied_with_the_address_of_this_server(windows: Windows) -> None:
    page = await windows.open("/guide/start", locale="en", permissions=["clipboard-read", "clipboard-write"])
    block = page.locator(".code", has_text="/api/publish")
    await block.hover()
    await block.get_by_role("button", name="Copy").click()
    await expect(block.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl -s {windows.url}/api/publish -H ")


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
async def test_the_pages_are_at_the_side_or_behind_a_word(windows: Windows, screen: dict[str, int]) -> None:
    page = await windows.open("/guide/start", locale="en", viewport=screen)
    link = page.get_by_role("navigation", name="Pages of the guide").get_by_role("link", name="The one idea")
    if screen is PHONE:
        await expect(link).to_be_hidden()
        await page.locator("summary", has_text="Pages of the guide").click()
    await link.click()
    await expect(page.locator("h1")).to_have_text("The one idea")


async def test_the_language_changes_on_the_page_itself(windows: Windows) -> None:
    page = await windows.open("/guide/idea", locale="en")
    await page.get_by_role("button", name="Español").click()
    await expect(page.locator("h1")).to_have_text("La idea")
    await expect(page).to_have_url(re.compile(r"/guide/idea$"))


async def test_on_paper_there_is_the_text_and_nothing_else(windows: Windows) -> None:
    page = await windows.open("/guide/print", locale="en")
    await expect(page.get_by_role("button", name="Print")).to_be_visible()
    await page.emulate_media(media="print")
    for gone in (".site", ".guide-only-screen", ".site-foot", ".guide .copy >> nth=0"):
        await expect(page.locator(gone)).to_be_hidden()
    await expect(page.get_by_role("heading", name="The one idea")).to_be_visible()


async def test_what_is_printed_is_dark_on_white_whatever_was_chosen(windows: Windows) -> None:
    page = await windows.open("/guide/idea", locale="en", color_scheme="light")
    await page.locator("#theme").click()
    ink = "getComputedStyle(document.body).color"
    on_screen = await page.evaluate(ink)
    await page.emulate_media(media="print")
    assert await page.evaluate(ink) != on_screen
    assert await page.evaluate(ink) == "rgb(23, 35, 43)"


async def test_the_whole_guide_fits_a_phone_too(windows: Windows) -> None:
    page = await windows.open("/guide/print", locale="es", viewport=PHONE)
    assert await page.locator("h1").count() == 1
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_without_javascript_the_guide_is_read_and_searched(windows: Windows) -> None:
    page = await windows.blank(java_script_enabled=False, locale="en")
    await page.goto("/guide/idea")
    await expect(page.locator("h1")).to_have_text("The one idea")
    await expect(page.locator("#theme")).to_be_hidden()
    await expect(page.locator("main .notice")).to_have_count(0)
    await page.get_by_role("searchbox", name="Search the guide").fill("ladder")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="Results of the search")).to_contain_text("The ladder")
