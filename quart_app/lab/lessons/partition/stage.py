"""The three nodes of a run, and the cable between A on one side and B and C, with the log, on the other."""

from typing import Any

from quart_app.lab.lessons.partition.hall import Hall
from quart_app.lab.strategies import Play
from quart_app.lab.world.roads import Listener, Road
from quart_app.lab.world.world import World

WAY = 0.02
"""The time that one node takes to tell another one something (s)."""
CUT = 4.0
"""For how long the cable is cut, where nothing else is said (s)."""
CABLE = ("A-B", "A-C")


class Stage:
    """The nodes of a world, on which `play` answers."""

    def __init__(self, world: World, play: Play) -> None:
        self.world = world
        self.play = play
        self.halls = {name: Hall(world, node) for name, node in world.nodes.items()}
        self.is_cut = False
        self._kept: list[tuple[str, tuple[Any, ...], bool]] = []

    def is_off(self, name: str) -> bool:
        """Tell whether a node is cut off."""
        return self.is_cut and name == "A"

    def tell(self, origin: str, name: Any, value: Any, said: tuple[float, str], *, alone: bool) -> None:
        """Tell the others something, those beyond a cut as soon as it is mended."""
        for other in self.halls:
            if other != origin:
                if self.is_off(origin) or self.is_off(other):
                    self._kept.append((other, (name, value, said), alone))
                else:
                    self._bring(other, (name, value, said), alone=alone)

    def _bring(self, other: str, what: tuple[Any, ...], *, alone: bool) -> None:
        self.world.loop.call_later(WAY, lambda: self.halls[other].take(*what, alone=alone))

    def cut(self) -> None:
        """Cut the cable; A loses its line to the backplane, too."""
        hub, redis = self.world.nodes["A"].hub, self.world.redis
        assert hub is not None  # noqa: S101 - it was started
        assert redis is not None  # noqa: S101 - there are several nodes
        for road in CABLE:
            self.world.trace.note(road, "cut")
        self.is_cut = True
        redis.refused.add(hub.backplane.tag)
        if hub.backplane.tag in redis.lines:
            redis.lines[hub.backplane.tag].cut()

    def heal(self) -> None:
        """Mend the cable; what was to be told is told now."""
        if self.is_cut:
            for road in CABLE:
                self.world.trace.note(road, "heal")
            self.is_cut = False
            if self.world.redis is not None:
                self.world.redis.refused.clear()
            kept, self._kept = self._kept, []
            for other, what, alone in kept:
                self._bring(other, what, alone=alone)

    def choose(self, name: str, home: str) -> tuple[Road, Listener]:
        """Return the node that a client takes: its own, or another one where that reaches no log."""
        nodes = self.world.nodes
        others = [other for other in nodes if other != home]
        chosen = home if self.halls[home].reaches_log() else self.world.dice.of(f"balancer/{name}").choice(others)
        return self.world.road(name, chosen), nodes[chosen]


def cut(world: World, seconds: float = CUT) -> None:
    """Cut the cable for a while."""
    world.kept["stage"].cut()
    world.loop.call_later(seconds, world.kept["stage"].heal)


ACTS = {"cut": cut, "heal": lambda world: world.kept["stage"].heal()}
