"""What two servers tell of both: whichever is asked, its numbers and lists are those of all, or say what is missing."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.running import ServerProcess, eventually, unused_name
from tests.servers import Postgres, Redis
from tests.transports.drivers import PollStream, SseStream, Stream, WebsocketStream
from tests.web.browser import PHONE, windows_on

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

KINDS = (WebsocketStream, SseStream, PollStream)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    """Two servers on one database, which these tests share."""
    with Postgres() as postgres, Redis() as redis:
        database = postgres.new_database(migrated=True)
        started = []
        try:
            for name in ("a", "b"):
                folder = tmp_path_factory.mktemp(name)
                made = ServerProcess(folder, database_url=database, backplane_url=redis.url, stats_interval=0.5)
                started.append(made.start())
            yield started
        finally:
            for node in reversed(started):
                node.check_clean_end()


@pytest.fixture
async def rest(nodes: list[ServerProcess]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A client of each of the two, which know of each other."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(httpx.AsyncClient(base_url=node.url, timeout=15)) for node in nodes]

        await eventually(lambda: _both_answer(clients))
        yield clients


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> httpx.Response:
    return (await client.get(path, params=query)).raise_for_status()


async def whole(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    """Return the body of an answer in which no node is missing; a busy machine may be late."""

    async def answer() -> Any:
        answer = await get(client, path, **query)
        silent = "X-Envivo-Silent-Nodes" in answer.headers or answer.json().get("nodes", {}).get("silent")
        return None if silent else answer.json()

    return await eventually(answer, deadline=15)


async def data(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    return (await whole(client, path, **query))["data"]


async def new_room(client: httpx.AsyncClient) -> int:
    answer = (await client.post("/api/rooms", json={"name": unused_name()})).raise_for_status()
    return int(answer.json()["data"]["id"])


@asynccontextmanager
async def following(nodes: list[ServerProcess], *topics: str) -> AsyncIterator[list[Stream]]:
    """Followers of topics by every transport on each node, all of one user."""
    user = unused_name()
    streams: list[Stream] = [
        kind(node.url, None, topics, {"user_id": user, "username": "Ana"}) for node in nodes for kind in KINDS
    ]
    for stream in streams:
        await stream.open()
    yield streams
    for stream in streams:
        await stream.leave()


@asynccontextmanager
async def stopped(node: ServerProcess) -> AsyncIterator[None]:
    """Let a node stand still, as a frozen machine does, for less than it is given up after."""
    os.kill(node.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.pid, signal.SIGCONT)


async def test_everything_is_counted_on_both(nodes: list[ServerProcess], rest: list[httpx.AsyncClient]) -> None:
    topic, room = f"log/{unused_name()}", await new_room(rest[0])
    async with following(nodes, topic, f"rooms/{room}") as streams:
        await streams[0].say({"type": "said", "topic": topic})
        user = streams[0].query["user_id"]
        for client in rest:
            assert await whole(client, "/ws/stats") == {
                "total_connections": 6,
                "total_rooms": 1,
                "rooms": {str(room): {"connections": 6, "users": 1}},
            }
            body = await whole(client, "/websocket/status")
            assert body["nodes"] == {"answered": 2, "silent": []}
            assert body["data"]["connections"][topic] == 6
            assert body["data"]["total_connections"] == 6
            assert body["data"]["messages_received"] >= 1
            assert body["data"]["response_time_ms"]["mean"] > 0
            by_transport = {"ws": 2, "sse": 2, "poll": 2, "socketio": 0}
            assert (await data(client, f"/api/topics/{topic}"))["subscribers"] == by_transport
            listed = {one["topic"]: one for one in await data(client, "/api/topics")}
            assert listed[topic]["subscribers"] == by_transport
            assert [sum(node["connections"].values()) for node in await data(client, "/api/nodes")] == [3, 3]
            found = await data(client, "/api/connections", q=user)
            assert found["total"] == 6
            assert Counter(one["transport"] for one in found["connections"]) == {"ws": 2, "sse": 2, "poll": 2}
    await eventually(lambda: _nobody_is_left(rest), deadline=15)


async def _nobody_is_left(rest: list[httpx.AsyncClient]) -> bool:
    return not any([(await data(client, "/api/connections"))["total"] for client in rest])


async def test_the_pages_of_connections_are_those_of_one_list(
    nodes: list[ServerProcess], rest: list[httpx.AsyncClient]
) -> None:
    mark = unused_name()
    names = [f"{mark}-{number}" for number in range(7)]
    streams = [
        SseStream(nodes[number % 2].url, None, ("log/paged",), {"user_id": name, "username": name})
        for number, name in enumerate(names)
    ]
    for stream in streams:
        await stream.open()
    for sort, expected in (("user", names), ("-user", names[::-1]), ("opened", names), ("-opened", names[::-1])):
        pages = [
            await data(rest[page % 2], "/api/connections", q=mark, sort=sort, page=page, limit=3) for page in (1, 2, 3)
        ]
        assert [one["username"] for page in pages for one in page["connections"]] == expected
        assert {page["total"] for page in pages} == {7}
    # Between equals the order of opening decides, whoever is asked.
    lists = [(await data(client, "/api/connections", q=mark, sort="transport"))["connections"] for client in rest]
    assert [one["username"] for one in lists[0]] == [one["username"] for one in lists[1]] == names
    too_far = await rest[0].get("/api/connections", params={"page": 21, "limit": 50})
    assert too_far.status_code == 400
    assert "page" in too_far.json()["error"]["fields"]
    for stream in streams:
        await stream.drop()


async def test_topics_that_somebody_follows_elsewhere_are_listed_to_those_who_may(
    nodes: list[ServerProcess], rest: list[httpx.AsyncClient]
) -> None:
    mark = unused_name()
    names = [f"live/{mark}-{number}" for number in range(6)]
    streams = [SseStream(nodes[number % 2].url, None, (name,), {}) for number, name in enumerate(names)]
    for stream in streams:
        await stream.open()
    after, found = f"live/{mark}", []
    for number in range(3):
        answer = await whole(rest[number % 2], "/api/topics", after=after, limit=2)
        found += [one["topic"] for one in answer["data"]]
        after = answer["after"]
    assert found == names
    for stream in streams:
        await stream.drop()


async def test_the_bank_counts_watchers_and_connections_of_both(
    nodes: list[ServerProcess], rest: list[httpx.AsyncClient]
) -> None:
    number = str(time.time_ns())[-10:]
    for cedula in (number, f"{number}1"):
        account = {"cedula": cedula, "nombre": "Ana"}
        (await rest[0].post("/api/cuentas", json=account)).raise_for_status()
    watched = ((0, number), (1, number), (1, f"{number}1"))
    streams: list[Stream] = [SseStream(nodes[node].url, None, (f"accounts/{cedula}",), {}) for node, cedula in watched]
    ticks = [WebsocketStream(node.url, None, ("stats",), {}) for node in nodes]
    for stream in [*streams, *ticks]:
        await stream.open()
    expected = {"clientes_activos": 2, "conexiones_activas": 5}
    for client in rest:

        async def counts(client: httpx.AsyncClient = client) -> bool:
            return bool(expected.items() <= (await data(client, "/api/stats")).items())

        await eventually(counts)
    for tick in ticks:  # whichever node ticks
        await tick.find(lambda one: one["type"] == "stats_updated" and expected.items() <= _counted(one).items())
    for stream in [*streams, *ticks]:
        await stream.drop()


def _counted(message: dict[str, Any]) -> dict[str, int]:
    counted: dict[str, int] = message["data"]["estadisticas"]
    return counted


async def test_the_look_is_at_both_whoever_looks(nodes: list[ServerProcess], rest: list[httpx.AsyncClient]) -> None:
    async with following([nodes[0]], "live/looked"), following([nodes[1]], "live/looked"):
        first = WebsocketStream(nodes[0].url, None, ("operations",), {})
        await first.open()

        def sees_both(one: dict[str, Any]) -> bool:
            return bool(one["type"] == "look" and one["data"]["connections"] == {"ws": 3, "sse": 2, "poll": 2})

        look = (await first.find(sees_both))["data"]
        assert look["nodes"] == {"answered": 2, "silent": []}
        assert look["memory"] > 60e6
        await first.find(lambda one: one["type"] == "look")
        # The looks of before are where the feed runs, and a newcomer elsewhere gets them all the same.
        await eventually(lambda: _sees_the_looks_of_before(nodes[1]))
        (leader,) = [node for node in await data(rest[0], "/api/nodes") if "feed operations" in node["leads"]]
        (asked,) = [node for node in await data(rest[0], "/api/nodes") if node.get("yours")]
        assert leader["name"] == asked["name"]
        await first.drop()


async def _sees_the_looks_of_before(node: ServerProcess) -> bool:
    stream = WebsocketStream(node.url, None, ("operations",), {})
    await stream.open()
    samples = stream.welcome["data"]["samples"]
    await stream.next("look")
    await stream.leave()
    return len(samples) > 0


async def test_a_node_that_does_not_answer_is_named_within_a_second(
    nodes: list[ServerProcess], rest: list[httpx.AsyncClient]
) -> None:
    (silent,) = [node["name"] for node in await data(rest[1], "/api/nodes") if node.get("yours")]
    room = await new_room(rest[0])
    async with following(nodes, f"rooms/{room}"):
        paths = ("/websocket/status", "/api/topics", "/api/connections", "/api/stats", f"/api/topics/rooms/{room}")
        async with stopped(nodes[1]):
            stats, page, *answers = await asyncio.gather(
                *(get(rest[0], path) for path in ("/ws/stats", "/admin", *paths))
            )
        assert stats.headers["X-Envivo-Silent-Nodes"] == silent
        assert stats.json()["rooms"][str(room)]["connections"] == 3
        assert f"{silent} · no responde" in page.text
        for answer in answers:
            assert answer.json()["nodes"] == {"answered": 1, "silent": [silent]}, answer.url
        await eventually(lambda: _both_answer(rest), deadline=15)


@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
async def test_the_page_shows_both_and_says_which_does_not_answer(nodes: list[ServerProcess]) -> None:
    async with windows_on(nodes[0].url) as windows:
        admin = await windows.open("/admin", viewport=PHONE)
        rows = admin.locator("#nodes tbody tr")
        await expect(rows).to_have_count(2)
        await expect(rows.filter(has_text="muestra esta página")).to_contain_text("emisión operations")
        await expect(rows.filter(has_text="unido")).to_have_count(2)
        async with stopped(nodes[1]):
            await expect(rows.filter(has_text="no responde")).to_have_count(1)
            await expect(admin.get_by_text("No responden todos")).to_be_visible()
        await expect(rows.filter(has_text="unido")).to_have_count(2)
        await expect(admin.get_by_text("No responden todos")).to_have_count(0)


async def _both_answer(rest: list[httpx.AsyncClient]) -> bool:
    found = [await data(client, "/api/nodes") for client in rest]
    return all(len(listed) == 2 and all(node["answers"] for node in listed) for listed in found)
