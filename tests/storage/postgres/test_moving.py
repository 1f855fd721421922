"""A database moves to PostgreSQL and back while a client stays: nothing lost, nothing twice, no reset."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.client import connect
from tests.running import ServerProcess, eventually
from tests.servers import Postgres, free_port
from tests.stores import sqlite_url
from tests.transports.drivers import PlainWebsocketStream

pytestmark = pytest.mark.postgres

TOPIC = "log/ledger"
REACTION = f"""
from quart_app.functions import on

@on("{TOPIC}")
def hear(message):
    with open({{!r}}, "a") as file:
        print(message["data"], file=file)
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


def migrate(source: str, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "quart_app", "migrate", "--database-url", source, "--to", target]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def move(source: str, target: str) -> None:
    done = migrate(source, target)
    assert done.returncode == 0, done.stderr
    assert "rows moved" in done.stdout


async def publish(server: ServerProcess, numbers: range) -> None:
    messages = [{"topic": TOPIC, "type": "n", "data": number} for number in numbers]
    async with httpx.AsyncClient(base_url=server.url) as client:
        (await client.post("/api/publish", json=messages)).raise_for_status()


async def snapshot(server: ServerProcess) -> dict[str, Any]:
    """What the systems show."""
    paths = ("/api/rooms", "/api/accounts", "/api/productos", "/api/alerts", "/api/pets", "/api/rooms/1/messages")
    async with httpx.AsyncClient(base_url=server.url) as client:
        return {path: (answer := await client.get(path)).status_code == 200 and answer.json()["data"] for path in paths}


async def test_a_client_that_stays_notices_a_pause(postgres: Postgres, tmp_path: Path) -> None:
    urls = [
        sqlite_url(tmp_path / "first.db"),
        postgres.new_database(),
        sqlite_url(tmp_path / "second.db"),
    ]
    port = free_port()
    (tmp_path / "my_feeds.py").write_text(REACTION.format(str(tmp_path / "heard")), "utf-8")
    servers = [
        ServerProcess(
            tmp_path, "--functions", "my_feeds.py", database_url=url, port=port, empty=0, sensor_interval=86_400
        )
        for url in urls
    ]
    seen: list[Any] = []

    def heard() -> list[int]:
        return [int(line) for line in (tmp_path / "heard").read_text("utf-8").splitlines()]

    async def follow(url: str) -> None:
        async with connect(url, [TOPIC], since="0") as live:
            async for message in live:
                if message["type"] in {"n", "reset"}:
                    seen.append(message["data"])
                if seen[-1:] == [299]:
                    return

    servers[0].start()
    following = asyncio.create_task(follow(servers[0].url))
    shown: list[Any] = []
    for index, server in enumerate(servers):
        if index:
            await asyncio.to_thread(move, urls[index - 1], urls[index])
            await asyncio.to_thread(server.start)
        shown.append(await snapshot(server))
        await publish(server, range(100 * index, 100 * index + 100))
        if index == 2:
            await asyncio.wait_for(following, 30)
            await eventually(lambda: len(heard()) >= 300)
        await asyncio.to_thread(server.stop)
    assert seen == heard() == list(range(300))
    assert shown[0] == shown[1] == shown[2]


async def test_the_old_database_honours_no_cursor_of_the_new_one(postgres: Postgres, tmp_path: Path) -> None:
    old, new = sqlite_url(tmp_path / "old.db"), postgres.new_database()
    first = ServerProcess(tmp_path, database_url=old).start()
    await publish(first, range(3))
    stream = PlainWebsocketStream(first.url, None, (TOPIC,), {"since": "0"})
    await stream.open()
    last = (await stream.find(lambda one: one.get("data") == 2))["id"]
    await stream.drop()
    first.stop()
    move(old, new)
    for server, reset in ((ServerProcess(tmp_path, database_url=new), False), (first, True)):
        server.start()
        again = PlainWebsocketStream(server.url, None, (TOPIC,), {"since": last})
        await again.open()
        await publish(server, range(9, 10))
        await again.find(lambda one: one.get("data") == 9)
        assert any(one["type"] == "reset" for one in again.messages) is reset
        await again.drop()
        server.stop()


async def test_what_is_not_empty_is_left_alone(postgres: Postgres, tmp_path: Path) -> None:
    old, new = sqlite_url(tmp_path / "old.db"), postgres.new_database()
    server = ServerProcess(tmp_path, database_url=old).start()
    await publish(server, range(3))
    refused = migrate(old, new)
    assert refused.returncode == 1
    assert "is in use by another process" in refused.stderr
    server.stop()
    move(old, new)
    again = migrate(old, new)
    assert again.returncode == 1
    assert "the database to move to is not empty" in again.stderr
    same = migrate(old, old)
    assert same.returncode == 1
    assert "name another one" in same.stderr
