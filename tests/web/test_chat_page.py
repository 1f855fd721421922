"""The chat in real browser windows: what its people notice."""

from typing import Any

import httpx
from playwright.async_api import Page, expect

from tests.web.browser import IN_A_BROWSER, PHONE, Windows, windows_on

pytestmark = IN_A_BROWSER


async def new_room(windows: Windows, messages: int = 0) -> int:
    """A room of its own with that many messages of Eva's."""
    async with httpx.AsyncClient(base_url=windows.url, params={"user_id": "eva", "username": "Eva"}) as client:
        known = len((await client.get("/api/rooms")).json()["data"])
        answer = await client.post("/api/rooms", json={"name": f"Sala {known}"})
        room: int = answer.json()["data"]["id"]
        for number in range(1, messages + 1):
            posted = await client.post(f"/api/rooms/{room}/messages", json={"content": f"mensaje {number}"})
            assert posted.status_code == 201, posted.text
    return room


async def say(page: Page, content: str) -> None:
    await page.locator("#content").fill(content)
    await page.locator("#content").press("Enter")


def bubbles(page: Page) -> Any:
    return page.locator(".message .bubble")


async def test_two_windows_chat_across_rungs_each_message_once_in_order(windows: Windows) -> None:
    room = await new_room(windows)
    ana = await windows.open(f"/chat/{room}?user_id=1&username=Ana")
    luis = await windows.open(f"/chat/{room}?user_id=2&username=Luis&transports=sse")
    eli = await windows.open(f"/chat/{room}?user_id=3&username=Eli&transports=poll")
    said = []
    for page, content in [(ana, "Hola"), (luis, "¿Qué tal?\n<b>bien</b>"), (eli, "Por sondeo"), (ana, "Funciona")]:
        await say(page, content)
        said.append(content)
        for window in (ana, luis, eli):
            await expect(bubbles(window)).to_have_text(said)
            await expect(window.locator(".pending")).to_have_count(0)
            await expect(window.locator("#badge-slot")).to_have_attribute("data-repeats", "0")


async def test_what_runs_the_other_way_turns_nothing_around_it(windows: Windows) -> None:
    """U+202E makes what follows run from right to left; it ends with the message."""
    room, turned = await new_room(windows), "factura_\u202egpj.exe"
    ana = await windows.open(f"/chat/{room}?user_id=1&username=Ana")
    await say(ana, turned)
    plain = await windows.blank(java_script_enabled=False)
    await plain.goto(f"/chat/{room}?user_id=2&username=Luis")
    for page in (ana, plain):
        await expect(page.locator(".bubble > bdi")).to_have_text(turned)
        await expect(page.locator(".who bdi")).to_have_text("Ana")


async def test_presence_typing_and_receipts_are_seen_by_the_others(windows: Windows) -> None:
    room = await new_room(windows)
    ana = await windows.open(f"/chat/{room}?user_id=1&username=Ana")
    luis = await windows.open(f"/chat/{room}?user_id=2&username=Luis")
    await expect(ana.locator("[data-list=online] .person")).to_have_text([r"AAna tú", "LLuis"])
    await luis.locator("#content").press_sequentially("ya v")
    await expect(ana.locator("#typing")).to_contain_text("Luis está escribiendo")
    await luis.locator("#content").fill("ya voy")
    await luis.locator("#content").press("Enter")
    await expect(ana.locator("#typing")).to_be_empty()
    await ana.bring_to_front()
    await expect(luis.locator(".message .seen")).to_have_attribute("title", "Leído por Ana")
    await luis.close()
    await expect(ana.locator("[data-list=last-seen] .person strong")).to_have_text("Luis")


async def test_a_second_tab_of_one_user_does_not_join_again(windows: Windows) -> None:
    room = await new_room(windows)
    ana = await windows.open(f"/chat/{room}?user_id=1&username=Ana")
    luis = await windows.open(f"/chat/{room}?user_id=2&username=Luis")
    second = await luis.context.new_page()
    await windows.visit(second, f"/chat/{room}?user_id=2&username=Luis")
    await say(second, "desde la otra")
    await expect(bubbles(luis)).to_have_text(["desde la otra"])
    await expect(luis.locator(".message.mine")).to_have_count(1)
    await expect(ana.locator("[data-list=online] .person")).to_have_count(2)


