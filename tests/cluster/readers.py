"""Readers that note what they are told, on each transport, and come back with their cursors.

They speak the wire themselves: a client that mends what a server does wrong would hide it.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import websockets

from quart_app.wire import Cursor
from tests.cluster.asking import FACT
from tests.cluster.checks.presence import JOINED, LEFT
from tests.cluster.cluster import Cluster
from tests.cluster.history import Json

PAUSE: Final = 0.2  # s before a reader comes back, about
SILENCE: Final = 5.0  # s without a sign of life after which a reader looks for another node
POLL_WAIT: Final = 1  # s
_COMMENTS: Final = 20.0  # s, in which a silent event stream has a comment

OVER: Final = (httpx.HTTPError, OSError, websockets.WebSocketException, TimeoutError)
"""The errors of a connection that has ended, or has not begun."""


class TurnedAway(OSError):
    """The reader was not let in; it comes back."""


@dataclass(eq=False)
class Reader:
    """A client that follows topics over many connections. Where `stays` is given, it leaves each connection itself
    after about so many seconds, sometimes in good order, and comes back after about as long."""

    cluster: Cluster
    transport: str
    user: str
    topics: Sequence[str]
    random: Random
    stays: float | None = None
    cursor: str | None = None
    """What it comes back with; at first from where on it reads, None for now on."""
    position: int = 0
    """The reader has everything up to here."""
    heard: set[str] = field(default_factory=set)
    """The marks of the signals that it got, and the users whom it was told of."""
    connected: bool = False
    _connection: int = 0
    _orderly: bool = False
    _clean: bool = False
    _node: int | None = None

    async def run(self) -> None:
        """Follow the topics, over and over, until this is cancelled."""
        history = self.cluster.history
        while True:
            self._orderly, self._clean = self.transport == "ws" and self.random.random() < 0.5, False
            self._connection = history.connect(self.user, self.transport, self.topics, self.user, self.cursor)
            following = asyncio.create_task(self._follow())
            try:
                await asyncio.wait([following], timeout=self._about(self.stays))
                if self.stays is None:  # perhaps since a moment ago
                    await asyncio.wait([following])
                elif not following.done():
                    history.leaving(self._connection, orderly=self._orderly)
            finally:
                following.cancel()
                (end,) = await asyncio.gather(following, return_exceptions=True)
            self.connected = False
            history.gone(self._connection, repr(end), clean=self._clean)
            if not isinstance(end, (*OVER, asyncio.CancelledError, type(None))):
                raise end
            await asyncio.sleep(self._about(PAUSE if self.stays is None else self.stays) or 0.0)

    def _about(self, seconds: float | None) -> float | None:
        return None if seconds is None else seconds * self.random.uniform(0.5, 1.5)

    async def _follow(self) -> None:
        await {"ws": self._websocket, "sse": self._stream, "poll": self._poll}[self.transport]()

    def _address(self, **more: object) -> str:
        asked = [*(("topic", topic) for topic in self.topics), ("user_id", self.user), ("username", self.user)]
        if self.cursor is not None and "since" not in more:
            more["since"] = self.cursor
        return f"/{self.transport}?{urlencode([*asked, *more.items()])}"

    async def _websocket(self) -> None:
        url = self.cluster.url.replace("http", "ws", 1) + self._address()
        async with websockets.connect(
            url, open_timeout=SILENCE, close_timeout=1, ping_interval=1, ping_timeout=SILENCE, max_size=None
        ) as socket:
            self._node = self.cluster.node_of(socket.local_address[1])
            try:
                async for text in socket:
                    self._take(json.loads(text))
            except asyncio.CancelledError:
                if not self._orderly:
                    socket.transport.abort()
                raise
            finally:
                await socket.close()
                self._clean = self._orderly and socket.close_code == 1000

    async def _stream(self) -> None:
        timeout = httpx.Timeout(SILENCE, read=_COMMENTS)
        async with (
            httpx.AsyncClient(timeout=timeout) as client,
            self.cluster.asked(client, "GET", self._address()) as (response, node),
        ):
            self._let_in(response, node)
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    self._take(json.loads(line[6:]))

    async def _poll(self) -> None:
        async with httpx.AsyncClient(timeout=SILENCE) as client:
            more: dict[str, object] = {"wait": POLL_WAIT}
            headers: dict[str, str] = {}
            while True:
                address = self._address(**more)
                async with self.cluster.asked(client, "GET", address, headers=headers) as (response, node):
                    self._let_in(response, node)
                    answer = json.loads(await response.aread())
                for message in answer["messages"]:
                    self._take(message)
                    if "connection_id" in message:
                        headers["X-Connection-Id"] = message["connection_id"]
                    if message["type"] == "bye":
                        return
                more["since"] = answer["id"]
                self.cluster.history.stands(self._connection, answer["id"])
                self._stands(answer["id"])

    def _let_in(self, response: httpx.Response, node: int | None) -> None:
        if response.status_code != 200:
            raise TurnedAway(response.status_code)
        self._node = node

    def _stands(self, cursor: str) -> None:
        self.cursor = str(Cursor.parse(cursor).plain)
        self.position = Cursor.parse(cursor).position

    def _take(self, message: Json) -> None:
        """Note a message."""
        history, number, type = self.cluster.history, self._connection, message["type"]
        topic, cursor, data = message.get("topic"), message.get("id"), message.get("data", {})
        if "connection_id" in message:
            self.connected = True
            history.welcome(number, message["id"], self._node)
        if type == "connected" and "active_users" in data:
            users = [str(user["user_id"]) for user in data["active_users"]]
            self.heard.update(users)
            history.present(number, str(topic), users)
        elif type == "gap":
            history.gap(number, str(topic), data["dropped"], at_least=data.get("at_least", False))
        elif type == "reset":
            history.reset(number, str(cursor), data["reason"])
        elif type == "heartbeat" and cursor is not None:
            history.stands(number, cursor)
        elif topic is not None and cursor is not None and "connection_id" not in message:
            history.event(number, topic, type, data, cursor)
        elif type in {FACT, JOINED, LEFT}:
            self.heard.add(str(data.get("mark", data.get("user_id"))))
            history.event(number, str(topic), type, data)
        if cursor is not None:
            self._stands(cursor)


async def heads(url: str) -> dict[str, int]:
    """Return the position of the newest event of each topic that has one."""
    async with httpx.AsyncClient(timeout=SILENCE) as client:
        listed: list[dict[str, Any]] = (await client.get(f"{url}/api/topics")).json()["data"]
    return {one["topic"]: Cursor.parse(one["head"]).position for one in listed if one["head"] is not None}
