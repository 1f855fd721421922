"""The page of a topic in real browser windows: what arrives, on every transport, over a restart, with functions."""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page, expect
from websockets.asyncio.client import connect

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime import Identity
from tests.running import ServerProcess
from tests.web.browser import DESK, IN_A_BROWSER, PHONE, Windows, windows_on

pytestmark = IN_A_BROWSER

_SECOND = 1_000  # ms
_DICE = """\
import random
from quart_app.functions import feed, on

@feed("live/dice", every=0.1)
async def dice():
    return {"value": random.randint(1, 6)}

@on("rooms/1", type="message")
async def hear(message):
    return message["nothing"]
"""
_OLD_CLIENTS = """(host) => new Promise((resolve, reject) => {
    const heard = [];
    const source = new EventSource(`http://${host}/sse/live/viejos`);
    const socket = new WebSocket(`ws://${host}/ws/live/viejos`);
    source.onerror = socket.onerror = reject;
    const note = (from) => ({ data }) => {
        const message = JSON.parse(data);
        heard.push(`${from} ${message.type}`);
        if (heard.filter((one) => one.endsWith("connected")).length === 2 && message.type === "connected")
            socket.send(JSON.stringify({ type: "saludo", data: "hola" }));
        if (heard.filter((one) => one.endsWith("saludo")).length === 2) {
            source.close(); socket.close(); resolve(heard);
        }
    };
    source.onmessage = note("sse");
    socket.onmessage = note("ws");
})"""


def rest_of(server: ServerProcess) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, timeout=30)


async def publish(rest: httpx.AsyncClient, topic: str, type: str, data: Any = None) -> None:
    answer = await rest.post("/api/publish", json={"topic": topic, "type": type, "data": data})
    assert answer.status_code == 202, answer.text


def entries(page: Page, type: str) -> Any:
    return page.locator(f".entry[data-type={type}]")


async def test_who_meets_a_quota_is_told_in_the_language_of_the_page(make_server: Callable[..., ServerProcess]) -> None:
    settings = {"access": "secure", "secret_key": "0123456789abcdef0123456789abcdef"}
    server = make_server(**settings, quota_stored_bytes=1)
    token = issue_token(load_settings(**settings).front, Identity("7", "Ana"), timedelta(hours=1))
    signed_in = {"cookies": [{"name": "envivo_token", "value": token, "url": server.url}]}
    async with windows_on(server.url) as windows:
        page = await windows.open("/topics/log/cuota", storage_state=signed_in)
        await page.get_by_label("Tipo").last.fill("n")
        for told in ("Publicado", "No se publicó: Has guardado tanto como puede guardar un usuario en un día."):
            await page.get_by_role("button", name="Publicar").click()
            await expect(page.locator("#publish-said")).to_have_text(told)
        await expect(entries(page, "n")).to_have_count(1)
        assert page.url.endswith("/topics/log/cuota")


async def test_what_one_window_publishes_the_others_show_on_every_transport(windows: Windows) -> None:
    queries = ("?transports=ws", "?transports=sse", "?transports=poll")
    pages = [await windows.open(f"/topics/live/ventanas{query}") for query in queries]
    for number, page in enumerate(pages):
        await page.get_by_label("Tipo").last.fill(f"n{number}")
        await page.get_by_label("Datos, en JSON").fill(json.dumps({"desde": number, "ñ": [1.5, None]}))
        await page.get_by_role("button", name="Publicar").click()
        for other in pages:
            await expect(entries(other, f"n{number}")).to_have_count(1, timeout=2 * _SECOND)
            await expect(entries(other, f"n{number}").locator("pre")).to_contain_text(f'"desde": {number}')
        await expect(page.locator("#publish-said")).to_have_text("Publicado")
    await expect(pages[0].locator("[data-figure=followers]")).to_have_text("3")
    await expect(pages[0].locator("[data-note=followers]")).to_have_text("1 WebSocket · 1 SSE · 1 Sondeo largo")
    await expect(pages[1].locator("[data-figure=delay]")).to_contain_text(re.compile(r"^\d+ ms$"))
    await expect(pages[1].locator("[data-note=delay]")).to_contain_text("mediana")


