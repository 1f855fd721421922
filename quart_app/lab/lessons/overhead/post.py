"""What writes the letters, and what may be done to a run."""

from quart_app.lab.lessons.overhead.reader import TOPIC
from quart_app.lab.lessons.overhead.scale import LETTER
from quart_app.lab.world.database import RecordedLog
from quart_app.lab.world.node import Node
from quart_app.lab.world.world import World
from quart_app.lab.world.writer import Writer
from quart_app.realtime import Channel, Event, Hub

BURST = 20
"""The letters that come at once."""
SLOW = 0.3
"""The time that a slow way takes (s)."""


def furnish(world: World, node: Node, hub: Hub) -> None:
    """Give the engine the topic of the letters, in which clients have nothing to say."""
    node.writer = Writer(world.database, hub)
    hub.channels.add("log/*", Channel())


class Post:
    """Writes letters of `size` bytes, each of which begins with its name."""

    def __init__(self, world: World, size: int) -> None:
        self.world = world
        self._size = size
        self._count = 0

    def write(self) -> None:
        """Write a letter."""
        self._count += 1
        name = f"l{self._count}"
        node = self.world.nodes["server"]

        def change(log: RecordedLog) -> tuple[None, list[Event]]:
            event = log.append(TOPIC, LETTER, data=name.ljust(self._size, "."))
            self.world.trace.note("server", "commit", msg=name, bytes=self._size)
            return None, [event]

        node.spawn(node.writer.commit("server", None, change))


def slow(world: World) -> None:
    """Let each way take SLOW s from now on."""
    road = world.road("reader", "server")
    for weather in road.weather.values():
        weather.delay = SLOW, SLOW
    world.trace.note("server", "state", value=f"{SLOW * 1_000:g} ms")


def buffer(world: World) -> None:
    """Put something between the two that holds event streams back."""
    road = world.road("reader", "server")
    road.weather["server"].buffered = frozenset({"sse"})
    world.trace.note(road.name, "buffer", kinds=["sse"])


def burst(world: World) -> None:
    """Write many letters at once."""
    for _ in range(BURST):
        world.kept["post"].write()


ACTS = {"slow": slow, "buffer": buffer, "burst": burst}
