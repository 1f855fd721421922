"""The reference in a real browser: it asks nobody else, and what it shows can be tried on this server."""

from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.web.browser import IN_A_BROWSER, PHONE, Windows

pytestmark = IN_A_BROWSER


async def opened(windows: Windows, operation: str, **options: object) -> Page:
    """The page with the operation of this id open and ready to be tried."""
    page = await windows.open("/docs", **options)
    summary = page.locator(f"#operations-{operation} .opblock-summary-control")
    await summary.click()
    await page.get_by_role("button", name="Try it out").click()
    return page


async def test_an_operation_is_tried_on_this_server_and_no_other_is_asked(windows: Windows) -> None:
    page = await windows.blank()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    await windows.visit(page, "/docs")
    await page.locator("#operations-chat-post_api_rooms .opblock-summary-control").click()
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table")
    await expect(answer.locator(".response-col_status").last).to_contain_text("201")
    await expect(answer).to_contain_text('"name": "Cine"')
    assert {netloc for netloc in asked if netloc} == {urlsplit(windows.url).netloc}


async def test_what_is_wrong_is_shown_with_its_field(windows: Windows) -> None:
    page = await opened(windows, "chat-get_api_rooms_room_messages", viewport=PHONE)
    await page.get_by_placeholder("limit").fill("200")
    await page.get_by_placeholder("room").fill("999")
    await page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table")
    await expect(answer.locator(".response-col_status").last).to_contain_text("404")
    await expect(answer).to_contain_text("room_not_found")


async def test_it_is_as_dark_as_the_page(windows: Windows) -> None:
    page = await windows.open("/docs", color_scheme="light")
    await expect(page.locator("html")).not_to_have_class("dark-mode")
    await page.get_by_role("button", name="Cambiar a tema oscuro").click()
    await expect(page.locator("html")).to_have_class("dark-mode")
