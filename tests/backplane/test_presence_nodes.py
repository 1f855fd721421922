"""Servers on one PostgreSQL and one Redis: whatever becomes of a node, a room is told once who comes and who goes."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from quart_app.realtime.limits import LINGER
from tests.running import ServerProcess, eventually
from tests.servers import Postgres, Redis
from tests.transports.drivers import WebsocketStream

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ROOM = "rooms/1"
LATEST = 20.0  # s


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


async def come(node: ServerProcess, user: str) -> WebsocketStream:
    stream = WebsocketStream(node.url, None, (ROOM,), {"user_id": user, "username": user})
    await stream.open()
    return stream


def told(stream: WebsocketStream) -> list[str]:
    """Return who is told to have come and gone."""
    signs = {"user_joined": "+", "user_left": "-"}
    return [signs[one["type"]] + str(one["data"]["user_id"]) for one in stream.messages if one["type"] in signs]


def welcomed(stream: WebsocketStream) -> list[str]:
    return [user["user_id"] for user in stream.welcome["data"]["active_users"]]


async def online(node: ServerProcess) -> list[str]:
    async with httpx.AsyncClient(base_url=node.url) as client:
        answer = (await client.get("/api/rooms/1/presence")).raise_for_status().json()["data"]
    return sorted(user["user_id"] for user in answer["online"])


async def test_presence_is_that_of_all_nodes_whatever_becomes_of_one(
    postgres: Postgres, redis: Redis, make_server: Callable[..., ServerProcess]
) -> None:
    database = postgres.new_database(migrated=True)
    with ThreadPoolExecutor() as starting:
        nodes = [starting.submit(make_server, database_url=database, backplane_url=redis.url) for _ in range(4)]
    well, killed, ended, stopped = (node.result() for node in nodes)

    watch = await come(well, "watch")
    ana = [await come(node, "ana") for node in (well, killed, ended)]
    eva, juan, leo = await come(killed, "eva"), await come(ended, "juan"), await come(stopped, "leo")
    await eventually(lambda: told(watch) == ["+ana", "+eva", "+juan", "+leo"])
    there = ["ana", "eva", "juan", "leo", "watch"]
    for node in (well, killed, ended, stopped):
        await eventually(partial(_is, node, there))
    late = await come(ended, "late")
    assert welcomed(late) == ["watch", "ana", "eva", "juan", "leo", "late"]
    await late.leave()
    await eventually(lambda: told(watch)[4:] == ["+late", "-late"])
    await ana[0].leave()

    began = time.monotonic()
    killed.kill()
    stopped.send_signal(signal.SIGSTOP)
    ended.send_signal(signal.SIGTERM)
    await ana[2].end()
    ana.append(await come(well, "ana"))
    assert sorted(welcomed(ana[-1])) == there, "nobody has left so soon"
    assert ended.wait() == 0
    await eventually(lambda: sorted(told(watch)[6:]) == ["-eva", "-juan", "-leo"], LATEST)
    assert time.monotonic() - began > LINGER - 2
    assert await online(well) == ["ana", "watch"]
    stopped.send_signal(signal.SIGCONT)
    await eventually(lambda: told(watch)[9:] == ["+leo"], LATEST)

    redis.kill()
    await eventually(lambda: _is_away(well), LATEST)
    redis.start()
    late = await come(stopped, "late")
    await eventually(lambda: told(watch)[10:] == ["+late"], LATEST)
    assert sorted(welcomed(late)) == ["ana", "late", "leo", "watch"]
    for node in (well, stopped):
        await eventually(partial(_is, node, ["ana", "late", "leo", "watch"]))
    await ana[-1].leave()
    await eventually(lambda: told(watch)[11:] == ["-ana"], LATEST)
    for stream in (watch, eva, juan, leo, late):
        await stream.drop()


async def _is(node: ServerProcess, there: list[str]) -> bool:
    return await online(node) == there


async def _is_away(node: ServerProcess) -> bool:
    async with httpx.AsyncClient(base_url=node.url) as client:
        return str((await client.get("/health")).json()["data"]["checks"]["backplane"]) != "up"
