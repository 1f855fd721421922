"""The engine room in real browser windows: what those notice who look after the server."""

import contextlib
import itertools
import re
import secrets
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.hostile.peers import connected, request
from tests.running import ServerProcess, eventually
from tests.web.browser import DESK, IN_A_BROWSER, PHONE, Windows, windows_on

pytestmark = IN_A_BROWSER

NO_NETWORK = "Failed to load resource|WebSocket connection|ERR_CONNECTION"
GRAPHS = 9
_OUTSIDE = """[...document.querySelectorAll("main, main *")].filter((one) => {
    const { right, width } = one.getBoundingClientRect();
    return width > 1 && right > innerWidth + 1 && !one.closest(".unseen, .scroller");
}).map((one) => one.outerHTML.slice(0, 200))"""
_HEADINGS = """[...document.querySelectorAll("h1, h2, h3")].filter((one) => one.checkVisibility())
    .map((one) => Number(one.tagName[1]))"""


def rows(page: Page) -> Locator:
    return page.locator("#connections tbody tr")


async def look_for(page: Page, name: str) -> None:
    await page.get_by_label("Buscar conexiones").fill(name)


async def test_somebody_comes_changes_transport_is_disconnected_and_comes_back(windows: Windows) -> None:
    name = f"Ana {secrets.token_hex(4)}"
    room = f"/chat/1?user_id={name[4:]}&username={name}"
    admin = await windows.open("/admin")
    await look_for(admin, name)
    await expect(admin.get_by_text("Ninguna conexión coincide.")).to_be_visible()
    ana = await windows.open(room)
    await expect(rows(admin)).to_have_count(1)
    await expect(rows(admin)).to_contain_text(name)
    await expect(rows(admin)).to_contain_text("rooms/1")
    await expect(rows(admin).locator("[data-column=rtt]")).to_have_text(re.compile(r"\d ms"))
    await windows.visit(ana, f"{room}&transports=sse")
    await expect(rows(admin).locator(".pill")).to_have_text("SSE")
    before = await rows(admin).get_attribute("data-key")

    await admin.get_by_role("button", name=f"Desconectar a {name}").click()
    await admin.get_by_role("button", name="Cancelar").click()
    await expect(admin.get_by_role("dialog")).to_have_count(0)
    await admin.get_by_role("button", name=f"Desconectar a {name}").click()
    await admin.get_by_role("dialog").get_by_role("button", name="Desconectar").click()
    await expect(admin.get_by_text(f"Se desconectó a {name}.")).to_be_visible()
    await expect(admin.locator(f"[data-key='{before}']")).to_have_count(0)
    await expect(rows(admin)).to_have_count(1)
    await expect(ana.locator("#badge-slot")).to_have_attribute("data-state", "connected")
    await expect(ana.locator("#badge-slot")).to_have_attribute("data-gaps", "0")


@pytest.mark.parametrize("rung", ["ws", "sse", "poll"])
async def test_what_happens_is_seen_while_it_happens(server: ServerProcess, windows: Windows, rung: str) -> None:
    admin = await windows.open(f"/admin?transports={rung}")
    await expect(admin.locator("#graphs canvas")).to_have_count(GRAPHS)
    await expect(admin.locator("tr.mine")).to_contain_text("esta página")
    lane = admin.locator(f"[data-lane={rung}]")
    await expect(lane.locator("[data-open]")).to_have_text(re.compile(r"abiertas: [1-9]"))
    published = admin.locator("[data-graph=published]")
    async with httpx.AsyncClient(base_url=server.url) as client:

        async def seen() -> bool:
            await client.post("/api/publish", json=[{"topic": "log/seen", "type": "n"}] * 40)
            durable = await published.locator(".legend span").first.inner_text()
            return re.fullmatch(r"Duraderos [1-9].*", durable) is not None

        await eventually(seen, deadline=15)
    await expect(published.locator(".chart")).to_have_attribute(
        "aria-label", re.compile(r"Eventos publicados por segundo: ")
    )
    await expect(admin.locator("[data-stage=in] .figure")).to_have_text(re.compile(r"/s$"))
    await expect(admin.locator("[data-vital=memory]")).to_have_text(re.compile(r"^[\d.,]+ MB$"))
    await admin.get_by_label("Buscar temas").fill("log/seen")
    await expect(admin.locator("#topics tbody tr", has_text="log/seen").locator("[data-column=head]")).to_have_text(
        re.compile(r"^\d+$")
    )
    await expect(admin.locator("#offline")).to_be_hidden()
    await expect(admin.get_by_role("heading", name="Nodos")).to_have_count(0)  # there is but one