async def test_the_bytes_shown_are_those_that_cross_the_network(server: ServerProcess, windows: Windows) -> None:
    topic = "log/bytes"
    page = await windows.open(f"/topics/{topic}?transports=ws")
    async with rest_of(server) as rest, connect(f"{server.url.replace('http', 'ws')}/ws/{topic}") as socket:
        await socket.recv()
        for data in ({"n": 1.0}, {"text": "ñ" * 200}):
            await publish(rest, topic, "medida", data)
            message = str(await socket.recv())
            size = len(message.encode())
            id = json.loads(message)["id"]
            block = await _block_of(rest, topic, id)
            answer = await _answer_of(rest, topic, id)
            assert message.encode() in block
            assert message.encode() in answer
            header = 2 if size < 126 else 4
            for form, total in (("ws", size + header), ("sse", len(block)), ("poll", len(answer))):
                shown = page.locator(f"[data-form={form}]")
                await expect(shown).to_have_attribute("data-bytes", str(total))
                await expect(shown).to_have_attribute("data-extra", str(total - size))
    await expect(page.locator("[data-form=ws] .octet")).to_have_text(
        ["81", "7e", f"{size >> 8:02x}", f"{size & 255:02x}"]
    )
    await expect(page.locator("[data-form=poll]")).to_contain_text(re.compile(r"Más unos \d{3} bytes de cabeceras"))


async def _block_of(rest: httpx.AsyncClient, topic: str, id: str) -> bytes:
    """The event block of one message, and the chunk it would be: the stream's own chunks hold whatever was there."""
    epoch, position = id.split("-")
    query = {"since": f"{epoch}-{int(position) - 1}"}
    read = b""
    async with rest.stream("GET", f"/sse/{topic}", params=query) as stream:
        async for some in stream.aiter_raw():
            read += some
            found = re.search(rb"^id: %b\ndata: \{\"type\":\"medida\".*\n\n" % id.encode(), read, re.MULTILINE)
            if found:
                return b"%x\r\n%b\r\n" % (len(found[0]), found[0])
    raise AssertionError(read)


async def _answer_of(rest: httpx.AsyncClient, topic: str, id: str) -> bytes:
    """The answer to the poll that goes on just before this message."""
    epoch, position = id.split("-")
    known = (await rest.get(f"/poll/{topic}", params={"since": f"{epoch}-{int(position) - 1}", "wait": 0})).json()
    before = known["id"].replace(f"-{position}.", f"-{int(position) - 1}.")
    headers = {"X-Connection-Id": known["messages"][0]["connection_id"]}
    return (await rest.get(f"/poll/{topic}", params={"since": before}, headers=headers)).content


async def test_the_list_is_paused_filtered_emptied_and_replayed(server: ServerProcess, windows: Windows) -> None:
    topic = "log/lista"
    async with rest_of(server) as rest:
        for number in range(3):
            await publish(rest, topic, "viejo", number)
        page = await windows.open(f"/topics/{topic}")
        await expect(entries(page, "viejo")).to_have_count(1)  # the newest one comes with the page
        await expect(page.locator("[data-form=ws]")).to_be_visible()
        await page.get_by_role("link", name="Desde el principio").click()
        await expect(entries(page, "viejo").locator("pre")).to_contain_text(['"data": 2', '"data": 1', '"data": 0'])

        await page.get_by_role("button", name="Pausa").click()
        await publish(rest, topic, "nuevo", 1)
        await expect(page.locator(".stream-tools [role=status]")).to_have_text("En pausa; nuevos que esperan: 1")
        await expect(entries(page, "nuevo")).to_have_count(0)
        await page.get_by_role("button", name="Seguir").click()
        await expect(page.locator(".entry").first).to_have_attribute("data-type", "nuevo")

        await page.get_by_label("Tipo").first.select_option("nuevo")
        await expect(entries(page, "viejo")).to_have_count(0)
        await page.get_by_role("button", name="Vaciar").click()
        await expect(page.locator("#stream .empty")).to_be_visible()
        for number in range(120):
            await publish(rest, topic, "nuevo", number)
        await expect(page.locator(".entry")).to_have_count(40)
        await expect(page.locator(".entry pre").first).to_contain_text("119")
        await expect(page.locator("[data-figure=rate]")).not_to_have_text("0")


