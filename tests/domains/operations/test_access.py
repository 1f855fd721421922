"""In secure mode: who may look, who may not, and that nothing goes on when a token is over."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.config import load_settings
from quart_app.identity import issue_token
from quart_app.realtime.clients.identity import Identity
from tests.running import ServerProcess
from tests.transports.drivers import PollStream, Refusal, SseStream, Stream, WebsocketStream

SECURE: dict[str, Any] = {"access": "secure", "secret_key": "k" * 40}
KINDS: dict[str, type[Stream]] = {"ws": WebsocketStream, "sse": SseStream, "poll": PollStream}
PLACES = ("/metrics", "/websocket/status", "/api/connections", "/admin")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("secure"), **SECURE, log_file="logs/websocket.log").start()
    yield server
    server.check_clean_end()


def token(role: str, lifetime: timedelta = timedelta(hours=1)) -> str:
    return issue_token(load_settings(**SECURE).front, Identity("7", "Ana", role), lifetime)


def follow(server: ServerProcess, transport: str, topic: str, token: str) -> Stream:
    return KINDS[transport](server.url, None, (topic,), {"token": token})


@pytest.mark.parametrize("place", PLACES)
async def test_a_token_of_an_administrator_opens_the_door(secure: ServerProcess, place: str) -> None:
    async with httpx.AsyncClient(base_url=secure.url) as client:
        allowed = await client.get(place, headers={"Authorization": f"Bearer {token('admin')}"})
        assert allowed.status_code == 200, allowed.text
        refused = await client.get(place, headers={"Authorization": f"Bearer {token('employee')}"})
        assert refused.status_code == 403
        assert (await client.get(place)).status_code == 401
        closed = await client.delete("/api/connections/0", headers={"Authorization": f"Bearer {token('user')}"})
        assert closed.status_code == 403


@pytest.mark.parametrize("transport", KINDS)
async def test_only_administrators_watch(secure: ServerProcess, transport: str) -> None:
    with pytest.raises(Refusal) as refused:
        await follow(secure, transport, "operations", token("user")).open()
    assert (refused.value.status, refused.value.code) == (4403 if transport == "ws" else 403, "forbidden")
    stream = follow(secure, transport, "operations", token("admin"))
    await stream.open()
    assert (await stream.next("look"))["topic"] == "operations"
    await stream.drop()


@pytest.mark.parametrize("transport", KINDS)
async def test_a_stream_ends_with_the_token_that_opened_it(secure: ServerProcess, transport: str) -> None:
    stays = follow(secure, transport, "log/kept", token("user"))
    await stays.open()
    short = follow(secure, transport, "log/kept", token("user", timedelta(seconds=2)))
    await short.open()
    error = await short.next("error")
    assert error["data"]["code"] == "unauthorized"
    if transport == "poll":  # its next request is refused
        assert (await short.next("refused"))["refusal"].status == 401
    else:
        assert await short.end() == (4401 if transport == "ws" else 0)
    with pytest.raises(Refusal) as refused:
        await follow(secure, transport, "log/kept", short.query["token"]).open()
    assert refused.value.status == (4401 if transport == "ws" else 401)
    assert stays.closed is None
    await short.drop()
    await stays.drop()


def test_the_log_file_has_it_too(secure: ServerProcess) -> None:
    log = Path(secure.folder, "logs", "websocket.log").read_text("utf-8")
    assert 'of "Ana" ("7") on log/kept opened' in log
    assert 'of "Ana" ("7") on log/kept closed with 4401' in log
