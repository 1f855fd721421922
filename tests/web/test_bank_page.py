"""The bank in real browser windows: what holders and the administration notice."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.running import ServerProcess, eventually
from tests.web.browser import DESK, IN_A_BROWSER, MOVING, PHONE, Windows, windows_on

pytestmark = IN_A_BROWSER

SECOND = 1000.0  # ms in which a window shows what another one did
BACK = 45_000.0  # ms; a growing back-off, and a busy machine
NO_NETWORK = "Failed to load resource|WebSocket connection|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY"
# Remembers what the page dispatches on `window`, and everything a browser's own socket hears.
_LISTEN = """() => { window.told = []; for (const name of ["balanceUpdate", "statsUpdate"])
    addEventListener(name, (event) => window.told.push([name, event.detail])); }"""
_SOCKET = """(path) => new Promise((resolve) => { window.heard = [];
    const socket = new WebSocket(`ws://${location.host}${path}`);
    socket.onmessage = ({ data }) => { window.heard.push(JSON.parse(data)); resolve(); }; })"""
_STREAM = """(path) => new Promise((resolve) => { window.streamed = [];
    const source = new EventSource(path);
    source.onmessage = ({ data }) => { window.streamed.push(JSON.parse(data)); resolve(); }; })"""


@pytest_asyncio.fixture(loop_scope="session")
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=15) as client:
        yield client


async def open_account(rest: httpx.AsyncClient, saldo: str = "5250", nombre: str = "María Cedeño") -> str:
    cedula = f"{secrets.randbelow(10**10):010}"
    body = {"cedula": cedula, "nombre": nombre, "saldo_inicial": saldo}
    answer = await rest.post("/api/cuentas", json=body)
    assert answer.status_code == 201, answer.text
    return cedula


async def move(page: Page, command: str, amount: str) -> None:
    """Through the page's own form: `command` is Depositar or Retirar."""
    form = page.locator("form", has=page.get_by_role("button", name=command))
    await form.get_by_role("textbox").fill(amount)
    await form.get_by_role("button").click()


async def shows(page: Page, balance: str, movements: list[str], deadline: float = SECOND) -> None:
    await expect(page.locator("#balance")).to_have_text(balance, timeout=deadline)
    await expect(page.locator(".movement-money strong")).to_have_text(movements, timeout=deadline)


@pytest.mark.parametrize("rungs", ["ws", "sse", "poll"])
async def test_two_tabs_of_an_account_always_agree(windows: Windows, rest: httpx.AsyncClient, rungs: str) -> None:
    cedula = await open_account(rest)
    one = await windows.open(f"/bank/{cedula}?transports={rungs}", **MOVING)
    two = await one.context.new_page()
    await windows.visit(two, f"/bank/{cedula}?transports={rungs}")
    await expect(two.locator("#line")).to_have_text("En Línea")
    await move(one, "Depositar", "50,25")
    await expect(one.locator("#done")).to_have_text("Depósito realizado: $50,25.")
    for tab in (one, two):
        await shows(tab, "$5.300,25", ["+$50,25", "+$5.250,00"])
    await move(two, "Retirar", "$ 300.25")
    for tab in (one, two):
        await shows(tab, "$5.000,00", ["−$300,25", "+$50,25", "+$5.250,00"])
        await expect(tab.locator("#badge-slot")).to_have_attribute("data-repeats", "0")
    await expect(one.get_by_role("log")).to_have_text("Retiro: $300,25. Saldo: $5.000,00.")


async def test_what_is_wrong_is_said_beside_the_field(windows: Windows, rest: httpx.AsyncClient) -> None:
    cedula = await open_account(rest, "10")
    page = await windows.open(f"/bank/{cedula}", viewport=PHONE)
    for typed in ("", "0", "1.250,50", "uno", "1,234"):
        await move(page, "Depositar", typed)
        await expect(page.locator("#deposit-wrong")).to_contain_text("Un monto como 120,50")
    await move(page, "Retirar", "10,01")
    await expect(page.locator("#withdraw-wrong")).to_have_text("No hay tanto en la cuenta.")
    await move(page, "Depositar", "99999999999")
    await expect(page.locator("#deposit-wrong")).to_contain_text("Es demasiado")
    await shows(page, "$10,00", ["+$10,00"])
    await move(page, "Retirar", "10")
    await shows(page, "$0,00", ["−$10,00", "+$10,00"], deadline=5 * SECOND)


