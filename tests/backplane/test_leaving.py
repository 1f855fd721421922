"""Nodes with names, of which one leaves the others."""

import asyncio
import json
import signal
import time
from collections.abc import Callable

import httpx
import pytest
import websockets

from tests.running import ServerProcess, ended_by, eventually
from tests.servers import Postgres, Redis

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

MakeServer = Callable[..., ServerProcess]


def test_a_node_is_known_by_its_name(redis: Redis, postgres: Postgres, make_server: MakeServer) -> None:
    database = postgres.new_database(migrated=True)
    node = make_server(database_url=database, backplane_url=redis.url, node="class-1")
    assert httpx.get(f"{node.url}/health").json()["data"]["node"] == "class-1"
    assert 'node="class-1"' in httpx.get(f"{node.url}/metrics").text
    assert "class-1 20" in node.log()
    name = database.rsplit("/", 1)[1]
    shown = postgres.sql(f"SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = '{name}' ORDER BY 1")
    assert shown.splitlines() == [f"envivo/class-1/{use}" for use in ("claim", "reader", "writer")]


async def test_a_node_that_is_told_to_stop_serves_on_and_says_that_it_leaves(make_server: MakeServer) -> None:
    node = await asyncio.to_thread(make_server, drain_delay=600)
    async with (
        httpx.AsyncClient(base_url=node.url) as client,
        websockets.connect(f"ws://127.0.0.1:{node.port}/ws/log/x") as before,
    ):
        assert (await client.get("/health?ready=1")).status_code == 200
        node.send_signal(signal.SIGTERM)

        async def says_so() -> bool:
            answer = await client.get("/health?ready=1")
            return answer.status_code == 503 and answer.json()["data"]["status"] == "leaving"

        await eventually(says_so)
        assert (await client.get("/health")).status_code == 200
        async with websockets.connect(f"ws://127.0.0.1:{node.port}/ws/log/x") as after:
            stored = await client.post("/api/publish", json={"topic": "log/x", "type": "n", "data": 1})
            assert stored.status_code == 202
            for follower in (before, after):
                while json.loads(await follower.recv())["type"] != "n":
                    pass
    await eventually(lambda: ended_by(signal.SIGTERM, node))
    assert await asyncio.to_thread(node.wait) == 130


async def test_clients_are_asked_to_go_to_another_node_at_once(
    redis: Redis, postgres: Postgres, make_server: MakeServer
) -> None:
    shared = {"database_url": postgres.new_database(migrated=True), "backplane_url": redis.url, "drain_delay": 0.2}
    one, other = [await asyncio.to_thread(make_server, **shared) for _ in range(2)]

    async def both_are_there() -> bool:
        async with httpx.AsyncClient(base_url=one.url) as client:
            return "envivo_nodes 2.0" in (await client.get("/metrics")).text

    await eventually(both_are_there)
    assert await retry_after(one) == 0
    await asyncio.to_thread(one.wait)

    async def is_alone() -> bool:
        async with httpx.AsyncClient(base_url=other.url) as client:
            return "envivo_nodes 1.0" in (await client.get("/metrics")).text

    await eventually(is_alone, deadline=10)
    assert await retry_after(other) > 0


async def retry_after(node: ServerProcess) -> int:
    """Stop a node, and return when it asks its one client to come back (ms)."""
    async with websockets.connect(f"ws://127.0.0.1:{node.port}/ws/live/x") as client:
        node.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        while (message := json.loads(await client.recv()))["type"] != "bye":
            pass
        assert time.monotonic() - asked_at > 0.2
        return int(message["data"]["retry_after"])