async def test_older_messages_come_on_scrolling_up_and_nothing_jumps(windows: Windows) -> None:
    room = await new_room(windows, messages=120)
    page = await windows.open(f"/chat/{room}?user_id=1&username=Ana")
    await expect(bubbles(page)).to_have_count(50)
    await expect(bubbles(page).last).to_be_in_viewport()
    for expected in (100, 120):
        first = await page.locator(".message").first.get_attribute("data-id")
        watched = page.locator(f'[data-id="{first}"] .bubble')
        await watched.evaluate("(one) => one.scrollIntoView({ block: 'start' })")
        await expect(bubbles(page)).to_have_count(expected)
        await expect(watched).to_be_in_viewport()
    assert await bubbles(page).all_inner_texts() == [f"mensaje {number}" for number in range(1, 121)]
    await page.locator(".message").first.scroll_into_view_if_needed()
    await expect(page.get_by_text("Aquí empieza la conversación")).to_be_visible()
    async with httpx.AsyncClient(base_url=windows.url, params={"username": "Eva"}) as client:
        await client.post(f"/api/rooms/{room}/messages", json={"content": "nuevo"})
    await expect(page.locator("#to-end")).to_have_text("↓ Nuevos: 1")
    await expect(bubbles(page).first).to_be_in_viewport()
    await page.locator("#to-end").click()
    await expect(bubbles(page).last).to_be_in_viewport()


async def test_what_is_written_while_the_server_is_down_goes_out_on_its_return(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows:
        windows.allow("Failed to load resource|WebSocket connection|ERR_CONNECTION")
        room = await new_room(windows)
        ana = await windows.open(f"/chat/{room}?user_id=1&username=Ana")
        server.kill()
        await expect(ana.locator("#offline")).to_be_visible()
        await expect(ana.locator(".badge")).to_contain_text("Reconectando…")
        await say(ana, "escrito sin red")
        await expect(ana.locator(".pending .fate")).to_have_text("enviando…")
        server.start()
        await expect(ana.locator(".pending")).to_have_count(0)
        await expect(bubbles(ana)).to_have_text(["escrito sin red"])
        await expect(ana.locator("#offline")).to_be_hidden()
        await expect(ana.locator("#badge-slot")).to_have_attribute("data-gaps", "0")


async def test_who_has_no_name_yet_reads_along(windows: Windows) -> None:
    room = await new_room(windows)
    reader = await windows.open(f"/chat/{room}")
    ana = await windows.open(f"/chat/{room}?user_id=1&username=Ana")
    await say(ana, "¿Quién mira?")
    await expect(bubbles(reader)).to_have_text(["¿Quién mira?"])
    await expect(reader.locator("#name-form")).to_be_visible()
    await expect(reader.locator("#composer")).to_be_hidden()


async def test_a_newcomer_gives_a_name_and_is_remembered(windows: Windows) -> None:
    room = await new_room(windows, messages=1)
    page = await windows.open(f"/chat/{room}", viewport=PHONE)
    await expect(bubbles(page)).to_have_text(["mensaje 1"])
    await page.get_by_label("¿Cómo te llamas?").fill("José Ñandú")
    await page.get_by_role("button", name="Entrar").click()
    await expect(page.locator("#me-note")).to_have_text("Escribes como José Ñandú.")
    await say(page, "Hola")
    await expect(page.locator(".message.mine .bubble")).to_have_text("Hola")
    await windows.visit(page, f"/chat/{room}")
    await expect(page.locator(".message.mine .bubble")).to_have_text("Hola")
    await page.locator(".people-toggle").click()
    await expect(page.locator("#people")).to_contain_text("José Ñandú")


async def test_a_room_is_created_or_the_reason_is_given(windows: Windows) -> None:
    page = await windows.open("/chat?username=Ana")
    await page.get_by_role("button", name="Crear sala").click()
    await expect(page.locator("#room-name-wrong")).to_have_text("La sala necesita un nombre.")
    await page.get_by_label("Nombre").fill("Turno de noche")
    await page.get_by_role("button", name="Crear sala").click()
    await page.wait_for_url("**/chat/*")
    await expect(page.locator("h1")).to_have_text("Turno de noche")
    await windows.visit(page, "/chat")
    await page.get_by_label("Nombre").fill("Turno de noche")
    await page.get_by_role("button", name="Crear sala").click()
    await expect(page.locator("#room-name-wrong")).to_have_text("Ya hay una sala con ese nombre.")


async def test_a_room_that_is_not_there_is_a_page_that_says_so(windows: Windows) -> None:
    page = await windows.open("/chat/987654")
    await expect(page.locator("h1")).to_have_text("Aquí no hay nada")
