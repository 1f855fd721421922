"""Real servers, one with TLS for HTTP/2, one that delivers the ordinary way; one world per transport and server."""

import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, Protocol

import httpx
import pytest

from tests.running import ServerProcess, unused_name
from tests.transports.drivers import STREAMS, Json, Stream

HEARTBEAT = 1.0  # s


class Address(Protocol):
    """Where a server is, or what stands before several, and whom to trust there."""

    @property
    def url(self) -> str: ...

    @property
    def tls(self) -> ssl.SSLContext | bool: ...


class World:
    """One transport over one version of HTTP against one running server."""

    heartbeat = HEARTBEAT

    def __init__(self, kind: str, server: Address) -> None:
        self.transport = kind.partition("-")[0]
        self.url = server.url
        self._server = server
        self._stream = STREAMS[kind]
        self._opened: list[Stream] = []
        self._client = self.client()

    async def open(self, *topics: str, **query: Any) -> Any:
        """A stream whose welcome has come. Raises Refusal."""
        tls = self._server.tls
        query.setdefault("user_id", unused_name())
        stream = self._stream(self.url, tls if isinstance(tls, ssl.SSLContext) else None, topics, query)
        self._opened.append(stream)
        await stream.open()
        return stream

    def client(self) -> httpx.AsyncClient:
        """For plain requests."""
        return httpx.AsyncClient(base_url=self.url, verify=self._server.tls)

    def status(self, status: int) -> int:
        """What stands for an HTTP status: on a WebSocket the close code."""
        return status + 4000 if self.transport == "ws" else status

    async def publish(self, *messages: Json) -> None:
        """Over REST, a thousand at a time."""
        for start in range(0, len(messages), 1000):
            response = await self._client.post("/api/publish", json=messages[start : start + 1000])
            assert response.status_code == 202, response.text

    async def close(self) -> None:
        await self._client.aclose()
        for stream in self._opened:
            await stream.drop()


class Servers(dict[str, ServerProcess]):
    """Each is started when it is first asked for."""

    kinds: Final[dict[str, tuple[tuple[str, ...], dict[str, Any]]]] = {
        "h1": ((), {}),
        "h1-deflated": ((), {"compression": 1}),
        "h2": (("--tls",), {"compression": 1}),
        "late": (("--tls",), {"environment": {"TESTS_WAY": "late"}}),
        "ordinary": ((), {"environment": {"TESTS_WAY": "ordinary"}}),
    }

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders

    def __missing__(self, kind: str) -> ServerProcess:
        if kind in {"h2-deflated", "tls"}:
            return self["h2"]
        arguments, settings = self.kinds[kind]
        self[kind] = ServerProcess(self._folders.mktemp(kind), *arguments, heartbeat=HEARTBEAT, **settings).start()
        return self[kind]


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    started = Servers(tmp_path_factory)
    yield started
    for server in started.values():
        server.check_clean_end()


@pytest.fixture(params=list(STREAMS))
async def world(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[World]:
    kind: str = request.param
    made = World(kind, servers[kind.partition("-")[2]])
    yield made
    await made.close()


@pytest.fixture(params=["h1", "ordinary"])
async def h1_worlds(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[list[World]]:
    """The three transports of one server."""
    made = [World(kind, servers[request.param]) for kind in STREAMS if kind.endswith("h1")]
    yield made
    for one in made:
        await one.close()
