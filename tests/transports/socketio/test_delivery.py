"""What the socket.io-client of npm gets, on each of its transports: in order, once, however it is treated."""

import asyncio
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.running import ServerProcess
from tests.transports.socketio.client import socketio_client
from tests.transports.socketio.world import FIRM, WAYS, clients, nobody, numbers, publish

pytestmark = pytest.mark.node


@pytest.mark.parametrize("way", WAYS)
async def test_a_thousand_events_come_in_order_each_once(
    server: ServerProcess, rest: httpx.AsyncClient, way: str
) -> None:
    async with socketio_client(server.url, **WAYS[way]) as client:
        await client.connected()
        await publish(rest, range(1000))
        await client.until(lambda: len(numbers(client)) >= 1000)
        client.do({"emit": ["ping"]})
        await client.until(lambda: client.events("pong"))
        assert numbers(client) == list(range(1000))
        [[welcome]] = client.events("connected")
        assert welcome["transport"] == "socketio"
        assert all(len(args) == 1 for args in client.events("n"))
        assert await clients(rest) == 1
    await client.until(lambda: nobody(rest))


async def test_the_default_client_moves_up_to_a_websocket(server: ServerProcess) -> None:
    async with socketio_client(server.url) as client:
        await client.until(lambda: client.all("upgrade") == ["websocket"])


@pytest.mark.parametrize("way", FIRM)
async def test_a_newcomer_gets_the_state_and_nothing_of_the_past(
    server: ServerProcess, rest: httpx.AsyncClient, way: str
) -> None:
    await publish(rest, range(3))
    await rest.post("/api/publish", json={"topic": "state/socketio", "type": "level", "data": {"now": 7}})
    async with socketio_client(server.url, **WAYS[way]) as client:
        await client.until(lambda: client.events("level") == [[{"now": 7}]])
        assert numbers(client) == []


async def test_it_only_listens_and_is_told_so(server: ServerProcess) -> None:
    async with socketio_client(server.url) as client:
        await client.connected()
        client.do({"emit": ["deposit", {"cedula": "1350509525"}]})
        client.do({"ask": ["withdraw", 1]})
        [answer] = await client.until(lambda: client.all("answer"))
        assert answer["code"] == "unknown_type"
        assert "POST" in answer["message"]
        await client.until(lambda: len(client.events("error")) == 2)
        assert client.all("disconnect") == []


async def test_who_says_too_much_is_sent_away(server: ServerProcess) -> None:
    async with socketio_client(server.url, transports=["websocket"], reconnection=False) as client:
        await client.connected()
        for _ in range(1000):
            client.do({"emit": ["ping"]})
        await client.until(lambda: client.all("disconnect"))
        assert client.events("error")[-1][0]["code"] == "too_many"


@pytest.mark.parametrize("way", FIRM)
async def test_a_client_that_gives_its_cursor_misses_nothing_over_a_restart(
    make_server: Callable[..., ServerProcess], way: str
) -> None:
    server = make_server()
    async with (
        socketio_client(server.url, resume=True, **WAYS[way]) as client,
        httpx.AsyncClient(base_url=server.url) as rest,
    ):
        await client.connected()
        await publish(rest, range(50))
        await client.until(lambda: len(numbers(client)) == 50)
        server.kill()
        await client.until(lambda: client.all("disconnect"))
        server.start()
        await publish(rest, range(50, 100))
        await client.until(lambda: len(numbers(client)) >= 100)
        assert numbers(client) == list(range(100))
        assert set(client.events("n")[-1][1]) == {"id", "timestamp", "topic"}


@pytest.mark.parametrize("way", FIRM)
async def test_a_server_that_stops_says_bye_and_its_clients_come_back(
    make_server: Callable[..., ServerProcess], way: str
) -> None:
    server = make_server()
    async with socketio_client(server.url, **WAYS[way]) as client:
        await client.connected()
        begun = asyncio.get_running_loop().time()
        assert await asyncio.to_thread(server.stop) == 0
        assert asyncio.get_running_loop().time() - begun < 5
        await client.until(lambda: client.all("disconnect"))
        for [bye] in client.events("bye"):
            assert bye["reason"] == "shutdown"
            assert 0 < bye["retry_after"] <= 3500
        # A client that polls makes a connection for each poll: between two of them it cannot be told.
        assert way == "polling" or len(client.events("bye")) == 1
        await asyncio.to_thread(server.start)
        await client.connected(times=2)


@pytest.mark.parametrize("way", FIRM)
async def test_a_client_that_was_suspended_costs_little_and_misses_nothing(
    server: ServerProcess, rest: httpx.AsyncClient, way: str
) -> None:
    events, padding = 20_000, "x" * 1000
    async with socketio_client(server.url, **WAYS[way]) as client:
        await client.connected()
        await publish(rest, range(3000), padding)  # tails and caches are full now
        await client.until(lambda: len(numbers(client)) == 3000)
        client.stop()
        before = psutil.Process(server.pid).memory_info().rss
        await publish(rest, range(3000, events), padding)
        grown = psutil.Process(server.pid).memory_info().rss - before
        assert grown < 8 * 2**20, "of the 17 MB that it has not taken"
        client.go_on()
        await client.until(lambda: len(numbers(client)) >= events, deadline=30)
        assert numbers(client) == list(range(events))


@pytest.mark.parametrize("way", FIRM)
async def test_a_client_that_takes_nothing_for_too_long_is_dropped(
    make_server: Callable[..., ServerProcess], way: str
) -> None:
    server = make_server(peer_timeout=1, heartbeat=0.5)
    async with (
        socketio_client(server.url, **WAYS[way]) as client,
        httpx.AsyncClient(base_url=server.url, timeout=30) as rest,
    ):
        await client.connected()
        client.stop()
        await publish(rest, range(4000), "x" * 2000)
        await client.until(lambda: nobody(rest))
        client.go_on()
        await client.connected(times=2)


@pytest.mark.parametrize("way", WAYS)
async def test_a_client_that_dies_is_gone_at_once(server: ServerProcess, rest: httpx.AsyncClient, way: str) -> None:
    async with socketio_client(server.url, **WAYS[way]) as client:
        await client.connected()
        assert await clients(rest) == 1
        client.die()
        await client.until(lambda: nobody(rest), deadline=3)
