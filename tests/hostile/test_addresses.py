"""What one address may have before anybody knows who is there: so many connections, so many new ones a second."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from quart_app.realtime import limits
from quart_app.transports.below.addresses import Addresses
from tests.hostile.peers import DEADLINE, Peer, connected, handshake, request
from tests.running import ServerProcess, eventually

MOST = 20
COUNTED = {"TESTS_COUNTED": "1"}
"""This machine's own addresses are counted, too."""
KEPT = [
    request("/health"),
    handshake("/ws/live/n"),
    request("/sse/live/n"),
    handshake("/socket.io/?EIO=4&transport=websocket"),
]
MakeServer = Callable[..., ServerProcess]


async def asked(server: ServerProcess) -> bytes:
    """The answer to a request on a connection of its own."""
    async with connected(server) as peer:
        await peer.send(request("/health", headers="Connection: close\r\n"))
        return await peer.rest()


async def served(server: ServerProcess) -> bool:
    return (await asked(server)).startswith(b"HTTP/1.1 200")


@asynccontextmanager
async def many(server: ServerProcess, said: bytes, count: int) -> AsyncIterator[None]:
    """Hold connections on each of which something was said and answered."""
    async with AsyncExitStack() as stack:
        held = 0
        while held < count:
            peer = await stack.enter_async_context(connected(server))
            await peer.send(said)
            held += not (await peer.head()).startswith(b"HTTP/1.1 429 ")  # whoever was there before is still leaving
        yield


async def test_no_address_has_more_connections_than_are_allowed(make_either: MakeServer) -> None:
    server = make_either(address_connections=MOST, environment=COUNTED)
    for said in KEPT:
        async with many(server, said, MOST):
            answer = await asked(server)
            assert answer.startswith(b"HTTP/1.1 429 ")
            assert b"\r\nretry-after: 5\r\n" in answer
            assert b'"code":"too_many"' in answer
            assert b"at most 20 connections from one address" in answer
        await eventually(lambda: served(server))


async def test_no_address_opens_more_connections_a_second_than_are_allowed(make_server: MakeServer) -> None:
    server = make_server(address_rate=1, environment=COUNTED)
    answers = [await asked(server) for _ in range(20)]
    told = [answer for answer in answers if answer.startswith(b"HTTP/1.1 429 ")]
    assert told
    assert b"at most 1 new connections a second from one address" in told[0]
    await eventually(lambda: served(server), deadline=10)


async def test_who_waits_to_be_told_is_not_waited_for(make_server: MakeServer) -> None:
    server = make_server(address_connections=1, environment=COUNTED)
    async with many(server, request("/health"), 1), AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connected(server)) for _ in range(100)]
        ends = [asyncio.create_task(peer.rest()) for peer in peers]
        assert await asyncio.gather(*ends) == [b""] * 100


async def test_over_http2_there_is_no_answer(make_server: MakeServer) -> None:
    server = make_server("--tls", address_connections=2, environment=COUNTED)
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connected(server, "h2")) for _ in range(2)]
        async with connected(server, "h2") as one_more:
            assert await one_more.rest() == b""
        assert not any(peer.reader.at_eof() for peer in peers)


async def test_the_oldest_of_those_who_say_nothing_make_room(make_server: MakeServer) -> None:
    server = make_server(environment=COUNTED)
    async with AsyncExitStack() as stack:
        heard = await stack.enter_async_context(connected(server))
        await heard.send(request("/health"))
        await heard.head()
        silent = [await stack.enter_async_context(connected(server)) for _ in range(limits.SILENT_PER_ADDRESS + 20)]
        await asyncio.gather(*(peer.rest() for peer in silent[:20]))
        assert await served(server)
        assert not silent[-1].reader.at_eof()
        await silent[-1].send(request("/health"))
        assert (await silent[-1].head()).startswith(b"HTTP/1.1 200")
        await heard.send(request("/health"))
        assert (await heard.reader.readuntil(b"HTTP/1.1 200")).endswith(b"200")


async def silent_over_tls(stack: AsyncExitStack, server: ServerProcess, count: int) -> list[Peer]:
    """Connections whose TLS handshakes do not begin."""
    port = int(server.url.rpartition(":")[2])
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    for _, writer in pairs:
        stack.callback(writer.transport.abort)
    return [Peer(*pair) for pair in pairs]


