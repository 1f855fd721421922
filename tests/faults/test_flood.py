"""Senders of more than anybody asked for: it is refused, and not collected."""

import asyncio
import contextlib
import struct
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import websockets

from tests.faults.sockets import read_sse, read_websocket, request
from tests.inside import serving
from tests.running import ServerProcess, eventually

PART = 60_000  # bytes
PARTS = 1_000
COST = 20 * 1024 * 1024  # bytes the server may grow by while it is sent three times as much
DEADLINE = 30.0  # s


def _resident(server: ServerProcess) -> int:
    return int(psutil.Process(server.pid).memory_info().rss)


def _frame(opcode: int, payload: bytes) -> bytes:
    """One frame of an unfinished message, masked with zeros (RFC 6455 section 5.2)."""
    return bytes([opcode, 0x80 | 126]) + struct.pack(">H", len(payload)) + bytes(4) + payload


@pytest.mark.timeout(DEADLINE * 2)
async def test_a_websocket_message_without_an_end(make_server: Any) -> None:
    server = make_server()
    before = _resident(server)
    async with asyncio.timeout(DEADLINE):
        peer = await request(server.port, "/ws/log/n", "ws")
        sending = asyncio.create_task(_send_without_end(peer))
        told = [one async for one in read_websocket(peer)]
        assert told[-1]["data"]["code"] == "too_big"
        await sending
    assert _resident(server) - before < COST
    peer.close()


async def _send_without_end(peer: Any) -> None:
    with contextlib.suppress(ConnectionError):  # it is cut off some time after it was refused
        await peer.send(_frame(1, b"x" * PART))
        for _ in range(PARTS):
            await peer.send(_frame(0, b"x" * PART))


async def test_compression_is_declined(make_server: Any) -> None:
    server = make_server()
    url = server.url.replace("http", "ws")
    async with websockets.connect(f"{url}/ws/log/n", compression="deflate") as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
        assert '"connected"' in str(await client.recv())


@pytest.mark.timeout(DEADLINE * 2)
async def test_a_body_with_a_get(make_server: Any) -> None:
    server = make_server()
    before = _resident(server)
    async with asyncio.timeout(DEADLINE):
        peer = await request(server.port, "/sse/log/n", "sse", headers="Transfer-Encoding: chunked\r\n")
        for _ in range(PARTS):
            await peer.send(b"%x\r\n" % PART + b"x" * PART + b"\r\n")
        async with httpx.AsyncClient(base_url=server.url) as client:
            await client.post("/api/publish", json={"topic": "log/n", "type": "n"})
        types = read_sse(peer)
        while (await anext(types))["type"] != "n":
            """The stream goes on below what is sent to it."""
    assert _resident(server) - before < COST
    peer.close()


async def test_a_request_sent_ahead_of_a_stream_that_is_lost(tmp_path: Path, way: str) -> None:
    async with serving(tmp_path / "envivo.db", way=way) as (app, url):
        before = len(asyncio.all_tasks())
        for _ in range(5):
            peer = await request(urlsplit(url).port or 0, "/sse/live/n", "sse")
            await peer.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            peer.reset()

        async def gone() -> bool:
            app.hub.broadcast("live/n", "n")  # who reads no more is found by writing to them
            return len(asyncio.all_tasks()) <= before and not app.hub.connections

        await eventually(gone, DEADLINE)


@pytest.mark.parametrize("way", ["direct", "ordinary"])
async def test_a_burst_within_the_rate_is_answered(tmp_path: Path, way: str) -> None:
    said = b'{"type":"ping"}'
    burst = (bytes([0x81, 0x80 | len(said)]) + bytes(4) + said) * 1_500
    async with asyncio.timeout(DEADLINE), serving(tmp_path / "envivo.db", way=way) as (_, url):
        peer = await request(urlsplit(url).port or 0, "/ws/live/n", "ws")
        await peer.send(burst)
        types = []
        async for message in read_websocket(peer):
            types.append(message["type"])
            if types.count("pong") == 1_500:
                break
        assert types == ["connected", *["pong"] * 1_500]
        peer.close()
