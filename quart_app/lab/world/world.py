"""The world of one run: nodes over one database, clients, the roads between them, dice, a clock, and a trace."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from quart_app.backplane import Link
from quart_app.client import Live, Options, connect
from quart_app.lab.world.database import Database
from quart_app.lab.world.dialing import Dialer
from quart_app.lab.world.dice import Dice
from quart_app.lab.world.loop import Place, VirtualLoop
from quart_app.lab.world.node import Node
from quart_app.lab.world.redis import Server
from quart_app.lab.world.roads import Listener, Road
from quart_app.lab.world.surroundings import surroundings_of
from quart_app.lab.world.trace import Trace
from quart_app.realtime import Hub, Identity
from quart_app.transports import answer_others

T = TypeVar("T")

Furnish = Callable[["World", Node, Hub], None]
"""What gives the engine of a node its channels."""


class World:
    """One world. `furnish` gives each engine its channels."""

    def __init__(
        self, seed: int, nodes: Sequence[str], furnish: Furnish, *, heartbeat: float = 30.0, peer_timeout: float = 100.0
    ) -> None:
        self.loop = VirtualLoop()
        self.dice = Dice(seed)
        self.trace = Trace(self.loop.time)
        self.redis = Server() if len(nodes) > 1 else None
        self.database = Database(surroundings_of("database", self.loop, self.dice).wall, self.dice.of("database"))
        self._furnish = furnish
        self.heartbeat = heartbeat
        self._peer_timeout = peer_timeout
        self.nodes = {name: Node(name, self.loop, self.trace, self.database.log, self._build) for name in nodes}
        self._roads: dict[tuple[str, str], Road] = {}
        self.kept: dict[str, Any] = {}
        """What a scenario keeps here for the acts, and for what furnishes its engines."""

    def _build(self, node: Node) -> Hub:
        surroundings = surroundings_of(node.name, self.loop, self.dice, node.skew)
        link = None if self.redis is None else Link(self.redis.connect, node.name, surroundings)
        hub = Hub(heartbeat=self.heartbeat, peer_timeout=self._peer_timeout, backplane=link, surroundings=surroundings)
        answer_others(hub)
        self._furnish(self, node, hub)
        return hub

    def road(self, a: str, b: str) -> Road:
        """Return the road between two hosts."""
        if (a, b) not in self._roads:
            self._roads[a, b] = Road(self.loop, self.trace, (a, b), self.dice.of(f"road/{a}-{b}"))
        return self._roads[a, b]

    def client(self, name: str, topics: Sequence[str], **options: Any) -> "Client":
        """Return a new client, which has not connected yet. `choose()` returns the road and the node that it takes
        next, `transports` are its rungs, and the rest are options of the library."""
        return Client(self, name, topics, **options)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the world until `work` is done, and return its result."""
        try:
            return self.loop.run_until_complete(work)
        finally:
            self.trace.sealed = True
            self.loop.end()
            self.loop.close()
            if self.loop.failures:
                raise self.loop.failures[0]


class Client:
    """A client of the library in a process of its own, which can be paused (a phone that sleeps) and killed. It is
    served by any node that is there, or by the one that is named."""

    def __init__(self, world: World, name: str, topics: Sequence[str], node: str = "", **options: Any) -> None:
        self.name = name
        self.topics = topics
        self._world = world
        self._nodes = [world.nodes[node]] if node else list(world.nodes.values())
        self._dice = world.dice.of(f"balancer/{name}")
        self.process = Place(world.loop, name)
        surroundings = surroundings_of(name, world.loop, world.dice)
        transports = options.pop("transports", ("ws", "sse", "poll"))
        since, choose = options.pop("since", None), options.pop("choose", self._choose)
        chosen = Options(surroundings=surroundings, **options)
        dialer = Dialer(self.process, Identity(name, name), choose, chosen)
        self.live: Live = self.process.run(
            lambda: connect("http://world", topics, since=since, transports=transports, options=chosen, dialer=dialer)
        )

    def _choose(self) -> tuple[Road, Listener]:
        """Return a node as a balancer chooses it: any that listens, whoever was served by which one before."""
        there = [node for node in self._nodes if node.process is not None]
        node = self._dice.choice(there or self._nodes)
        return self._world.road(self.name, node.name), node
