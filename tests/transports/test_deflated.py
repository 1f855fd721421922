"""Compression on real connections: agreed to where it is wanted, done once for all, bounded, forgotten at once."""

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import websockets

from quart_app.realtime.messages import encoding
from tests.faults.sockets import Peer, read_websocket, request
from tests.inside import serving
from tests.running import ServerProcess
from tests.transports.conftest import Servers
from tests.transports.test_compression import AGREED, deflate, frame

DEADLINE = 30.0  # s
LARGE = "hola " * 400
OFFER = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
CONNECTIONS = 150
COST = 100 * 1024  # bytes that a connection may cost: less than half of what zlib takes for one
BOMBS = 20
BOMB = 64 * 1024 * 1024  # bytes of one, inflated; 64 KiB of them on their way


def _resident(server: ServerProcess) -> int:
    return int(psutil.Process(server.pid).memory_info().rss)


async def _publish(url: str, *data: Any) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=DEADLINE) as client:
        for one in data:
            answer = await client.post("/api/publish", json={"topic": "log/n", "type": "n", "data": one})
            assert answer.status_code == 202


async def _until(client: Any, type: str) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE):
        while (message := json.loads(await client.recv()))["type"] != type:
            pass
    return dict(message)


async def _frame(peer: Peer) -> tuple[int, bytes]:
    """The head and the payload of the next frame, which is neither tiny nor huge."""
    async with asyncio.timeout(DEADLINE):
        await peer.fill(2)
        head, length, start = peer.buffer[0], peer.buffer[1], 2
        if length == 126:
            await peer.fill(4)
            length, start = int.from_bytes(peer.buffer[2:4], "big"), 4
        await peer.fill(start + length)
    payload, peer.buffer = peer.buffer[start : start + length], peer.buffer[start + length :]
    return head, payload


@pytest.mark.parametrize("way", ["direct", "ordinary"])
async def test_what_is_large_goes_compressed_and_what_is_small_as_it_is(tmp_path: Path, way: str) -> None:
    async with serving(tmp_path / "envivo.db", way=way, compression=True) as (_, url):
        port = httpx.URL(url).port or 0
        offering, plain = [await request(port, "/ws/log/n", "ws", headers=offer) for offer in (OFFER, "")]
        for peer in (offering, plain):
            assert b"connected" in (await _frame(peer))[1]
        await _publish(url, "small", LARGE)
        small, large = await _frame(offering), await _frame(offering)
        assert small == await _frame(plain)
        head, payload = await _frame(plain)
        assert (small[0], head, large[0]) == (0x81, 0x81, 0xC1)
        assert len(large[1]) < len(payload) / 5
        offering.close()
        plain.close()


@pytest.mark.parametrize("way", ["direct", "ordinary"])
async def test_compressed_messages_in_any_number_of_frames_are_understood(tmp_path: Path, way: str) -> None:
    async with (
        serving(tmp_path / "envivo.db", way=way, compression=True) as (_, url),
        websockets.connect(f"{url.replace('http', 'ws')}/ws/log/n") as client,
    ):
        assert client.response is not None
        assert client.response.headers["Sec-WebSocket-Extensions"] == AGREED
        text = json.dumps({"type": "n", "data": LARGE})
        await client.send(text)
        assert (await _until(client, "n"))["data"] == LARGE
        await client.send(text[start : start + 100] for start in range(0, len(text), 100))
        assert (await _until(client, "n"))["data"] == LARGE
        await client.send('{"type": "ping"}')
        await _until(client, "pong")


async def test_an_event_for_many_is_compressed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    deflated = encoding.deflated

    def counted(payload: bytes) -> bytes | None:
        if LARGE.encode() in payload:
            made.append(payload)
        return deflated(payload)

    monkeypatch.setattr(encoding, "deflated", counted)
    async with serving(tmp_path / "envivo.db", compression=True) as (_, url):
        address = f"{url.replace('http', 'ws')}/ws/log/n"
        clients = [await websockets.connect(address) for _ in range(20)]
        clients += [await websockets.connect(address, compression=None) for _ in range(5)]
        assert all([(await _until(client, "connected")) for client in clients])
        await _publish(url, LARGE)
        assert {(await _until(client, "n"))["data"] for client in clients} == {LARGE}
        for client in clients:
            await client.close()
    assert len(made) == 1


@pytest.mark.parametrize(
    "offer", ["permessage-deflate; server_max_window_bits=9", "permessage-deflate; (", "permessage-bzip2", ";"]
)
async def test_what_is_offered_in_vain_is_passed_over(servers: Servers, offer: str) -> None:
    server = servers["h1-deflated"]
    url = f"{server.url.replace('http', 'ws')}/ws/log/{secrets.token_hex(6)}"
    headers = {"Sec-WebSocket-Extensions": offer}
    async with websockets.connect(url, compression=None, additional_headers=headers) as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
        await client.send(json.dumps({"type": "n", "data": LARGE}))
        assert (await _until(client, "n"))["data"] == LARGE


async def test_a_bomb_is_refused_before_it_goes_off(servers: Servers) -> None:
    server = servers["h1-deflated"]
    bomb = frame(deflate(b" " * BOMB)[:65_000])
    before = 0
    for number in range(BOMBS):
        async with asyncio.timeout(DEADLINE):
            peer = await request(server.port, "/ws/log/bombs", "ws", headers=OFFER)
            await peer.send(bomb)
            told = [message async for message in read_websocket(peer)]
        assert told[-1]["data"]["code"] == "too_big"
        peer.close()
        if number == 2:
            before = _resident(server)
    assert _resident(server) - before < BOMB / 10


async def test_a_connection_keeps_no_window(servers: Servers) -> None:
    """Of either direction, whatever was said on it."""
    server = servers["h1-deflated"]
    address = f"{server.url.replace('http', 'ws')}/ws/live/{secrets.token_hex(6)}"

    async def talk() -> websockets.ClientConnection:
        client = await websockets.connect(f"{address}-{secrets.token_hex(6)}")
        await client.send(json.dumps({"type": "n", "data": LARGE}))
        assert (await _until(client, "n"))["data"] == LARGE
        return client

    clients = [await talk() for _ in range(CONNECTIONS // 5)]
    before = _resident(server)
    clients += [await talk() for _ in range(CONNECTIONS)]
    assert (_resident(server) - before) / CONNECTIONS < COST
    await asyncio.gather(*(client.close() for client in clients))
