"""A backup is put back while clients are away: whoever has seen events that are not in it is told so."""

import shutil
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.running import ServerProcess
from tests.transports.drivers import PlainWebsocketStream, PollStream, SseStream, Stream

pytestmark = pytest.mark.sqlite

TOPIC = "log/ledger"


def publish(server: ServerProcess, *numbers: int) -> None:
    messages = [{"topic": TOPIC, "type": "n", "data": number} for number in numbers]
    httpx.post(f"{server.url}/api/publish", json=messages).raise_for_status()


def logged(server: ServerProcess, since: str = "0") -> httpx.Response:
    return httpx.get(f"{server.url}/api/log", params={"topic": TOPIC, "since": since})


def ids(server: ServerProcess) -> dict[int, str]:
    return {one["data"]: one["id"] for one in logged(server).json()["data"]}


@pytest.fixture
def restored(make_server: Callable[..., ServerProcess]) -> tuple[ServerProcess, dict[int, str]]:
    """A server on a backup that has 1 to 3, written on with 14 to 20; and the cursors of 1 to 9 that it had before."""
    server = make_server()
    publish(server, 1, 2, 3)
    server.stop()
    backup = server.folder / "backup.db"
    shutil.copy(server.database, backup)
    server.start()
    publish(server, *range(4, 10))
    known = ids(server)
    server.stop()
    shutil.copy(backup, server.database)
    server.start()
    publish(server, *range(14, 21))  # the positions of 4 to 9 are used again, and the head is ahead of them
    return server, known


@pytest.mark.parametrize("transport", [PlainWebsocketStream, SseStream, PollStream])
async def test_who_stood_after_the_copy_is_reset_and_nobody_else(
    restored: tuple[ServerProcess, dict[int, str]], transport: type[Stream]
) -> None:
    server, known = restored

    async def told(since: str) -> list[Any]:
        stream = transport(server.url, None, (TOPIC,), {"since": since})
        await stream.open()
        publish(server, 99)
        await stream.find(lambda one: one.get("data") == 99)
        await stream.drop()
        return [one["data"] for one in stream.messages if one["type"] in {"n", "reset"}]

    assert await told(known[2]) == [3, *range(14, 21), 99]
    assert await told(known[6]) == [{"reason": "unknown_log"}, 99]


def test_the_log_answers_gone(restored: tuple[ServerProcess, dict[int, str]]) -> None:
    server, known = restored
    assert [one["data"] for one in logged(server, known[3]).json()["data"]] == list(range(14, 21))
    refused = logged(server, known[4])
    assert (refused.status_code, refused.json()["error"]["code"]) == (410, "reset")
    newest = ids(server)[20]
    assert logged(server, newest).json()["data"] == []
    name, _, position = newest.partition("-")
    assert logged(server, f"{name}-{int(position) + 1}").status_code == 410
