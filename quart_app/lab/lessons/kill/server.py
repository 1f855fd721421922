"""The server: a channel of a real engine, which lets a strategy say when a message is stored and when it has its ✓."""

import asyncio
from random import Random
from typing import Any, NamedTuple

from quart_app.lab.strategies import Play
from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub, Peer

TOPIC = "board/class"
DISK = 0.01, 0.03
"""The time that the way to the disk takes, and the way back (s)."""


class Message(NamedTuple):
    """A message that has come: its name, and who waits for its ✓."""

    name: str
    peer: Peer


class Server:
    """What a strategy has in hand; `later` is how long one that stores later waits (s)."""

    def __init__(self, world: World, play: Play, later: float) -> None:
        self.later = later
        self.dice: Random = world.dice.of("strategy")
        self.play = play
        self._world = world
        self._known: dict[str, int] = {}
        """By message the event that its ✓ comes from."""

    def came(self, name: str) -> None:
        """Note that a message has come."""
        self._known[name] = self._world.trace.last(lane="server", do="arrive", msg=name) or 0

    def reason(self, name: str) -> int:
        """Return the number of the event that the ✓ of a message comes from."""
        return self._known[name]

    # What a strategy may do

    def ack(self, message: Message) -> None:
        """Give the sender of a message its ✓."""
        message.peer.reply("said", data={"msg": message.name})

    async def store(self, message: Message, flush: bool) -> None:
        """Store a message, once; where it is not to be flushed, the system does that when it likes."""
        name, peer, arrived = message.name, message.peer, self._known[message.name]
        done = None

        def change(log: RecordedLog) -> tuple[int, list[Event]]:
            nonlocal done
            event = log.append(peer.topic, "said_by", data={"msg": name})
            done = self._world.trace.note("disk", "commit", msg=name, pos=event.position, key=peer.key, of=arrived)
            return event.position, [event]

        writer = self._world.nodes["server"].writer
        position = await writer.commit(peer.identity.user_id, peer.key, change, flush=flush)
        self._known[name] = done or self._world.trace.note("disk", "known", msg=name, pos=position, of=arrived)

    async def flush(self) -> None:
        """Wait until all that is stored is flushed."""
        await self._world.database.way()
        self._world.database.flush()
        await self._world.database.way()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Return the seconds since the run has begun."""
        return self._world.loop.time()

    def say(self, text: str) -> None:
        """Write a note into the run."""
        self._world.trace.note("server", "say", text=str(text)[:200])


class Board(Channel):
    """Takes messages."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Let the strategy do with a message what it does."""
        self._server.came(body["msg"])
        await self._server.play(self._server, Message(body["msg"], peer))


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the server's engine its channel."""
    node.writer = Writer(world.database, hub)
    hub.channels.add("board/*", Board(world.kept["stage"]))