async def test_a_busy_topic_of_large_messages_leaves_the_page_usable(server: ServerProcess, windows: Windows) -> None:
    page = await windows.open("/topics/live/grande")
    async with rest_of(server) as rest:
        for round in range(5):
            many = [{"topic": "live/grande", "type": "n", "data": {"round": round, "n": n}} for n in range(1000)]
            assert (await rest.post("/api/publish", json=many)).status_code == 202
        await publish(rest, "live/grande", "largo", "ñ" * 30_000)
    await expect(entries(page, "largo")).to_contain_text("letras más")
    assert len(await entries(page, "largo").inner_text()) < 5_000
    await page.get_by_role("button", name="Vaciar").click(timeout=2 * _SECOND)
    await expect(page.locator(".entry")).to_have_count(0)


async def test_a_chosen_message_stays_on_the_wire_while_others_come(server: ServerProcess, windows: Windows) -> None:
    page = await windows.open("/topics/live/cable", locale="en")
    async with rest_of(server) as rest:
        await publish(rest, "live/cable", "first")
        await expect(page.locator(".wire-which strong")).to_have_text("first")
        await entries(page, "first").get_by_role("button", name="See on the wire").click()
        await publish(rest, "live/cable", "second")
        await expect(entries(page, "second")).to_have_count(1)
        await expect(page.locator(".wire-which strong")).to_have_text("first")


async def test_a_state_shows_its_value_at_once_and_the_kept_one_says_nothing_of_delay(
    server: ServerProcess, windows: Windows
) -> None:
    async with rest_of(server) as rest:
        await publish(rest, "state/valor", "nivel", {"n": 1})
        page = await windows.open("/topics/state/valor")
        await expect(entries(page, "nivel").locator("pre")).to_contain_text('"n": 1')
        await expect(entries(page, "nivel").locator("[data-delay]")).to_have_count(0)
        await page.locator("#rungs").get_by_role("button", name="SSE").click()
        await expect(page.locator("#badge-slot")).to_have_attribute("data-transport", "sse")
        await publish(rest, "state/valor", "nivel", {"n": 2})
        await expect(entries(page, "nivel")).to_have_count(2)
        await expect(entries(page, "nivel").first.locator("[data-delay]")).to_contain_text(re.compile(r"\d ms"))


async def test_the_transport_is_changed_while_messages_come(server: ServerProcess, windows: Windows) -> None:
    page = await windows.open("/topics/log/vias")
    async with rest_of(server) as rest:
        for number, (name, rung) in enumerate([("SSE", "sse"), ("Sondeo largo", "poll"), ("WebSocket", "ws")]):
            await page.locator("#rungs").get_by_role("button", name=name).click()
            await publish(rest, "log/vias", "n", number)
            await expect(page.locator("#badge-slot")).to_have_attribute("data-transport", rung)
            await expect(page.locator("#rungs [data-lit=true]")).to_have_text(name)
            await expect(entries(page, "n")).to_have_count(number + 1)
    for books in ("gaps", "repeats"):
        await expect(page.locator("#badge-slot")).to_have_attribute(f"data-{books}", "0")


async def test_two_windows_agree_over_a_restart_and_nothing_is_doubled(make_server: Any) -> None:
    server = make_server()
    async with windows_on(server.url) as windows, rest_of(server) as rest:
        windows.allow("Failed to load resource|WebSocket connection|ERR_CONNECTION")
        await publish(rest, "log/reinicio", "n", 0)
        pages = [await windows.open(f"/topics/log/reinicio{query}") for query in ("", "?transports=poll")]
        await publish(rest, "log/reinicio", "n", 1)
        for page in pages:
            await expect(entries(page, "n")).to_have_count(2)
        server.kill()
        for page in pages:
            await expect(page.locator("#offline")).to_be_visible()
        await asyncio.to_thread(server.start)
        await publish(rest, "log/reinicio", "n", 2)
        for page in pages:
            await expect(entries(page, "n").locator("pre")).to_contain_text([f'"data": {n}' for n in (2, 1, 0)])
            await expect(page.locator("#offline")).to_be_hidden()
            await expect(page.locator("#badge-slot")).to_have_attribute("data-repeats", "0")


