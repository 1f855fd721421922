"""The real engine, whose topics keep what their kind says, and real clients as its readers."""

from quart_app.client import Live
from quart_app.lab.lessons.slow.feed import CAM, CHAT, TERM, Item, named
from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub, Kind
from quart_app.wire import Control

TOPICS = {CHAT: "log/chat", TERM: "state/term", CAM: "live/cam"}


class _State(Channel):
    """A value, of which the last one counts."""

    kind = Kind.STATE


class _Signals(Channel):
    """Events that are kept nowhere."""

    kind = Kind.SIGNAL


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the server's engine its channels."""
    node.writer = Writer(world.database, hub)
    hub.channels.add("log/*", Channel())
    hub.channels.add("state/*", _State())
    hub.channels.add("live/*", _Signals())


class Engine:
    """The engine of a world's server, which its readers follow."""

    def __init__(self, world: World, readers: tuple[str, ...]) -> None:
        self._world = world
        self._node = world.nodes["server"]
        self._clients = [world.client(name, list(TOPICS.values())) for name in readers]

    async def start(self) -> None:
        """Return once all readers are there."""
        self._node.start()
        for client in self._clients:
            client.process.spawn(self._read(client.name, client.live), "read")
        for client in self._clients:
            await client.live.opened()

    async def _read(self, name: str, live: Live) -> None:
        async with live:
            self._world.trace.note(name, "open")
            async for message in live:
                if told := named(message):
                    self._world.trace.note(name, "show", **told)
                elif message["type"] == Control.GAP:
                    lost = message["data"]["dropped"]
                    self._world.trace.note(name, "say", text=f"gap {lost}", gap=lost)

    def publish(self, item: Item) -> None:
        """Publish something once, whoever reads it: what is said is stored, of a reading only the last one is kept."""
        data = {"number": item.number, "body": item.body}
        if item.kind == CHAT:
            self._node.spawn(self._store(data))
        else:
            hub, topic, key = self._node.hub, TOPICS[item.kind], "room" if item.kind == TERM else None
            assert hub is not None  # noqa: S101 - it was started
            self._node.run(lambda: hub.broadcast(topic, item.kind, key=key, data=data))

    async def _store(self, data: dict[str, object]) -> None:
        def say(log: RecordedLog) -> tuple[None, list[Event]]:
            return None, [log.append(TOPICS[CHAT], CHAT, data=data)]

        await self._node.writer.commit("server", None, say)
