"""A cluster in small with a room in it: people come to it by any node, and each notes who it is told is there."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from quart_app.backplane import Link
from quart_app.backplane.line import Connect
from quart_app.lab.soak import channels
from quart_app.lab.soak.channels import JOINED, LEFT
from quart_app.realtime import limits
from quart_app.realtime.clients.connection import Connection, Opening
from quart_app.realtime.clients.identity import Identity
from quart_app.realtime.flow.log import MemoryLog
from quart_app.realtime.hub import Hub
from tests.realtime.clock import clock

ROOM = "rooms/1"
SURE = 1.0  # s after which it is known everywhere that somebody has come


class Room(channels.Room):
    """A room of a node."""

    def people(self) -> list[str]:
        """Return who this node says is there."""
        return [str(user["user_id"]) for user in self.presence.present(ROOM)]


@dataclass(eq=False)
class Guest:
    """Somebody in the room by way of one connection, and what they know of it. What cannot be true raises
    AssertionError."""

    user: str
    node: int
    hub: Hub
    connection: Connection
    is_there: Callable[[str], bool]
    """Returns whether somebody is surely there."""
    trusts: bool
    """Whether the guest believes what it is welcomed with: a node that is away does not know what is missed."""
    here: dict[str, bool] = field(default_factory=dict)
    """Who is there, and who has left."""
    certain: bool = False
    """Whether nobody else is there."""
    since: float = field(default_factory=clock)
    told: list[tuple[str, str]] = field(default_factory=list)
    """Who has come or gone."""

    async def follow(self) -> None:
        while (batch := await self.connection.read()) is not None:
            for message in batch.messages:
                self._take(json.loads(message.json))

    def _take(self, body: dict[str, Any]) -> None:
        data, type = body.get("data"), body["type"]
        if type == "connected":
            users = [str(user["user_id"]) for user in body["data"]["active_users"]]
            assert self.user in users
            if self.trusts:
                self.here, self.certain = dict.fromkeys(users, True), True
        elif type == "gap":
            self.forget()
        elif type in {JOINED, LEFT}:
            user = str(body["data"]["user_id"])
            assert user != self.user, "it was told of itself"
            known = self.here.get(user, False if self.certain else None)
            assert known is not (type == JOINED), f"{self.user} on node {self.node} was told twice: {data} {type}"
            assert type == JOINED or not self.is_there(user), f"{self.user} was told that {user} left, who is there"
            self.here[user] = type == JOINED
            self.told.append((type, user))

    def forget(self) -> None:
        """Know nothing for certain any more."""
        self.here.clear()
        self.certain = False

    def knows(self) -> set[str]:
        """Return who is there, as far as this guest knows."""
        return {user for user, here in self.here.items() if here}


class Rooms:
    """Nodes over one log, whose links are made by `connect`, and the guests in their room."""

    def __init__(self, connect: Callable[[], Connect]) -> None:
        self._connect = connect
        self._log = MemoryLog("e0")
        self.hubs: list[Hub] = []
        self.rooms: list[Room] = []
        self.guests: list[Guest] = []
        self._tasks: dict[Guest, asyncio.Task[None]] = {}
        self.troubled = 0.0
        """When a node could be taken for gone last (s)."""

    async def start(self, nodes: int) -> None:
        for number in range(nodes):
            self.hubs.append(Hub())
            self.rooms.append(Room(self.hubs[number]))
            await self.begin(number)

    async def begin(self, node: int) -> None:
        """Start a node (again)."""
        hub = self.hubs[node] = Hub(backplane=Link(self._connect(), f"node {node}"))
        room = self.rooms[node] = Room(hub)
        hub.channels.add("rooms/*", room)
        await hub.start(self._log)

    def link(self, node: int) -> Link:
        link = self.hubs[node].backplane
        assert isinstance(link, Link)
        return link

    async def end(self, node: int) -> None:
        """Let a node end in good order."""
        hub = self.hubs[node]
        await hub.stop()
        await self._forget_guests_of(hub)

    async def kill(self, node: int) -> None:
        """Let a node be gone without a word."""
        hub, link = self.hubs[node], self.link(node)
        link._task.cancel()
        await asyncio.wait([link._task])
        await self._forget_guests_of(hub)
        await hub.relay.stop()

    async def _forget_guests_of(self, hub: Hub) -> None:
        for guest in [one for one in self.guests if one.hub is hub]:
            await self._end(guest)

    async def stop(self) -> None:
        for guest in list(self.guests):
            await self.leave(guest, orderly=True)
        for hub in self.hubs:
            await hub.stop()

    async def come(self, node: int, user: str) -> Guest:
        hub = self.hubs[node]
        connection = await hub.open(Opening(Identity(user, user), (ROOM,), "ws"))
        trusts = hub.backplane.away_since is None and connection.subscription.full_cursor.seen != (0,)
        guest = Guest(user, node, hub, connection, self._is_there, trusts)
        self.guests.append(guest)
        self._tasks[guest] = asyncio.create_task(guest.follow())
        return guest

    async def leave(self, guest: Guest, *, orderly: bool) -> None:
        guest.hub.closed(guest.connection, orderly=orderly)
        await self._end(guest)

    async def _end(self, guest: Guest) -> None:
        self.guests.remove(guest)
        task = self._tasks.pop(guest)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    def _is_there(self, user: str) -> bool:
        now = clock()
        calm = now - self.troubled > 3 * limits.NODE_LEASE
        return calm and any(one.user == user and now - one.since > SURE for one in self.guests)

    def check(self) -> None:
        """Raise what a guest has found wrong."""
        for task in self._tasks.values():
            if task.done():
                task.result()

    def users(self) -> set[str]:
        """Return who has a connection."""
        return {guest.user for guest in self.guests}

    def agree(self) -> bool:
        """Return whether all nodes, and all guests as far as they know, say who is there, and are right."""
        users = self.users()
        nodes = all(set(room.people()) == users and len(room.people()) == len(users) for room in self.rooms)
        return nodes and all(
            guest.knows() == users if guest.certain else guest.knows() <= users for guest in self.guests
        )
