"""A slow stream of an HTTP/2 connection is held back by its own window (RFC 9113 section 5.2), and nothing else is."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamReset

LISTS = 200
LIST = 4
PADDING = "x" * 50_000
COST = 15 * 1024 * 1024  # bytes the server may grow by while 40 MB pass
DEADLINE = 60.0  # s


@pytest.fixture
def way() -> str:
    """The two are one over HTTP/2: others share the connection."""
    return "direct"


class Client:
    """One HTTP/2 connection without TLS (RFC 9113 section 3.3) and one event stream on it."""

    async def open(self, port: int, path: str) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._connection = H2Connection(H2Configuration(client_side=True))
        self._connection.initiate_connection()
        names = {":method": "GET", ":scheme": "http", ":authority": "localhost", ":path": path}
        self._connection.send_headers(self._connection.get_next_available_stream_id(), names.items(), end_stream=True)
        await self._flush()

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """What the stream brings, taken as it is asked for."""
        text = b""
        while data := await self._reader.read(65536):
            for event in self._connection.receive_data(data):
                if isinstance(event, DataReceived):
                    text += event.data or b""
                    self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            await self._flush()
            *blocks, text = text.split(b"\n\n")
            for block in blocks:
                for line in block.splitlines():
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])

    async def reset(self) -> None:
        """Returns when the server has ended the stream (RST_STREAM)."""
        while data := await self._reader.read(65536):
            if any(isinstance(event, StreamReset) for event in self._connection.receive_data(data)):
                return
        raise EOFError

    async def _flush(self) -> None:
        self._writer.write(self._connection.data_to_send())
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


@pytest.mark.timeout(DEADLINE * 2)
async def test_stalled_while_forty_megabytes_pass(make_server: Any) -> None:
    server = make_server(database_url="sqlite://envivo.db?cache_size=-500")
    process = psutil.Process(server.pid)
    stalled = Client()
    async with asyncio.timeout(DEADLINE), httpx.AsyncClient(base_url=server.url) as client:
        await stalled.open(server.port, "/sse/log/n")
        reading = stalled.messages()
        assert (await anext(reading))["type"] == "connected"
        before = process.memory_info().rss
        for first in range(0, LISTS * LIST, LIST):
            events = [{"topic": "log/n", "type": "n", "data": [n, PADDING]} for n in range(first, first + LIST)]
            assert (await client.post("/api/publish", json=events)).status_code == 202
        assert process.memory_info().rss - before < COST
        numbers: list[int] = []
        while len(numbers) < LISTS * LIST:
            message = await anext(reading)
            if message["type"] == "n":
                numbers.append(message["data"][0])
        assert numbers == list(range(LISTS * LIST))
    stalled.close()


async def test_one_that_takes_nothing_is_let_go(make_server: Any) -> None:
    server = make_server(heartbeat=0.2, peer_timeout=1)
    stalled = Client()
    async with asyncio.timeout(DEADLINE), httpx.AsyncClient(base_url=server.url) as client:
        await stalled.open(server.port, "/sse?topic=rooms/1&topic=log/n")
        assert (await anext(stalled.messages()))["type"] == "connected"
        for _ in range(10):
            await client.post("/api/publish", json=[{"topic": "log/n", "type": "n", "data": PADDING}] * LIST)
        while (await client.get("/ws/stats")).json()["total_connections"]:
            await asyncio.sleep(0.05)
        await stalled.reset()  # so that whoever reads again after all knows that nothing more will come
    stalled.close()
