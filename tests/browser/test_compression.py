"""Chromium's own permessage-deflate with ours, over both versions of HTTP."""

from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from tests.running import eventually
from tests.web.browser import IN_A_BROWSER, windows_on

pytestmark = IN_A_BROWSER

LARGE = "¡hola, Señor! " * 500
_OPEN = """async () => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws/log/deflated`);
    globalThis.socket = socket;
    globalThis.heard = [];
    socket.onmessage = ({ data }) => heard.push(JSON.parse(data));
    await new Promise((resolve) => { socket.onopen = resolve; });
    return socket.extensions;
}"""


async def _said(page: Page) -> list[Any]:
    heard: list[Any] = await page.evaluate("heard.filter(({ type }) => type === 'n').map(({ data }) => data)")
    return heard


@pytest.mark.parametrize("arguments", [(), ("--tls",)], ids=["http1", "http2"])
@pytest.mark.parametrize("way", ["direct", "ordinary"])
async def test_a_page_reads_and_writes_compressed_messages(make_server: Any, way: str, arguments: tuple[str]) -> None:
    server = make_server(*arguments, compression=1, environment={"TESTS_WAY": way})
    async with windows_on(server.url) as windows:
        page = await windows.blank(ignore_https_errors=True)
        await page.goto("/health")
        agreed = await page.evaluate(_OPEN)
        assert agreed.startswith("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
        sent = [LARGE, "small", {"n": 1, "text": LARGE}, 5]
        for data in sent:
            await page.evaluate("(data) => socket.send(JSON.stringify({ type: 'n', data }))", data)
        await eventually(lambda: _heard(page, sent), deadline=15)
        async with httpx.AsyncClient(base_url=server.url, verify=server.tls) as client:
            events = [{"topic": "log/deflated", "type": "n", "data": data} for data in sent]
            assert (await client.post("/api/publish", json=events)).status_code == 202
        await eventually(lambda: _heard(page, sent * 2), deadline=15)


async def _heard(page: Page, sent: list[Any]) -> bool:
    return await _said(page) == sent
