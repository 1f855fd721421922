"""Two servers on one PostgreSQL and one Redis: what is published on one comes from the other, once and in order."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.wire import Cursor
from tests.running import ServerProcess, eventually
from tests.servers import Postgres, Redis
from tests.transports.drivers import SseStream

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


class Follower:
    """A client of long polls that asks the servers in turn."""

    def __init__(self, nodes: list[ServerProcess], topics: str) -> None:
        self._nodes = nodes
        self._topics = topics
        self._cursor: str | None = None
        self.messages: list[Any] = []

    async def ask(self) -> list[Any]:
        """Ask the next one; return the data of all that has come."""
        self._nodes.append(self._nodes.pop(0))
        since = f"&since={self._cursor}" if self._cursor else ""
        async with httpx.AsyncClient(base_url=self._nodes[0].url) as client:
            answer = (await client.get(f"/poll?wait=0&{self._topics}{since}")).raise_for_status().json()
        self._cursor = answer["id"]
        self.messages += [one for one in answer["messages"] if one["type"] in {"n", "gap", "reset"}]
        return [one["data"] for one in self.messages]


async def publish(node: ServerProcess, topic: str, number: int) -> None:
    async with httpx.AsyncClient(base_url=node.url) as client:
        message = {"topic": topic, "type": "n", "data": number}
        (await client.post("/api/publish", json=message)).raise_for_status()


async def state_of_backplane(node: ServerProcess) -> str:
    async with httpx.AsyncClient(base_url=node.url) as client:
        answer = await client.get("/health")
    assert answer.status_code == 200
    return str(answer.json()["data"]["checks"]["backplane"])


async def test_two_nodes_are_as_one(
    postgres: Postgres, redis: Redis, make_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    database = postgres.new_database(migrated=True)
    nodes = [make_server(database_url=database, backplane_url=redis.url) for _ in range(2)]
    alone = ServerProcess(tmp_path, database_url=database)
    with pytest.raises(AssertionError):
        alone.start()
    assert "set the same ENVIVO_BACKPLANE_URL for all of them" in alone.log()
    durable, signals = Follower(list(nodes), "topic=log/x"), Follower(list(nodes), "topic=live/x&topic=state/x")
    await durable.ask()
    await signals.ask()
    for number in range(20):
        await publish(nodes[number % 2], "log/x", number)
        await publish(nodes[number % 2], "live/x", number)
        await signals.ask()
    await eventually(lambda: _all(durable, list(range(20))))
    await eventually(lambda: _all(signals, list(range(20))))
    async with httpx.AsyncClient(base_url=nodes[0].url) as client:

        async def both_are_there() -> bool:
            return "envivo_nodes 2.0" in (await client.get("/metrics")).text

        await eventually(both_are_there)

    assert [await state_of_backplane(node) for node in nodes] == ["up", "up"]
    redis.freeze()

    async def is_away() -> bool:
        return all([(await state_of_backplane(node)).startswith("away for") for node in nodes])

    await eventually(is_away, deadline=20)
    await publish(nodes[0], "log/x", 20)
    await publish(nodes[0], "live/x", 20)
    await eventually(lambda: _all(durable, list(range(21))))
    assert await signals.ask() == list(range(20))
    redis.thaw()
    await eventually(lambda: _all(signals, [*range(20), {"dropped": 1}]), deadline=20)


async def test_nodes_that_start_at_once_on_a_new_database_make_it_once(
    postgres: Postgres, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = postgres.new_database()
    settings: dict[str, Any] = {"database_url": database, "backplane_url": redis.url, "empty": 0}
    nodes = [ServerProcess(tmp_path_factory.mktemp("node"), **settings) for _ in range(3)]
    await asyncio.gather(*(asyncio.to_thread(node.start) for node in nodes))
    name = database.rsplit("/", 1)[1]
    assert postgres.sql("SELECT count(*) FROM chat_rooms", name) == "2"
    for node in nodes:
        async with httpx.AsyncClient(base_url=node.url) as client:

            async def all_are_there(client: httpx.AsyncClient = client) -> bool:
                return "envivo_nodes 3.0" in (await client.get("/metrics")).text

            await eventually(all_are_there)
    for node in nodes:
        node.check_clean_end()


async def test_a_feed_runs_on_one_node_and_on_another_when_that_is_gone(
    postgres: Postgres, redis: Redis, make_server: Callable[..., ServerProcess]
) -> None:
    database = postgres.new_database(migrated=True)
    first, second = [make_server(database_url=database, backplane_url=redis.url, sensor_interval=0.25) for _ in "ab"]
    name = database.rsplit("/", 1)[1]

    def term() -> str:
        return postgres.sql("SELECT term FROM leases WHERE name = 'feed sensors'", name)

    def updates(stream: SseStream) -> int:
        return sum(one["type"] == "sensor_update" for one in stream.messages)

    here, there = (SseStream(node.url, None, ("sensors",), {}) for node in (first, second))
    await here.open()
    await eventually(lambda: updates(here) > 3, deadline=20)
    await there.open()
    enough = updates(here) + 24
    await eventually(lambda: updates(here) > enough and updates(there) > 24, deadline=30)
    assert term() == "1"
    readings = "SELECT count(*), max(at) - min(at) FROM readings WHERE reservoir_id = 'EMBALSE_01'"
    count, milliseconds = map(int, postgres.sql(readings, name).split("|"))
    assert count <= milliseconds / 250 + 2, "both nodes have measured"

    first.kill()
    told = updates(there)
    await eventually(lambda: updates(there) > told + 6, deadline=30)
    assert term() == "2"
    await there.drop()
    await here.drop()


@pytest.mark.parametrize("written", [True, False])
async def test_whoever_saw_what_a_failover_has_lost_is_reset_on_every_node(
    postgres: Postgres, redis: Redis, make_server: Callable[..., ServerProcess], written: bool
) -> None:
    database = postgres.new_database(migrated=True)
    nodes = [make_server(database_url=database, backplane_url=redis.url) for _ in range(2)]
    name = database.rsplit("/", 1)[1]
    streams = [SseStream(node.url, None, ("log/x",), {}) for node in nodes]
    for stream in streams:
        await stream.open()
    for number in range(4):
        await publish(nodes[0], "log/x", number)
    kept = postgres.sql("SELECT value FROM log_state WHERE name = 'head'", name)
    for number in range(4, 6):
        await publish(nodes[0], "log/x", number)
    for stream in streams:
        await stream.find(lambda one: one.get("data") == 5)
    postgres.sql(
        f"BEGIN; DELETE FROM event_log WHERE position > {kept.split()[0]};"
        f" UPDATE log_state SET value = '{kept}' WHERE name = 'head'; COMMIT",
        name,
    )
    if written:  # more than were lost, before the other node can have looked
        for number in range(10, 16):
            await publish(nodes[0], "log/x", number)
    resets = [await stream.find(lambda one: one["type"] == "reset") for stream in streams]
    assert [reset["data"] for reset in resets] == [{"reason": "unknown_log"}] * 2
    await publish(nodes[1], "log/x", 16)
    for stream, reset in zip(streams, resets, strict=True):
        await stream.find(lambda one: one.get("data") == 16)
        told = [one["data"] for one in stream.messages if one["type"] in {"n", "reset"}]
        at = told.index(reset["data"])
        assert told[:at] == [0, 1, 2, 3, 4, 5]
        assert told[at + 1 :] == list(range(10, 17))[-len(told[at + 1 :]) :], "something is missing after the reset"
        first = next(one for one in stream.messages if one["type"] == "n" and one["data"] == told[at + 1])
        assert Cursor.parse(first["id"]).position == Cursor.parse(reset["id"]).position + 1
        await stream.drop()


async def _all(follower: Follower, expected: list[Any]) -> bool:
    return await follower.ask() == expected
