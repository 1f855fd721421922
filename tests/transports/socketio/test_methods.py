"""Methods that Engine.IO does not use, and the preflight of a browser's, over both versions of HTTP."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from tests.running import ServerProcess
from tests.transports.socketio.world import Server

AT_ONCE = 2.0  # s; a body that does not come is waited for much longer
APP = "https://app.example"
MakeServer = Callable[..., ServerProcess]
QUERY = {"EIO": "4", "transport": "polling"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that both versions of HTTP reach, which the pages of APP may use."""
    server = Server(tmp_path_factory.mktemp("shared"), "--tls", allowed_origins=APP)
    yield server.start()
    server.check_clean_end()


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
async def client(shared: ServerProcess, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    http2 = request.param == "HTTP/2"
    async with httpx.AsyncClient(
        base_url=shared.url, verify=shared.tls, http1=not http2, http2=http2, timeout=AT_ONCE
    ) as client:
        assert (await client.get("/health")).http_version == request.param
        yield client


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "HEAD"])
@pytest.mark.parametrize("body", [b"", b"x" * 100_000])
async def test_another_method_is_refused_at_once(client: httpx.AsyncClient, method: str, body: bytes) -> None:
    answer = await client.request(method, "/socket.io/", params=QUERY, content=body)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, OPTIONS, POST")
    if method != "HEAD":
        assert answer.json()["error"]["code"] == "method_not_allowed"
    assert (await client.get("/socket.io/", params=QUERY)).status_code == 200


async def test_a_preflight_allows_a_header_of_the_clients_own(client: httpx.AsyncClient) -> None:
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-my-header,content-type"}
    began = time.monotonic()
    answer = await client.options("/socket.io/", params=QUERY, headers={"Origin": APP, **asks})
    assert time.monotonic() - began < AT_ONCE
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert {"x-my-header", "content-type"} <= {
        name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")
    }
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://evil.example"}])
async def test_the_preflight_of_another_site_is_answered_and_allows_nothing(
    client: httpx.AsyncClient, origin: dict[str, str]
) -> None:
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-my-header"}
    answer = await client.options("/socket.io/", params=QUERY, headers={**origin, **asks})
    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, OPTIONS, POST")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("heartbeat", [0.1, 0.3, 1.0, 1.7])
async def test_the_interval_of_pings_is_told_as_no_less_than_it_is(make_server: MakeServer, heartbeat: float) -> None:
    server = make_server(heartbeat=heartbeat)
    async with httpx.AsyncClient(base_url=server.url) as client:
        told = json.loads((await client.get("/socket.io/", params=QUERY)).text[1:])["pingInterval"]
    assert heartbeat * 1000 <= told <= heartbeat * 1000 + 1000
