"""DNS rebinding: in open mode a page whose name leads to this machine gets nothing, on any transport."""

import json
from typing import Any

import httpx
import pytest
import websockets

from quart_app.doors import Door, Doors
from quart_app.security_log import SecurityLog
from quart_app.transports.guards.doorkeeper import Doorkeeper
from tests.running import ServerProcess
from tests.transports.socketio.engine_io import Session
from tests.transports.test_secure import SECURE

EVIL = "rebound.example"
PATHS = ["/", "/chat", "/static/css/base.css", "/api/rooms", "/sse/rooms/1", "/poll/rooms/1", "/docs", "/health"]
PATHS += ["/socket.io/?EIO=4&transport=polling"]


@pytest.mark.parametrize("path", PATHS)
def test_another_host_gets_no_answer(server: ServerProcess, path: str) -> None:
    refused = httpx.get(f"{server.url}{path}", headers={"Host": f"{EVIL}:{server.port}"})
    assert refused.status_code == 421
    error = refused.json()["error"]
    assert error["code"] == "misdirected_request"
    assert EVIL in error["message"]
    assert f"http://localhost:{server.port}" in error["message"]
    assert "ENVIVO_ACCESS=secure" in error["message"]


def test_a_person_is_told_in_words(server: ServerProcess) -> None:
    refused = httpx.get(server.url, headers={"Host": "<b>evil</b>", "Accept": "text/html,*/*"})
    assert (refused.status_code, refused.headers["Content-Type"]) == (421, "text/plain; charset=utf-8")
    assert "modo abierto" in refused.text
    assert "In open mode" in refused.text


def test_another_host_changes_nothing(server: ServerProcess) -> None:
    same = {"Host": EVIL, "Origin": f"http://{EVIL}"}  # by its origin alone it would be one of our own pages
    room = {"name": "x"}
    with httpx.Client(base_url=server.url) as client:
        assert client.post("/api/rooms", json=room, headers=same).status_code == 421
        assert client.post("/send/rooms/1", json={"type": "message", "content": "x"}, headers=same).status_code == 421
        assert client.post("/api/rooms", json=room, headers={"Host": "localhost"}).status_code == 201


@pytest.mark.parametrize("path", ["/ws/rooms/1", "/ws", "/", "/socket.io/?EIO=4&transport=websocket"])
async def test_another_host_gets_no_websocket(server: ServerProcess, path: str) -> None:
    address = f"ws://{EVIL}:{server.port}{path}"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(address, host="127.0.0.1", port=server.port)
    assert refused.value.response.status_code == 421
    assert EVIL in json.loads(refused.value.response.body)["error"]["message"]


def test_another_host_gets_nothing_over_http2(server: ServerProcess) -> None:
    # Given as a header: httpx makes the :authority of it.
    with httpx.Client(http1=False, http2=True) as client:
        for host, status in ((EVIL, 421), (f"localhost:{server.port}", 200)):
            answer = client.get(f"{server.url}/health", headers={"Host": host})
            assert (answer.http_version, answer.status_code) == ("HTTP/2", status)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "class.localhost", "127.9.9.9", "[::1]"])
def test_the_names_of_this_machine_are_answered(server: ServerProcess, host: str) -> None:
    assert httpx.get(f"{server.url}/api/rooms", headers={"Host": f"{host}:1234"}).status_code == 200
    assert httpx.get(f"{server.url}/api/rooms", headers={"Host": host}).status_code == 200


async def test_socketio_of_this_machine_is_answered(server: ServerProcess) -> None:
    async with Session(f"http://localhost:{server.port}") as session:
        await session.connect()


def test_in_secure_mode_the_token_tells(make_server: Any) -> None:
    server = make_server(**SECURE)
    assert httpx.get(f"{server.url}/health", headers={"Host": EVIL}).status_code == 200


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        (b"envivo.lan:8000", True),
        (b"ENVIVO.lan", True),
        (b"", True),
        (b"localhost.evil.org", False),
        (b"notlocalhost", False),
        (b"127.0.0.1.evil.org", False),
        (b"127.0.0.1:80:80", False),
        (b"[::1]evil.org", False),
        (b"evil.org:127", False),
        (b"0.0.0.0", False),
        (b"\xff", False),
    ],
)
async def test_which_hosts_are_ours(host: bytes, answered: bool) -> None:
    heard: list[object] = []
    sent: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        heard.append(scope)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    guard = Doorkeeper(application, Doors((Door(host="Envivo.lan"),)), SecurityLog())
    await guard({"type": "http", "scheme": "http", "path": "/", "headers": [(b"host", host)]}, receive, send)
    assert (bool(heard), [event["type"] for event in sent]) == (
        (True, []) if answered else (False, ["http.response.start", "http.response.body"])
    )
    await guard({"type": "websocket", "scheme": "ws", "path": "/", "headers": [(b"host", host)]}, receive, send)
    assert answered or sent[-1]["type"] == "websocket.close", "a server without HTTP answers to handshakes"
