"""Peers that are slow on purpose: heads and bodies that never end, and packets of Socket.IO that nobody answers."""

import asyncio
import gc
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypercorn.protocol.http_stream import HTTPStream
from hypercorn.protocol.ws_stream import WSStream

from quart_app import app as program
from quart_app.transports.guards import body, doorkeeper
from quart_app.transports.socketio import endpoint
from tests.hostile.peers import Http2, Peer, connected, request
from tests.inside import serving
from tests.running import ServerProcess, eventually
from tests.transports.drivers import SseStream, WebsocketStream
from tests.transports.socketio.engine_io import Session

SHORT = 0.3  # s that a body has to come in, where a test waits for the end of that
DEADLINE = 5.0  # s
JSON = "Content-Type: application/json\r\n"
BODIES = {
    "publish": request("/api/publish", "POST", f"{JSON}Content-Length: 100\r\n"),
    "publish in chunks": request("/api/publish", "POST", f"{JSON}Transfer-Encoding: chunked\r\n"),
    "send": request("/send/live/n", "POST", "Content-Length: 100\r\n"),
    "change": request("/api/pets/1", "PUT", f"{JSON}Content-Length: 100\r\n"),
    "remove": request("/api/pets/1", "DELETE", "Content-Length: 100\r\n"),
    "nowhere": request("/nowhere", "POST", "Content-Length: 100\r\n"),
    "a page": request("/", "POST", "Content-Length: 100\r\n"),
    "another host": request("/api/publish", "POST", "Content-Length: 100\r\n").replace(b"localhost", b"evil.example"),
    "too large": request("/api/publish", "POST", f"{JSON}Content-Length: 100000000\r\n"),
    "packets": request("/socket.io/?EIO=4&transport=polling&sid=x", "POST", "Content-Length: 100\r\n"),
    "another method": request("/socket.io/", "PUT", "Content-Length: 100\r\n"),
    "options": request("/socket.io/", "OPTIONS", "Content-Length: 100\r\n"),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (program, body, doorkeeper, endpoint):
        monkeypatch.setattr(module, "BODY_TIMEOUT", SHORT)


@pytest.mark.parametrize("said", BODIES)
async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path, way: str, said: str) -> None:
    async with serving(tmp_path / "envivo.db", way=way) as (_, url), asyncio.timeout(DEADLINE):
        peer = Peer(*await asyncio.open_connection("127.0.0.1", urlsplit(url).port))
        await peer.send(BODIES[said])

        async def trickle() -> None:
            while True:
                await asyncio.sleep(SHORT / 3)
                await peer.send(b"1\r\n1\r\n" if b"chunked" in BODIES[said] else b"1")

        trickling = asyncio.create_task(trickle())
        answer = await peer.rest()  # up to the end of the connection
        assert (
            answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 204")) or not answer
        )  # which may be lost by what comes later
        trickling.cancel()
        peer.writer.transport.abort()


async def test_nor_over_http2(tmp_path: Path) -> None:
    async with serving(tmp_path / "envivo.db") as (_, url), asyncio.timeout(DEADLINE):
        peer = Peer(*await asyncio.open_connection("127.0.0.1", urlsplit(url).port))
        http2 = Http2(peer)
        for path in ("/api/publish", "/send/live/n", "/socket.io/?EIO=4&transport=polling&sid=x", "/nowhere"):
            stream = http2.ask(path, "POST", end=False, content_type="application/json")
            await http2.over(stream)
            assert 400 <= http2.answers[stream] < 500
        await http2.over(http2.ask())
        peer.writer.transport.abort()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "FOO", "TRACE"])
async def test_another_method_of_socketio_is_answered_at_once(server: ServerProcess, method: str) -> None:
    async with connected(server) as peer, asyncio.timeout(DEADLINE):
        await peer.send(request("/socket.io/", method))
        assert (await peer.head()).startswith(b"HTTP/1.1 204" if method == "OPTIONS" else b"HTTP/1.1 405")


@pytest.mark.parametrize("packets", ["6", "0", "2", "5", "3\x1e6", "x", "\x1e", "d=6"])
async def test_packets_that_no_client_sends_are_refused_at_once(server: ServerProcess, packets: str) -> None:
    async with Session(server.url) as session, asyncio.timeout(DEADLINE):
        await session.connect()
        assert (await session.post(packets)).status_code == 400
        assert (await session.post("3")).status_code == 200


@pytest.mark.parametrize("driver", [WebsocketStream, SseStream])
async def test_a_connection_that_nobody_was_told_the_end_of_is_swept_out(
    tmp_path: Path, driver: type[WebsocketStream | SseStream]
) -> None:
    """Whatever makes Hypercorn forget to tell it."""
    async with serving(tmp_path / "envivo.db", way="ordinary", heartbeat=0.2) as (app, url):
        stream = driver(url, None, ("live/forgotten",), {})
        await stream.open()
        assert app.hub.connections
        served: list[Any] = [
            one for one in gc.get_objects() if issubclass(type(one), WSStream | HTTPStream) and not one.closed
        ]
        for one in served:
            one.closed = True
        await eventually(lambda: not app.hub.connections)
        await stream.drop()