async def test_pressing_twice_moves_money_once(windows: Windows, rest: httpx.AsyncClient) -> None:
    cedula = await open_account(rest, "100")
    page = await windows.open(f"/bank/{cedula}")
    await page.locator("#withdraw-amount").fill("30")
    await page.locator("#withdraw").evaluate("(form) => { form.requestSubmit(); form.requestSubmit(); }")
    await expect(page.locator("#done")).to_have_text("Retiro realizado: $30,00.")
    await shows(page, "$70,00", ["−$30,00", "+$100,00"])


async def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_doubled(
    windows: Windows, rest: httpx.AsyncClient
) -> None:
    windows.allow(NO_NETWORK)
    cedula = await open_account(rest, "100")
    page = await windows.open(f"/bank/{cedula}")

    async def lose(route: Any) -> None:
        await route.fetch()
        await route.abort()

    await page.route("**/api/deposito", lose)
    await move(page, "Depositar", "25")
    await expect(page.locator("#deposit [data-form-wrong]")).to_contain_text("no se hará dos veces")
    await page.unroute("**/api/deposito")
    await page.get_by_role("button", name="Depositar").click()
    await expect(page.locator("#done")).to_have_text("Depósito realizado: $25,00.")
    await shows(page, "$125,00", ["+$25,00", "+$100,00"])


async def test_the_list_shows_every_balance_and_every_new_account(windows: Windows, rest: httpx.AsyncClient) -> None:
    cedula = await open_account(rest, "80", "Rosa Quishpe")
    page = await windows.open("/bank")
    card = page.locator(f"[data-cedula='{cedula}']")
    await expect(card.locator(".account-balance")).to_have_text("$80,00")
    await rest.post("/api/retiro", json={"cedula": cedula, "monto": "0.50"})
    await expect(card.locator(".account-balance")).to_have_text("$79,50", timeout=SECOND)
    another = await open_account(rest, "1", "Jorge <b>Toapanta</b>")
    fresh = page.locator(f"[data-cedula='{another}']")
    await expect(fresh.locator("strong")).to_have_text("Jorge <b>Toapanta</b>", timeout=SECOND)
    listed = await page.locator("[data-cedula]").evaluate_all("(all) => all.map((one) => one.dataset.cedula)")
    assert listed == sorted(listed)


async def test_an_account_is_opened_or_the_reason_is_given(windows: Windows, rest: httpx.AsyncClient) -> None:
    taken = await open_account(rest)
    page = await windows.open("/bank")
    await page.get_by_role("button", name="Abrir cuenta").click()
    await expect(page.locator("#open-cedula-wrong")).to_contain_text("De 5 a 20 dígitos")
    await expect(page.locator("#open-name-wrong")).to_contain_text("De 1 a 100")
    await page.get_by_label("Cédula").fill(taken)
    await page.get_by_label("Nombre del titular").fill("Ana Vera")
    await page.get_by_label("Saldo inicial").fill("1.250,50")
    await page.get_by_role("button", name="Abrir cuenta").click()
    await expect(page.locator("#open-amount-wrong")).to_contain_text("Un monto como 120,50")
    await page.get_by_label("Saldo inicial").fill("1250,50")
    await page.get_by_role("button", name="Abrir cuenta").click()
    await expect(page.locator("#open-cedula-wrong")).to_have_text("Esa cédula ya tiene una cuenta.")
    cedula = f"{secrets.randbelow(10**10):010}"
    await page.get_by_label("Cédula").fill(cedula)
    await page.get_by_role("button", name="Abrir cuenta").click()
    await page.wait_for_url(f"**/bank/{cedula}")
    await expect(page.locator("h1")).to_have_text("Ana Vera")
    await shows(page, "$1.250,50", ["+$1.250,50"], deadline=5 * SECOND)


