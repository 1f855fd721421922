"""The products in real browser windows: what those notice who look after one inventory together."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.running import ServerProcess, eventually
from tests.web.browser import DESK, IN_A_BROWSER, PHONE, Windows, windows_on

pytestmark = IN_A_BROWSER

REST = "/api/productos"
NO_NETWORK = "Failed to load resource|WebSocket connection|ERR_CONNECTION"
EVIL = "<img src=x onerror=alert(1)> & «té»"
_NAMELESS = """[...document.querySelectorAll("a, button, input:not([type=hidden]), textarea")].filter((one) =>
    !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML)"""

_OUTSIDE = """[...document.querySelectorAll("main, main *")].filter((one) => {
    const { right, width } = one.getBoundingClientRect();
    return width > 1 && right > innerWidth + 1 && !one.closest(".unseen");
}).map((one) => one.outerHTML.slice(0, 200))"""


@pytest_asyncio.fixture(loop_scope="session")
async def rest(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a browser, and an inventory that starts empty."""
    async with httpx.AsyncClient(base_url=server.url, timeout=15) as rest:
        for product in (await rest.get(REST)).json()["data"]:
            await rest.delete(f"{REST}/{product['id']}")
        yield rest


async def make(rest: httpx.AsyncClient, nombre: str, **fields: Any) -> int:
    answer = await rest.post(REST, json={"nombre": nombre, "precio": 2.5, "stock": 10, **fields})
    assert answer.status_code == 201, answer.text
    id: int = answer.json()["data"]["id"]
    return id


def card(page: Page, id: int) -> Locator:
    return page.locator(f"[data-id='{id}']")


def names(page: Page) -> Locator:
    return page.locator(".product h3")


async def add(page: Page, nombre: str, precio: str, stock: str) -> None:
    form = page.locator("#new-product")
    for label, value in (("Nombre", nombre), ("Precio (USD)", precio), ("Existencias", stock)):
        await form.get_by_label(label).fill(value)
    await form.get_by_role("button", name="Añadir producto").click()


async def edit(page: Page, id: int, **values: str) -> None:
    """Open the card and write into it, without saving."""
    if not await card(page, id).locator("form").count():
        await card(page, id).get_by_role("button", name="Editar").click()
    for name, value in values.items():
        await card(page, id).locator(f"[name={name}]").fill(value)


async def save(page: Page, id: int) -> None:
    await card(page, id).get_by_role("button", name="Guardar").click()


async def in_step(pages: list[Page], rows: list[tuple[str, str]]) -> None:
    """Every window shows these products, newest first, with these prices, and was told nothing twice."""
    for page in pages:
        await expect(names(page)).to_have_text([name for name, _ in rows])
        await expect(page.locator(".product-price strong")).to_have_text([price for _, price in rows])
        await expect(page.locator("#sum-products")).to_have_text(str(len(rows)))
        for fault in ("gaps", "repeats"):
            await expect(page.locator("#badge-slot")).to_have_attribute(f"data-{fault}", "0")


@pytest.mark.parametrize(("rung", "name"), [("ws", "WebSocket"), ("sse", "SSE"), ("poll", "Sondeo largo")])
async def test_what_one_window_does_the_other_shows(
    rest: httpx.AsyncClient, windows: Windows, rung: str, name: str
) -> None:
    one, other = await windows.open("/products"), await windows.open(f"/products?transports={rung}")
    pages = [one, other]
    await expect(other.get_by_text("El inventario está vacío")).to_be_visible()
    await add(one, EVIL, "1234,5", "3")
    await in_step(pages, [(EVIL, "$1.234,50")])
    await expect(one.locator("#new-said")).to_have_text(f"Añadido: {EVIL}")
    await add(other, "Panela", "2.4", "")
    await in_step(pages, [("Panela", "$2,40"), (EVIL, "$1.234,50")])
    id = int(await one.locator(".product").first.get_attribute("data-id") or 0)
    await edit(other, id, precio="3", stock="2")
    await save(other, id)
    await in_step(pages, [("Panela", "$3,00"), (EVIL, "$1.234,50")])
    await expect(card(one, id)).to_contain_text("Quedan 2")
    for page in pages:
        await expect(page.locator("#sum-value")).to_have_text("$3.709,50")
    await card(one, id).get_by_role("button", name="Eliminar").click()
    await one.get_by_role("button", name="Sí, eliminar").click()
    await in_step(pages, [(EVIL, "$1.234,50")])
    for page, way in ((one, "WebSocket"), (other, name)):
        rows = page.locator(".event")
        told = ["PRODUCT_DELETED", "PRODUCT_UPDATED", "PRODUCT_CREATED", "PRODUCT_CREATED"]
        await expect(rows.locator("code")).to_have_text(told)
        await expect(rows.first).to_contain_text("Panela")
        await expect(rows.last).to_contain_text(EVIL)
        await expect(rows.first.locator(".event-where")).to_have_text(re.compile(rf"posición \d+ · {way}"))
        positions = [
            int(text or 0) for text in await rows.evaluate_all("(all) => all.map((one) => one.dataset.position)")
        ]
        assert positions == sorted(set(positions), reverse=True)


