"""A browser's own EventSource comes back with `Last-Event-ID` (WHATWG HTML 9.2.4): it counts before `since`."""

from pathlib import Path
from typing import Any

import httpx

from tests.inside import serving
from tests.transports.drivers import SseStream


async def follow(url: str, **query: Any) -> SseStream:
    stream = SseStream(url, None, ("log/resumed",), query)
    await stream.open()
    return stream


async def test_it_goes_on_from_there_whatever_the_address_says(tmp_path: Path) -> None:
    async with serving(tmp_path / "envivo.db") as (_, url), httpx.AsyncClient(base_url=url) as rest:
        first = await follow(url)
        await rest.post("/api/publish", json=[{"topic": "log/resumed", "type": "n", "data": n} for n in (1, 2)])
        one = await first.next("n")
        await first.next("n")
        await first.drop()
        again = await follow(url, since="0", headers={"Last-Event-ID": one["id"]})
        assert (await again.next("n"))["data"] == 2
        await again.drop()
        lost = await follow(url, headers={"Last-Event-ID": "anotherlog-7"})
        assert (await lost.next("reset"))["data"] == {"reason": "unknown_log"}
        await lost.drop()
