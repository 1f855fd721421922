"""The socket.io-client in a browser, in a page of another site, with a header of its own: that takes a preflight."""

import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.running import NODE_CLIENTS
from tests.transports.socketio.world import Server, publish
from tests.web.browser import IN_A_BROWSER, windows_on

pytestmark = [*IN_A_BROWSER, pytest.mark.node]

_CLIENT = NODE_CLIENTS / "node_modules" / "socket.io-client" / "dist"
_CONNECT = """([url, transports]) => {
    globalThis.heard = [];
    const socket = io(url, { transports, extraHeaders: { "X-My-Header": "mine" }, withCredentials: true });
    socket.on("n", ({ n }) => heard.push(n));
    return new Promise((done, failed) => {
        socket.on("connect_error", failed);
        socket.on("connected", () => done(socket.io.engine.id));
    });
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """What it is asked for is of no interest."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Another site, which has the client."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(_CLIENT))) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()
        thread.join()


@pytest.fixture(params=[(), ("--tls",)], ids=["HTTP/1.1", "HTTP/2"])
def server(request: pytest.FixtureRequest, make_server: Any, site: str) -> Server:
    made: Server = make_server(*request.param, allowed_origins=site)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def page(server: Server, site: str) -> AsyncIterator[Page]:
    async with windows_on(server.url) as windows:
        page = await windows.blank(ignore_https_errors=True)
        await page.goto(f"{site}/")
        await page.add_script_tag(url="/socket.io.min.js")
        yield page


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"]], ids=" then ".join)
async def test_a_page_of_a_listed_site_may_send_headers_of_its_own(
    server: Server, page: Page, transports: list[str]
) -> None:
    methods: list[str] = []
    session = await page.context.new_cdp_session(page)
    session.on("Network.requestWillBeSent", lambda event: methods.append(event["request"]["method"]))
    await session.send("Network.enable")
    assert await page.evaluate(_CONNECT, [server.url, transports])
    assert "OPTIONS" in methods
    async with httpx.AsyncClient(base_url=server.url, verify=server.tls) as rest:
        await publish(rest, range(3))
    await page.wait_for_function("heard.join() === '0,1,2'")
