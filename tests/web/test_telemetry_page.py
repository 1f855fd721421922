"""The telemetry page in real browser windows: alerts appear, are dismissed and close everywhere."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.domains.telemetry.devices import FINE, ago, alerts_of, new_reservoir, send
from tests.running import ServerProcess
from tests.web.browser import IN_A_BROWSER, PHONE, Windows, windows_on

pytestmark = IN_A_BROWSER

_SECOND = 1_000  # ms
_OLD_CLIENT = """([host, reading]) => new Promise((resolve, reject) => {
    const heard = [];
    const post = (path, body) =>
        fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const socket = new WebSocket(`ws://${host}/ws/alerts`);
    socket.onopen = () => socket.send(JSON.stringify({ action: "ping" }));
    socket.onerror = reject;
    socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        heard.push(message);
        if (message.type === "pong") socket.send(JSON.stringify({ action: "refresh" }));
        if (message.type === "refresh") post("/api/sensors", reading);
        if (message.type === "update") post("/alerts/dismiss", { alert_id: message.data.alert.id });
        if (message.type === "dismissed") { socket.close(); resolve(heard); }
    };
})"""


def rest_of(server: ServerProcess) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, timeout=30)


def alert_in(page: Page, pond: str) -> Any:
    return page.locator(".alert-list .alert").filter(has=page.get_by_text(pond, exact=True))


async def test_what_one_window_dismisses_is_gone_from_the_others(server: ServerProcess, windows: Windows) -> None:
    pond = new_reservoir()
    pages = [await windows.open(f"/telemetry{query}") for query in ("", "?transports=sse", "?transports=poll")]
    before = [await page.locator("[data-count=critical]").inner_text() for page in pages]
    async with rest_of(server) as rest:
        await send(rest, pond, water_level=20)
        for page, count in zip(pages, before, strict=True):
            await expect(alert_in(page, pond)).to_contain_text("Nivel de agua por debajo de 25 %", timeout=3 * _SECOND)
            await expect(page.locator("[data-count=critical]")).to_have_text(str(int(count) + 1))
            card = page.locator(f"[data-reservoir={pond}] [data-measure=water_level]")
            await expect(card).to_have_attribute("data-severity", "critical")
            await expect(card.locator(".measure-normal")).to_have_text("normal de 40 a 96")

        await alert_in(pages[1], pond).get_by_role("button").click()
        for page, count in zip(pages, before, strict=True):
            await expect(alert_in(page, pond)).to_have_count(0, timeout=3 * _SECOND)
            await expect(page.locator("[data-count=critical]")).to_have_text(count)
            await page.locator(".alerts-closed summary").click()
            closed = page.locator(".alerts-closed li", has_text=f"{pond} ")
            await expect(closed).to_contain_text("descartada")
            await expect(page.locator("#badge-slot")).to_have_attribute("data-gaps", "0")
        [alert] = await alerts_of(rest, pond)
        assert alert["closed_by"] == "dismissed"


async def test_an_alert_rises_and_closes_by_itself_while_one_looks(server: ServerProcess, windows: Windows) -> None:
    pond = new_reservoir()
    page = await windows.open("/telemetry", viewport=PHONE, locale="en")
    async with rest_of(server) as rest:
        await send(rest, pond, ph=8.4)
        await expect(alert_in(page, pond)).to_contain_text("pH above 8.3")
        await expect(page.locator("#alerts-said")).to_contain_text(f"New alert, Warning: {pond}")
        await send(rest, pond, ph=9)
        await expect(alert_in(page, pond)).to_have_class(re.compile("alert-critical"))
        await expect(alert_in(page, pond)).to_have_count(1)
        await send(rest, pond, ph=7)
        await expect(alert_in(page, pond)).to_contain_text("pH is normal again")
        await expect(alert_in(page, pond)).to_have_class(re.compile("alert-info"))
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_a_dismissal_that_fails_says_so_and_one_that_was_late_too(
    server: ServerProcess, windows: Windows
) -> None:
    pond = new_reservoir()
    page = await windows.open("/telemetry")
    async with rest_of(server) as rest:
        await send(rest, pond, temperature=27, ph=9)
        await expect(alert_in(page, pond)).to_have_count(2)
        acid, warm = await alerts_of(rest, pond)
        assert (acid["measure"], warm["measure"]) == ("ph", "temperature")
        windows.allow("Failed to load resource")
        row = page.locator(f"[data-alert={warm['id']}]")
        await page.route("**/api/alerts/dismiss", lambda route: route.abort())
        await row.get_by_role("button").click()
        await expect(row.get_by_role("alert")).to_contain_text("No se pudo descartar")
        await page.unroute("**/api/alerts/dismiss")
        await row.get_by_role("button").click()
        await expect(row).to_have_count(1)  # among the closed ones now
        await expect(alert_in(page, pond)).to_have_count(1)

        late = {"success": False, "error": {"code": "alert_closed", "message": "closed already"}}
        await page.route("**/api/alerts/dismiss", lambda route: route.fulfill(status=409, json=late))
        await page.locator(f"[data-alert={acid['id']}]").get_by_role("button").click()
        await expect(page.locator("#alerts-said")).to_have_text(f"{pond}: ya estaba cerrada.")


async def test_by_keyboard_one_dismisses_alert_after_alert(make_server: Any) -> None:
    server = make_server(sensor_interval=0)
    async with windows_on(server.url) as windows, rest_of(server) as rest:
        await send(rest, "A", temperature=27, ph=8.5)
        page = await windows.open("/telemetry")
        buttons = page.locator(".alert-list button")
        await expect(buttons).to_have_count(2)
        await buttons.first.focus()
        await page.keyboard.press("Enter")
        await expect(buttons).to_have_count(1)
        await expect(buttons).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator(".alert-none")).to_have_text("Todo está dentro de sus límites.")
        await expect(page.locator("#alerts-title")).to_be_focused()


async def test_two_windows_agree_over_a_restart_and_nothing_is_doubled(make_server: Any) -> None:
    server = make_server(sensor_interval=0)
    async with windows_on(server.url) as windows, rest_of(server) as rest:
        windows.allow("Failed to load resource|WebSocket connection|ERR_CONNECTION")
        await send(rest, "A", temperature=27, ph=9)
        pages = [await windows.open(f"/telemetry{query}") for query in ("", "?transports=sse")]
        server.kill()
        for page in pages:
            await expect(page.locator("#offline")).to_be_visible()
        await asyncio.to_thread(server.start)
        acid, warm = await alerts_of(rest, "A")
        await rest.post("/api/alerts/dismiss", json={"alert_id": warm["id"]})
        await send(rest, "A", temperature=27, ph=9, conductivity=760)
        for page in pages:
            await expect(page.locator(".alert-list .alert")).to_contain_text(
                ["pH por encima", "Conductividad por encima"]
            )
            await expect(page.locator("[data-count=critical]")).to_have_text("1")
            await expect(page.locator("[data-count=warning]")).to_have_text("1")
            await expect(page.locator("#offline")).to_be_hidden()
            await expect(page.locator("#badge-slot")).to_have_attribute("data-repeats", "0")
            await expect(page.locator("[data-reservoir=A] [data-measure=conductivity] strong")).to_have_text("760")
        assert len(await alerts_of(rest, "A", open=True)) == 2
        assert acid["id"] != warm["id"]


async def test_the_browser_of_the_older_system_gets_what_it_knows(make_server: Any) -> None:
    server = make_server(sensor_interval=0)
    async with windows_on(server.url) as windows:
        page = await windows.open("/")
        reading = {"reservoir_id": new_reservoir(), **FINE, "temperature": 27}
        heard = await page.evaluate(_OLD_CLIENT, [server.url.removeprefix("http://"), reading])
    assert [message["type"] for message in heard] == ["initial", "pong", "refresh", "update", "dismissed"]
    initial, refresh, update, dismissed = (message["data"] for message in heard if "data" in message)
    assert initial == refresh == {name: dismissed[name] for name in ("total", "critical", "warning", "info")}
    assert update["total"] == initial["total"] + 1
    assert heard[-1]["alert_id"] == update["alert"]["id"]


async def test_every_wrong_field_is_marked_at_once_and_numbers_have_a_comma(windows: Windows) -> None:
    page = await windows.open("/telemetry")
    await expect(page.get_by_role("textbox", name="Temperatura")).to_have_value("21,5")
    for name, wrong in (("Embalse", "dos palabras"), ("Temperatura", "mucha"), ("Acidez", "99"), ("Nivel", "-0,5")):
        await page.get_by_role("textbox", name=name).fill(wrong)
    await page.get_by_role("button", name="Enviar lectura").click()
    await expect(page.locator("#device [aria-invalid=true]")).to_have_count(4)
    await expect(page.locator("#device-reservoir_id-wrong")).to_contain_text("De 1 a 40 letras")
    await expect(page.locator("#device-temperature-wrong")).to_have_text("Escribe un número, por ejemplo 21,5.")
    await expect(page.locator("#device-ph-wrong")).to_have_text("Tiene que estar entre 0 y 14.")
    await expect(page.locator("#device-water_level-wrong")).to_have_text("Tiene que estar entre 0 y 100.")
    await expect(page.locator("#device-conductivity-wrong")).to_be_empty()


@pytest.mark.parametrize(("language", "shown"), [("es", "12,5"), ("en", "12.5")])
async def test_the_page_is_whole_without_script_in_the_numbers_of_its_language(
    server: ServerProcess, language: str, shown: str
) -> None:
    pond = new_reservoir()
    async with rest_of(server) as rest:
        await send(rest, pond, temperature=12.5, ph=6)
        page = (await rest.get("/telemetry", headers={"Accept-Language": language})).text
    assert re.search(rf'<dd class="number">{shown} <small>°C', page)
    assert re.search(rf"<strong>{pond}</strong>\s+pH (por debajo de 6,2|below 6\.2)", page)
    assert re.search(rf"{FINE['conductivity']:.0f} <small>µS/cm", page)


async def test_the_charts_show_an_hour_or_a_day(server: ServerProcess, windows: Windows) -> None:
    pond = new_reservoir()
    async with rest_of(server) as rest:
        body = [{"reservoir_id": pond, **FINE, "timestamp": ago(minutes=minutes)} for minutes in range(660, -1, -11)]
        assert (await rest.post("/api/sensors", json=body)).status_code == 201
    page = await windows.open("/telemetry")
    chart = page.locator(f"[data-reservoir={pond}] [data-measure=ph] .chart")
    await expect(chart).to_have_attribute("aria-label", re.compile("en 61 lecturas"))
    await page.get_by_role("button", name="1 hora").click()
    await expect(chart).to_have_attribute("aria-label", re.compile("en 6 lecturas"))
    await expect(page.get_by_role("button", name="1 hora")).to_have_attribute("aria-pressed", "true")
