"""A subscriber that stops reading costs next to nothing, delays nobody, and loses nothing durable."""

import asyncio
import contextlib
from typing import Any, NamedTuple

import httpx
import psutil
import pytest

from tests.faults.sockets import Peer, read_sse, read_websocket, request
from tests.running import ServerProcess

STALLED = 12
VERIFIED = 2  # of the stalled ones, to the last event
COST = 1024 * 1024  # bytes a stalled subscriber may cost
DEADLINE = 100.0  # s


class Load(NamedTuple):
    """What passes: more than fits into the buffers of two kernels. `at_once` are published in one request."""

    events: int
    at_once: int
    padding: int


LOADS = {"direct": Load(100_000, 1_000, 40), "ordinary": Load(10_000, 100, 1_300)}
"""An ordinary `send` of each event takes its time, so there they are fewer and larger."""


@pytest.fixture
def load(way: str) -> Load:
    return LOADS[way]


async def _publish(client: httpx.AsyncClient, topic: str, load: Load) -> None:
    for start in range(0, load.events, load.at_once):
        numbers = range(start, start + load.at_once)
        events = [{"topic": topic, "type": "n", "data": [n, "x" * load.padding]} for n in numbers]
        response = await client.post("/api/publish", json=events)
        assert response.status_code == 202, response.text


def _resident(server: ServerProcess) -> int:
    return int(psutil.Process(server.pid).memory_info().rss)


@pytest.mark.timeout(DEADLINE * 2)
@pytest.mark.parametrize("transport", ["ws", "sse"])
async def test_stalled_while_more_passes_than_kernels_hold(make_server: Any, transport: str, load: Load) -> None:
    # With next to no page cache of SQLite's, which would grow with the log and hide what is measured.
    server = make_server(database_url="sqlite://envivo.db?cache_size=-500")
    read = {"ws": read_websocket, "sse": read_sse}[transport]
    async with asyncio.timeout(DEADLINE), httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:

        async def grown(topic: str, reader: Peer) -> int:
            """How many bytes the server has more after the load has passed on `topic`, to `reader` among others."""
            reading = asyncio.create_task(_numbers(read(reader), load.events))
            before = _resident(server)
            await _publish(client, topic, load)
            assert await reading == list(range(load.events))  # the one who reads was not held up
            return _resident(server) - before

        with contextlib.ExitStack() as opened:

            async def peer(topic: str) -> Peer:
                stream = await request(server.port, f"/{transport}/{topic}", transport)
                opened.callback(stream.close)
                return stream

            await grown("log/alone", await peer("log/alone"))  # caches and tails are full now
            reader, *stalled = [await peer("log/n") for _ in range(STALLED + 1)]
            assert await grown("log/n", reader) / STALLED < COST
            for stream in stalled[:VERIFIED]:
                assert await _numbers(read(stream), load.events) == list(range(load.events))


@pytest.mark.timeout(DEADLINE)
async def test_a_stalled_listener_of_signals_is_told_how_many_it_missed(make_server: Any, load: Load) -> None:
    server = make_server()
    async with asyncio.timeout(DEADLINE), httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
        stream = await request(server.port, "/ws/live/n", "ws")
        await _publish(client, "live/n", load)
        numbers: list[int] = []
        dropped = 0
        async for message in read_websocket(stream):
            if message["type"] == "gap":
                dropped += message["data"]["dropped"]
            elif message["type"] == "n":
                numbers.append(message["data"][0])
                if numbers[-1] == load.events - 1:
                    break
        stream.close()
    assert dropped > 0
    assert len(numbers) + dropped == load.events
    assert numbers == sorted(set(numbers))


async def _numbers(messages: Any, count: int) -> list[int]:
    numbers: list[int] = []
    async with contextlib.aclosing(messages):
        async for message in messages:
            if message["type"] == "n":
                numbers.append(message["data"][0])
                if len(numbers) == count:
                    break
    return numbers
