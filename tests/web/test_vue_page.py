"""The older monitor in Vue, in a real browser: its own composables on our connection."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.running import ServerProcess
from tests.web.browser import IN_A_BROWSER, PHONE, Windows, windows_on

pytestmark = IN_A_BROWSER

SOUND = {"temperature": 18, "ph": 7.2, "conductivity": 450, "water_level": 70}


async def measure(url: str, reservoir_id: str, **measures: float) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/api/sensors", json={"reservoir_id": reservoir_id, **SOUND, **measures})
        assert answer.status_code == 201, answer.text


async def dismiss_all(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        for alert in (await client.get("/api/alerts", params={"open": "true"})).json()["data"]:
            answer = await client.post("/api/alerts/dismiss", json={"alert_id": alert["id"]})
            assert answer.status_code == 200, answer.text


def count(page: Page, name: str) -> Any:
    return page.locator(f"[data-count={name}]")


def state(page: Page, of: str) -> Any:
    return page.locator(f"[data-of={of}]")


def heard(page: Page, type: str) -> Any:
    """The lines of the list for messages of this type."""
    return page.locator(".monitor-heard strong", has_text=re.compile(f"^{type}$"))


@pytest.fixture
def server(make_server: Callable[..., ServerProcess]) -> ServerProcess:
    """A server of the test's own, which no simulated reading disturbs."""
    return make_server(sensor_interval=0)


async def test_windows_on_every_rung_show_the_same_counts(server: ServerProcess) -> None:
    async with windows_on(server.url) as windows:
        pages = [await windows.open(f"/telemetry/vue{query}") for query in ("", "?transports=sse", "?transports=poll")]
        for page in pages:
            await expect(state(page, "alerts")).to_have_text("En línea")
            await expect(count(page, "total")).to_have_text("0")
        await measure(server.url, "VUE_1", ph=2)
        for page in pages:
            await expect(count(page, "critical")).to_have_text("1")
            await expect(heard(page, "update")).to_have_count(1)
        await dismiss_all(server.url)
        for page in pages:
            await expect(count(page, "total")).to_have_text("0")
            await expect(heard(page, "dismissed")).to_have_count(1)


async def test_readings_come_and_a_ping_is_answered(windows: Windows) -> None:
    page = await windows.open("/telemetry/vue", viewport=PHONE)
    await measure(windows.url, "VUE_1")
    await expect(page.get_by_role("row", name="VUE_1")).to_be_visible()
    await measure(windows.url, "VUE_2", temperature=21.54)
    await expect(page.get_by_role("row", name="VUE_2").locator("td").first).to_have_text("21,5")
    await page.get_by_role("button", name="Enviar un ping").click()
    await expect(page.locator("#pong")).to_contain_text("pong en")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_over_a_restart_it_counts_its_tries_and_catches_up(server: ServerProcess) -> None:
    async with windows_on(server.url) as windows:
        windows.allow("Failed to load resource|WebSocket connection|ERR_CONNECTION")
        one = await windows.open("/telemetry/vue")
        other = await windows.open("/telemetry/vue?transports=sse")
        await measure(server.url, "VUE_3", water_level=1)
        for page in (one, other):
            await expect(count(page, "total")).to_have_text("1")
        server.kill()
        for page in (one, other):
            await expect(state(page, "alerts")).to_have_text("Desconectado; intento 1")
            await expect(page.locator("#wrong")).to_be_visible()
        server.start()
        await measure(server.url, "VUE_4", ph=2)
        for page in (one, other):
            await expect(state(page, "alerts")).to_have_text("En línea")
            await expect(state(page, "sensors")).to_have_text("En línea")
            await expect(page.locator("#wrong")).to_have_count(0)
            await expect(count(page, "total")).to_have_text("2")
            await expect(page.get_by_role("row", name="VUE_4")).to_have_count(1)
            await expect(page.locator("#badge-slot")).to_have_attribute("data-gaps", "0")
            await expect(page.locator("#badge-slot")).to_have_attribute("data-repeats", "0")
