"""A hub with a channel that does as it is told, for the tests of hub and connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from quart_app.realtime.clients.channel import Channel, Peer, Welcome
from quart_app.realtime.clients.connection import Connection, Opening
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from quart_app.realtime.messages.refused import Refused

ANA, JUAN = Identity("1", "Ana"), Identity("2", "Juan")


class Talk(Channel):
    """A channel that echoes, and notes who entered and left; `private` topics are not for guests. Commands of type
    `wait` wait until `go` is set, those with `now` cost no task, and `welcoming` holds welcomes back."""

    def __init__(self) -> None:
        self.left_by: list[tuple[str, str, bool]] = []
        self.handled: list[Any] = []
        self.running = 0
        self.go = asyncio.Event()
        self.welcoming = asyncio.Event()
        self.welcoming.set()
        self.broken = False
        self.fails_on_leaving = ""

    async def authorize(self, identity: Identity, topic: str) -> None:
        await asyncio.sleep(0)
        if topic.endswith("private") and identity.role != "admin":
            raise Refused("forbidden", "not for you", status=403)

    async def welcome(self, peer: Peer) -> Welcome:
        await self.welcoming.wait()
        if self.broken:
            raise OSError("the database is gone")
        about = {"resumed": peer.resumed, "position": peer.position}
        return [("hello", {"data": about}), ("history", {"data": []})]

    def handle_now(self, peer: Peer, body: dict[str, Any]) -> bool:
        if not body.get("now"):
            return False
        self._act(peer, body)
        return True

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        match body.get("type"):
            case "wait":
                self.handled.append(body.get("n"))
                self.running += 1
                await self.go.wait()
                self.running -= 1
            case "echo" | "silent" | "crash" | "forbidden":
                self._act(peer, body)
            case _:
                await super().handle(peer, body)

    def _act(self, peer: Peer, body: dict[str, Any]) -> None:
        self.handled.append(body.get("n"))
        match body["type"]:
            case "echo":
                peer.reply("echo", data=body.get("n"))
            case "crash":
                raise ValueError("a bug")
            case "forbidden":
                raise Refused("forbidden", "not for you", status=403)

    def left(self, peer: Peer, *, orderly: bool) -> None:
        if peer.topic == self.fails_on_leaving:
            raise RuntimeError("it cannot be left")
        self.left_by.append((peer.identity.username, peer.topic, orderly))


async def hub_with(talk: Talk, events: int = 0, *, peer_timeout: float = 100.0) -> Hub:
    """Return a hub that started on a log with `events` events of `talk/1`."""
    log = MemoryLog("e0")
    for _ in range(events):
        log.append("talk/1", "said")
    hub = Hub(heartbeat=30.0, peer_timeout=peer_timeout)
    hub.channels.add("talk/*", talk)
    hub.channels.add("lobby", talk)
    hub.channels.add_alias(lambda name: f"talk/{name}" if name.isdigit() else None)
    await hub.start(log)
    return hub


async def connect(hub: Hub, *topics: str, identity: Identity = ANA, transport: str = "ws", **asked: Any) -> Connection:
    """Open a connection to the topics and return it."""
    return await hub.open(Opening(identity, topics or ("talk/1",), transport, **asked))


async def hand_in(hub: Hub, connection: Connection, data: str | bytes) -> None:
    """Hand in what the client of a connection sends, as a transport does."""
    rest = hub.receive(connection, data)
    if rest is not None:
        await rest


async def received(connection: Connection) -> list[dict[str, Any]]:
    """Return all messages that the connection can read now, without the time of day."""
    messages: list[dict[str, Any]] = []
    while (batch := await connection.subscription.read_now()) is not None:
        messages += [json.loads(message.json) for message in batch.messages]
    for message in messages:
        del message["timestamp"]
    return messages


async def types(connection: Connection) -> list[str]:
    """Return the types of all messages that the connection can read now."""
    return [message["type"] for message in await received(connection)]


@asynccontextmanager
async def request_of(hub: Hub, connection: Connection) -> AsyncIterator[None]:
    """One request of a long poll's `connection`, which is parked when the request is over."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    hub.park_after(connection, over)
    yield
    over.set_result(None)
    await asyncio.sleep(0)


class Poller:
    """A client of long polls on one connection."""

    def __init__(self, hub: Hub, *topics: str) -> None:
        self._hub = hub
        self._topics = topics or ("talk/1",)
        self.connection: Connection | None = None
        self.cursor: str | None = None

    async def ask(self, since: str | None = None) -> list[str]:
        """Make one request that waits for nothing; return the types of the messages that it got."""
        asked = Opening(ANA, self._topics, "poll", since or self.cursor)
        if self.cursor is None or self.connection is None:
            self.connection = await self._hub.open(asked)
        else:
            self.connection = await self._hub.resume(asked, self._hub.connections.get(self.connection.id))
        async with request_of(self._hub, self.connection):
            subscription = self.connection.subscription
            got = await types(self.connection)
            self.cursor = str(subscription.full_cursor)
        return got
