"""The clinic in real browser windows: what those who run a small practice notice."""

import re
from datetime import date, timedelta
from typing import Any

import httpx
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.running import eventually
from tests.web.browser import IN_A_BROWSER, PHONE, Windows, windows_on

pytestmark = IN_A_BROWSER

ZONE = "America/Guayaquil"  # UTC-5 all year
NO_NETWORK = "Failed to load resource|WebSocket connection|ERR_CONNECTION"
BACK = 45_000.0  # ms, for a window that waits for its server to come back
VIEWS = ("calendar", "owners", "invoices", "practice", "activity")


class Practice:
    """A vet, a service and a pet of their own, made by REST, and a week of which nobody else knows."""

    weeks = 0

    def __init__(self, url: str) -> None:
        Practice.weeks += 1
        number = Practice.weeks
        self.url = url
        self.user_id = 7000 + number
        self.day = str(date(2027, 1, 5) + timedelta(weeks=number))  # a Tuesday
        self.owner, self.pet, self.vet, self.service = (f"{name} {number}" for name in ("Rosa", "Luna", "Vera", "Cura"))

    async def open(self) -> "Practice":
        pet = {"name": self.pet, "species": "Perro", "user_id": self.user_id, "owner_name": self.owner}
        self.pet_id: int = (await self.post("pets", pet))["pet_id"]
        self.service_id: int = (
            await self.post("services", {"name": self.service, "price": 25, "duration_minutes": 40})
        )["service_id"]
        self.vet_id: int = (await self.post("employees", {"name": self.vet, "role": "Veterinaria"}))["employee_id"]
        return self

    async def post(self, entity: str, body: dict[str, Any]) -> Any:
        return await self.ask("POST", entity, body, 201)

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        who = {"envivo_user": "Eva"}
        async with httpx.AsyncClient(base_url=self.url, cookies=who) as client:
            answer = await client.request(method, f"/api/{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()["data"]

    async def reserve(self, hour: int) -> Any:
        """A reservation of the practice's day at an `hour` of Guayaquil."""
        body = {"pet_id": self.pet_id, "service_id": self.service_id, "employee_id": self.vet_id}
        return await self.post("reservations", body | {"starts_at": f"{self.day}T{hour + 5:02}:00:00Z"})

    async def bill(self, amount: float) -> int:
        invoice_id: int = (await self.post("invoices", {"pet_id": self.pet_id, "amount": amount}))["invoice_id"]
        return invoice_id

    def path(self, view: str = "calendar", **query: object) -> str:
        words = "&".join(f"{name}={value}" for name, value in {"username": "Ana", "day": self.day, **query}.items())
        return f"/clinic/{view}?{words}"


@pytest_asyncio.fixture(loop_scope="session")
async def practice(windows: Windows) -> Practice:
    windows.allow("a status of 409")
    return await Practice(windows.url).open()


async def open_window(windows: Windows, path: str, **options: Any) -> Page:
    return await windows.open(path, timezone_id=ZONE, **options)


def visits(page: Page, practice: Practice) -> Any:
    return page.locator(".visit", has_text=practice.pet)


def dialog(page: Page) -> Any:
    return page.get_by_role("dialog")


async def choose(page: Page, practice: Practice) -> None:
    """Fill in who, what and with whom of the reservation that is open."""
    await page.get_by_label("Mascota").select_option(str(practice.pet_id))
    await page.get_by_label("Servicio").select_option(str(practice.service_id))
    await page.get_by_label("Con quién").select_option(str(practice.vet_id))


async def save(page: Page) -> None:
    await dialog(page).get_by_role("button", name="Guardar").click()


async def tab_to(page: Page, name: str) -> None:
    """Press the tabulator until the control of this name has the focus."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        words = "document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent"
        if (await page.evaluate(words)).strip().startswith(name):
            return
    raise AssertionError(f"the tabulator does not reach {name}")


async def test_a_reservation_made_by_keyboard_alone_is_seen_in_another_window(
    windows: Windows, practice: Practice
) -> None:
    ana, luis = [await open_window(windows, practice.path(transports=rung)) for rung in ("ws", "sse")]
    await tab_to(ana, "Nueva cita")
    await ana.keyboard.press("Enter")
    await expect(ana.get_by_label("Mascota")).to_be_focused()
    for label, typed in [("Mascota", practice.pet), ("Servicio", practice.service), ("Con quién", practice.vet)]:
        if label != "Mascota":
            await tab_to(ana, label)
        await ana.keyboard.type(typed)
    await tab_to(ana, "Duración")
    await expect(ana.get_by_label("Duración")).to_have_value("40")
    await ana.keyboard.press("Enter")
    await expect(dialog(ana)).to_be_hidden()
    await expect(ana.get_by_role("button", name="Nueva cita")).to_be_focused()
    for page in (ana, luis):
        await expect(visits(page, practice)).to_have_count(1)
        await expect(visits(page, practice)).to_contain_text("09:00")
        day = page.locator(f"[data-day='{practice.day}']")
        await expect(day.locator(".visit", has_text=practice.pet)).to_be_visible()


async def test_an_overlap_is_explained_at_its_field_and_mended_there(windows: Windows, practice: Practice) -> None:
    await practice.reserve(9)
    page = await open_window(windows, practice.path())
    await page.get_by_role("button", name="Nueva cita").click()
    await save(page)
    await expect(page.locator("#field-pet_id-wrong")).to_have_text("Hace falta.")
    await expect(page.get_by_label("Mascota")).to_be_focused()
    await choose(page, practice)
    await page.get_by_label("Hora").fill("09:30")
    await save(page)
    await expect(page.get_by_label("Con quién")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#field-employee_id-wrong")).to_have_text(
        "A esa hora ya hay otra cita, de 09:00 a 09:40."
    )
    assert len(await practice.ask("GET", f"reservations?pet_id={practice.pet_id}")) == 1
    await page.get_by_label("Hora").fill("09:40")
    await save(page)
    await expect(dialog(page)).to_be_hidden()
    await expect(visits(page, practice)).to_have_count(2)


async def test_what_is_moved_and_cancelled_in_one_window_is_so_in_the_other(
    windows: Windows, practice: Practice
) -> None:
    await practice.reserve(9)
    ana, luis = [await open_window(windows, practice.path(transports=rung)) for rung in ("ws", "poll")]
    await luis.evaluate("""() => new MutationObserver(() => {
        window.highlighted ||= document.querySelector(".visit.fresh") !== null;
    }).observe(document.querySelector("#view"), { subtree: true, childList: true, attributes: true })""")
    await visits(ana, practice).get_by_role("button").click()
    await ana.get_by_label("Hora").fill("15:15")
    await save(ana)
    for page in (ana, luis):
        await expect(visits(page, practice)).to_contain_text("15:15")
        await expect(visits(page, practice)).to_have_count(1)
    await eventually(lambda: luis.evaluate("window.highlighted"))
    await visits(luis, practice).get_by_role("button").click()
    await luis.get_by_role("button", name="Cancelar la cita").click()
    for page in (ana, luis):
        await expect(visits(page, practice)).to_have_count(0)
        await page.get_by_role("button", name="Canceladas").click()
        await expect(visits(page, practice)).to_have_attribute("data-status", "cancelled")


async def test_a_reservation_is_dragged_to_another_day(windows: Windows, practice: Practice) -> None:
    made = await practice.reserve(9)
    ana, luis = [await open_window(windows, practice.path()) for _ in range(2)]
    card = await visits(ana, practice).bounding_box()
    columns = ana.locator(".day .slots")
    index = [await ana.locator(".day").nth(i).get_attribute("data-day") for i in range(6)].index(practice.day)
    target = index + 1 if index < 5 else index - 1
    column = await columns.nth(target).bounding_box()
    assert card is not None
    assert column is not None
    hour = column["height"] / 11  # the grid shows 8:00 to 19:00
    await ana.mouse.move(card["x"] + 20, card["y"] + 10)
    await ana.mouse.down()
    await ana.mouse.move(column["x"] + 20, card["y"] + 10 + 2 * hour, steps=8)
    await ana.mouse.up()
    for page in (ana, luis):
        moved = page.locator(".day").nth(target).locator(".visit", has_text=practice.pet)
        await expect(moved).to_contain_text("11:00")
        await expect(dialog(page)).to_be_hidden()
    record = await practice.ask("GET", f"reservations/{made['reservation_id']}")
    assert record["starts_at"].endswith("T16:00:00.000Z")
    assert record["ends_at"].endswith("T16:40:00.000Z")


async def test_a_payment_closes_the_invoice_in_every_window_on_every_rung(windows: Windows, practice: Practice) -> None:
    invoice_id = await practice.bill(30)
    ana, luis, eli = [
        await open_window(windows, practice.path("invoices", transports=rung)) for rung in ("ws", "sse", "poll")
    ]
    row = f"[data-invoice='{invoice_id}']"
    await ana.locator(f"{row} [data-pay]").click()
    await ana.get_by_label("Importe").fill("99")
    await save(ana)
    await expect(ana.locator("#field-amount-wrong")).to_have_text("Es más de lo que se debe: 30.00.")
    await ana.get_by_label("Importe").fill("10")
    await save(ana)
    for page in (luis, eli):
        await expect(page.locator(f"{row} .invoice-sum")).to_contain_text("$20,00")
    await luis.locator(f"{row} [data-pay]").click()
    await expect(luis.get_by_label("Importe")).to_have_value("20.00")
    await save(luis)
    for page, rung in [(ana, "ws"), (luis, "sse"), (eli, "poll")]:
        await expect(page.locator(row)).to_have_count(0)
        await page.get_by_role("button", name="Pagadas").click()
        await expect(page.locator(row)).to_have_attribute("data-status", "paid")
        await page.locator(f"{row} .invoice-name").click()
        await expect(page.locator(f"{row} [data-payment]")).to_have_count(2)
        await expect(page.locator("#badge-slot")).to_have_attribute("data-transport", rung)


async def test_windows_agree_again_after_a_restart_and_nothing_is_done_twice(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows:
        windows.allow(NO_NETWORK)
        practice = await Practice(server.url).open()
        await practice.reserve(9)
        ana, luis = [await open_window(windows, practice.path(transports=rung)) for rung in ("ws", "sse")]
        await ana.get_by_role("button", name="Nueva cita").click()
        await choose(ana, practice)
        await ana.get_by_label("Hora").fill("12:00")
        server.kill()
        await expect(luis.locator("#offline")).to_be_visible()
        await save(ana)
        await expect(dialog(ana).get_by_role("alert")).to_have_text("No se pudo hablar con el servidor.")
        server.start()
        await save(ana)
        for page in (ana, luis):
            await expect(page.locator("#badge-slot")).to_have_attribute("data-state", "connected", timeout=BACK)
            await expect(visits(page, practice)).to_have_count(2, timeout=BACK)
            await expect(page.locator("#offline")).to_be_hidden()
            for count in ("gaps", "repeats"):
                await expect(page.locator("#badge-slot")).to_have_attribute(f"data-{count}", "0")
        assert len(await practice.ask("GET", "reservations")) == 2


async def test_a_window_of_another_database_begins_anew(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows:
        windows.allow(NO_NETWORK)
        before = await Practice(server.url).open()
        await before.reserve(9)
        page = await open_window(windows, before.path())
        await expect(visits(page, before)).to_have_count(1)
        server.kill()
        for path in server.folder.glob("envivo.db*"):
            path.unlink()
        server.start()
        after = Practice(server.url)
        after.day = before.day
        await after.open()
        await after.reserve(11)
        await expect(visits(page, after)).to_have_count(1, timeout=BACK)
        await expect(visits(page, before)).to_have_count(0)
        await page.get_by_role("link", name="Dueños y mascotas").click()
        await expect(page.locator(".pet strong")).to_have_text([after.pet])


async def test_an_owner_is_found_and_their_notices_are_told(windows: Windows, practice: Practice) -> None:
    page = await open_window(windows, practice.path("owners"), viewport=PHONE)
    await page.get_by_label("Buscar").fill(practice.owner.upper())
    await page.get_by_role("link", name=practice.pet).click()
    await expect(page.get_by_role("heading", name=practice.pet)).to_be_visible()
    await page.get_by_role("button", name="Recibir sus avisos").click()
    await expect(page.locator(".following")).to_have_text(re.compile(f"Avisos para {practice.owner}"))
    await practice.reserve(10)
    toast = page.get_by_role("log").locator(".toast")
    await expect(toast).to_contain_text(f"Aviso para {practice.owner}")
    await expect(toast).to_contain_text(f"Se añadió: cita · {practice.pet}")
    await toast.get_by_role("button").click()
    await expect(toast).to_have_count(0)
    await page.get_by_role("link", name="Volver a la lista").click()
    await expect(page.get_by_label("Buscar")).to_be_visible()


async def test_the_medical_history_grows_in_both_windows(windows: Windows, practice: Practice) -> None:
    path = practice.path("owners", pet=practice.pet_id)
    ana, luis = await open_window(windows, path), await open_window(windows, path)
    await expect(luis.get_by_text("Sin entradas todavía.")).to_be_visible()
    await ana.get_by_role("button", name="Añadir entrada").click()
    await ana.get_by_label("Con quién").select_option(str(practice.vet_id))
    await ana.get_by_label("Diagnóstico").fill("Otitis leve")
    await ana.get_by_label("Peso").fill("mucho")
    await save(ana)
    await expect(ana.locator("#field-weight-wrong")).to_have_text("Escribe un número.")
    await ana.get_by_label("Peso").fill("12,5")
    await save(ana)
    for page in (ana, luis):
        await expect(page.locator(".entry")).to_have_count(1)
        await expect(page.locator(".entry")).to_contain_text("12,5 kg")
        await expect(page.locator(".entry-what")).to_have_text("Otitis leve")


async def test_who_edits_what_has_just_changed_is_told_and_overwrites_nothing(
    windows: Windows, practice: Practice
) -> None:
    page = await open_window(windows, practice.path("practice"))
    thing = page.locator(f"[data-thing='services/{practice.service_id}']")
    await thing.get_by_role("button", name="Editar").click()
    await page.get_by_label("Precio").fill("40")
    await practice.ask("PUT", f"services/{practice.service_id}", {"price": 31})
    await expect(dialog(page).get_by_role("status")).to_contain_text("acaba de cambiar en otra ventana")
    await save(page)
    await expect(dialog(page).get_by_role("alert")).to_contain_text("acaba de cambiar en otra ventana")
    assert (await practice.ask("GET", f"services/{practice.service_id}"))["price"] == 31
    await page.get_by_role("button", name="Ver lo nuevo").click()
    await expect(page.get_by_label("Precio")).to_have_value("31.00")
    await page.get_by_label("Precio").fill("40")
    await save(page)
    await expect(thing).to_contain_text("$40,00")


async def test_what_is_in_use_is_not_deleted_and_the_page_says_by_what(windows: Windows, practice: Practice) -> None:
    await practice.reserve(9)
    page = await open_window(windows, practice.path("practice"))
    thing = page.locator(f"[data-thing='services/{practice.service_id}']")
    await thing.get_by_role("button", name="Editar").click()
    await page.get_by_role("button", name="Borrar").click()
    await page.get_by_role("button", name="¿Seguro? Borrar").click()
    await expect(dialog(page).get_by_role("alert")).to_have_text("No se puede: de esto dependen cita.")
    await page.keyboard.press("Escape")
    await expect(thing).to_be_visible()


async def test_every_change_is_told_in_the_activity_of_all(windows: Windows, practice: Practice) -> None:
    page = await open_window(windows, practice.path("activity"))
    await practice.ask("PUT", f"pets/{practice.pet_id}", {"notes": "Alérgica al pollo."})
    line = page.locator(".log", has_text=practice.pet).first
    await expect(line).to_contain_text("Eva cambió: mascota")
    await expect(line).to_have_attribute("data-action", "updated")


async def test_a_pet_added_on_the_page_reaches_the_older_clients_of_the_clinic(windows: Windows) -> None:
    practice = Practice(windows.url)
    page = await open_window(windows, practice.path("owners"))
    await page.evaluate("""() => {
        window.heard = [];
        for (const name of ["pets", "user/41"]) {
            const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws/${name}?user_id=41`);
            socket.onmessage = ({ data }) => window.heard.push(JSON.parse(data));
        }
    }""")
    await eventually(lambda: page.evaluate("window.heard.length === 2"))  # the welcomes
    await page.get_by_role("button", name="Añadir mascota").click()
    for field, typed in {"name": "Chispa", "species": "Gato", "user_id": "41"}.items():
        await page.locator(f"#field-{field}").fill(typed)
    await save(page)
    await eventually(lambda: page.evaluate("window.heard.length === 4"))
    heard = {message["type"]: message for message in await page.evaluate("window.heard")}
    update, notice = heard["realtime_update"], heard["notification"]
    assert (update["entity_type"], update["action"]) == ("pets", "created")
    assert update["data"].items() >= {"name": "Chispa", "species": "Gato", "user_id": 41}.items()
    assert (notice["notification_type"], notice["user_id"]) == ("pet_created", "41")
    assert notice["data"] == {"pet_name": "Chispa", "pet_id": update["data"]["pet_id"]}


async def test_the_first_paint_needs_no_script(windows: Windows, practice: Practice) -> None:
    await practice.reserve(9)
    await practice.bill(12.5)
    page = await windows.blank(java_script_enabled=False)
    for view, shown in {
        "calendar": practice.pet,
        "owners": practice.owner,
        "invoices": "$12.50",
        "practice": practice.service,
        "activity": practice.pet,
    }.items():
        await page.goto(practice.path(view))
        await expect(page.locator("#view").get_by_text(shown).first).to_be_visible()


async def test_every_view_fits_a_phone_and_names_its_controls_in_english_too(
    windows: Windows, practice: Practice
) -> None:
    await practice.reserve(9)
    await practice.bill(12.5)
    page = await open_window(windows, "/clinic", locale="en", viewport=PHONE)
    nameless = """[...document.querySelectorAll("main :is(a, button, input, select)")].filter((one) =>
        !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML)"""
    for view in VIEWS:
        await windows.visit(page, practice.path(view))
        assert await page.evaluate("document.querySelector('main').scrollWidth - innerWidth") <= 0, view
        assert await page.evaluate(nameless) == [], view
        await expect(page.locator("h1")).to_have_count(1)
    await page.goto("/clinic/nothing")
    await expect(page.locator("h1")).to_have_text("There is nothing here")