async def test_the_panel_counts_and_lists_what_happens(windows: Windows, rest: httpx.AsyncClient) -> None:
    cedula = await open_account(rest, "10", "Luis Zambrano")
    panel = await windows.open("/bank/admin")
    active = panel.locator("[data-counter=clientes_activos]")
    await expect(active).to_have_text("0")
    holder = await windows.open(f"/bank/{cedula}")
    await expect(active).to_have_text("1")
    await expect(panel.locator("[data-counter=conexiones_activas]")).to_have_text(re.compile("^[2-9]$"))
    await expect(panel.locator("#chart canvas")).to_be_visible()
    await expect(panel.locator("#chart")).to_have_attribute("aria-label", re.compile("1 clientes activos"))
    await move(holder, "Retirar", "4")
    newest = panel.locator(".movement").first
    await expect(newest.locator(".movement-money strong")).to_have_text("−$4,00", timeout=SECOND)
    await expect(newest.get_by_role("link")).to_have_attribute("href", f"/bank/{cedula}")
    await expect(newest).to_contain_text("Luis Zambrano")
    await expect(panel.locator("[data-counter=operaciones_simultaneas]")).to_have_text(re.compile("^[01]$"))


async def test_older_movements_come_when_they_are_asked_for(windows: Windows, rest: httpx.AsyncClient) -> None:
    cedula = await open_account(rest, "1")
    for monto in range(1, 61):
        await rest.post("/api/deposito", json={"cedula": cedula, "monto": monto})
    page = await windows.open(f"/bank/{cedula}")
    await expect(page.locator(".movement")).to_have_count(50)
    await page.get_by_role("button", name="Ver anteriores").click()
    await expect(page.locator(".movement")).to_have_count(61)
    await expect(page.get_by_role("button", name="Ver anteriores")).to_have_count(0)
    await expect(page.locator(".movement-money strong").last).to_have_text("+$1,00")


async def test_other_scripts_hear_of_it_on_the_window(windows: Windows, rest: httpx.AsyncClient) -> None:
    cedula = await open_account(rest, "5200")
    page = await windows.open(f"/bank/{cedula}")
    await page.evaluate(_LISTEN)
    await move(page, "Depositar", "50")
    told = await eventually(lambda: _told(page, "balanceUpdate"), deadline=10)
    assert told[0] == {"cedula": cedula, "balance": 5250}
    told = await eventually(lambda: _told(page, "statsUpdate"), deadline=10)
    assert told[0]["success"] is True
    assert told[0]["estadisticas"]["clientes_activos"] >= 1


async def _told(page: Page, name: str) -> list[Any]:
    told = await page.evaluate("window.told")
    return [detail for event, detail in told if event == name]


async def test_the_browsers_own_socket_and_event_source_hear_it(windows: Windows, rest: httpx.AsyncClient) -> None:
    cedula = await open_account(rest)
    page = await windows.open("/nothing/here")
    await page.evaluate(_SOCKET, f"/ws/accounts/{cedula}")
    await page.evaluate(_STREAM, f"/sse/accounts/{cedula}")
    await rest.post("/api/retiro", json={"cedula": cedula, "monto": 50})
    for heard in ("window.heard", "window.streamed"):
        welcome, changed = await eventually(partial(_two, page, heard), deadline=10)
        assert (welcome["type"], changed["type"]) == ("connected", "balance_updated")
        assert welcome["data"] == {"cedula": cedula, "nombre": "María Cedeño", "balance": 5250}
        assert changed["data"] == {"cedula": cedula, "balance": 5200}


async def _two(page: Page, heard: str) -> list[Any] | None:
    messages: list[Any] = await page.evaluate(heard)
    return messages if len(messages) == 2 else None


