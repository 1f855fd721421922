"""Doors that are opened and closed while the server runs: who came in by one is gone with it, and so is all it took."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from quart_app.doors import read_door
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.hostile.peers import connected, request
from tests.running import ServerProcess, eventually
from tests.transports.drivers import Refusal, SseStream, SseStreamH2, Stream, WebsocketStream, WebsocketStreamH2
from tests.transports.socketio.engine_io import Session

MakeServer = Callable[..., ServerProcess]
CLASS: dict[str, Any] = {"name": "class", "host": "127.0.0.1", "port": 0}
COUNTING = """
import asyncio
from quart_app.functions import command


@command("live/tasks")
async def tasks(said, who):
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
    return {"tasks": sum(name not in {"Event.wait", "Feed._run"} for name in names)}
"""
"""It counts the tasks, but that of a feed, which goes on for 10 s, and one that comes and goes for Engine.IO."""
WAYS: dict[str, tuple[tuple[str, ...], int, tuple[type[Stream], ...]]] = {
    "http": ((), 2, (WebsocketStream, SseStream)),
    "tls": (("--tls",), 1, (WebsocketStream, WebsocketStreamH2, SseStreamH2)),
}
"""By name: arguments, rounds, and the kinds of streams: those that have left Hypercorn, and those that it serves."""


class Office:
    """An administrator, who has come in by the first door of `server`."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.url = server.url
        self.rest = httpx.AsyncClient(base_url=server.url, verify=server.tls, timeout=15)

    async def open(self, **door: Any) -> str:
        """Open a door; return its address."""
        answer = await self.rest.post("/api/doors", json={**CLASS, **door})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["address"])

    async def close(self, name: str = "class") -> Any:
        answer = await self.rest.delete(f"/api/doors/{name}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def token(self, role: str = "user", name: str = "class") -> str:
        answer = await self.rest.post(f"/api/doors/{name}/tokens", json={"user_id": "7", "role": role})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["token"])

    async def tasks(self) -> int:
        """Ask in one piece: a request whose body comes later has tasks of its own."""
        async with connected(self.server, "http/1.1" if self.url.startswith("https") else None) as peer:
            body = '{"type":"count"}'
            headers = f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            await peer.send(request("/send/live/tasks", "POST", headers) + body.encode())
            answer = await peer.rest()
        return int(json.loads(answer.partition(b"\r\n\r\n")[2])["messages"][0]["data"]["tasks"])

    async def connections(self) -> int:
        return int((await self.rest.get("/ws/stats")).json()["total_connections"])

    def descriptors(self) -> int:
        return psutil.Process(self.server.pid).num_fds()


@asynccontextmanager
async def office_of(server: ServerProcess) -> AsyncIterator[Office]:
    office = Office(server)
    async with office.rest:
        yield office


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def once(token: str, **headers: str) -> httpx.AsyncClient:
    """A client that keeps no connection."""
    return httpx.AsyncClient(headers={"Connection": "close", **bearer(token), **headers})


async def streams_at(
    url: str, kinds: tuple[type[Stream], ...], token: str, context: ssl.SSLContext | None
) -> list[Stream]:
    opened = [kind(url, context, ("log/class",), {"headers": bearer(token)}) for kind in kinds]
    for stream in opened:
        await stream.open()
    return opened


async def refuses_to_listen(url: str) -> bool:
    parts = urlsplit(url)
    try:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except ConnectionError:
        return True
    writer.transport.abort()
    return False