async def test_handshakes_that_are_not_complete_are_connections_too(make_server: MakeServer) -> None:
    server = make_server("--tls", address_connections=3, environment=COUNTED)
    async with AsyncExitStack() as stack:
        silent = await silent_over_tls(stack, server, 3)
        async with connected(server, "http/1.1") as one_more:
            await one_more.send(request("/health"))
            assert b"at most 3 connections from one address" in await one_more.rest()
        silent[0].writer.transport.abort()
        silent[1].writer.write(request("/health"))  # in the clear
        assert b"HTTP" not in await silent[1].rest()

        async def served() -> bool:
            async with connected(server, "http/1.1") as peer:
                await peer.send(request("/health", headers="Connection: close\r\n"))
                return (await peer.rest()).startswith(b"HTTP/1.1 200")

        await eventually(served)


async def test_the_oldest_handshake_makes_room_as_well(make_server: MakeServer) -> None:
    server = make_server("--tls", "--server", "ssl_handshake_timeout=600", environment=COUNTED)
    async with AsyncExitStack() as stack, asyncio.timeout(DEADLINE):
        silent = await silent_over_tls(stack, server, limits.SILENT_PER_ADDRESS + 20)
        assert await asyncio.gather(*(peer.rest() for peer in silent[:20])) == [b""] * 20
        async with connected(server, "h2") as peer:
            assert await peer.reader.read(9)
        assert not silent[-1].reader.at_eof()


async def test_this_machines_own_connections_are_not_counted(make_server: MakeServer) -> None:
    server = make_server(address_connections=1, address_rate=1)
    async with many(server, request("/health"), MOST):
        assert await served(server)


async def test_sessions_of_socketio_that_nobody_connects_in_make_room(make_server: MakeServer) -> None:
    server = make_server(trusted_proxies="127.0.0.1")
    path, polling = "/socket.io/", {"EIO": "4", "transport": "polling"}

    async def begin(address: str) -> str:
        headers = {"X-Forwarded-For": address}
        return str(json.loads((await client.get(path, params=polling, headers=headers)).text[1:])["sid"])

    async def is_there(session: str) -> bool:
        sent = await client.post(path, params={**polling, "sid": session}, content="40")
        return sent.status_code == 200

    async with httpx.AsyncClient(base_url=server.url) as client:
        elsewhere = await begin("192.0.2.8")
        silent = [await begin("192.0.2.7") for _ in range(limits.SILENT_PER_ADDRESS + 1)]
        assert not await is_there(silent[0])
        for session in (elsewhere, silent[1], silent[-1]):
            assert await is_there(session)


class Transport:
    """What is asked of a transport."""

    def __init__(self, host: str, port: int) -> None:
        self._name = (host, port)
        self.closed = False

    def get_extra_info(self, name: str) -> Any:
        return self._name if name == "peername" else None

    def close(self) -> None:
        self.closed = True


def table(most: int = 2, rate: float = 100) -> tuple[Addresses, list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    return Addresses(most, rate, lambda host: host != "10.0.0.1", lambda *met: told.append(met[:2])), told


async def test_a_proxy_is_not_counted() -> None:
    addresses, told = table()
    assert [addresses.enter(Transport("10.0.0.1", port)) for port in range(10)] == [None] * 10
    assert told == []


async def test_a_network_of_ipv6_is_one_address() -> None:
    addresses, told = table()
    for host in ("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1", "2001:db8::3"):
        addresses.enter(Transport(host, 1))
    assert [host for host, _ in told] == ["2001:db8::3"]


async def test_nothing_is_remembered_of_those_who_are_long_gone() -> None:
    addresses, _ = table()
    for number in range(5_000):
        transport: Any = Transport(f"192.0.{number // 250}.{number % 250}", 1)
        addresses.enter(transport)
        addresses.leave(transport)
        addresses.leave(transport)
    assert len(addresses._resting) <= 1_001
    assert (addresses._addresses, addresses._of, addresses._silent) == ({}, {}, {})


async def test_who_comes_and_goes_has_the_allowance_that_was_left() -> None:
    addresses, told = table(rate=1)
    for port in range(10):
        transport: Any = Transport("192.0.2.1", port)
        addresses.enter(transport)
        addresses.leave(transport)
    assert len(told) == 6
