"""PostgreSQL restarts, stays away or comes back with less than it had, while clients of the server are connected."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import ServerProcess, eventually
from tests.servers import Postgres
from tests.transports.drivers import PlainWebsocketStream, SseStream, Stream

pytestmark = pytest.mark.postgres

TOPIC = "log/ledger"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def server(postgres: Postgres, tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, database_url=postgres.new_database(migrated=True)).start()
    yield server
    server.check_clean_end()


async def publish(client: httpx.AsyncClient, number: int) -> httpx.Response:
    message = {"topic": TOPIC, "type": "n", "data": number, "key": f"k{number}"}
    return await client.post("/api/publish", json=message, timeout=30)


async def poll(client: httpx.AsyncClient, last: int) -> list[Any]:
    """Poll until `last` has come, trying again where the server cannot look, and return what came."""
    since, came = "0", []
    while last not in came:
        answer = await client.get(f"/poll/{TOPIC}", params={"since": since, "wait": 5}, timeout=30)
        if answer.status_code == 503:
            assert answer.headers["retry-after"] == "1"
            continue
        body = answer.json()
        since = body["id"]
        came += [one["data"] for one in body["messages"] if one["type"] == "n"]
    return came


def numbers(stream: Stream) -> list[Any]:
    return [one["data"] for one in stream.messages if one["type"] in {"n", "reset"}]


async def test_streams_stay_open_over_restarts_and_nothing_is_lost(postgres: Postgres, server: ServerProcess) -> None:
    streams = [kind(server.url, None, (TOPIC,), {}) for kind in (PlainWebsocketStream, SseStream)]
    for stream in streams:
        await stream.open()
    async with httpx.AsyncClient(base_url=server.url) as client:
        polled = asyncio.create_task(poll(client, 40))
        for restart in range(4):
            away = asyncio.create_task(asyncio.to_thread(postgres.restart, "immediate" if restart % 2 else "fast"))
            answers = await asyncio.gather(*(publish(client, 10 * restart + one) for one in range(10)))
            assert [answer.status_code for answer in answers] == [202] * 10
            await away
        assert (await publish(client, 40)).status_code == 202
        came = await polled
    assert sorted(came) == list(range(41))
    for stream in streams:
        await stream.find(lambda one: one.get("data") == 40)
        assert numbers(stream) == came
        await stream.drop()


async def test_what_cannot_be_read_or_stored_is_told_with_the_time_to_try_again(
    postgres: Postgres, server: ServerProcess
) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        stream = SseStream(server.url, None, (TOPIC,), {})
        await stream.open()
        postgres.stop()
        try:
            for path in ("/api/rooms", f"/api/log?topic={TOPIC}&since=0", f"/poll/{TOPIC}?since=0&wait=1"):
                answer = await client.get(path)
                assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1"), path
                assert answer.json()["error"]["code"] == "unavailable"
            health = await client.get("/health")
            assert health.status_code == 503
            assert "the database is away" in health.json()["data"]["checks"]["database"]
        finally:
            postgres.start()
        assert (await publish(client, 1)).status_code == 202
        await stream.find(lambda one: one.get("data") == 1)
        await stream.drop()
        await eventually(server.healthy)


async def test_whoever_saw_what_a_failover_has_lost_is_reset(postgres: Postgres, server: ServerProcess) -> None:
    streams = [kind(server.url, None, (TOPIC,), {}) for kind in (PlainWebsocketStream, SseStream)]
    for stream in streams:
        await stream.open()
    database = str(server.database_url).rsplit("/", 1)[1]
    async with httpx.AsyncClient(base_url=server.url) as client:
        for number in range(3):
            await publish(client, number)
        kept = postgres.sql("SELECT value FROM log_state WHERE name = 'head'", database)
        for number in range(3, 6):
            await publish(client, number)
        for stream in streams:
            await stream.find(lambda one: one.get("data") == 5)
        lost = streams[0].messages[-1]["id"]

        position = kept.split()[0]
        postgres.sql(
            f"BEGIN; DELETE FROM event_log WHERE position > {position}; DELETE FROM idempotency_keys;"
            f" UPDATE log_state SET value = '{kept}' WHERE name = 'head'; COMMIT",
            database,
        )
        for number in range(10, 16):
            assert (await publish(client, number)).status_code == 202

        for stream in streams:
            await stream.find(lambda one: one.get("data") == 15)
            told = numbers(stream)
            assert told[:6] == [0, 1, 2, 3, 4, 5]
            assert told[6] == {"reason": "unknown_log"}
            assert told[7:] == [10, 11, 12, 13, 14, 15]
            await stream.drop()
        again = PlainWebsocketStream(server.url, None, (TOPIC,), {"since": lost})
        await again.open()
        await again.find(lambda one: one["type"] == "reset")
        await again.drop()
