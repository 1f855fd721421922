"""What a strategy has in hand on each node: what the node knows, the log of all, and the order to be answered."""

from typing import Any

from quart_app.lab.strategies import Play
from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub, Peer, Refused
from quart_app.wire import Close

TOPIC = "seats/hall"
LEAVES_IN = 0.05
"""The time after which a node that is cut off asks a client that it has to refuse to go elsewhere (s)."""


class Order:
    """What somebody asks of a node: `kind` is `buy`, `clap` or `look`, and `seat` is the one to be bought."""

    def __init__(self, world: World, node: Node, peer: Peer, body: dict[str, Any]) -> None:
        self.kind: str = body["type"]
        self.name: str = body["key"]
        self.who = peer.identity.user_id
        self.seat: int = body.get("seat", 0)
        self._world = world
        self._node = node
        self._peer = peer
        self._arrived = world.trace.last(lane=node.name, do="arrive", msg=self.name)
        self._said: int | None = None

    def note(self, do: str, **particulars: Any) -> int:
        """Note what becomes of it."""
        number = self._world.trace.note(self._node.name, do, msg=self.name, **particulars, of=self._arrived)
        self._said = number
        return number

    def booked(self) -> None:
        """Note that it is done."""
        if self._said is None:
            told = {"clap": True} if self.kind == "clap" else {"seat": self.seat, "who": self.who}
            self.note("commit", **told)

    def decide(self, done: bool) -> None:
        """Answer that it is done, or that it cannot be."""
        if done:
            self.booked()
        else:
            self.note("refuse", seat=self.seat)
        self._peer.reply("done" if done else "taken", data={"of": self._said})

    def answer(self, sold: int, until: int | None = None) -> None:
        """Answer how many seats are sold and, where that is known only up to a place in the log, up to which."""
        told = {"node": self._node.name, "sold": sold, "until": until}
        self._world.trace.note(self.who, "show", msg=str(sold) if until is None else f"{sold} ≤", **told)
        self._peer.reply("seen", data=told)

    def later(self, seconds: float) -> None:
        """Answer 503 with a time, and let the client go to another node. Raise Refused."""
        self.note("refuse", seat=self.seat, status=503)
        hub = self._node.hub
        connection = None if hub is None else hub.connections.get(self._peer.connection_id)
        if connection is not None:
            self._world.loop.call_later(LEAVES_IN, lambda: connection.end(Close.GOING_AWAY, "cut off", back_in=0))
        raise Refused("unavailable", "the log cannot be reached", status=503, retry_after=seconds)


class Hall:
    """What a node knows, by name: values that the nodes tell each other as soon as the cable lets them."""

    def __init__(self, world: World, node: Node) -> None:
        self.name = node.name
        self._world = world
        self._node = node
        self._known: dict[Any, dict[Any, tuple[float, str]]] = {}
        """Of each name its values, each with when and where it was said."""

    def take(self, name: Any, value: Any, said: tuple[float, str], *, alone: bool) -> None:
        """Take a value; one that is to be `alone` puts those in its place that were said before."""
        values = self._known.setdefault(name, {})
        if alone and any(said < other for other in values.values()):
            return
        if alone:
            values.clear()
        values.setdefault(value, said)

    def _tell(self, name: Any, value: Any, *, alone: bool) -> None:
        said = (self._world.loop.time(), self.name)
        self.take(name, value, said, alone=alone)
        self._world.kept["stage"].tell(self.name, name, value, said, alone=alone)

    def claps(self) -> int:
        """Return how many claps it knows of: one number, or one by one."""
        values = self._known.get("claps", {})
        return sum(value if isinstance(value, int) else 1 for value in values)

    # What a strategy may do

    def get(self, name: Any, otherwise: Any = None) -> Any:
        """Return the last value of a name that is known here."""
        values = self._known.get(name)
        return otherwise if not values else max(values, key=lambda value: values[value])

    def put(self, name: Any, value: Any) -> None:
        """Let a name have one value; of several that are said, the last one counts."""
        self._tell(name, value, alone=True)

    def add(self, name: Any, value: Any) -> None:
        """Let a name have a value more; all that are said are kept."""
        self._tell(name, value, alone=False)

    def sold(self) -> int:
        """Return how many seats are sold, as far as is known here."""
        return sum(isinstance(name, int) for name in self._known)

    def reaches_log(self) -> bool:
        """Tell whether the node reaches the others, and the log with them."""
        hub = self._node.hub
        return hub is not None and hub.backplane.away_since is None and not self._world.kept["stage"].is_off(self.name)

    def behind(self) -> int | None:
        """Return up to which place in the log it knows all, None where it knows everything."""
        return None if self.reaches_log() else self.sold()

    async def book(self, order: Order) -> bool:
        """Store in the log that the seat of an order is sold, and return whether it was still free. Raise Refused (503)
        where the log cannot be reached."""
        seat, who = order.seat, order.who
        if not self.reaches_log():
            order.later(2.0)

        def change(log: RecordedLog) -> tuple[bool, list[Event]]:
            if any(one["seat"] == seat for one in log.record):
                return False, []
            event = log.append(TOPIC, "sold", hidden_from=who, data={"seat": seat})
            order.booked()
            return True, [event]

        free: bool = await self._node.writer.commit(who, order.name, change)
        if free:
            self.add(seat, who)
        return free


class Seats(Channel):
    """Lets the strategy answer each order."""

    def __init__(self, world: World, node: Node, play: Play) -> None:
        self._world = world
        self._node = node
        self._play = play

    async def handle(self, peer: Peer, body: dict[str, Any]) -> None:
        """Answer an order."""
        order = Order(self._world, self._node, peer, body | {"key": peer.key or ""})
        await self._play(self._world.kept["stage"].halls[self._node.name], order)


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give a node's engine its channel."""
    node.writer = Writer(world.database, hub)
    hub.channels.add("seats/*", Seats(world, node, world.kept["stage"].play))