async def test_a_newcomer_sees_what_was_before_it_came(windows: Windows) -> None:
    admin = await windows.open("/admin")
    chart = admin.locator("[data-graph=memory] .chart")
    await expect(chart).to_have_attribute("aria-label", re.compile(r"En los últimos ([3-9]|\d\d+) s"))
    newcomer = await windows.open("/admin")
    await expect(newcomer.locator("[data-graph=memory] .chart")).to_have_attribute(
        "aria-label", re.compile(r"En los últimos ([3-9]|\d\d+) s")
    )


async def test_the_lists_are_sorted_searched_and_paged(server: ServerProcess, windows: Windows) -> None:
    crowd = secrets.token_hex(4)
    admin = await windows.open("/admin")
    async with httpx.AsyncClient(base_url=server.url) as client:
        for number in range(14):  # pollers, who stay for 5 s
            await client.get(f"/poll/log/{crowd}", params={"username": f"{crowd}-{number:02}", "wait": 0})
        await look_for(admin, crowd)
        await admin.get_by_role("button", name="Ordenar por Quién").click()
        who = admin.locator("#connections .who strong")
        await expect(who).to_have_text([f"{crowd}-{number:02}" for number in range(12)])
        await expect(admin.locator("#connections th[aria-sort=ascending]")).to_have_text(re.compile("Quién"))
        for number in range(14):
            await client.get(f"/poll/log/{crowd}", params={"username": f"{crowd}-{number + 20}", "wait": 0})
        await admin.get_by_role("button", name="Siguientes").click()
        await expect(who.first).to_have_text(re.compile(rf"{crowd}-\d\d"))
    # When they are gone there is no second page any more.
    await expect(admin.get_by_text("Ninguna conexión coincide.")).to_be_visible()
    await admin.get_by_label("Buscar temas").fill("operat")
    await expect(admin.locator("#topics tbody tr")).to_have_count(1)
    await expect(admin.locator("#topics tbody tr")).to_contain_text("estado")


async def test_who_has_changed_what_is_seen_while_it_happens(make_server: Any) -> None:
    server = make_server()
    lines = "#security tbody tr"
    async with windows_on(server.url) as windows:
        admin = await windows.open("/admin")
        await expect(admin.locator("#security .empty")).to_have_text("Todavía no hay nada que contar.")
        async with httpx.AsyncClient(base_url=server.url) as client:
            who = {"username": "<b>Ana</b>", "user_id": "7"}
            await client.post("/api/productos", json={"nombre": "Té", "precio": 2, "stock": 3}, params=who)
            await expect(admin.locator(lines)).to_have_count(1)
            await expect(admin.locator(f"{lines} [data-column=user]")).to_contain_text("<b>Ana</b> 7")
            await expect(admin.locator(f"{lines} [data-column=what]")).to_contain_text(
                re.compile(r"cambió: create products/\d+ nombre, descripcion, precio 2\.00, stock 3")
            )
            await expect(admin.locator(f"{lines} [data-column=result]")).to_have_text("hecho")
            await client.post("/api/rooms", json={"name": "x"}, headers={"Origin": "https://evil.example"})
        await expect(admin.locator(f"{lines} [data-column=result]").first).to_contain_text("origin_not_allowed")
        # It is there before any script has run.
        plain = await windows.blank(java_script_enabled=False)
        await plain.goto("/admin")
        await expect(plain.locator("#security li")).to_have_count(2)
        await expect(plain.locator("#security li").last).to_contain_text("<b>Ana</b>")


