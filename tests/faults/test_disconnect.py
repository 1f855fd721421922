"""Clients that go away at every possible point of a request leave nothing behind."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import websockets

from tests.inside import serving
from tests.transports.drivers import WebsocketStream

TIMES = 500
DEADLINE = 10.0

_UPGRADE = (
    "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_BODY = json.dumps({"type": "n", "data": {"n": 1}, "topic": "log/gone"})
_JSON = "Host: localhost\r\nContent-Type: application/json\r\n"
REQUESTS = [
    f"GET /ws/log/gone?since=0 HTTP/1.1\r\n{_UPGRADE}",
    f"GET /ws/1?user_id=9&username=Nine HTTP/1.1\r\n{_UPGRADE}",
    "GET /sse/log/gone?since=0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /sse/1?user_id=8&username=Eight HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /poll/log/gone?wait=20 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    f"POST /api/publish HTTP/1.1\r\n{_JSON}Content-Length: {len(_BODY)}\r\n\r\n{_BODY}",
    f"POST /send/log/gone HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(_BODY)}\r\n\r\n{_BODY}",
    f'POST /api/rooms/1/messages?user_id=7 HTTP/1.1\r\n{_JSON}Content-Length: 16\r\n\r\n{{"content":"hi"}}',
]


async def _vanish(url: str, attempt: int) -> None:
    """Send a part of a request, read a part of the answer, and reset the connection."""
    parts = urlsplit(url)
    request = REQUESTS[attempt % len(REQUESTS)].encode()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    step = attempt // len(REQUESTS)
    steps = TIMES // len(REQUESTS)
    if step < steps // 3:
        writer.write(request[: 1 + len(request) * step // (steps // 3)])
        await writer.drain()
    else:
        writer.write(request)
        await writer.drain()
        for _ in range(step % 7):
            await asyncio.sleep(0)
        if step % 2:
            async with asyncio.timeout(DEADLINE):
                await reader.read(1 + step)
    writer.transport.abort()


def _tasks() -> Counter[str]:
    return Counter(task.get_coro().__qualname__ for task in asyncio.all_tasks())  # type: ignore[union-attr]


async def test_five_hundred_vanished_clients_leave_nothing(tmp_path: Path, way: str) -> None:
    async with serving(tmp_path / "envivo.db", way=way) as (app, url):
        before = _tasks()
        for start in range(0, TIMES, 20):
            await asyncio.gather(*(_vanish(url, attempt) for attempt in range(start, start + 20)))
        async with asyncio.timeout(30):
            while app.hub.connections or _tasks() - before:
                await asyncio.sleep(0.05)
        assert not any(topic.followers for topic in app.hub.bus.topics())
        await _still_works(url)


async def _still_works(url: str) -> None:
    stream = WebsocketStream(url, None, ("log/after",), {})
    await stream.open()
    async with httpx.AsyncClient(base_url=url) as client:
        presence = (await client.get("/api/rooms/1/presence")).json()["data"]
        assert presence["online"] == []
        response = await client.post("/api/publish", json={"topic": "log/after", "type": "n", "data": {"n": 1}})
    assert response.status_code == 202
    assert (await stream.next("n"))["data"] == {"n": 1}
    await stream.leave()
    async with websockets.connect(f"{url.replace('http', 'ws')}/ws/1?user_id=1&username=Ana") as client_socket:
        await client_socket.send('{"type":"message","content":"hola"}')
        types = [json.loads(await client_socket.recv())["type"] for _ in range(4)]
        assert types == ["connected", "history", "message_sent", "message"]
