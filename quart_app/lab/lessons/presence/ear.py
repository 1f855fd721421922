"""What listens for beats in the server's process, beside the engine."""

from collections.abc import Callable
from typing import Any, Final

from quart_app.lab.world.loop import Place
from quart_app.lab.world.node import Node
from quart_app.lab.world.roads import Cut, End
from quart_app.lab.world.serving import PING, PONG

BEAT: Final = "beat"
GOODBYE: Final = "goodbye"


def told(item: Any) -> dict[str, Any] | None:
    """Return what a run tells of something that is sent: beats and goodbyes, the engine's pings and their answers."""
    if item in {PING, PONG}:
        return {"do": "push" if item == PING else "ack"}
    return {} if item in {BEAT, GOODBYE} else None


class Ear:
    """A `roads.Listener` in the process of a node. `heard(end, name, item)` is called with all that comes from
    somebody, first with their name."""

    heard: Callable[[End, str, str], None]

    def __init__(self, node: Node) -> None:
        self._node = node
        self.name = node.name

    @property
    def process(self) -> Place | None:
        """The process that listens, None where there is none."""
        return self._node.process

    def accept(self, end: End) -> None:
        """Take a connection."""
        self._node.spawn(self._listen(end))

    async def _listen(self, end: End) -> None:
        try:
            item = name = await end.receive()
            while True:
                self.heard(end, name, item)
                item = await end.receive()
        except Cut:
            return
