"""What stands before the nodes: it brings each connection to the next node, or each request, and knows which it was."""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.running import listening

_CHUNK: Final = 65536
_UPGRADES: Final = re.compile(rb"^upgrade:\s*websocket\s*$", re.IGNORECASE | re.MULTILINE)
_CONNECTION: Final = re.compile(rb"^connection:[^\r]*", re.IGNORECASE | re.MULTILINE)


class RoundRobin:
    """A balancer before the `ports` of the nodes, without stickiness; with `each_request` no two requests of a
    connection reach the same node, unless there is but one. A node that refuses is skipped.

    `url` is where clients find it; `node_of` tells which node a client's port was brought to last.
    """

    def __init__(self, ports: Sequence[int], *, each_request: bool) -> None:
        self.url = ""
        self.node_of: dict[int, int] = {}
        self._ports = ports
        self._each_request = each_request
        self._turn = 0
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection of a client until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if self._each_request and not _UPGRADES.search(head):
                head = _CONNECTION.sub(b"Connection: close", head)  # so its next request is another connection
            node, from_node, to_node = await self._next_node()
            self.node_of[writer.get_extra_info("peername")[1]] = node
            to_node.write(head)
            await until_either_ends(to_node, _pump(reader, to_node), _pump(from_node, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # an end like any other
        finally:
            self._open.discard(task)
            writer.close()

    async def stop(self) -> None:
        """End what is open."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _next_node(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
        first = self._turn
        for skipped in range(len(self._ports)):  # each once, whatever turns others take meanwhile
            node = (first + skipped) % len(self._ports)
            self._turn = node + 1
            try:
                return (node, *await asyncio.open_connection("127.0.0.1", self._ports[node]))
            except OSError:
                continue
        raise ConnectionRefusedError


async def until_either_ends(far: asyncio.StreamWriter, *ways: Coroutine[Any, Any, None]) -> None:
    """Pump both `ways` of a connection until one of them ends; the far end is cut off then."""
    pumps = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        far.transport.abort()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def round_robin(ports: Sequence[int], *, each_request: bool = False) -> AsyncIterator[RoundRobin]:
    """Give a balancer on a free port."""
    proxy = RoundRobin(ports, each_request=each_request)
    async with listening(proxy):
        yield proxy
