"""What the nodes of a random scenario publish of their own."""

import json

from quart_app.lab.soak.channels import FACTS, SIGNAL, SIGNALS, STATE, VALUE, store
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.realtime import Hub


class Publisher:
    """What publishes by way of the nodes of a world; what goes by one that is not there is not published."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._serial = 0
        self._order: list[int] = []

    def order(self) -> list[int]:
        """Return the numbers of the signals in the order in which they were numbered."""
        if self._world.redis is not None:
            numbered = self._world.redis.order.get(SIGNALS, [])
            self._order += [json.loads(fields)["data"] for fields in numbered[len(self._order) :]]
        return self._order

    def store(self, name: str, count: float) -> None:
        """Let a node store facts of its own."""
        node = self._world.nodes[name]
        if node.serves is not None:
            for _ in range(int(count)):
                self._serial += 1
                node.spawn(self._store(node, f"{name}-{self._serial}"))

    async def _store(self, node: Node, mark: str) -> None:
        await store(node.writer, FACTS, mark, node.name, None)

    def signal(self, name: str, count: float) -> None:
        """Let a node publish signals."""
        if (hub := self._world.nodes[name].serves) is not None:
            for _ in range(int(count)):
                self._serial += 1
                self._world.nodes[name].run(self._broadcast, hub, self._serial)

    def _broadcast(self, hub: Hub, number: int) -> None:
        if not hub.backplane.shared:
            self._order.append(number)
        hub.broadcast(SIGNALS, SIGNAL, data=number)

    def value(self, name: str, key: str) -> None:
        """Let a node publish a value."""
        if (hub := self._world.nodes[name].serves) is not None:
            self._serial += 1
            data = {"key": key, "number": self._serial}
            self._world.nodes[name].run(lambda: hub.broadcast(STATE, VALUE, key=key, data=data))
