"""HTTP/2 over TLS in Chromium: many streams of one page on one connection, which HTTP/1.1 would stop at six."""

from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.room import Room, badge, chat_both_ways
from tests.running import ServerProcess, eventually
from tests.web.browser import IN_A_BROWSER, windows_on

pytestmark = IN_A_BROWSER

STREAMS = 10
_OPEN_STREAMS = """(count) => {
    globalThis.streams = Array.from({ length: count }, (_, i) => {
        const heard = [];
        new EventSource(`/sse/log/stream-${i}`).onmessage = ({ data }) => heard.push(JSON.parse(data));
        return heard;
    });
}"""
_HEARD = "(type) => streams.map((heard) => heard.filter((message) => message.type === type).map(({ data }) => data))"


class Network:
    """What the browser's own network record says of the requests of a page."""

    def __init__(self) -> None:
        self.streams: list[tuple[str, int]] = []  # protocol and connection of each event stream
        self.sockets: list[int] = []  # status of each WebSocket's handshake

    async def record(self, page: Page) -> None:
        session = await page.context.new_cdp_session(page)
        session.on("Network.responseReceived", self._on_response)
        session.on("Network.webSocketHandshakeResponseReceived", self._on_handshake)
        await session.send("Network.enable")

    def _on_response(self, event: dict[str, Any]) -> None:
        response = event["response"]
        if response["mimeType"] == "text/event-stream":
            self.streams.append((response["protocol"], response["connectionId"]))

    def _on_handshake(self, event: dict[str, Any]) -> None:
        self.sockets.append(event["response"]["status"])


async def publish(server: ServerProcess, messages: list[dict[str, Any]]) -> None:
    async with httpx.AsyncClient(base_url=server.url, verify=server.tls) as client:
        answer = await client.post("/api/publish", json=messages)
        assert answer.status_code == 202, answer.text


async def test_ten_event_streams_and_a_websocket_share_one_connection(make_server: Any) -> None:
    server = make_server("--tls")
    async with windows_on(server.url) as windows:
        page = await windows.blank(ignore_https_errors=True)
        network = Network()
        await network.record(page)
        await windows.visit(page, "/chat")
        await expect(badge(page)).to_have_attribute("data-transport", "ws")
        await page.evaluate(_OPEN_STREAMS, STREAMS)
        await eventually(lambda: everywhere(page, "connected", 1), deadline=15)
        await publish(
            server,
            [{"topic": f"log/stream-{i}", "type": "said", "data": [i, n]} for n in range(3) for i in range(STREAMS)],
        )
        await eventually(lambda: everywhere(page, "said", 3), deadline=15)
        assert await page.evaluate(_HEARD, "said") == [[[i, n] for n in range(3)] for i in range(STREAMS)]
        assert [protocol for protocol, _ in network.streams] == ["h2"] * STREAMS
        assert len({connection for _, connection in network.streams}) == 1
        # RFC 8441, section 5: over HTTP/2 a WebSocket is opened with 200; 101 is HTTP/1.1's.
        assert network.sockets == [200]


async def everywhere(page: Page, type: str, count: int) -> bool:
    return all(len(heard) == count for heard in await page.evaluate(_HEARD, type))


@pytest.mark.parametrize("rung", ["ws", "sse", "poll"])
async def test_people_chat_over_http2_on_each_rung(make_server: Any, rung: str) -> None:
    server = make_server("--tls")
    async with windows_on(server.url) as windows, Room(server.url, tls=server.tls) as room:
        luis = await windows.open(f"/chat/{room.id}?user_id=2&username=Luis", ignore_https_errors=True)
        ana = await windows.open(f"/chat/{room.id}?user_id=1&username=Ana&transports={rung}", ignore_https_errors=True)
        await expect(badge(ana)).to_have_attribute("data-transport", rung)
        await chat_both_ways(ana, luis, "encrypted")
