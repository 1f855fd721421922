"""Who speaks too fast: a WebSocket is closed with 4429, and `POST /send` answers 429."""

import asyncio
import contextlib
import json
from pathlib import Path

import httpx
import pytest
import websockets

from quart_app.realtime import limits
from tests.inside import serving


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INBOUND_BURST", 5.0)
    monkeypatch.setattr(limits, "INBOUND_RATE", 0.001)


async def test_a_websocket_is_told_and_closed(tmp_path: Path) -> None:
    async with serving(tmp_path / "envivo.db") as (_, url):
        async with websockets.connect(url.replace("http", "ws", 1) + "/ws/live/rates") as socket:
            for _ in range(6):
                await socket.send('{"type":"ping"}')
            types = []
            with contextlib.suppress(websockets.ConnectionClosedError):
                async with asyncio.timeout(10):
                    async for text in socket:
                        types.append(json.loads(text)["type"])  # noqa: PERF401 - what came before the end is kept
        assert types == ["connected", *["pong"] * 5, "error"]
        assert socket.close_code == 4429


async def test_send_is_refused_and_its_connection_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path / "envivo.db") as (_, url), httpx.AsyncClient(base_url=url) as rest:
        first = (await rest.get("/poll/live/rates")).json()
        headers = {"X-Connection-Id": first["messages"][0]["connection_id"]}
        answers = [await rest.post("/send/live/rates", json={"type": "ping"}, headers=headers) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert answers[-1].json()["error"]["code"] == "too_many"
        assert answers[-1].headers["Retry-After"] == "1000"  # at so slow a rate
        query = {"since": first["id"], "wait": 0}
        assert (await rest.get("/poll/live/rates", params=query, headers=headers)).status_code == 200
