"""The nodes of a run, and what may be done to them."""

import asyncio
from itertools import count
from typing import Any

from quart_app.lab.lessons.leader.producer import Producer
from quart_app.lab.strategies import Play
from quart_app.lab.world.world import World

RESTART = 2.0
"""The time after which a node that was killed is started again (s)."""
NAP = 8.5
"""For how long the first node stands still, where nothing else is said (s)."""
CUT = 3.0
"""The time after which the cables of the first node are mended (s)."""


class Stage:
    """The nodes as a strategy sees them, and whether the first one is cut off from the others."""

    def __init__(self, world: World, play: Play, queue: float) -> None:
        self.world = world
        self.starts = 0
        self.producers: dict[str, Producer] = {}
        self.tasks: list[asyncio.Task[Any]] = []
        self.cuts = 0
        self._numbers = count(1)
        self._play = play
        self._queue = queue

    def next_number(self) -> int:
        """Return a number that no other reading has."""
        return next(self._numbers)

    def start(self, name: str) -> None:
        """Start a node, and let it publish."""
        node = self.world.nodes[name]
        node.start()
        assert node.hub is not None  # noqa: S101 - it was started
        producer = self.producers[name] = Producer(self.world, node, node.hub, self._queue)
        node.spawn(producer.beat())
        self.tasks.append(node.spawn(self._work(producer)))

    async def _work(self, producer: Producer) -> None:
        await self._play(producer)

    def reached_from(self, name: str) -> list[Producer]:
        """Return the others that signs of life reach."""
        others = [one for other, one in self.producers.items() if other != name]
        return [one for one in others if not self.cuts or "A" not in {name, one.name}]


def nap(world: World, seconds: float = NAP) -> None:
    """Let the first node stand still; it notices nothing."""
    world.nodes["A"].pause()
    world.loop.call_later(seconds, world.nodes["A"].resume)


def kill(world: World) -> None:
    """Kill the first node; it is started again a little later."""
    world.nodes["A"].kill()
    world.loop.call_later(RESTART, world.kept["stage"].start, "A")


def cut(world: World) -> None:
    """Cut the cables between the first node and the others, but not those to the log."""
    for road in ("A-B", "A-C"):
        world.trace.note(road, "cut")
    world.kept["stage"].cuts += 1
    world.loop.call_later(CUT, heal, world)


def heal(world: World) -> None:
    """Mend the cables."""
    world.kept["stage"].cuts -= 1
    for road in ("A-B", "A-C"):
        world.trace.note(road, "heal")


ACTS = {"nap:A": nap, "kill:A": kill, "cut": cut}