async def test_two_who_edit_one_product_lose_nothing(rest: httpx.AsyncClient, windows: Windows) -> None:
    id = await make(rest, "Miel")
    one, other = await windows.open("/products"), await windows.open("/products")
    await edit(one, id, nombre="Miel de abeja")
    await edit(other, id, nombre="Miel de flores", precio="7.20")
    await save(other, id)
    editor = card(one, id)
    await expect(editor.get_by_role("status")).to_contain_text("Alguien cambió este producto")
    await expect(editor.locator("[name=precio]")).to_have_value("7,20")
    await expect(editor.locator("[name=nombre]")).to_have_value("Miel de abeja")
    await expect(editor.locator("[data-theirs]")).to_contain_text("En la otra ventana: Miel de flores")
    await save(one, id)
    await in_step([one, other], [("Miel de abeja", "$7,20")])
    await expect(card(one, id).get_by_role("button", name="Editar")).to_be_focused()
    await edit(one, id, nombre="Mía")
    await edit(other, id, nombre="Tuya")
    await save(other, id)
    await editor.get_by_role("button", name="Usar ese").click()
    await expect(editor.locator("[name=nombre]")).to_have_value("Tuya")
    await expect(editor.locator("[data-theirs]")).to_have_count(0)
    await save(one, id)
    await in_step([one, other], [("Tuya", "$7,20")])


async def test_who_saves_a_moment_late_is_told_and_may_save_again(rest: httpx.AsyncClient, windows: Windows) -> None:
    """The news of the other's change are held back until the save has been refused."""
    id = await make(rest, "Mote")
    page = await windows.open("/products?transports=poll")
    going_on = asyncio.Event()

    async def hold(route: Route) -> None:
        await going_on.wait()
        await route.continue_()

    await page.route("**/poll/**", hold)
    await rest.put(f"{REST}/{await make(rest, 'Otro')}", json={"stock": 1})  # ends the poll that waits already
    await expect(page.locator(".event").first).to_be_visible()
    await edit(page, id, nombre="Mote pelado")
    await rest.put(f"{REST}/{id}", json={"nombre": "Mote cocido", "precio": 9})
    await save(page, id)
    await expect(card(page, id)).to_contain_text("Alguien guardó justo antes que tú")
    await expect(card(page, id).locator("[name=precio]")).to_have_value("9,00")
    await expect(card(page, id).locator("[name=nombre]")).to_have_value("Mote pelado")
    await save(page, id)
    await expect(card(page, id).locator("h3")).to_have_text("Mote pelado")
    going_on.set()
    await expect(page.locator(".event[data-type=PRODUCT_UPDATED]")).to_have_count(3)
    product = (await rest.get(f"{REST}/{id}")).json()["data"]
    assert (product["nombre"], product["precio"], product["version"]) == ("Mote pelado", 9, 3)
    await page.unroute_all(behavior="wait")


