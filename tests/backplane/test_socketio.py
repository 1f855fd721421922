"""The socket.io-client of npm behind a balancer that knows nothing of sessions: each request reaches another node."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from tests.cluster.proxy import RoundRobin, round_robin
from tests.running import ServerProcess, eventually
from tests.servers import Postgres, Redis
from tests.transports.socketio.client import SocketIoClient, socketio_client
from tests.transports.socketio.engine_io import Session
from tests.transports.socketio.world import TOPIC, Server, numbers

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.node]

POLLING = {"transports": ["polling"]}


@pytest.fixture(scope="module")
def stores() -> Iterator[tuple[Postgres, Redis]]:
    with Postgres() as postgres, Redis() as redis:
        yield postgres, redis


@pytest.fixture(scope="module")
def nodes(stores: tuple[Postgres, Redis], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    """Two servers on one database, which these tests share."""
    postgres, redis = stores
    database = postgres.new_database(migrated=True)
    started: list[ServerProcess] = []
    try:
        for name in ("a", "b"):
            folder = tmp_path_factory.mktemp(name)
            started.append(Server(folder, database_url=database, backplane_url=redis.url, heartbeat=1).start())
        yield started
    finally:
        for node in reversed(started):
            if not node.killed:
                node.check_clean_end()


@pytest.fixture
async def proxy(nodes: list[ServerProcess]) -> AsyncIterator[RoundRobin]:
    await eventually(lambda: _know_each_other(nodes))
    async with round_robin([node.port for node in nodes], each_request=True) as proxy:
        yield proxy


async def _know_each_other(nodes: list[ServerProcess]) -> bool:
    async with httpx.AsyncClient() as client:
        answers = [(await client.get(f"{node.url}/api/nodes")).json()["data"] for node in nodes]
    return all(len(found) == len(nodes) and all(node["answers"] for node in found) for found in answers)


async def publish(node: ServerProcess, *several: int) -> None:
    body = [{"topic": TOPIC, "type": "n", "data": {"n": number}} for number in several]
    async with httpx.AsyncClient(base_url=node.url) as client:
        (await client.post("/api/publish", json=body)).raise_for_status()


async def gets_all_once(client: SocketIoClient, nodes: list[ServerProcess], start: int, count: int) -> None:
    """Publish on each node in turn, some at once and some in between, and see that all come once and in order."""
    before = numbers(client)
    expected = list(range(start, start + count))
    for number in expected:
        await publish(nodes[number % len(nodes)], number)
        if number % 7 == 0:
            await client.until(lambda: len(numbers(client)) == len(before) + number - start + 1)  # noqa: B023 - at once
    await client.until(lambda: numbers(client)[len(before) :] == expected)


@pytest.mark.parametrize("options", [POLLING, {}], ids=["polling", "default"])
async def test_a_client_stays_connected_and_gets_everything_once(
    proxy: RoundRobin, nodes: list[ServerProcess], options: dict[str, Any]
) -> None:
    async with socketio_client(proxy.url, **options) as client, socketio_client(proxy.url, **options) as other:
        for one in (client, other):
            await one.connected()
        await gets_all_once(client, nodes, 0, 40)
        await other.until(lambda: numbers(other) == list(range(40)))
        client.do({"ask": ["anything"]})
        await client.until(lambda: client.all("answer"))
        assert (len(client.all("connect")), client.all("disconnect")) == (1, [])
        for one in (client, other):
            one.do({"close": True})


async def test_a_websocket_elsewhere_does_not_take_a_session_over_which_goes_on(
    proxy: RoundRobin, nodes: list[ServerProcess]
) -> None:
    async with httpx.AsyncClient(base_url=proxy.url, timeout=10) as client:
        here = Session(nodes[0].url)  # where its WebSocket would be
        async with Session(nodes[1].url) as opened, here:
            await opened.open()
            here.id = opened.id
            with pytest.raises(websockets.InvalidStatus) as refused:
                await here.websocket()
            assert refused.value.response.status_code == 400
        session = Session(proxy.url, client)
        session.id = opened.id
        await session.post("40")
        await session.poll_until(lambda: "connected" in session.names)
        await publish(nodes[0], 1)
        await session.poll_until(lambda: "n" in session.names)
        await session.post("1")


async def connected_by(client: httpx.AsyncClient) -> set[str]:
    """The Socket.IO clients there are."""
    found = (await client.get("/api/connections", params={"q": "socketio", "limit": 200})).json()["data"]
    return {one["handle"] for one in found["connections"] if one["transport"] == "socketio"}


async def test_a_client_that_breaks_off_a_poll_elsewhere_is_gone(proxy: RoundRobin, nodes: list[ServerProcess]) -> None:
    async with Session(nodes[0].url) as session, httpx.AsyncClient(base_url=nodes[1].url) as elsewhere:
        before = await connected_by(elsewhere)
        await session.connect()
        (own,) = await connected_by(elsewhere) - before
        query = {"EIO": "4", "transport": "polling", "sid": session.id}
        with contextlib.suppress(httpx.ReadTimeout):
            while True:  # until there is nothing more, and the client breaks off
                await elsewhere.get("/socket.io/", params=query, timeout=0.5)

        async def is_gone() -> bool:
            return own not in await connected_by(elsewhere)

        await eventually(is_gone)


async def test_who_polls_by_way_of_a_node_that_stops_goes_on_by_another(
    stores: tuple[Postgres, Redis], nodes: list[ServerProcess], tmp_path: Path
) -> None:
    _, redis = stores
    third = Server(tmp_path, database_url=nodes[0].database_url, backplane_url=redis.url, heartbeat=1).start()
    await eventually(lambda: _know_each_other([*nodes, third]))
    async with (
        round_robin([nodes[0].port, third.port], each_request=True) as proxy,
        socketio_client(proxy.url, **POLLING) as client,
    ):
        await client.connected()  # its session is on the first, which its first request has reached
        await gets_all_once(client, nodes, 100, 10)
        await eventually(lambda: list(proxy.node_of.values())[-1] == 1)  # its poll waits at the third
        assert await asyncio.to_thread(third.stop) == 0
        await gets_all_once(client, nodes, 200, 10)
        assert client.all("disconnect") == []
        client.do({"close": True})
    third.check_clean_end()


async def test_the_clients_of_a_killed_node_come_back_and_miss_nothing(
    proxy: RoundRobin, nodes: list[ServerProcess]
) -> None:
    async with (
        socketio_client(proxy.url, resume=True, **POLLING) as first,
        socketio_client(proxy.url, resume=True, **POLLING) as second,
    ):
        for client in (first, second):
            await client.connected()
        await publish(nodes[0], 300)
        for client in (first, second):
            await client.until(lambda: 300 in numbers(client))  # noqa: B023 - at once
        nodes[1].kill()
        for number in range(301, 311):
            await publish(nodes[0], number)
        for client in (first, second):
            await client.until(lambda: numbers(client)[-11:] == list(range(300, 311)), deadline=30)  # noqa: B023 - at once
