"""The server is killed in the middle of work and started again on the same file: nobody loses anything."""

import asyncio
from typing import Any

import httpx
import pytest

from quart_app.client import Live, connect
from quart_app.client.options import Options

SENDERS = 8
MESSAGES = 250  # of each sender
KILLS = 3
DEADLINE = 90.0  # s for all of it
OPTIONS = Options(backoff_cap=2.0)  # the server is back after a second


class Acknowledged(list[tuple[int, int]]):
    """What senders know to be stored, as (sender, number)."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def add(self, sender: int, n: int) -> None:
        self.append((sender, n))
        self._more.set()

    async def reach(self, count: int) -> None:
        while len(self) < count:
            self._more.clear()
            await self._more.wait()


async def _send(url: str, sender: int, acknowledged: Acknowledged) -> None:
    params = {"user_id": str(100 + sender), "username": f"sender {sender}"}
    async with connect(url, topics=["rooms/1"], params=params, options=OPTIONS) as live:
        listening = asyncio.create_task(_discard(live))
        for n in range(MESSAGES):
            await live.send("rooms/1", {"type": "message", "content": f"{sender} {n}"})
            acknowledged.add(sender, n)
        listening.cancel()


async def _discard(live: Live) -> None:
    async for _ in live:
        pass


async def _read(url: str, transport: str, seen: list[tuple[int, int]], ready: asyncio.Event) -> None:
    params = {"user_id": f"reader-{transport}", "username": transport}
    async with connect(url, topics=["rooms/1"], params=params, transports=(transport,), options=OPTIONS) as live:
        async for message in live:
            ready.set()
            if message["type"] == "message":
                sender, n = message["data"]["content"].split()
                seen.append((int(sender), int(n)))
                if len(seen) >= SENDERS * MESSAGES:
                    break
        assert live.status.repeats == 0
        assert live.status.gaps == 0


async def _kill_now_and_then(server: Any, acknowledged: Acknowledged) -> None:
    """Each time another part of the messages has been acknowledged."""
    loop = asyncio.get_running_loop()
    for kill in range(1, KILLS + 1):
        await acknowledged.reach(SENDERS * MESSAGES * kill // (KILLS + 1))
        await loop.run_in_executor(None, server.kill)
        await loop.run_in_executor(None, server.start)


@pytest.mark.timeout(DEADLINE + 30)
async def test_killed_in_the_middle_of_two_thousand_messages(make_server: Any) -> None:
    server = make_server()
    acknowledged = Acknowledged()
    seen: dict[str, list[tuple[int, int]]] = {"ws": [], "sse": [], "poll": []}
    ready = [asyncio.Event() for _ in seen]
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        for (transport, messages), event in zip(seen.items(), ready, strict=True):
            group.create_task(_read(server.url, transport, messages, event))
        for event in ready:
            await event.wait()
        group.create_task(_kill_now_and_then(server, acknowledged))
        for sender in range(SENDERS):
            group.create_task(_send(server.url, sender, acknowledged))
    expected = {(sender, n) for sender in range(SENDERS) for n in range(MESSAGES)}
    assert set(acknowledged) == expected
    stored = await _stored(server.url)
    assert len(stored) == len(expected)
    assert set(stored) == expected
    for transport, messages in seen.items():
        assert messages == stored, transport
    for sender in range(SENDERS):
        assert [n for one, n in stored if one == sender] == list(range(MESSAGES))


async def _stored(url: str) -> list[tuple[int, int]]:
    """All messages of the room, oldest first, as REST gives them."""
    contents: list[str] = []
    before = None
    async with httpx.AsyncClient() as client:
        while True:
            params = {"limit": 200} | ({"before": before} if before else {})
            response = await client.get(f"{url}/api/rooms/1/messages", params=params)
            messages = response.json()["data"]
            if not messages:
                return [(int(one), int(n)) for one, n in (content.split() for content in contents)]
            contents = [message["content"] for message in messages] + contents
            before = messages[0]["id"]
