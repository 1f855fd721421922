"""Connections that another node has: who speaks for them by any node, and who ends them from any node."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import httpx
import pytest

from quart_app.realtime import limits
from quart_app.wire import Cursor
from tests.cluster.proxy import round_robin
from tests.domains.lab.hunts import SLOW, begun, heard
from tests.running import ServerProcess, eventually
from tests.secure import SECURE, bearer, token
from tests.servers import Postgres, Redis
from tests.transports.drivers import PollStream, SseStream, Stream, WebsocketStream

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

STREAMS: dict[str, type[Stream]] = {"ws": WebsocketStream, "sse": SseStream, "poll": PollStream}
ADMIN = bearer(token("root", "admin"))


class Pair(NamedTuple):
    """Two nodes of one log."""

    here: ServerProcess
    there: ServerProcess
    redis: Redis


def _pair(folders: pytest.TempPathFactory, **settings: Any) -> Iterator[Pair]:
    with Postgres() as postgres, Redis() as redis:
        settings |= {"database_url": postgres.new_database(migrated=True), "backplane_url": redis.url}
        here, there = [ServerProcess(folders.mktemp(name), **settings).start() for name in ("here", "there")]
        yield Pair(here, there, redis)
        for node in (here, there):
            node.check_clean_end()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    yield from _pair(tmp_path_factory)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    yield from _pair(tmp_path_factory, **SECURE)


async def opened(node: ServerProcess, transport: str, topic: str = "rooms/1", **query: Any) -> Stream:
    stream = STREAMS[transport](node.url, None, (topic,), query)
    await stream.open()
    return stream


async def send(node: ServerProcess, stream: Stream, said: dict[str, Any], **parts: Any) -> httpx.Response:
    """Say something by a node, whichever has the connection of the stream."""
    parts["headers"] = {"X-Connection-Id": stream.welcome["connection_id"], **parts.get("headers", {})}
    async with httpx.AsyncClient(base_url=node.url, timeout=20) as client:
        return await client.post(f"/send/{stream.topics[0]}", json=said, **parts)


async def ask(node: ServerProcess, method: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=node.url, headers=ADMIN, timeout=20) as client:
        return await client.request(method, path)


async def say(node: ServerProcess, content: str) -> None:
    """Let somebody else say something."""
    async with httpx.AsyncClient(base_url=node.url) as client:
        await client.post("/api/rooms/1/messages?user_id=3", json={"content": content})


async def _is_there(node: ServerProcess) -> bool:
    async with httpx.AsyncClient(base_url=node.url) as client:
        return bool((await client.get("/health")).json()["data"]["checks"]["backplane"] == "up")


def _says(content: str, message: dict[str, Any]) -> bool:
    return content in str(message)


async def authors(node: ServerProcess, content: str) -> list[Any]:
    """Return who has written a message, once for each time that it is stored."""
    async with httpx.AsyncClient(base_url=node.url) as client:
        messages = (await client.get("/api/rooms/1/messages")).raise_for_status().json()["data"]
    return [one["user_id"] for one in messages if one["content"] == content]


async def test_what_was_written_is_there_on_any_node_from_the_cursor_of_the_answer_on(nodes: Pair) -> None:
    url, other = nodes.here.url, nodes.there.url
    async with httpx.AsyncClient() as client:
        for number in range(20):
            url, other = other, url
            said = {"content": f"mine {number}"}
            answer = await client.post(f"{url}/api/rooms/2/messages?user_id=9", json=said)
            cursor = answer.headers["X-Envivo-Cursor"]
            polled, listed = await asyncio.gather(
                client.get(f"{other}/poll/rooms/2", params={"since": cursor, "wait": 0, "user_id": 9}),
                client.get(f"{other}/api/rooms/2/messages"),
            )
            assert "reset" not in polled.text
            assert Cursor.parse(polled.json()["id"]).position >= Cursor.parse(cursor).position
            assert f"mine {number}" in listed.text
            again = await client.get(
                f"{other}/poll/rooms/2", params={"since": str(before(cursor)), "wait": 0, "user_id": 8}
            )
            assert f"mine {number}" in again.text


def before(cursor: str) -> Cursor:
    """Return the cursor of the position before that of `cursor`."""
    parsed = Cursor.parse(cursor)
    return parsed._replace(position=parsed.position - 1)


@pytest.mark.parametrize("transport", ["sse", "poll"])
async def test_a_guest_is_the_same_by_whichever_node_it_speaks(nodes: Pair, transport: str) -> None:
    async with round_robin([nodes.here.port, nodes.there.port], each_request=True) as proxy:
        guest = STREAMS[transport](proxy.url, None, ("rooms/1",), {})
        await guest.open()
        for number in range(6):
            for node in (nodes.here, nodes.there):
                said = {"type": "message", "content": f"{transport} {number}"}
                answer = await send(node, guest, said)
                assert [one["type"] for one in answer.json()["messages"]] == ["message_sent"], answer.text
            written = await authors(nodes.there, f"{transport} {number}")
            assert len(written) == 2
            assert {*written} == {*await authors(nodes.there, f"{transport} 0")}, "it has become another one"
            await say(nodes.here, f"heard by {transport} {number}")
            await guest.find(partial(_says, f"heard by {transport} {number}"))
        await guest.drop()


async def test_a_stream_says_goodbye_by_another_node(nodes: Pair) -> None:
    stream = await opened(nodes.here, "sse", "log/first", user_id=5)
    left = await send(nodes.there, stream, {"type": "bye", "key": "k"}, params={"user_id": 5})
    assert [one["type"] for one in left.json()["messages"]] == ["ack"]
    await stream.end()


async def test_what_the_node_of_a_connection_does_not_answer_is_said_here_where_that_cannot_be_twice(
    nodes: Pair,
) -> None:
    named, guest = await opened(nodes.here, "sse", user_id=7), await opened(nodes.here, "sse")
    by = {"params": {"user_id": 7}}
    os.kill(nodes.here.pid, signal.SIGSTOP)
    try:
        without_key, with_key, of_guest = await asyncio.gather(
            send(nodes.there, named, {"type": "message", "content": "perhaps"}, **by),
            send(nodes.there, named, {"type": "message", "content": "once", "key": "once-7"}, **by),
            send(nodes.there, guest, {"type": "message", "content": "whose", "key": "whose-1"}),
        )
    finally:
        os.kill(nodes.here.pid, signal.SIGCONT)
    assert [(one.status_code, one.json()["error"]["code"]) for one in (without_key, of_guest)] == [
        (503, "unavailable"),
        (503, "unavailable"),
    ]
    assert with_key.status_code == 200

    await eventually(partial(_is_there, nodes.here), deadline=20)
    await say(nodes.here, "it goes on")
    assert len(await authors(nodes.there, "perhaps")) <= 1
    assert len(await authors(nodes.there, "whose")) <= 1
    assert await authors(nodes.there, "once") == [7]
    await named.drop()
    await guest.drop()


async def test_a_guest_whose_connection_is_nowhere_is_asked_to_open_another(nodes: Pair) -> None:
    guest = await opened(nodes.here, "sse")
    await guest.drop()
    began = time.monotonic()

    async def is_gone() -> bool:
        nonlocal began
        began = time.monotonic()
        answer = await send(nodes.there, guest, {"type": "message", "content": "late", "key": "late-1"})
        return answer.status_code == 503 and "open another" in answer.text

    await eventually(is_gone, deadline=20)
    assert time.monotonic() - began >= limits.FORWARD, "it may have been on its way from one node to another"
    assert limits.TAKING < limits.FORWARD


async def test_nobody_speaks_for_a_connection_of_somebody_elses_on_another_node(secure: Pair) -> None:
    stream = await opened(secure.here, "sse", token=token("ana"))
    said = {"type": "message", "content": "I am Ana"}
    assert (await send(secure.there, stream, said, headers=bearer(token("mallory")))).status_code == 403
    assert (await send(secure.there, stream, said, headers=bearer(token("ana")))).status_code == 200
    await stream.drop()


@pytest.mark.parametrize("transport", list(STREAMS))
async def test_administrators_disconnect_by_any_node(secure: Pair, transport: str) -> None:
    stream = await opened(secure.here, transport, token=token("ana"))
    listed = (await ask(secure.here, "GET", "/api/connections?q=ana")).json()["data"]["connections"]
    for one in listed:
        assert (await ask(secure.there, "DELETE", f"/api/connections/{one['handle']}")).status_code == 200
    await stream.next("bye")
    await stream.drop()
    gone = await ask(secure.there, "DELETE", f"/api/connections/{listed[0]['handle']}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "connection_not_found")


async def test_what_is_revoked_by_one_node_ends_on_all_also_where_the_backplane_is_away(secure: Pair) -> None:
    first = await opened(secure.here, "sse", token=token("eva"))
    ended = await ask(secure.there, "POST", "/api/users/eva/revoke")
    assert ended.json()["data"] == {"connections": 1}
    assert await first.end() == 0

    second = await opened(secure.here, "sse", token=token("ida"))
    secure.redis.freeze()
    try:
        await ask(secure.there, "POST", "/api/users/ida/revoke")
        async with asyncio.timeout(limits.PROBE + limits.PROBE_DEADLINE + limits.MISSED_READ + 10):
            await second.end()
    finally:
        secure.redis.thaw()


async def test_a_hunt_is_followed_and_stopped_by_any_node(nodes: Pair) -> None:
    async with httpx.AsyncClient(base_url=nodes.here.url, timeout=20) as rest:
        hunt = await begun(rest, "hunts", seeds=1_000, knobs=SLOW)
    following = asyncio.create_task(heard(nodes.there, hunt["topic"]))
    await eventually(lambda: hunt["topic"] in nodes.there.log())
    address = f"/api/lab/hunts/{hunt['id']}"
    assert (await ask(nodes.there, "DELETE", address)).json()["data"] == {"id": hunt["id"]}
    *progress, stopped = await following
    assert {message["type"] for message in progress} == {"progress"}
    assert stopped["type"] == "stopped"
    (again,) = await heard(nodes.there, hunt["topic"])
    assert again["type"] == "stopped", "who comes late is told by the node that knows"
    assert (await ask(nodes.there, "DELETE", address.replace(hunt["id"], "nothing"))).status_code == 404
