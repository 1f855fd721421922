"""What a WebSocket leaves behind that is over: nothing, not even to the garbage collector."""

import asyncio
import gc
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypercorn.events import RawData

from quart_app.realtime.clients.connection import Connection
from quart_app.realtime.flow.subscription import Subscription
from quart_app.transports.below.http1 import TidyH11
from quart_app.transports.below.tcp import INSTEAD, TidyTCPServer
from quart_app.transports.below.websocket import TidyWebsocket
from quart_app.transports.liveness import Liveness
from quart_app.transports.pump import Pump
from quart_app.transports.sse import EventStream
from quart_app.transports.websocket.served import ServedWebsocket
from quart_app.transports.websocket.socket import FramedWebsocket
from tests.inside import serving
from tests.running import eventually
from tests.transports.drivers import WebsocketStream

LASTING = (
    TidyTCPServer, TidyH11, TidyWebsocket, Connection, Subscription, Liveness, Pump, ServedWebsocket, FramedWebsocket,
    EventStream,
)  # fmt: skip
ENGINES = Counter(Connection=1, Subscription=1, Liveness=1)
SERVED = {
    "direct": ENGINES + Counter(FramedWebsocket=1),
    "ordinary": ENGINES + Counter(TidyTCPServer=1, TidyH11=1, TidyWebsocket=1, Pump=1, ServedWebsocket=1),
}
"""What there is for one WebSocket, each way."""


@pytest.fixture(autouse=True)
def tidy(monkeypatch: pytest.MonkeyPatch) -> Any:
    for module, name, ours in INSTEAD:
        monkeypatch.setattr(module, name, ours)
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def there() -> list[Any]:
    return [one for one in gc.get_objects() if type(one) in LASTING]


def new(before: list[Any]) -> list[Any]:
    """Return what is there and was not there `before`, a list that keeps what it has, so that no other takes its id."""
    known = {id(one) for one in before}
    return [one for one in there() if id(one) not in known]


def more(before: list[Any]) -> Counter[str]:
    return Counter(type(one).__name__ for one in new(before))


@pytest.mark.parametrize("way", ["direct", "ordinary"])
async def test_nothing_waits_for_the_collector(tmp_path: Path, way: str) -> None:
    async with serving(tmp_path / "envivo.db", way=way) as (app, url):
        before = there()
        stream = WebsocketStream(url, None, ("live/n",), {})
        await stream.open()
        app.hub.broadcast("live/n", "n", data=1)
        await stream.next("n")
        await eventually(lambda: more(before) == SERVED[way])
        await stream.leave()
        await eventually(lambda: not more(before))


@pytest.mark.parametrize("together", [True, False])
async def test_what_comes_after_the_request_of_an_event_stream_holds_nothing(tmp_path: Path, together: bool) -> None:
    async with serving(tmp_path / "envivo.db") as (app, url):
        address = httpx.URL(url)
        before = there()
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"GET /sse/live/n HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not together:
            await asyncio.sleep(0)
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b'"connected"')
        await eventually(lambda: more(before) == ENGINES + Counter(EventStream=1))
        app.hub.broadcast("live/n", "n", data=1)
        await reader.readuntil(b'"data":1}')
        writer.close()


async def test_who_still_sends_when_it_is_over_does_no_harm(tmp_path: Path) -> None:
    async with serving(tmp_path / "envivo.db", way="ordinary") as (app, url):
        before = there()
        stream = WebsocketStream(url, None, ("live/n",), {})
        await stream.open()
        (server,) = [one for one in new(before) if type(one) is TidyTCPServer]
        await stream.leave()
        await eventually(lambda: not app.hub.connections and server.writer.transport.is_closing())
        await server.protocol_send(RawData(b"late"))
