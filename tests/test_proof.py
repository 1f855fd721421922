"""What is written past ASGI is proved at start, and where it cannot be, everything goes the ordinary way."""

import asyncio
import logging
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from quart_app.server import proof
from quart_app.server.event_loop import new_event_loop
from quart_app.transports.below.taking import take_answer, take_websocket
from quart_app.transports.websocket.frames import FrameReader
from tests.running import ServerProcess
from tests.transports.drivers import PollStream, SseStream, WebsocketStream

FEED = FrameReader.feed


def _prove() -> bool:
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(proof.direct_way_works())


def test_it_is_true_here(caplog: pytest.LogCaptureFixture) -> None:
    assert _prove()
    assert caplog.records == []


def test_it_is_true_on_the_loop_of_asyncio(caplog: pytest.LogCaptureFixture) -> None:
    assert asyncio.run(proof.direct_way_works())
    assert caplog.records == []


class _Mistaken:
    """A transport that has each letter in the other case."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.close = transport.close
        self.set_protocol = transport.set_protocol

    def write(self, data: bytes) -> None:
        self._transport.write(data.swapcase())


def _mistaken(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def taken(send: Any) -> Any:
        found = take(send)
        return found._replace(transport=_Mistaken(found.transport))

    return taken


def _fails(send: Any) -> Any:
    raise AttributeError("closed")


def _mishears(reader: FrameReader, data: bytes) -> None:
    FEED(reader, data[:-1] + b"s")  # under a mask of zeros it reads "hols"


WEBSOCKETS = "a WebSocket, a WebSocket with compression"


@pytest.mark.parametrize(
    ("owner", "name", "broken", "told"),
    [
        (proof, "take_websocket", _mistaken(take_websocket), WEBSOCKETS),
        (proof, "take_answer", _mistaken(take_answer), "an event stream"),
        (proof, "take_websocket", _fails, WEBSOCKETS),
        (proof, "take_answer", _fails, "an event stream"),
        (proof, "take_websocket", lambda _: None, WEBSOCKETS),
        (proof, "take_answer", lambda _: None, "an event stream"),
        (proof, "agree_to", lambda *_: True, "a WebSocket with compression"),
        (FrameReader, "feed", _mishears, WEBSOCKETS),
        (proof, "serve", None, "TypeError while it was tried"),
    ],
)
def test_what_is_not_the_same_is_told_in_one_warning(
    owner: Any,
    name: str,
    broken: Callable[..., Any],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(owner, name, broken)
    with caplog.at_level(logging.INFO):
        assert not _prove()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"({told})" in record.message


class OnAnotherHypercorn(ServerProcess):
    module = "tests.other_hypercorn"
    processes = multiprocessing.get_context("spawn")  # which has imported nothing before


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = OnAnotherHypercorn(tmp_path_factory.mktemp("elsewhere"), heartbeat=0.3)
    yield server.start()
    server.check_clean_end()


def test_another_hypercorn_is_told_in_one_warning(elsewhere: ServerProcess) -> None:
    (warning,) = [line for line in elsewhere.log().splitlines() if "WARNING" in line]
    assert "another Hypercorn than 0.18 (cannot import name 'TCPServer'" in warning
    assert "every connection is served the ordinary way, which is slower" in warning


@pytest.mark.parametrize("driver", [WebsocketStream, SseStream, PollStream])
async def test_another_hypercorn_serves_the_ordinary_way(
    elsewhere: ServerProcess, driver: type[WebsocketStream | SseStream | PollStream]
) -> None:
    stream = driver(elsewhere.url, None, ("log/other",), {"since": "0"})
    await stream.open()
    for n in range(5):
        assert (await stream.say({"type": "n", "data": n}))["type"] == "published"
        assert (await stream.next("n"))["data"] == n
    if driver is not PollStream:
        await stream.next("heartbeat")
    await stream.leave()


@pytest.mark.parametrize("driver", [WebsocketStream, SseStream])
async def test_where_it_fails_the_program_serves_the_ordinary_way(
    make_server: Any, driver: type[WebsocketStream | SseStream]
) -> None:
    server: ServerProcess = make_server(environment={"TESTS_WAY": "broken"})
    assert server.log().count("served the ordinary way") == 1
    stream = driver(server.url, None, ("log/n",), {})
    await stream.open()
    for n in range(5):
        assert (await stream.say({"type": "n", "data": n}))["type"] == "published"
        assert (await stream.next("n"))["data"] == n
    await stream.leave()
