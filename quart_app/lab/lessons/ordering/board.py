"""The board of two nodes: a channel whose cards are signals, and one whose cards are stored in the log."""

import json
from collections.abc import Callable
from typing import Any, Final

from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.node import Node
from quart_app.lab.world.trace import Trace
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub, Kind, Peer

TOPICS: Final = {"signals": "live/board", "log": "log/board"}
"""By the way that cards go, their topic."""
PEOPLE: Final = {"ana": "north", "leo": "north", "eva": "south"}
"""Who paints, each by way of which node."""
CARD: Final = "card"
DARK: Final = 2.0
"""The time for which a road that is darkened is dark (s)."""
BACK: Final = -2.0
"""What a clock that is put back is put back by (s)."""


class Signals(Channel):
    """Passes a card on to all but the one who painted it, and keeps nothing."""

    kind = Kind.SIGNAL

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def handle_now(self, peer: Peer, body: dict[str, Any]) -> bool:
        """Pass a card on."""
        self._hub.broadcast(peer.topic, CARD, hidden_from=peer.identity.user_id, data=body["card"])
        peer.reply("painted")
        return True


class Log(Channel):
    """Stores a card, which so gets its position, and tells everybody."""

    def __init__(self, writer: Writer, trace: Trace) -> None:
        self._writer = writer
        self._trace = trace

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Store a card."""
        name = body["card"]["name"]
        arrived = self._trace.last(do="arrive", msg=name)

        def store(log: RecordedLog) -> tuple[int, list[Event]]:
            event = log.append(peer.topic, CARD, data=body["card"])
            self._trace.note("log", "commit", msg=name, pos=event.position, of=arrived)
            return event.position, [event]

        peer.reply("painted", data=await self._writer.commit(peer.identity.user_id, peer.key, store))


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the engine of a node its channels."""
    node.writer = Writer(world.database, hub)
    hub.channels.add(TOPICS["signals"], Signals(hub))
    hub.channels.add(TOPICS["log"], Log(node.writer, world.trace))


def told(world: World, item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is sent between a person and a node: cards alone."""
    message = json.loads(item) if isinstance(item, str | bytes) and item[:1] in {"{", b"{"} else {}
    match message.get("type"):
        case "paint":
            return {"msg": message["card"]["name"]}
        case "card":
            name = message["data"]["name"]
            stored = world.trace.last(do="commit", msg=name)
            return {"do": "push", "msg": name, "of": _came(world, name) if stored is None else stored}
    return None


def _came(world: World, name: str) -> int | None:
    """Return the number of the event by which a card came to a node from the one who painted it."""
    came = (world.trace.last(do="arrive", lane=node, msg=name) for node in world.nodes)
    return max((number for number in came if number is not None), default=None)


# What may be done


def _cut(world: World) -> None:
    road = world.road("eva", PEOPLE["eva"])
    road.cut(world.trace.note(road.name, "cut", by="act"))


def _darken(world: World) -> None:
    road = world.road("eva", PEOPLE["eva"])
    world.trace.note(road.name, "dark")
    road.darken()

    def lighten() -> None:
        world.trace.note(road.name, "light")
        road.lighten()

    world.loop.call_later(DARK, lighten)


def skew(world: World, name: str, seconds: float) -> None:
    """Let a person's clock be ahead by so much."""
    world.trace.note(name, "skew", seconds=round(seconds, 3))


def skew_of(world: World, name: str) -> float:
    """Return by how much a person's clock is ahead (s)."""
    number = world.trace.last(lane=name, do="skew")
    return 0.0 if number is None else float(world.trace.events[number]["seconds"])


ACTS: Final[dict[str, Callable[[World], None]]] = {
    "cut:eva": _cut,
    "dark:eva": _darken,
    "skew:leo": lambda world: skew(world, "leo", skew_of(world, "leo") + BACK),
}
