"""The page for one's own client: every snippet does what it says, as it stands there; the page itself is live."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from quart_app.web.reference.snippets import snippets
from tests.running import NODE_CLIENTS, ServerProcess, eventually, wait_until
from tests.web.browser import DEADLINE, IN_A_BROWSER, Windows, windows_on

pytestmark = IN_A_BROWSER

SECONDS = DEADLINE / 1000
PROGRAMS: dict[str, Sequence[str]] = {
    "python": (sys.executable, "-c"),
    "envivo-python": (sys.executable, "-c"),
    "envivo-tail": ("bash", "-c"),
    "curl": ("bash", "-c"),
}
NODE_PROGRAMS: dict[str, Sequence[str]] = {
    "wscat": ("bash", "-c"),
    "socketio": ("node", "--input-type=module", "-e"),
}
IN_BROWSER = ("envivo-js", "websocket", "eventsource", "fetch")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def codes(server: ServerProcess) -> dict[str, str]:
    """The snippets as the page shows them, by name; each is about a topic of its own."""
    async with windows_on(server.url) as windows:
        page = await windows.blank()
        shown = {}
        for snippet in snippets():
            await windows.visit(page, f"/connect?topic=log/{snippet.name}")
            await page.get_by_role("tab", name=snippet.title, exact=True).click()
            shown[snippet.name] = await page.locator(f"#snippet-{snippet.name} code").inner_text()
    return shown


def test_every_snippet_is_run_here() -> None:
    assert {snippet.name for snippet in snippets()} == {*PROGRAMS, *NODE_PROGRAMS, *IN_BROWSER, "vue"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_hears_what_is_published(
    server: ServerProcess, codes: dict[str, str], name: str, tmp_path: Path
) -> None:
    with running([*PROGRAMS[name], codes[name]], tmp_path) as output:
        wait_until(hears(server, name, output), SECONDS)


@pytest.mark.node
def test_wscat_hears_what_is_published(server: ServerProcess, codes: dict[str, str], tmp_path: Path) -> None:
    with running([*NODE_PROGRAMS["wscat"], codes["wscat"]], tmp_path, NODE_CLIENTS) as output:
        wait_until(hears(server, "wscat", output), SECONDS)


@pytest.mark.node
def test_socketio_hears_the_bank(codes: dict[str, str], tmp_path: Path) -> None:
    with running([*NODE_PROGRAMS["socketio"], codes["socketio"]], tmp_path, NODE_CLIENTS) as output:
        wait_until(lambda: "connected" in output() and 'stats_updated {"success":true' in output(), SECONDS)


@pytest.mark.parametrize("name", IN_BROWSER)
async def test_a_page_hears_what_is_published(server: ServerProcess, codes: dict[str, str], name: str) -> None:
    said: list[str] = []
    async with module(server, codes[name]) as page:
        page.on("console", lambda message: said.append(message.text))
        await page.evaluate("() => { import('/snippet.js'); }")
        await eventually(hears(server, name, lambda: "\n".join(said)), SECONDS)


async def test_vue_shows_what_is_published(server: ServerProcess, codes: dict[str, str]) -> None:
    async with module(server, codes["vue"]) as page:
        await page.evaluate("document.querySelector('main').innerHTML = '<div id=app></div>'")
        await page.evaluate("() => { import('/snippet.js'); }")
        mark = publish(server, "vue")

        async def shown() -> bool:
            publish(server, "vue", mark)
            return mark in await page.locator("#app").inner_text()

        await eventually(shown, SECONDS)


@asynccontextmanager
async def module(server: ServerProcess, code: str) -> AsyncIterator[Page]:
    """A page of the server that can import `code`."""
    async with windows_on(server.url) as windows:
        page = await windows.open("/connect")
        await page.route(
            "**/snippet.js", lambda route: route.fulfill(body=code, headers={"Content-Type": "text/javascript"})
        )
        yield page


@contextmanager
def running(command: list[str], folder: Path, cwd: Path | None = None) -> Iterator[Callable[[], str]]:
    """A program whose input stays open, as in a terminal; what it has printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    printed = folder / "printed"
    with (
        printed.open("w") as output,
        subprocess.Popen(
            command,
            cwd=cwd or folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield lambda: printed.read_text("utf-8")
        except BaseException as failure:
            failure.add_note(printed.read_text("utf-8"))
            raise
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def publish(server: ServerProcess, name: str, mark: str = "") -> str:
    """Publish on the snippet's topic, of the type `mark`, which is returned."""
    mark = mark or f"saludo-{uuid4().hex[:8]}"
    body = {"topic": f"log/{name}", "type": mark, "data": {"texto": "Hola"}}
    httpx.post(f"{server.url}/api/publish", json=body).raise_for_status()
    return mark


def hears(server: ServerProcess, name: str, output: Callable[[], str]) -> Callable[[], bool]:
    """Publishes until it is in `output`: when a client has connected, it alone knows."""
    mark = publish(server, name)

    def heard() -> bool:
        publish(server, name, mark)
        return mark in output()

    return heard


# The page


async def test_the_topic_is_changed_everywhere_without_a_reload(windows: Windows) -> None:
    page = await windows.open("/connect?topic=log/uno")
    await page.evaluate("document.body.dataset.mine = 'the same page'")
    await page.get_by_label("Tema", exact=True).fill("live/dos")
    await page.get_by_role("button", name="Seguir").click()
    await expect(page.locator("#output-title")).to_contain_text("live/dos")
    await expect(page.locator("#snippet-envivo-js code")).to_contain_text('topics: ["live/dos"]')
    assert page.url.endswith("/connect?topic=live/dos")
    await page.get_by_role("button", name="Publicar un saludo").click()
    await expect(page.locator("#output")).to_contain_text("saludo")
    await page.go_back()
    await expect(page.locator("#output-title")).to_contain_text("log/uno")
    await expect(page.locator("body")).to_have_attribute("data-mine", "the same page")


@pytest.mark.parametrize("rung", ["ws", "sse", "poll"])
async def test_what_one_window_publishes_the_other_shows(windows: Windows, rung: str) -> None:
    ours = await windows.open(f"/connect?topic=log/{rung}&transports={rung}")
    other = await windows.open(f"/connect?topic=log/{rung}")
    await other.get_by_role("button", name="Publicar un saludo").click()
    await expect(ours.locator("#output li").first).to_contain_text('saludo{"id":', timeout=5000)
    await expect(ours.locator("#badge-slot")).to_have_attribute("data-transport", rung)


async def test_it_goes_on_over_a_restart(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    async with windows_on(server.url) as windows:
        windows.allow("Failed to load resource|WebSocket connection|net::ERR")
        page, other = [await windows.open("/connect?topic=log/hola") for _ in range(2)]
        server.kill()
        await expect(page.locator("#badge-slot")).not_to_have_attribute("data-state", "connected")
        server.start()
        for window in (page, other):
            await expect(window.locator("#badge-slot")).to_have_attribute("data-state", "connected", timeout=40_000)
        await other.get_by_role("button", name="Publicar un saludo").click()
        for window in (page, other):
            await expect(window.locator("#output li .type", has_text="saludo")).to_have_count(1)


async def test_a_topic_that_there_is_not_is_told(windows: Windows) -> None:
    page = await windows.open("/connect?topic=log/uno")
    await page.get_by_label("Tema", exact=True).fill("nothing/here")
    await page.get_by_role("button", name="Seguir").click()
    await expect(page.get_by_role("alert")).to_contain_text("El servidor no sigue «nothing/here»")


async def test_the_tabs_are_moved_by_keys_and_their_code_copied(windows: Windows) -> None:
    page = await windows.open("/connect?topic=log/uno", permissions=["clipboard-read", "clipboard-write"])
    await page.get_by_role("tab", name="En Vivo · JavaScript").focus()
    await page.keyboard.press("End")
    await expect(page.get_by_role("tab", name="socket.io-client")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    panel = page.get_by_role("tabpanel")
    await expect(panel).to_contain_text('new WebSocket("ws://')
    await panel.get_by_role("button", name="Copiar").click()
    await expect(page.locator("#said")).to_have_text("Copiado")
    copied: Any = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await panel.locator("code").inner_text()


def test_without_scripts_the_form_and_the_snippets_are_there(server: ServerProcess) -> None:
    page = httpx.get(f"{server.url}/connect", params={"topic": "rooms/1"}).text
    assert f"curl -N &#39;{server.url}/sse/rooms/1&#39;" in page
    assert '<form class="card topic-form" id="topic-form" method="get" action="/connect">' in page
    odd = httpx.get(f"{server.url}/connect", params={"topic": "<script>"}).text
    assert json.dumps({"topic": "sensors"}) in odd
