"""All nodes of a cluster, and what may be done to them."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from quart_app.cluster.errors import ClusterError
from quart_app.cluster.node import Node, State
from quart_app.cluster.servers import POSTGRES, REDIS
from quart_app.cluster.timeline import Timeline

_ALIVE: Final = {State.STARTING, State.RUNNING, State.STOPPED}
_MAY: Final[dict[str, Callable[[Node], bool]]] = {
    "kill": lambda node: node.state in _ALIVE,
    "stop": lambda node: node.state is State.RUNNING,
    "continue": lambda node: node.state is State.STOPPED,
    "restart": lambda node: node.state is State.RUNNING,
    "start": lambda node: node.state is State.OVER,
    "cut-redis": lambda node: not node.lines[REDIS].is_cut,
    "cut-postgres": lambda node: not node.lines[POSTGRES].is_cut,
    "heal": lambda node: any(line.is_cut for line in node.lines.values()),
}
_ROLLING: Final = {"cut-redis", "cut-postgres", "heal"}
"""What may be done to a node while all are restarted."""


class NotNow(RuntimeError):
    """What is asked for makes no sense in the state that the node is in."""


class Cluster:
    """The nodes, each known by its number from 1 on, and the timeline of what is done to them."""

    def __init__(self, nodes: Sequence[Node], timeline: Timeline) -> None:
        self.nodes = nodes
        self.timeline = timeline
        self._rolling: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_rolling(self) -> bool:
        """Whether the nodes are being restarted one after another."""
        return self._rolling is not None and not self._rolling.done()

    def may(self, node: Node) -> list[str]:
        """Return the actions that make sense for a node now."""
        return [name for name, fits in _MAY.items() if fits(node) and (name in _ROLLING or not self.is_rolling)]

    def do(self, number: int, action: str) -> None:
        """Begin an action on a node. Raise NotNow; KeyError for a node or an action that there is not."""
        node = {node.number: node for node in self.nodes}[number]
        if not _MAY[action](node) or action not in self.may(node):
            raise NotNow(action)
        self.timeline.note(f"did_{action.replace('-', '_')}", node=number)
        match action:
            case "kill":
                node.kill()
            case "stop":
                node.stop()
            case "continue":
                node.go_on()
            case "restart":
                self._begin(self._restart(node))
            case "start":
                node.state = State.STARTING
                self._begin(node.start())
            case "heal":
                for line in node.lines.values():
                    line.heal()
            case cut:
                node.lines[cut.removeprefix("cut-")].cut()

    def restart_all(self) -> None:
        """Begin to restart the nodes one after another; what is stopped goes on first, what is over is started. Raise
        NotNow."""
        if self.is_rolling or any(node.state in {State.STARTING, State.LEAVING} for node in self.nodes):
            raise NotNow("restart")
        self.timeline.note("did_restart_all")
        self._rolling = self._begin(self._restart_all())

    async def start(self) -> None:
        """Start all nodes: the first one alone, since it makes the tables. Raise ClusterError."""
        first, *others = self.nodes
        await first.start()
        await asyncio.gather(*(node.start() for node in others))
        for node in self.nodes:
            self._begin(node.watch())

    async def close(self) -> None:
        """Do nothing more; the keeper ends the nodes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _restart_all(self) -> None:
        for node in self.nodes:
            await self._restart(node)
        self.timeline.note("restarted_all")

    async def _restart(self, node: Node) -> None:
        if node.state is not State.OVER:
            if node.state is State.STOPPED:
                node.go_on()
            await node.leave()
        await node.start()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._see_through(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _see_through(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ClusterError as error:
            self.timeline.note("failed", why=str(error))
