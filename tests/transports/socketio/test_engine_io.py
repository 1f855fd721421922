"""The cases of the Engine.IO protocol's official test suite (revision 4), under its names, over `/socket.io`.

What python-engineio does otherwise is marked with its reason, and told if that should change.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import websockets

from tests.running import ServerProcess
from tests.transports.socketio.world import Server

PING_INTERVAL = 0.3  # s
PING_TIMEOUT = 1.0  # s, the least that a peer's patience may be
TOLD = {"pingInterval": 1000, "pingTimeout": 1000, "maxPayload": 64 * 1024}  # the interval in whole seconds
KEYS = {"sid", "upgrades", *TOLD}
DEADLINE = 5.0  # s
POLLING = {"EIO": "4", "transport": "polling"}

no_close_on_duplicates = pytest.mark.xfail(
    strict=True, reason="python-engineio lets two polls of a session wait, and gives each what comes next"
)
no_binary = pytest.mark.xfail(
    strict=True, reason="no packet of ours is binary, and a binary frame ends its session before it is kept"
)
goes_on_after_nonsense = pytest.mark.xfail(
    strict=True, reason="python-engineio leaves out a packet of a poll that it cannot read, and goes on"
)
ends_polls_with_400 = pytest.mark.xfail(
    strict=True, reason="python-engineio answers the poll of a session that its client closes with 400, not with a noop"
)
method_not_allowed = pytest.mark.xfail(
    strict=True, reason="a method that does not exist there is answered with 405 and Allow (RFC 9110), not with 400"
)
polling_by_default = pytest.mark.xfail(
    strict=True, reason="python-engineio takes a request that names no transport for one of polling"
)


class EchoServer(Server):
    module = "tests.transports.socketio.echo"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = EchoServer(tmp_path_factory.mktemp("echo"), heartbeat=PING_INTERVAL, peer_timeout=PING_TIMEOUT)
    yield server.start()
    server.check_clean_end()


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
        yield client


async def ask(http: httpx.AsyncClient, sid: str = "", **params: str) -> httpx.Response:
    """Poll, in the session `sid`, or to begin one."""
    return await http.get("/socket.io/", params={**POLLING, **({"sid": sid} if sid else {}), **params})


async def push(http: httpx.AsyncClient, sid: str, body: str) -> httpx.Response:
    return await http.post("/socket.io/", params={**POLLING, "sid": sid}, content=body)


async def open_session(http: httpx.AsyncClient) -> str:
    sid: str = json.loads((await ask(http)).text[1:])["sid"]
    return sid


def open_websocket(server: ServerProcess, query: str = "EIO=4&transport=websocket", sid: str = "") -> Any:
    address = server.url.replace("http", "ws", 1)
    return websockets.connect(f"{address}/socket.io/?{query}{f'&sid={sid}' if sid else ''}", open_timeout=DEADLINE)


async def closed(socket: Any) -> None:
    """Read until the server has closed."""
    async with asyncio.timeout(DEADLINE):
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await socket.recv()


async def next_but_pings(socket: Any) -> Any:
    async with asyncio.timeout(DEADLINE):
        while (said := await socket.recv()) == "2":
            await socket.send("3")
        return said


async def poll_but_pings(http: httpx.AsyncClient, sid: str) -> str:
    while (answer := await ask(http, sid)).text == "2":
        await push(http, sid, "3")
    assert answer.status_code == 200
    return answer.text


def check_handshake(packet: str, upgrades: list[str]) -> None:
    assert packet.startswith("0")
    told = json.loads(packet[1:])
    assert set(told) == KEYS
    assert isinstance(told["sid"], str)
    assert told["upgrades"] == upgrades
    assert {name: told[name] for name in TOLD} == TOLD


class TestHandshakeOverHttpLongPolling:
    async def test_successfully_opens_a_session(self, http: httpx.AsyncClient) -> None:
        answer = await ask(http)
        assert answer.status_code == 200
        check_handshake(answer.text, ["websocket"])

    @pytest.mark.parametrize("query", ["transport=polling", "EIO=abc&transport=polling"])
    async def test_fails_with_an_invalid_eio_query_parameter(self, http: httpx.AsyncClient, query: str) -> None:
        assert (await http.get(f"/socket.io/?{query}")).status_code == 400

    @pytest.mark.parametrize("query", [pytest.param("EIO=4", marks=polling_by_default), "EIO=4&transport=abc"])
    async def test_fails_with_an_invalid_transport_query_parameter(self, http: httpx.AsyncClient, query: str) -> None:
        assert (await http.get(f"/socket.io/?{query}")).status_code == 400

    @pytest.mark.parametrize("method", ["POST", pytest.param("PUT", marks=method_not_allowed)])
    async def test_fails_with_an_invalid_request_method(self, http: httpx.AsyncClient, method: str) -> None:
        assert (await http.request(method, "/socket.io/", params=POLLING)).status_code == 400


class TestHandshakeOverWebSocket:
    async def test_successfully_opens_a_session(self, server: ServerProcess) -> None:
        async with open_websocket(server) as socket:
            check_handshake(await socket.recv(), [])

    @pytest.mark.parametrize(
        "query",
        [
            pytest.param("transport=websocket", id="fails with an invalid 'EIO' query parameter, without one"),
            pytest.param("EIO=abc&transport=websocket", id="fails with an invalid 'EIO' query parameter"),
            pytest.param("EIO=4", id="fails with an invalid 'transport' query parameter, without one"),
            pytest.param("EIO=4&transport=abc", id="fails with an invalid 'transport' query parameter"),
        ],
    )
    async def test_fails(self, server: ServerProcess, query: str) -> None:
        with pytest.raises((websockets.InvalidHandshake, websockets.ConnectionClosed)):
            async with open_websocket(server, query) as socket:
                await socket.recv()


class TestMessageOverHttpLongPolling:
    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param("4hello", id="sends and receives a payload containing one plain text packet"),
            pytest.param(
                "4test1\x1e4test2\x1e4test3", id="sends and receives a payload containing several plain text packets"
            ),
            pytest.param(
                "4hello\x1ebAQIDBA==", id="sends and receives a payload containing plain text and binary packets"
            ),
        ],
    )
    async def test_echo(self, http: httpx.AsyncClient, payload: str) -> None:
        sid = await open_session(http)
        answer = await push(http, sid, payload)
        assert (answer.status_code, answer.text.lower()) == (200, "ok")
        assert await poll_but_pings(http, sid) == payload

    @goes_on_after_nonsense
    async def test_closes_the_session_upon_invalid_packet_format(self, http: httpx.AsyncClient) -> None:
        sid = await open_session(http)
        assert (await push(http, sid, "abc")).status_code == 400
        assert (await ask(http, sid)).status_code == 400

    @no_close_on_duplicates
    async def test_closes_the_session_upon_duplicate_poll_requests(self, http: httpx.AsyncClient) -> None:
        sid = await open_session(http)
        first, second = await asyncio.gather(ask(http, sid), ask(http, sid, t="burst"))
        assert sorted([first.status_code, second.status_code]) in ([200, 400], [200, 500])
        assert "1" in {first.text, second.text}
        assert (await ask(http, sid)).status_code == 400


class TestMessageOverWebSocket:
    async def test_sends_and_receives_a_plain_text_packet(self, server: ServerProcess) -> None:
        async with open_websocket(server) as socket:
            await socket.recv()
            await socket.send("4hello")
            assert await next_but_pings(socket) == "4hello"

    @no_binary
    async def test_sends_and_receives_a_binary_packet(self, server: ServerProcess) -> None:
        async with open_websocket(server) as socket:
            await socket.recv()
            await socket.send(b"\x01\x02\x03\x04")
            assert await next_but_pings(socket) == b"\x01\x02\x03\x04"

    async def test_closes_the_session_upon_invalid_packet_format(self, server: ServerProcess) -> None:
        async with open_websocket(server) as socket:
            await socket.recv()
            await socket.send("abc")
            await closed(socket)


class TestHeartbeatOverHttpLongPolling:
    async def test_sends_ping_and_pong_packets(self, http: httpx.AsyncClient) -> None:
        sid = await open_session(http)
        for _ in range(3):
            answer = await ask(http, sid)
            assert (answer.status_code, answer.text) == (200, "2")
            assert (await push(http, sid, "3")).status_code == 200

    async def test_closes_the_session_upon_ping_timeout(self, http: httpx.AsyncClient) -> None:
        sid = await open_session(http)
        assert (await ask(http, sid)).text == "2"
        async with asyncio.timeout(DEADLINE):
            while (await ask(http, sid)).status_code == 200:
                pass
        assert (await ask(http, sid)).status_code == 400


class TestHeartbeatOverWebSocket:
    async def test_sends_ping_and_pong_packets(self, server: ServerProcess) -> None:
        async with open_websocket(server) as socket:
            await socket.recv()
            for _ in range(3):
                assert await socket.recv() == "2"
                await socket.send("3")

    async def test_closes_the_session_upon_ping_timeout(self, server: ServerProcess) -> None:
        async with open_websocket(server) as socket:
            await closed(socket)


class TestClose:
    @ends_polls_with_400
    async def test_forcefully_closes_the_session_over_http_long_polling(self, http: httpx.AsyncClient) -> None:
        sid = await open_session(http)
        answer, _ = await asyncio.gather(ask(http, sid), push(http, sid, "1"))
        assert (answer.status_code, answer.text) == (200, "6")
        assert (await ask(http, sid)).status_code == 400

    async def test_forcefully_closes_the_session_over_websocket(self, server: ServerProcess) -> None:
        async with open_websocket(server) as socket:
            await socket.recv()
            await socket.send("1")
            await closed(socket)


class TestUpgrade:
    async def test_successfully_upgrades_from_http_long_polling_to_websocket(
        self, server: ServerProcess, http: httpx.AsyncClient
    ) -> None:
        sid = await open_session(http)
        async with open_websocket(server, sid=sid) as socket:
            await socket.send("2probe")
            assert await socket.recv() == "3probe"
            answer = await ask(http, sid)
            assert (answer.status_code, answer.text) == (200, "6")
            await socket.send("5")
            await socket.send("4hello")
            assert await next_but_pings(socket) == "4hello"

    async def test_ignores_http_requests_with_same_sid_after_upgrade(
        self, server: ServerProcess, http: httpx.AsyncClient
    ) -> None:
        sid = await open_session(http)
        async with open_websocket(server, sid=sid) as socket:
            await _take_over(socket)
            assert (await ask(http, sid)).status_code == 400
            await socket.send("4hello")
            assert await next_but_pings(socket) == "4hello"

    async def test_ignores_websocket_connection_with_same_sid_after_upgrade(
        self, server: ServerProcess, http: httpx.AsyncClient
    ) -> None:
        sid = await open_session(http)
        async with open_websocket(server, sid=sid) as socket:
            await _take_over(socket)
            with pytest.raises((websockets.InvalidHandshake, websockets.ConnectionClosed)):
                async with open_websocket(server, sid=sid) as other:
                    await asyncio.wait_for(other.recv(), DEADLINE)
            await socket.send("4hello")
            assert await next_but_pings(socket) == "4hello"


async def _take_over(socket: Any) -> None:
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    await socket.send("5")
