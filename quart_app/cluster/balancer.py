"""What stands before the nodes: it brings each connection to the next node that takes it, without stickiness."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Protocol

from quart_app.cluster.cut import Ends, pass_on
from quart_app.cluster.errors import ClusterError


class Backend(Protocol):
    """A node, as the balancer knows it."""

    @property
    def port(self) -> int:
        """Where it listens on this machine."""

    @property
    def ready(self) -> bool:
        """Whether it said that it is well when it was last asked."""


class Balancer:
    """A balancer on `port` of this machine (0: a free one), which it then has. A node that is not well, or has not
    answered of late, comes last, and one that refuses is skipped."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self.port = 0
        self._backends = backends
        self._turn = count()
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def open(self, port: int) -> None:
        """Begin to listen. Raise ClusterError where the port is taken."""
        try:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", port)
        except OSError as error:
            raise ClusterError(f"cannot listen on port {port}: {error.strerror}; --port names another one") from error
        self.port = self._listener.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no more, and end what is open."""
        if self._listener is not None:
            self._listener.close()
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await pass_on((reader, writer), await self._next())
        except OSError:
            pass  # no node takes it, or either side has gone: the client comes again
        finally:
            self._open.discard(writer)
            writer.close()

    async def _next(self) -> Ends:
        first = next(self._turn) % max(1, len(self._backends))
        in_turn = [*self._backends[first:], *self._backends[:first]]
        for backend in sorted(in_turn, key=lambda one: not one.ready):
            try:
                return await asyncio.open_connection("127.0.0.1", backend.port)
            except OSError:
                continue
        raise ConnectionRefusedError
