"""Several windows, some of them of one person: what the others are told, and what they are not."""

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.listener import Listener
from tests.browser.room import Room, bubbles, chat_both_ways, say, shows_once
from tests.running import ServerProcess, eventually
from tests.web.browser import IN_A_BROWSER, Windows

pytestmark = IN_A_BROWSER

BOTH = re.compile(r"^Leído por (Luis, Eli|Eli, Luis)$")
LINGER = 20.0  # s; somebody whose window was closed is gone after 5 s, on a busy machine a little later


def address(room: Room, user_id: int, username: str) -> str:
    return f"/chat/{room.id}?user_id={user_id}&username={username}"


async def comings_and_goings(listener: Listener) -> list[str]:
    joined = [f"+{user['username']}" for user in await listener.heard("user_joined")]
    return joined + [f"-{user['username']}" for user in await listener.heard("user_left")]


async def test_a_third_window_of_the_same_user_neither_joins_nor_leaves(
    server: ServerProcess, windows: Windows
) -> None:
    async with Room(server.url) as room:
        ana = await windows.open(address(room, 1, "Ana"))
        listener = Listener(ana)
        await listener.follow(topics=[f"rooms/{room.id}"], params={"user_id": 1, "username": "Ana"})
        luis = await windows.open(address(room, 2, "Luis"))
        third = await windows.open(address(room, 2, "Luis"))
        eli = await windows.open(address(room, 3, "Eli"))
        await chat_both_ways(ana, third, "three windows")
        await shows_once(luis, "three windows, says one")
        await expect(luis.locator(".message.mine")).to_have_count(1)  # said in his other window
        assert await comings_and_goings(listener) == ["+Luis", "+Eli"]
        await third.close()
        await eli.close()
        # Eli's only window was closed after Luis's: by the time she is gone, he would be gone too.
        await eventually(lambda: has_left(listener, "Eli"), LINGER)
        assert await comings_and_goings(listener) == ["+Luis", "+Eli", "-Eli"]
        await expect(ana.locator("[data-list=online] .person strong")).to_have_text(["Ana", "Luis"])
        await chat_both_ways(ana, luis, "two windows")
        await luis.close()
        await eventually(lambda: has_left(listener, "Luis"), LINGER)
        await expect(ana.locator("[data-list=last-seen] .person strong")).to_have_text(["Luis", "Eli"])


async def has_left(listener: Listener, username: str) -> bool:
    return username in [user["username"] for user in await listener.heard("user_left")]


async def test_nobody_is_told_of_their_own_typing_in_any_window(server: ServerProcess, windows: Windows) -> None:
    async with Room(server.url) as room:
        ana = await windows.open(address(room, 1, "Ana"))
        luis = await windows.open(address(room, 2, "Luis"))
        third = await windows.open(address(room, 2, "Luis"))
        eli = await windows.open(address(room, 3, "Eli"))
        for writer in (luis, eli):
            await writer.locator("#content").press_sequentially("ya")
        await expect(ana.locator("#typing")).to_contain_text("Luis y Eli están escribiendo…")
        await expect(third.locator("#typing")).to_contain_text("Eli está escribiendo…")
        await expect(third.locator("#typing")).not_to_contain_text("Luis")
        await eli.locator("#content").fill("")
        await expect(ana.locator("#typing")).to_contain_text("Luis está escribiendo…")
        # Nothing more is written: it goes by itself.
        await expect(ana.locator("#typing")).to_be_empty()


async def test_receipts_name_everybody_who_has_read(server: ServerProcess, windows: Windows) -> None:
    async with Room(server.url) as room:
        readers = [await windows.open(address(room, number, name)) for number, name in ((2, "Luis"), (3, "Eli"))]
        ana = await windows.open(address(room, 1, "Ana"))
        await say(ana, "¿quién lo ha leído?")
        for reader in readers:
            await shows_once(reader, "¿quién lo ha leído?")
            await reader.bring_to_front()
        await expect(ana.locator(".message .seen")).to_have_attribute("title", BOTH)
        await windows.visit(ana, address(room, 1, "Ana"))
        await expect(ana.locator(".message .seen")).to_have_attribute("title", BOTH)


async def test_rooms_do_not_hear_each_other(server: ServerProcess, windows: Windows) -> None:
    async with Room(server.url) as one, Room(server.url) as other:
        ana, luis = await windows.open(address(one, 1, "Ana")), await windows.open(address(other, 2, "Luis"))
        eli = [await windows.open(address(room, 3, "Eli")) for room in (one, other)]
        await say(ana, "en la primera")
        await say(luis, "en la segunda")
        for window, content in zip(eli, ("en la primera", "en la segunda"), strict=True):
            await expect(bubbles(window)).to_have_text([content])
        await expect(bubbles(ana)).to_have_text(["en la primera"])
        await expect(bubbles(luis)).to_have_text(["en la segunda"])
        await expect(ana.locator("[data-list=online] .person strong")).to_have_text(["Ana", "Eli"])


async def test_what_the_server_refuses_stays_to_be_mended(server: ServerProcess, windows: Windows) -> None:
    async with Room(server.url) as room:
        ana = await windows.open(address(room, 1, "Ana"))
        await ana.locator("#content").evaluate("(field) => (field.maxLength = 5000)")
        for _ in range(2):
            await say(ana, "x" * 4001)
        failed = ana.locator(".pending[data-state=failed]")
        await expect(failed).to_have_count(2)
        await expect(failed.first.get_by_role("alert")).to_contain_text(
            "No se envió: un mensaje tiene de 1 a 4000 caracteres."
        )
        await failed.first.get_by_role("button", name="Descartar").click()
        await expect(failed).to_have_count(1)
        await failed.get_by_role("button", name="Reintentar").click()
        await expect(failed).to_have_count(1)
        await say(ana, "esto sí")
        await shows_once(ana, "esto sí")
        assert [one["content"] for one in await room.stored()] == ["esto sí"]


async def scroll_place(page: Page, content: str) -> Any:
    """How far below the top of the list a message stands (px)."""
    return await page.evaluate(
        """(content) => {
            const bubble = [...document.querySelectorAll(".bubble")].find((one) => one.textContent === content);
            const list = document.getElementById("scroller");
            return bubble.getBoundingClientRect().top - list.getBoundingClientRect().top;
        }""",
        content,
    )


async def test_a_reader_of_old_messages_is_not_moved_by_new_ones(server: ServerProcess, windows: Windows) -> None:
    async with Room(server.url) as room:
        room.pace = 0
        await room.talk(150)
        ana = await windows.open(address(room, 1, "Ana"))
        await expect(bubbles(ana)).to_have_count(50)
        await ana.get_by_text("mensaje 130", exact=True).evaluate("(one) => one.scrollIntoView({ block: 'start' })")
        place = await scroll_place(ana, "mensaje 130")
        for number in range(3):
            await room.say(f"nuevo {number}")
        await expect(ana.locator("#to-end")).to_have_text("↓ Nuevos: 3")
        assert abs(await scroll_place(ana, "mensaje 130") - place) < 2
        await ana.locator("#to-end").click()
        await expect(ana.get_by_text("nuevo 2", exact=True)).to_be_in_viewport()
