"""People in a chat room, each on a plain WebSocket; nothing of En Vivo's own clients is used here."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect

Json = dict[str, Any]
DEADLINE = 10.0  # s for anything that is awaited


class Person:
    """One connection of somebody; `heard` is every message that came, in order.

    `path` is what stands behind `/ws`: a topic, or nothing where the topics are in the query.
    """

    def __init__(self, url: str, path: str, **query: str | list[str]) -> None:
        self._address = f"{url.replace('http', 'ws', 1)}/ws{path}?{urlencode(query, doseq=True)}"
        self._socket: ClientConnection | None = None
        self.heard: list[Json] = []

    async def __aenter__(self) -> Self:
        self._socket = await connect(self._address, open_timeout=DEADLINE, max_queue=None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    @property
    def socket(self) -> ClientConnection:
        assert self._socket is not None
        return self._socket

    async def say(self, type: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def hear(self, type: str, matching: Callable[[Json], bool] = lambda _: True) -> Json:
        """The next message of this type; the ones before it are only kept in `heard`."""
        async with asyncio.timeout(DEADLINE):
            while True:
                message: Json = json.loads(await self.socket.recv())
                self.heard.append(message)
                if message["type"] == type and matching(message):
                    return message

    async def hear_content(self, content: str) -> Json:
        """The room's message of this content."""
        message = await self.hear("message", lambda message: message["data"]["content"] == content)
        data: Json = message["data"]
        return data

    def types(self) -> list[str]:
        return [message["type"] for message in self.heard]

    async def leave(self) -> None:
        """Close as a page does that is left."""
        await self.socket.close(1000)

    async def vanish(self) -> None:
        """The network is gone: no close frame is sent."""
        self.socket.transport.abort()
        await self.socket.wait_closed()


class Room:
    """A new room of one test's own."""

    def __init__(self, url: str, id: int) -> None:
        self.url = url
        self.id = id

    @property
    def path(self) -> str:
        return f"/api/rooms/{self.id}"

    def person(self, username: str, user_id: str | None = None, **query: str) -> Person:
        """`async with` it to let them in; their first message is the welcome."""
        return Person(self.url, f"/{self.id}", user_id=user_id or username.lower(), username=username, **query)

    @asynccontextmanager
    async def joined(self, username: str, user_id: str | None = None, **query: str) -> AsyncIterator[Person]:
        """The person, welcomed, with the history taken where there is one."""
        async with self.person(username, user_id, **query) as person:
            await person.hear("connected" if "since" in query else "history")
            yield person


async def create_room(rest: httpx.AsyncClient, name: str) -> Room:
    response = await rest.post("/api/rooms", json={"name": name})
    assert response.status_code == 201, response.text
    return Room(str(rest.base_url).rstrip("/"), response.json()["data"]["id"])


def page_data(page: str) -> Json:
    """What a room's page carries for its script."""
    found = re.search(r'<script type="application/json" id="chat">(.*?)</script>', page, re.DOTALL)
    assert found is not None, page
    data: Json = json.loads(found[1])
    return data
