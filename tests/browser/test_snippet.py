"""The browser's client as README and the guide show it: typed into the console, and on a page of another site."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.running import ServerProcess, eventually
from tests.walkthrough import ADDRESS, GUIDE, ROOT, blocks
from tests.web.browser import IN_A_BROWSER, Windows, windows_on

pytestmark = IN_A_BROWSER

SNIPPETS = {"readme": ROOT / "README.md", "en": GUIDE / "en" / "06-clients.md", "es": GUIDE / "es" / "06-clients.md"}
_ARRIVED = re.compile(r"Hola|\d 3$")  # what the snippet sends, and hears

of_each_page = pytest.mark.parametrize("page", SNIPPETS.values(), ids=SNIPPETS)


def snippet(page: Path, url: str) -> str:
    """Return the first JavaScript of the page, for the server at `url`."""
    code = next(block.text for block in blocks(page) if block.language == "js")
    return code.replace(ADDRESS, url)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """What it is asked for is of no interest."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Another site: its address, and the folder of its pages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}", tmp_path
        serving.shutdown()
        thread.join()


def first_line(page: Path, url: str) -> str:
    """Return what the page says to type in the console in the place of the snippet's first line."""
    (told,) = re.findall(r"`(const \{ connect \} = await import\([^`]+\))`", page.read_text("utf-8"))
    line: str = told.replace(ADDRESS, url)
    return line


def logged(page: Page) -> list[str]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    return said


@of_each_page
async def test_it_is_typed_into_the_console(windows: Windows, page: Path) -> None:
    window = await windows.open("/connect", locale="en")
    said = logged(window)
    _, _, rest = snippet(page, windows.url).partition("\n")
    await window.evaluate(f"async () => {{ {first_line(page, windows.url)}\n{rest} }}")
    await eventually(lambda: any("connected" in line for line in said))
    await eventually(lambda: any(_ARRIVED.search(line) for line in said))


@of_each_page
async def test_it_runs_on_a_page_of_another_site(
    site: tuple[str, Path], make_server: Callable[..., ServerProcess], page: Path
) -> None:
    url, folder = site
    server = await asyncio.to_thread(make_server, allowed_origins=url)
    html = f'<!doctype html><link rel="icon" href="data:,"><script type="module">{snippet(page, server.url)}</script>'
    await asyncio.to_thread((folder / "index.html").write_text, html, "utf-8")
    async with windows_on(server.url) as windows:
        window = await windows.blank()
        said = logged(window)
        await window.goto(url)
        await eventually(lambda: any(_ARRIVED.search(line) for line in said))
