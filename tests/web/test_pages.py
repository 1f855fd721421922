"""The pages in a real browser against a real server: what a visitor notices on the home and telemetry pages."""

import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.web.browser import IN_A_BROWSER, MOVING, Windows

pytestmark = IN_A_BROWSER


def badge(page: Page) -> Any:
    return page.locator("#badge-slot")


async def test_the_badge_tells_people_and_programs_the_same(windows: Windows) -> None:
    page = await windows.open("/")
    await expect(badge(page)).to_have_attribute("data-transport", "ws")
    await expect(page.locator(".badge")).to_contain_text(re.compile(r"En línea · WebSocket · <?\d+ ms"))
    await page.locator(".badge").click()
    await expect(page.locator("#badge-more")).to_contain_text("Huecos")
    await page.keyboard.press("Escape")
    await expect(page.locator("#badge-more")).to_be_hidden()
    await expect(page.locator(".badge")).to_be_focused()


@pytest.mark.parametrize(("rung", "name"), [("ws", "WebSocket"), ("sse", "SSE"), ("poll", "Sondeo largo")])
async def test_a_forced_rung_carries_the_page_and_is_lit(windows: Windows, rung: str, name: str) -> None:
    page = await windows.open("/")
    await page.evaluate("document.body.dataset.mine = 'the same page'")
    await page.get_by_role("link", name=f"Solo {name}", exact=False).click()
    await expect(badge(page)).to_have_attribute("data-transport", rung)
    await expect(page.locator("body")).to_have_attribute("data-mine", "the same page")
    assert page.url.endswith(f"/?transports={rung}#ladder")
    await expect(page.locator(f"[data-rung={rung}]")).to_have_attribute("data-state", "lit")
    await expect(page.locator("#sensors")).to_have_attribute("data-fresh", "true")
    await page.locator(".clap-button").click()
    await expect(page.locator("[data-count]")).to_have_text("1")
    await expect(badge(page)).to_have_attribute("data-gaps", "0")
    await expect(badge(page)).to_have_attribute("data-repeats", "0")


async def test_the_rungs_are_changed_back_and_forth_while_the_claps_count_on(windows: Windows) -> None:
    page, other = await windows.open("/"), await windows.open("/")
    await page.evaluate("document.body.dataset.mine = 'the same page'")
    for claps, rung in enumerate(("sse", "poll", "ws"), start=1):
        await page.locator(f"[data-force={rung}]").click()
        await expect(badge(page)).to_have_attribute("data-transport", rung)
        await other.locator(".clap-button").click()
        await expect(page.locator("[data-count]")).to_have_text(str(claps))
    await page.go_back()
    await expect(badge(page)).to_have_attribute("data-transport", "poll")
    await expect(page.locator("[data-force=poll]")).to_have_attribute("aria-current", "true")
    await page.locator("[data-force='']").click()
    await expect(badge(page)).to_have_attribute("data-transport", "ws")
    await expect(page.locator("body")).to_have_attribute("data-mine", "the same page")
    await expect(badge(page)).to_have_attribute("data-gaps", "0")
    await expect(badge(page)).to_have_attribute("data-repeats", "0")


async def test_a_clap_is_seen_in_every_window_on_every_rung(windows: Windows) -> None:
    pages = [await windows.open(f"/?transports={rung}", **MOVING) for rung in ("ws", "sse", "poll")]
    for clapper in pages:
        await clapper.locator(".clap-button").click()
    for page in pages:
        await expect(page.locator("[data-count]")).to_have_text("3")


async def test_the_sensors_move_for_those_who_come_later_too(windows: Windows) -> None:
    """A device that has fallen silent is first in what a newcomer gets."""
    async with httpx.AsyncClient(base_url=windows.url) as rest:
        measures = {"temperature": 20, "ph": 7, "conductivity": 400, "water_level": 60}
        await rest.post("/api/sensors", json={"reservoir_id": "SILENT", **measures})
    first = await windows.open("/")
    where = first.locator("#sensors [data-where]")
    await expect(where).to_contain_text("EMBALSE")
    second = await windows.open("/")
    shown = second.locator("#sensors [data-where]")
    await expect(shown).to_contain_text("EMBALSE")
    then = await shown.text_content()
    await expect(shown).not_to_have_text(str(then))


async def test_language_and_theme_are_switched_and_kept(windows: Windows) -> None:
    page = await windows.open("/", color_scheme="light")
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("h1")).to_have_text("What happens, when it happens.")
    light = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    await page.get_by_role("button", name="Switch to dark theme").click()
    await page.goto("/chat")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light


async def test_a_keyboard_reaches_the_content_first(windows: Windows) -> None:
    page = await windows.open("/")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Ir al contenido")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_a_device_reading_appears_in_another_window(windows: Windows) -> None:
    sender, watcher = await windows.open("/telemetry"), await windows.open("/telemetry?transports=sse")
    await sender.get_by_role("textbox", name="Embalse").fill("LAGUNA_7")
    await sender.get_by_role("textbox", name="Temperatura").fill("33,5")
    await sender.get_by_role("button", name="Enviar lectura").click()
    await expect(sender.locator("#device-said")).to_have_text("Guardada: LAGUNA_7.")
    shown = watcher.locator("[data-reservoir=LAGUNA_7] [data-measure=temperature]")
    await expect(shown.locator("strong")).to_have_text("33,5")
    await expect(shown.locator("canvas")).to_be_visible()
    await expect(shown.locator(".chart")).to_have_attribute("aria-label", re.compile(r"ahora 33,5 °C"))


async def test_a_wrong_reading_is_explained_at_its_field(windows: Windows) -> None:
    page = await windows.open("/telemetry")
    await page.get_by_role("textbox", name="Acidez").fill("99")
    await page.get_by_role("button", name="Enviar lectura").click()
    await expect(page.get_by_role("textbox", name="Acidez")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#device-ph-wrong")).to_have_text("Tiene que estar entre 0 y 14.")
    await page.get_by_role("textbox", name="Acidez").fill("mucho")
    await page.get_by_role("button", name="Enviar lectura").click()
    await expect(page.locator("#device-ph-wrong")).to_have_text("Escribe un número, por ejemplo 21,5.")


async def test_the_charts_are_fed_while_one_looks(windows: Windows) -> None:
    page = await windows.open("/telemetry")
    chart = page.locator("[data-reservoir=EMBALSE_01] [data-measure=ph] .chart")
    await expect(chart).to_have_attribute("aria-label", re.compile(r"en ([3-9]|\d\d+) lecturas"))
    rows = page.locator("[data-reservoir=EMBALSE_01] tbody tr")
    await page.locator("[data-reservoir=EMBALSE_01] summary").click()
    await expect(rows.nth(2)).to_be_visible()