async def test_what_cannot_be_published_is_said_at_its_field(windows: Windows) -> None:
    page = await windows.open("/topics/live/mal", viewport=PHONE)
    await page.get_by_label("Datos, en JSON").fill("{n: 1}")
    await page.get_by_role("button", name="Publicar").click()
    await expect(page.locator("#publish-data-wrong")).to_contain_text("Eso no es JSON")
    await page.get_by_label("Datos, en JSON").fill("")
    await page.get_by_label("Tipo").last.fill("reset")
    await page.get_by_role("button", name="Publicar").click()
    await expect(page.locator("#publish-said")).to_contain_text("No se publicó: type: a type of your own")
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_a_topic_that_is_not_there_says_how_to_make_one(windows: Windows) -> None:
    page = await windows.blank()
    answer = await page.goto("/topics/nada")
    assert answer is not None
    assert answer.status == 404
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ese tema no existe")
    await page.get_by_role("link", name="log/nada").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("log/nada")
    answer = await page.goto("/topics/esto%20no")
    assert answer is not None
    assert answer.status == 404
    await expect(page.locator(".lead")).to_contain_text("esto no no puede ser el nombre")


async def test_all_topics_are_listed_and_one_of_ones_own_is_visited(server: ServerProcess, windows: Windows) -> None:
    async with rest_of(server) as rest:
        await publish(rest, "state/lista", "valor", 1)
        page = await windows.open("/topics")
        await page.get_by_label("Buscar temas").fill("state/")
        row = page.locator("tr[data-key='state/lista']")
        await expect(row).to_contain_text("estado")
        await publish(rest, "state/lista2", "valor", 1)
        await expect(page.locator("tr[data-key='state/lista2']")).to_be_visible()
    await page.get_by_label("Nombre").fill("live/no vale")
    await page.get_by_role("button", name="Ver el tema").click()
    await expect(page.locator("#visit-wrong")).to_contain_text("Ese nombre no vale")
    await page.get_by_label("Nombre").fill("live/mío".replace("í", "i"))
    await page.get_by_role("button", name="Ver el tema").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("live/mio")


async def test_ten_lines_of_ones_own_are_live_in_the_browser(make_server: Any, tmp_path: Path) -> None:
    file = tmp_path / "my_feeds.py"
    file.write_text(_DICE, "utf-8")
    server = make_server("--functions", str(file))
    async with windows_on(server.url) as windows, rest_of(server) as rest:
        page = await windows.open("/topics/live/dice", viewport=DESK)
        await expect(entries(page, "dice").first.locator("pre")).to_contain_text(re.compile(r'"value": [1-6]'))
        await expect(page.locator("[data-function=dice]")).to_contain_text("publica aquí my_feeds.py, línea 4")

        file.write_text(_DICE.replace('{"value": random.randint(1, 6)}', "1 / 0"), "utf-8")
        trouble = page.locator("[data-function=dice] [role=alert]")
        await expect(trouble).to_contain_text("dice (my_feeds.py:6): ZeroDivisionError: division by zero")
        file.write_text("def broken(:\n", "utf-8")
        await expect(page.locator(".functions > .notice")).to_contain_text("my_feeds.py, line 1: ")
        file.write_text(_DICE.replace('"value"', '"ojos"'), "utf-8")
        await expect(entries(page, "dice").first.locator("pre")).to_contain_text("ojos")
        await expect(page.locator(".functions [role=alert]")).to_have_count(0)
        await expect(page.locator("#badge-slot")).to_have_attribute("data-gaps", "0")

        room = await windows.open("/topics/rooms/1")
        await expect(room.locator("[data-function=hear]")).to_contain_text("reacciona")
        await rest.post("/api/rooms/1/messages", json={"content": "hola"})
        await expect(room.locator("[data-function=hear] [role=alert]")).to_contain_text("KeyError: 'nothing'")


async def test_the_browsers_own_clients_get_an_open_topic(server: ServerProcess, windows: Windows) -> None:
    page = await windows.open("/")
    heard = await page.evaluate(_OLD_CLIENTS, server.url.removeprefix("http://"))
    assert sorted(set(heard)) == ["sse connected", "sse saludo", "ws connected", "ws published", "ws saludo"]