async def lesson(office: Office, kinds: tuple[type[Stream], ...], context: ssl.SSLContext | None) -> None:
    """Open a door, let clients in on all transports, close it, and see each of them end."""
    url = await office.open()
    token = await office.token()
    streams = await streams_at(url, kinds, token, context)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, headers=bearer(token), verify=context or True, timeout=15)
        )
        first = (await client.get("/poll/log/class")).json()
        again = {"X-Connection-Id": first["messages"][0]["connection_id"]}
        waiting = asyncio.create_task(client.get("/poll/log/class", params={"since": first["id"]}, headers=again))
        old = await stack.enter_async_context(Session(url, client))
        await old.connect()
        parts = urlsplit(url)
        silent = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)  # it says nothing
        stack.callback(silent[1].transport.abort)
        listed = (await office.rest.get("/api/doors")).json()["data"]
        assert [(one["name"], one["connections"], one["users"]) for one in listed] == [
            ("front", 0, []),
            ("class", len(streams) + 2, ["7"]),
        ]
        assert await office.close() == {"name": "class", "connections": len(streams) + 2}
        for stream in streams:
            said = await stream.next("error")
            assert said["data"] == {"code": "unauthorized", "message": "this door was closed"}
            assert await stream.end() == (4401 if isinstance(stream, WebsocketStream | WebsocketStreamH2) else 0)
        polled = (await waiting).json()["messages"]
        assert [one["data"]["code"] for one in polled if one["type"] == "error"] == ["unauthorized"]
        with suppress(ConnectionError):
            assert await silent[0].read() == b""
        assert await refuses_to_listen(url)
        for stream in streams:
            await stream.drop()


@pytest.mark.parametrize("way", WAYS)
async def test_a_door_leaves_nothing_behind(make_server: MakeServer, tmp_path: Path, way: str) -> None:
    arguments, rounds, kinds = WAYS[way]
    (tmp_path / "counting.py").write_text(COUNTING, "utf-8")
    # Engine.IO keeps a task of each session until the next ping.
    server = make_server(*arguments, "--functions", str(tmp_path / "counting.py"), heartbeat=0.5)
    context = server.tls if isinstance(server.tls, ssl.SSLContext) else None
    async with office_of(server) as office:
        await lesson(office, kinds, context)  # what is made once is made now
        tasks, descriptors = await office.tasks(), office.descriptors()
        for _ in range(rounds):
            await lesson(office, kinds, context)
        assert await office.connections() == 0
        await eventually(lambda: office.descriptors() <= descriptors)

        async def few() -> bool:
            return await office.tasks() <= tasks

        await eventually(few)


async def test_a_handshake_under_way_ends_with_its_door_and_the_port_is_free_at_once(make_server: MakeServer) -> None:
    server = make_server("--tls", "--server", "ssl_handshake_timeout=600")
    async with office_of(server) as office:
        port = urlsplit(await office.open()).port
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await refuses_to_listen(f"https://127.0.0.1:{port}") is False
            await office.close()
            async with asyncio.timeout(10):
                assert await reader.read() == b""
            writer.close()
            await office.open(port=port)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    started = ServerProcess(tmp_path_factory.mktemp("doors")).start()
    yield started
    started.check_clean_end()


@pytest.fixture
async def office(shared: ServerProcess) -> AsyncIterator[Office]:
    async with office_of(shared) as office:
        yield office


async def test_its_tokens_are_good_at_no_other_door_nor_at_one_of_its_name(office: Office) -> None:
    url = await office.open()
    token = await office.token("admin")
    async with once(token) as client:
        assert (await client.get(f"{url}/api/session")).json()["data"]["door"] == "class"
        await office.close()
        other = await office.open(port=urlsplit(url).port)
        for path in ("/api/session", "/poll/log/n", "/sse/log/n"):
            assert (await client.get(f"{other}{path}")).status_code == 401
        with pytest.raises(Refusal) as refused:
            await streams_at(other, (WebsocketStream,), token, None)
        assert refused.value.status == 4401
    await office.close()