async def test_what_is_deleted_while_one_edits_it_can_be_made_again(rest: httpx.AsyncClient, windows: Windows) -> None:
    id = await make(rest, "Uvilla")
    page = await windows.open("/products")
    await edit(page, id, descripcion="en mermelada")
    await rest.delete(f"{REST}/{id}")
    await expect(card(page, id).get_by_role("alert")).to_contain_text("Alguien eliminó este producto")
    await expect(page.locator("#sum-products")).to_have_text("0")
    await card(page, id).get_by_role("button", name="Crearlo de nuevo").click()
    await expect(names(page)).to_have_text(["Uvilla"])
    (again,) = (await rest.get(REST)).json()["data"]
    assert (again["descripcion"], again["precio"], again["stock"]) == ("en mermelada", 2.5, 10)
    await edit(page, again["id"], nombre="nada")
    await rest.delete(f"{REST}/{again['id']}")
    await card(page, again["id"]).get_by_role("button", name="Descartar").click()
    await expect(page.get_by_text("El inventario está vacío")).to_be_visible()


async def test_deleting_asks_first_and_again_where_it_changed(rest: httpx.AsyncClient, windows: Windows) -> None:
    id = await make(rest, "Poncho")
    page = await windows.open("/products")
    delete = card(page, id).get_by_role("button", name="Eliminar Poncho")
    await delete.click()
    await expect(page.get_by_role("alertdialog")).to_contain_text("¿Eliminar «Poncho»?")
    await expect(page.get_by_role("button", name="Cancelar")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("alertdialog")).to_have_count(0)
    await expect(delete).to_be_focused()
    await delete.click()
    await rest.put(f"{REST}/{id}", json={"stock": 99})
    await expect(page.get_by_role("alertdialog")).to_contain_text("Alguien lo cambió mientras tanto")
    await page.get_by_role("button", name="Sí, eliminar").click()
    await expect(names(page)).to_have_count(0)
    assert (await rest.get(REST)).json()["data"] == []