async def test_a_door_is_opened_somebody_invited_and_the_door_closed(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows:
        windows.allow("Failed to load resource")
        admin = await windows.open("/admin")
        doors, form = admin.locator("#doors tbody tr"), admin.locator("#new-door")
        await expect(doors).to_have_count(1)
        await expect(doors).to_contain_text("por aquí entraste tú")
        await expect(doors.get_by_role("button")).to_have_count(0)

        await admin.locator("summary", has_text="Abrir una puerta").click()
        await form.get_by_label("Nombre", exact=True).fill("Clase")
        await form.get_by_label("Dirección IP").fill("127.0.0.1")
        await form.get_by_label("Puerto").fill(str(server.port))
        await form.get_by_label("Temas").fill("log/clase/* live/hola")
        await form.get_by_role("button", name="Abrir").click()
        await expect(form.locator("[data-wrong=name]")).to_have_text(re.compile("Letras minúsculas"))
        await form.get_by_label("Nombre", exact=True).fill("clase")
        await form.get_by_role("button", name="Abrir").click()
        await expect(form.locator("[data-wrong=port]")).to_have_text(re.compile("Ese puerto está ocupado"))
        await form.get_by_label("Puerto").fill("0")
        await form.get_by_role("button", name="Abrir").click()
        await expect(doors).to_have_count(2)
        await expect(doors.last).to_contain_text("log/clase/*")

        await admin.get_by_role("button", name="Invitar a la puerta clase").click()
        await admin.get_by_label("Nombre de la persona").fill("Ana")
        await admin.get_by_role("button", name="Hacer el enlace").click()
        shown = admin.locator(".invitation code")
        await expect(shown).to_have_text(re.compile(r"/\?token="))
        link = await shown.inner_text()
        await admin.get_by_role("button", name="Listo").click()
        inside = await windows.blank()
        await inside.goto(link.replace("/?", "/topics/log/clase/1?"))
        await inside.get_by_role("button", name="Ana").click()
        await expect(inside.locator("#badge-slot")).to_have_attribute("data-state", "connected")
        await expect(doors.last.locator("[data-column=came]")).to_have_text(re.compile(r"1\s+Ana"))

        await admin.get_by_role("button", name="Cerrar la puerta clase").click()
        await admin.get_by_role("dialog").get_by_role("button", name="Cerrar").click()
        await expect(admin.get_by_text("La puerta clase está cerrada. Conexiones que terminaron: 1.")).to_be_visible()
        await expect(doors).to_have_count(1)
        await expect(inside.locator("#badge-slot")).to_have_attribute("data-state", "closed")
        # It is there before any script has run.
        plain = await windows.blank(java_script_enabled=False)
        await plain.goto("/admin")
        await expect(plain.locator("#doors li")).to_have_text(re.compile("front · .* · abierta · conexiones: 1"))


async def test_the_limits_on_addresses_are_shown_and_who_has_met_one(make_server: Any) -> None:
    server = make_server(address_connections=40, environment={"TESTS_COUNTED": "1"})
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connected(server)) for _ in range(50)]
        for peer in peers:
            await peer.send(request("/health"))
            await peer.head()
    async with windows_on(server.url) as windows:
        admin = await windows.open("/admin")
        limits = admin.locator("#address-limits tbody tr")
        await expect(limits).to_have_text(
            [re.compile(r"abiertas40[1-9]"), re.compile(r"segundo5000$"), re.compile(r"nada2000$")]
        )
        met = admin.locator("#addresses-met tbody tr")
        await expect(met).to_have_text(re.compile(r"127\.0\.0\.1Conexiones abiertas\d+\d\d:\d\d:\d\d$"))


async def test_it_goes_on_over_a_restart(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows:
        windows.allow(NO_NETWORK)
        pages = [await windows.open("/admin"), await windows.open("/admin?transports=sse")]
        for page in pages:
            await expect(page.locator("#graphs canvas")).to_have_count(GRAPHS)
        server.kill()
        for page in pages:
            await expect(page.locator("#offline")).to_have_text(re.compile("Sin conexión con el servidor"))
        server.start()
        for page in pages:
            await expect(page.locator("#offline")).to_be_hidden()
            await expect(page.locator("#graphs canvas")).to_have_count(GRAPHS)
            await expect(rows(page)).to_have_count(len(pages))
            await expect(page.locator("tr.mine")).to_have_count(1)
            await expect(page.locator("[data-vital=uptime]")).to_have_text(re.compile(r"^\d+ s$"))
            await expect(page.locator("#badge-slot")).to_have_attribute("data-repeats", "0")


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_and_says_what_it_is(windows: Windows, viewport: Any, scheme: Any) -> None:
    page = await windows.open("/admin", viewport=viewport, locale="en", color_scheme=scheme)
    await expect(page.locator("h1")).to_have_text("Engine room")
    await expect(page.locator("#graphs canvas")).to_have_count(GRAPHS)
    await expect(page.locator("#topics tbody tr").first).to_be_visible()
    levels: list[int] = await page.evaluate(_HEADINGS)
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
    assert await page.evaluate(_OUTSIDE) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
