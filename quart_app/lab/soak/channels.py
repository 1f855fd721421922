"""The topics of the random scenarios: one channel of each kind, as plain as it can be."""

from typing import Any

from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub, Identity, Kind, Peer, Presence, Welcome

FACTS, STATE, SIGNALS, ROOM = "log/a", "state/a", "live/a", "rooms/a"
FACT, VALUE, SIGNAL, JOINED, LEFT = "fact", "value", "signal", "user_joined", "user_left"


class Facts(Channel):
    """A log into which clients may say something, each thing once."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Store what is said, and answer with its position."""
        peer.reply("said", data=await store(self._writer, peer.topic, body["mark"], peer.identity.user_id, peer.key))


async def store(writer: Writer, topic: str, mark: str, speaker: str, key: str | None) -> int:
    """Commit a fact, and return its position."""

    def change(log: RecordedLog) -> tuple[int, list[Event]]:
        event = log.append(topic, FACT, data=mark)
        return event.position, [event]

    position: int = await writer.commit(speaker, key, change)
    return position


class State(Channel):
    """Values, of which the last one counts."""

    kind = Kind.STATE


class Signals(Channel):
    """Events that are kept nowhere."""

    kind = Kind.SIGNAL


class Room(Channel):
    """A room, which welcomes with who is there."""

    kind = Kind.SIGNAL

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.presence = Presence(hub.backplane, self._signals, hub.surroundings.wall)

    def _signals(self, topic: str, who: Identity) -> tuple[Event, Event]:
        joined, left = (
            self._hub.transient(topic, type, hidden_from=who.user_id, data=who.user) for type in (JOINED, LEFT)
        )
        return joined, left

    async def welcome(self, peer: Peer) -> Welcome:
        """Return who is there."""
        self.presence.enter(peer.topic, peer.identity, peer.connection_id)
        return [("connected", {"data": {"active_users": self.presence.present(peer.topic, peer.identity)}})]

    def left(self, peer: Peer, *, orderly: bool) -> None:
        """Note that somebody has left."""
        self.presence.leave(peer.topic, peer.identity, peer.connection_id, orderly=orderly, lingered=peer.lingered)


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the engine of a node its channels."""
    node.writer = Writer(world.database, hub)
    hub.channels.add("log/*", Facts(node.writer))
    hub.channels.add("state/*", State())
    hub.channels.add("live/*", Signals())
    hub.channels.add("rooms/*", Room(hub))