async def test_what_is_wrong_is_told_at_its_field(rest: httpx.AsyncClient, windows: Windows) -> None:
    id = await make(rest, "Cacao")
    page = await windows.open("/products")
    await add(page, " ", "1,999", "1.5")
    await expect(page.locator("#new-nombre-wrong")).to_have_text("Un nombre tiene de 1 a 255 caracteres.")
    await expect(page.locator("#new-precio-wrong")).to_contain_text("con dos decimales como mucho")
    await expect(page.locator("#new-stock-wrong")).to_contain_text("un número entero")
    await expect(page.locator("#new-nombre")).to_be_focused()
    await edit(page, id, precio="caro")
    await save(page, id)
    await expect(card(page, id).locator("[name=precio]")).to_have_attribute("aria-invalid", "true")
    await expect(card(page, id).locator("[name=precio]")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(card(page, id).locator("h3")).to_have_text("Cacao")
    assert len((await rest.get(REST)).json()["data"]) == 1


async def test_the_filter_finds_words_without_their_accents(rest: httpx.AsyncClient, windows: Windows) -> None:
    first = await make(rest, "Café de Loja", descripcion="molido")
    await make(rest, "Panela")
    page = await windows.open("/products")
    await page.get_by_label("Filtrar productos").fill("CAFE")
    await expect(names(page)).to_have_text(["Café de Loja"])
    await expect(page.locator("#found")).to_have_text("1 de 2")
    await make(rest, "Cafetera")
    await expect(names(page)).to_have_text(["Cafetera", "Café de Loja"])
    await page.get_by_label("Filtrar productos").fill(f"#{first}")
    await expect(names(page)).to_have_text(["Café de Loja"])
    await page.get_by_label("Filtrar productos").fill("<té>")
    await expect(page.locator(".empty")).to_have_text("Ningún producto coincide con «<té>».")
    await expect(page.locator("#sum-products")).to_have_text("3")


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_module_takes_over_what_the_server_drew(
    rest: httpx.AsyncClient, windows: Windows, language: str
) -> None:
    for stock in (0, 3, 1234):
        await make(rest, EVIL, descripcion="dos\nlíneas", precio=1234567.89, stock=stock)
    drawn = await windows.blank(locale=language, java_script_enabled=False)
    await drawn.goto("/products")
    alive = await windows.open("/products", locale=language)
    for part in ("#shelves", ".sums"):
        assert await alive.locator(part).inner_text() == await drawn.locator(part).inner_text()


@pytest.mark.parametrize(("screen", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
async def test_nothing_is_wider_than_the_screen_and_everything_has_a_name(
    rest: httpx.AsyncClient, windows: Windows, screen: dict[str, int], scheme: str
) -> None:
    ids = [await make(rest, "w" * 255, descripcion="m" * 2000, precio=9999999999.99, stock=2**31 - 1) for _ in range(3)]
    page = await windows.open("/products", viewport=screen, color_scheme=scheme)
    await edit(page, ids[0])
    await card(page, ids[1]).get_by_role("button", name="Eliminar").click()
    await rest.put(f"{REST}/{ids[2]}", json={"nombre": "v" * 255})
    await expect(page.locator(".event")).to_have_count(1)
    assert await page.evaluate(_OUTSIDE) == []
    assert await page.evaluate(_NAMELESS) == []


async def test_windows_agree_again_after_a_restart(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows, httpx.AsyncClient(base_url=server.url, timeout=15) as rest:
        windows.allow(NO_NETWORK)
        await make(rest, "antes")
        pages = [await windows.open(f"/products?transports={rung}") for rung in ("ws", "sse", "poll")]
        server.kill()
        for page in pages:
            await expect(page.locator("#notice")).to_contain_text("Sin conexión")
        await add(pages[0], "en vano", "1", "1")
        await expect(pages[0].locator("[data-form-wrong]")).to_be_visible()
        server.start()
        await make(rest, "después", precio=4)
        await pages[0].get_by_role("button", name="Añadir producto").click()
        await in_step(pages, [("en vano", "$1,00"), ("después", "$4,00"), ("antes", "$2,50")])
        for page in pages:
            await expect(page.locator("#notice")).to_be_hidden()
            await expect(page.locator(".event-which")).to_have_text(["en vano", "después"])


async def test_a_cursor_of_another_log_loads_the_inventory_anew(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows, httpx.AsyncClient(base_url=server.url, timeout=15) as rest:
        windows.allow(NO_NETWORK)
        id = await make(rest, "de antes")
        await make(rest, "también")
        page = await windows.open("/products")
        await edit(page, id, nombre="lo mío")
        server.kill()
        for file in server.folder.glob("envivo.db*"):
            file.unlink()
        server.start()
        await expect(page.locator(".event[data-type=reset]")).to_have_count(1, timeout=45_000)
        await expect(card(page, id).get_by_role("alert")).to_contain_text("Alguien eliminó este producto")
        await expect(names(page)).to_have_count(0)
        await make(rest, "de ahora")
        await expect(names(page)).to_have_text(["de ahora"])


async def test_the_browsers_own_clients_hear_the_older_systems_messages(
    rest: httpx.AsyncClient, windows: Windows
) -> None:
    """As the older system's page had it, without our client: `new WebSocket` at `/`; and `new EventSource`."""
    page = await windows.open("/products")
    await page.evaluate(
        """() => {
            window.heard = { socket: [], stream: [] };
            const take = (list) => ({ data }) => { const { type, message, data: product } = JSON.parse(data);
                list.push([type, message ?? product.nombre ?? product.id]); };
            new WebSocket(`ws://${location.host}`).onmessage = take(heard.socket);
            new EventSource("/sse/products").onmessage = take(heard.stream);
        }"""
    )

    async def all_heard(count: int) -> bool:
        heard: dict[str, list[Any]] = await page.evaluate("heard")
        return all(len(messages) == count for messages in heard.values())

    await eventually(lambda: all_heard(1))
    id = await make(rest, EVIL)
    await rest.put(f"{REST}/{id}", json={"nombre": "Té"})
    await rest.delete(f"{REST}/{id}")
    await eventually(lambda: all_heard(4))
    heard = await page.evaluate("heard")
    assert heard["socket"] == heard["stream"]
    (welcome, greeting), *events = heard["socket"]
    assert welcome == "CONNECTION_ESTABLISHED"
    assert isinstance(greeting, str)
    assert events == [["PRODUCT_CREATED", EVIL], ["PRODUCT_UPDATED", "Té"], ["PRODUCT_DELETED", id]]