@pytest.mark.timeout(180)
async def test_over_a_restart_both_tabs_agree_again_and_nothing_is_doubled(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows, httpx.AsyncClient(base_url=server.url, timeout=15) as rest:
        windows.allow(NO_NETWORK)
        cedula = await open_account(rest, "100")
        one = await windows.open(f"/bank/{cedula}")
        two = await windows.open(f"/bank/{cedula}?transports=poll")
        admin = await windows.open("/bank/admin")
        await move(one, "Depositar", "10")
        await shows(two, "$110,00", ["+$10,00", "+$100,00"], deadline=BACK)
        await asyncio.to_thread(server.kill)
        await expect(one.locator("#line")).to_have_text("Desconectado", timeout=BACK)
        await expect(one.locator("#stale")).to_contain_text("último saldo conocido")
        await move(one, "Retirar", "1")
        await expect(one.locator("#withdraw [data-form-wrong]")).to_contain_text("no se hará dos veces")
        await asyncio.to_thread(server.start)
        await expect(one.locator("#line")).to_have_text("En Línea", timeout=BACK)
        await one.get_by_role("button", name="Retirar").click()
        for tab in (one, two):
            await shows(tab, "$109,00", ["−$1,00", "+$10,00", "+$100,00"], deadline=BACK)
            await expect(tab.locator("#line")).to_have_text("En Línea", timeout=BACK)
            await expect(tab.locator("#stale")).to_be_hidden()
            await expect(tab.locator("#badge-slot")).to_have_attribute("data-gaps", "0")
        await expect(admin.locator(".movement-money strong")).to_have_text(
            ["−$1,00", "+$10,00", "+$100,00"], timeout=BACK
        )


@pytest.mark.timeout(180)
async def test_a_long_list_comes_in_pages_and_begins_again_over_another_database(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows, httpx.AsyncClient(base_url=server.url, timeout=15) as rest:
        windows.allow(NO_NETWORK)
        await asyncio.gather(*(open_account(rest, "1", "De antes") for _ in range(203)))
        accounts, admin = await windows.open("/bank"), await windows.open("/bank/admin")
        await expect(accounts.locator(".account-card")).to_have_count(200)
        await accounts.get_by_role("button", name="Más cuentas").click()
        await expect(accounts.locator(".account-card")).to_have_count(203)
        await expect(accounts.get_by_role("button", name="Más cuentas")).to_have_count(0)
        await asyncio.to_thread(server.kill)
        for file in server.folder.glob("envivo.db*"):
            file.unlink()
        await asyncio.to_thread(server.start)
        await open_account(rest, "7", "De ahora")
        await expect(accounts.locator(".account-card strong")).to_have_text(["De ahora"], timeout=BACK)
        await expect(admin.locator(".movement-money strong")).to_have_text(["+$7,00"], timeout=BACK)


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
async def test_the_pages_fit_and_speak_both_languages(
    windows: Windows, rest: httpx.AsyncClient, viewport: dict[str, int]
) -> None:
    cedula = await open_account(rest, "999999999.99", "Comercial de nombre larguísimo " * 3)
    page = await windows.blank(locale="en", viewport=viewport)
    for path, heading in (("/bank", "Bank"), ("/bank/admin", "The bank, now"), (f"/bank/{cedula}", "Comercial")):
        await windows.visit(page, path)
        await expect(page.locator("h1")).to_contain_text(heading)
        outside = await page.evaluate(
            "[...document.querySelectorAll('main *')].filter((one) => one.checkVisibility() && !one.closest('.unseen')"
            " && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 99))"
        )
        assert outside == [], path
    await expect(page.locator("#balance")).to_have_text("$999,999,999.99")
    await expect(page.locator("#line")).to_have_text("Online")
    await expect(page.get_by_role("button", name="Deposit")).to_be_visible()


async def test_an_account_that_is_not_there_is_a_page_that_says_so(windows: Windows) -> None:
    page = await windows.open("/bank/99999")
    await expect(page.locator("h1")).to_have_text("Aquí no hay nada")