async def test_a_door_of_the_same_name_has_rules_of_its_own(office: Office) -> None:
    async def answers(url: str, host: str) -> int:
        async with once(await office.token(), Host=host) as client:
            return (await client.get(f"{url}/api/session")).status_code

    url = await office.open(hosts=["one.local"])
    assert [await answers(url, "one.local"), await answers(url, "two.local")] == [200, 421]
    await office.close()
    url = await office.open(hosts=["two.local"], paths=["/api/session"], topics=["log/class/*"])
    assert [await answers(url, "one.local"), await answers(url, "two.local")] == [421, 200]
    async with once(await office.token("admin"), Host="two.local") as client:
        assert (await client.get(f"{url}/api/doors")).status_code == 404
    await office.close()


async def test_what_had_begun_to_come_in_is_not_done_and_is_not_taken_for_what_comes_to_the_front(
    office: Office,
) -> None:
    url = await office.open()
    parts = urlsplit(url)
    late, other = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(2)]
    body = b'{"topic":"log/late","type":"n"}'
    head = f"POST /api/publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {await office.token()}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    late[1].write(head.encode() + body[:-1])
    asked = b"GET /api/doors HTTP/1.1\r\nHost: localhost\r\n\r\n"  # at the front everybody may
    other[1].write(asked)
    assert (await other[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401")
    closing = asyncio.create_task(office.close())
    await eventually(lambda: refuses_to_listen(url))
    late[1].write(body[-1:])
    other[1].write(asked)
    for reader, writer in (late, other):
        with suppress(ConnectionError):
            assert b"HTTP/1.1 2" not in await reader.read()
        writer.transport.abort()
    await closing
    assert (await office.rest.get("/api/log", params={"topic": "log/late"})).json()["data"] == []


async def test_who_has_begun_there_goes_on_at_no_other_door(office: Office) -> None:
    url = await office.open()
    async with once(await office.token()) as client:
        begun = Session(url, client)
        client.base_url = httpx.URL(url)
        await begun.open()
        await office.close()
        client.base_url = httpx.URL(office.url)
        await begun.post("40")
        answer = await begun.request("GET")
    assert '"code":"unauthorized"' in answer.text, answer.text
    assert "this door was closed" in answer.text


async def test_nothing_of_it_is_on_the_disk(office: Office) -> None:
    await office.open()
    token = await office.token()
    await office.close()
    _, _, signature = token.split(".")
    files = [path for path in office.server.folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if signature.encode() in path.read_bytes()]


async def test_what_administrators_did_is_in_the_security_log(office: Office) -> None:
    url = await office.open(name="noted")
    await office.token("operator", "noted")
    await office.close("noted")
    lines = (await office.rest.get("/api/security-log", params={"limit": 3})).json()["data"]
    assert [(one["event"], one["what"], one["object"], one["door"]) for one in lines] == [
        ("admin", "close", "doors/noted", "front"),
        ("admin", "make a token", "doors/noted", "front"),
        ("admin", "open", "doors/noted", "front"),
    ]
    assert lines[2]["detail"] == f"{urlsplit(url).netloc} secure"
    assert lines[1]["detail"] == "for 7, operator"


async def test_a_door_of_the_start_is_closed_too_and_ctrl_c_ends_those_who_came_by_a_new_one(
    make_server: MakeServer,
) -> None:
    lan = "lan=127.0.0.1:0,secure,key=a key for the door alone that is long enough"
    server = make_server("--door", lan)
    async with office_of(server) as office:
        url = next(one["address"] for one in (await office.rest.get("/api/doors")).json()["data"] if not one["first"])
        token = issue_token(read_door(lan), Identity("7", "Ana", "user"), timedelta(hours=1))
        [there] = await streams_at(url, (WebsocketStream,), token, None)
        assert await office.close("lan") == {"name": "lan", "connections": 1}
        assert await there.end() == 4401
        assert await refuses_to_listen(url)
        url = await office.open()
        [stays] = await streams_at(url, (WebsocketStream,), await office.token(), None)
        await asyncio.to_thread(server.stop)
        assert (await stays.next("bye"))["data"]["reason"] == "shutdown"
        assert await stays.end() == 1001
        for stream in (there, stays):
            await stream.drop()
