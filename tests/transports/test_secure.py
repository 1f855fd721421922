"""Secure mode on real sockets: who comes in with which token, from which site, on every transport."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import websockets

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.faults.sockets import read_websocket, request
from tests.running import ServerProcess
from tests.transports.drivers import PollStream, Refusal, SseStream, Stream, WebsocketStream

SECURE: dict[str, Any] = {"access": "secure", "secret_key": "k" * 40, "allowed_origins": "https://app.example"}
STREAMS = {"ws": WebsocketStream, "sse": SseStream, "poll": PollStream}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), **SECURE).start()
    yield server
    server.check_clean_end()


def token(lifetime: timedelta = timedelta(hours=1), key: str = "k" * 40) -> str:
    settings = load_settings(access="secure", secret_key=key)
    return issue_token(settings.front, Identity("7", "Ana"), lifetime)


async def _open(server: ServerProcess, transport: str, query: dict[str, Any]) -> Stream:
    stream = STREAMS[transport](server.url, None, ("rooms/1",), query)
    await stream.open()
    return stream


@pytest.mark.parametrize("transport", list(STREAMS))
@pytest.mark.parametrize("way", ["query", "header", "cookie"])
async def test_a_token_lets_in_wherever_it_stands(secure: ServerProcess, transport: str, way: str) -> None:
    headers = {"header": {"Authorization": f"Bearer {token()}"}, "cookie": {"Cookie": f"envivo_token={token()}"}}
    query = {"token": token()} if way == "query" else {"headers": headers[way]}
    stream = await _open(secure, transport, query)
    assert {"user_id": 7, "username": "Ana"} in stream.welcome["data"]["active_users"]
    await stream.drop()


async def test_a_token_in_the_subprotocol(secure: ServerProcess) -> None:
    url = f"ws://127.0.0.1:{secure.port}/ws/rooms/1"
    async with websockets.connect(url, subprotocols=["bearer", token()]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "bearer"
        await socket.recv()


async def test_subprotocols_on_several_header_lines(secure: ServerProcess) -> None:
    offered = f"Sec-WebSocket-Protocol: bearer, {token()}\r\nSec-WebSocket-Protocol: chat\r\n"
    peer = await request(secure.port, "/ws/rooms/1", "ws", headers=offered)
    assert (await anext(read_websocket(peer)))["type"] == "connected"
    peer.close()


@pytest.mark.parametrize("transport", list(STREAMS))
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"user_id": "7", "username": "Ana"},
        {"token": "x"},
        {"token": token(key="other" * 8)},
        {"token": token(timedelta(seconds=-60))},
    ],
    ids=["none", "only a name", "garbage", "forged", "expired"],
)
async def test_without_a_good_token_nobody_comes_in(
    secure: ServerProcess, transport: str, query: dict[str, Any]
) -> None:
    with pytest.raises(Refusal) as refused:
        await _open(secure, transport, dict(query))
    assert refused.value.status == (4401 if transport == "ws" else 401)
    assert refused.value.code == "unauthorized"


async def test_nobody_speaks_for_the_connection_of_another(secure: ServerProcess) -> None:
    stream = await _open(secure, "sse", {"token": token()})
    mallory = issue_token(load_settings(**SECURE).front, Identity("8", "Mallory"), timedelta(hours=1))
    async with httpx.AsyncClient(base_url=secure.url) as client:
        response = await client.post(
            "/send/rooms/1",
            params={"token": mallory},
            headers={"X-Connection-Id": stream.welcome["connection_id"]},
            json={"type": "message", "content": "I am Ana"},
        )
    assert response.status_code == 403
    await stream.drop()


@pytest.mark.parametrize(("origin", "status"), [("https://app.example", 202), ("https://evil.example", 403)])
async def test_only_listed_sites_act_and_read(secure: ServerProcess, origin: str, status: int) -> None:
    headers = {"Origin": origin, "Cookie": f"envivo_token={token()}"}
    async with httpx.AsyncClient(base_url=secure.url, headers=headers) as client:
        response = await client.post("/api/publish", json={"topic": "log/a", "type": "n"})
        assert response.status_code == status
        assert response.headers.get("Access-Control-Allow-Origin") == (origin if status == 202 else None)
        preflight = await client.options("/api/publish", headers={"Access-Control-Request-Method": "POST"})
        assert preflight.headers.get("Access-Control-Allow-Origin") == (origin if status == 202 else None)


async def test_a_websocket_from_another_site_is_refused(secure: ServerProcess) -> None:
    url = f"ws://127.0.0.1:{secure.port}/ws/rooms/1?token={token()}"
    async with websockets.connect(url, origin="https://evil.example") as socket:  # type: ignore[arg-type]
        assert "origin_not_allowed" in str(await socket.recv())
        await socket.wait_closed()
        assert socket.close_code == 4403
    async with websockets.connect(url, origin="https://app.example") as socket:  # type: ignore[arg-type]
        assert "connected" in str(await socket.recv())
