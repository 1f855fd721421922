"""Streams served where there is nothing of Hypercorn's to reach below ASGI: the ordinary `send` serves too."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.transports.below.direct import websocket_wire
from quart_app.transports.below.http1 import answer
from quart_app.transports.below.inbox import arrived
from quart_app.transports.below.taking import take_answer, take_websocket
from tests.inside import serving
from tests.transports.drivers import SseStream, WebsocketStream


class _OtherServer:
    """Hands its application plain functions to receive and to send with, as other ASGI servers do."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def plain(message: Any) -> None:
            await send(message)

        async def plainly() -> Any:
            return await receive()

        assert websocket_wire(plain) is None
        assert take_websocket(plain) is None
        assert take_answer(plain) is None
        assert arrived(plainly) is None
        assert not await answer(plain, 200, [], b"")
        await self._application(scope, plainly, plain)


@pytest.mark.parametrize("driver", [WebsocketStream, SseStream])
async def test_a_stream_works_through_plain_asgi(tmp_path: Path, driver: type[WebsocketStream | SseStream]) -> None:
    async with serving(tmp_path / "envivo.db", _OtherServer) as (_, url):
        stream = driver(url, None, ("log/n",), {})
        await stream.open()
        async with httpx.AsyncClient(base_url=url) as client:
            events = [{"topic": "log/n", "type": "n", "data": {"n": n}} for n in range(500)]
            assert (await client.post("/api/publish", json=events)).status_code == 202
        await stream.find(lambda one: one.get("data") == {"n": 499})
        assert [one["data"]["n"] for one in stream.messages[1:]] == list(range(500))
        assert (await stream.say({"type": "ping"}))["type"] == "pong"
        await stream.leave()
