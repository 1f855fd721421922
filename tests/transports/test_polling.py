"""Two requests of one client's long poll at once: the newest counts, and the older one takes nothing from it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from quart_app.realtime import limits
from tests.inside import serving
from tests.running import eventually


async def test_a_request_that_was_overtaken_while_it_read_the_log_takes_no_message_of_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "envivo.db") as (app, url), httpx.AsyncClient(base_url=url, timeout=20) as client:

        async def poll(since: str, wait: float) -> dict[str, Any]:
            asked = {"since": since, "wait": str(wait), "connection_id": own}
            answer: dict[str, Any] = (await client.get("/poll/log/n", params=asked)).json()
            return answer

        welcome = (await client.get("/poll/log/n", params={"wait": 0})).json()
        start, own = welcome["id"], welcome["messages"][0]["connection_id"]
        large = {"topic": "log/n", "type": "n", "data": "x" * 10_000}
        for _ in range(limits.TAIL_BYTES // 10_000 // 20 + 1):  # more than memory keeps
            assert (await client.post("/api/publish", json=[large] * 20)).status_code == 202

        reading, go_on, read = asyncio.Event(), asyncio.Event(), app.hub.log.read

        async def held(*asked: Any) -> Any:
            if not reading.is_set():
                reading.set()
                await go_on.wait()
            return await read(*asked)

        monkeypatch.setattr(app.hub.log, "read", held)
        older = asyncio.create_task(poll(start, 10))
        await reading.wait()
        newest = await poll(start, 0)
        while newest["messages"]:
            newest = await poll(newest["id"], 0)
        waiting = asyncio.create_task(poll(newest["id"], 10))
        (connection,) = app.hub.connections.values()
        await eventually(lambda: connection.waits)
        go_on.set()
        await asyncio.wait([older], timeout=0.5)
        await client.post("/api/publish", json=large | {"data": "the last one"})
        assert [message["data"] for message in (await waiting)["messages"]] == ["the last one"]
        assert (await older)["messages"] == []
