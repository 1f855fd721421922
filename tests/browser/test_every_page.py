"""The pages for a keyboard, for somebody who listens to them, and for who reads English."""

import re
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.running import ServerProcess, eventually
from tests.web.browser import IN_A_BROWSER, Windows

pytestmark = IN_A_BROWSER

RUNGS = {"ws": "WebSocket", "sse": "SSE", "poll": "Long poll"}
# Where the focus is, and whether that can be seen: an outline or a shadow it does not have otherwise.
_FOCUS = """() => {
    const one = document.activeElement;
    const look = () => { const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
        return `${outlineStyle} ${outlineWidth} ${boxShadow}`; };
    const focused = look();
    one.blur();
    const plain = look();
    one.focus({ focusVisible: true, preventScroll: true });
    const { width } = one.getBoundingClientRect();
    const name = one.ariaLabel ?? one.labels?.[0]?.textContent ?? one.textContent;
    return { tag: one.tagName, name: name.trim(), seen: focused !== plain, width };
}"""
# How many requests a page has made, and the bytes that have come over the wire for them.
_WEIGHT = """() => {
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return [all.length, all.reduce((sum, one) => sum + one.transferSize, 0)];
}"""
_PIXELS = "(canvas) => canvas.toDataURL()"


async def test_a_room_tells_what_is_said_to_somebody_who_listens(server: ServerProcess, windows: Windows) -> None:
    page = await windows.open("/chat/1?user_id=1&username=Ana")
    await expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    async with httpx.AsyncClient(base_url=server.url, params={"user_id": 2, "username": "Luis"}) as client:
        await client.post("/api/rooms/1/messages", json={"content": "¿se oye?"})
    await expect(page.get_by_role("log")).to_have_text("Luis: ¿se oye?")


@pytest.mark.parametrize("rung", RUNGS)
async def test_the_badge_speaks_english_too(windows: Windows, rung: str) -> None:
    page = await windows.open(f"/?transports={rung}", locale="en")
    await expect(page.locator(".badge")).to_contain_text(re.compile(rf"Online · {RUNGS[rung]} · <?\d+ ms"))
    await expect(page.locator("#badge-slot [role=status]")).to_have_text(f"Online, {RUNGS[rung]}")


async def test_the_tabulator_goes_through_the_page_in_order_and_is_seen(windows: Windows) -> None:
    page = await windows.open("/chat/1?user_id=1&username=Ana")
    stops: list[dict[str, Any]] = []
    while True:
        await page.keyboard.press("Tab")
        stop = await page.evaluate(_FOCUS)
        if stop["tag"] == "BODY" or (stops and stop["name"] == stops[0]["name"]):
            break
        stops.append(stop)
        assert len(stops) < 40
    assert all(stop["seen"] and stop["width"] > 1 for stop in stops), stops
    names = " | ".join(stop["name"] for stop in stops)
    in_order = ["Ir al contenido", "En Vivo", "Chat", "En línea", "Español", "Cambiar a", "Volver", "Escribe", "Enviar"]
    assert re.search(".*".join(re.escape(name) for name in in_order), names), names


@pytest.mark.parametrize("path", ["/", "/chat/1?user_id=1&username=Ana", "/topics/live/hola"])
async def test_a_page_is_small_and_smaller_the_second_time(windows: Windows, path: str) -> None:
    page = await windows.open(path)
    await expect(page.locator(".badge")).to_contain_text("WebSocket")
    requests, weight = await page.evaluate(_WEIGHT)
    assert requests <= 25
    assert weight <= 100_000
    await page.reload()
    await expect(page.locator(".badge")).to_contain_text("WebSocket")
    assert (await page.evaluate(_WEIGHT))[1] < weight / 3


async def test_a_chart_moves_when_a_reading_comes(server: ServerProcess, windows: Windows) -> None:
    page = await windows.open("/telemetry")
    reading: dict[str, Any] = {"temperature": 20, "ph": 7, "conductivity": 500, "water_level": 50}
    async with httpx.AsyncClient(base_url=server.url) as client:
        pictures: set[str] = set()
        measure = page.locator("[data-reservoir=LAGO] [data-measure=water_level]")
        for level in (50, 60, 40):
            answer = await client.post("/api/sensors", json={**reading, "reservoir_id": "LAGO", "water_level": level})
            assert answer.status_code == 201
            await expect(measure.locator("strong")).to_have_text(re.compile(rf"^{level}\b"))
            pictures.add(await eventually(lambda: new_picture(measure.locator("canvas"), pictures), deadline=15))
        assert len(pictures) == 3


async def new_picture(canvas: Any, known: set[str]) -> str | None:
    picture: str = await canvas.evaluate(_PIXELS)
    return picture if picture not in known else None
