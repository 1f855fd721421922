"""A node whose packets to Redis or to PostgreSQL get lost, by a cable that is pulled: to a host that is another one."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.running import ServerProcess, eventually
from tests.servers import Postgres, Redis
from tests.transports.drivers import SseStream

pytestmark = [pytest.mark.namespaces, pytest.mark.postgres, pytest.mark.redis]

NAMESPACE = "envivo-far"
CABLES = {"10.213.78": "envivo2", "10.213.79": "envivo4"}
"""The cables to the other host by the beginnings of their addresses: .1 is their end here, .2 the one there."""
NEAR, FAR = (f"{numbers}.2" for numbers in CABLES)
PULLED = CABLES["10.213.79"]


class FarRedis(Redis):
    host = NEAR
    inside = ("ip", "netns", "exec", NAMESPACE)


class FarPostgres(Postgres):
    inside = FarRedis.inside

    def _prepare(self) -> None:
        super()._prepare()
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write("host all all 10.213.0.0/16 trust\n")


def _run(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def host() -> Iterator[None]:
    """Another host, a network namespace, with two cables to it."""
    _run("netns", "add", NAMESPACE)
    try:
        _run("-n", NAMESPACE, "link", "set", "lo", "up")
        for numbers, name in CABLES.items():
            _run("link", "add", name, "type", "veth", "peer", "name", f"{name}far", "netns", NAMESPACE)
            _run("addr", "add", f"{numbers}.1/24", "dev", name)
            _run("-n", NAMESPACE, "addr", "add", f"{numbers}.2/24", "dev", f"{name}far")
            _run("link", "set", name, "up")
            _run("-n", NAMESPACE, "link", "set", f"{name}far", "up")
        yield
    finally:
        _run("netns", "del", NAMESPACE)  # and the cables with it


def pull(cable: str, *, back: bool = False) -> None:
    """Pull a cable at its far end, so that packets get lost on the way and nobody is told; or put it back in."""
    _run("-n", NAMESPACE, "link", "set", f"{cable}far", "up" if back else "down")


async def publish(node: ServerProcess, topic: str, number: int) -> None:
    """Publish until it is acknowledged."""
    message = {"topic": topic, "type": "n", "data": number}
    async with httpx.AsyncClient(base_url=node.url, timeout=20) as client:

        async def is_taken() -> bool:
            headers = {"Idempotency-Key": f"{topic} {number}"}
            return (await client.post("/api/publish", json=message, headers=headers)).status_code == 202

        await eventually(is_taken, deadline=40)


async def state_of_backplane(node: ServerProcess) -> str:
    async with httpx.AsyncClient(base_url=node.url) as client:
        return str((await client.get("/health")).json()["data"]["checks"]["backplane"])


async def test_a_node_cut_off_from_redis_gets_what_is_stored_and_is_told_what_it_missed(
    host: None, make_server: Callable[..., ServerProcess]
) -> None:
    with Postgres() as postgres, FarRedis(bind="0.0.0.0", **{"protected-mode": "no"}) as redis:
        database = postgres.new_database(migrated=True)
        near, far = [
            make_server(database_url=database, backplane_url=redis.url.replace(NEAR, at)) for at in (NEAR, FAR)
        ]
        stream = SseStream(far.url, None, ("log/x", "live/x"), {})
        await stream.open()
        await publish(near, "live/x", 0)
        await publish(near, "log/x", 0)
        await stream.find(lambda one: one["type"] == "n" and one["topic"] == "log/x")
        await asyncio.to_thread(pull, PULLED)
        for number in range(1, 6):
            await publish(near, "log/x", number)
            await publish(near, "live/x", number)
        await stream.find(lambda one: one["topic"] == "log/x" and one.get("data") == 5)
        await eventually(lambda: _is_away(far), deadline=20)
        await publish(far, "log/x", 6)
        await stream.find(lambda one: one["topic"] == "log/x" and one.get("data") == 6)
        await asyncio.to_thread(lambda: pull(PULLED, back=True))
        gap = await stream.find(lambda one: one["type"] == "gap")
        assert (gap["topic"], gap["data"]) == ("live/x", {"dropped": 5})
        await publish(near, "live/x", 7)
        await stream.find(lambda one: one["topic"] == "live/x" and one.get("data") == 7)
        told = [one["data"] for one in stream.messages if one["type"] == "n" and one["topic"] == "log/x"]
        assert told == list(range(7))
        await stream.drop()
        for node in (near, far):
            node.check_clean_end()


async def _is_away(node: ServerProcess) -> bool:
    return (await state_of_backplane(node)).startswith("away for")


async def test_a_node_cut_off_from_postgresql_holds_nobody_up_and_stores_nothing_twice(
    host: None, make_server: Callable[..., ServerProcess]
) -> None:
    with FarPostgres(listen_addresses="*") as postgres, Redis() as redis:
        database = postgres.new_database().replace("127.0.0.1", NEAR)
        near, far = [
            make_server(database_url=database.replace(NEAR, at), backplane_url=redis.url) for at in (NEAR, FAR)
        ]
        stream = SseStream(near.url, None, ("log/x",), {})
        await stream.open()
        writing = asyncio.create_task(_publish_all(far, range(100, 200)))
        await stream.find(lambda one: one.get("data") == 110)
        await asyncio.to_thread(pull, PULLED)
        longest = 0.0
        for number in range(10):
            at = time.monotonic()
            await publish(near, "log/x", number)
            longest = max(longest, time.monotonic() - at)
        assert longest < 10, "the others have waited for the node that is cut off"
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE client_addr = '10.213.79.1' AND xact_start IS NOT NULL"
        await eventually(lambda: _is_none(postgres, sessions), deadline=30)
        await asyncio.to_thread(lambda: pull(PULLED, back=True))
        async with asyncio.timeout(60):
            await writing
        await stream.find(lambda one: one.get("data") == 199)
        told = [one["data"] for one in stream.messages if one["type"] == "n"]
        assert [number for number in told if number < 100] == list(range(10))
        assert [number for number in told if number >= 100] == list(range(100, 200))
        await stream.drop()
        for node in (near, far):
            node.check_clean_end()


async def _is_none(postgres: Postgres, counted: str) -> bool:
    return await asyncio.to_thread(postgres.sql, counted) == "0"


async def _publish_all(node: ServerProcess, numbers: range) -> None:
    for number in numbers:
        await publish(node, "log/x", number)
