"""What stands before the nodes: it brings each connection to the next node that takes it, without stickiness."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Final, Protocol

from quart_app.cluster.cut import Ends, pass_on
from quart_app.cluster.errors import ClusterError

_LOOK_AGAIN: Final = 0.5  # s


class Backend(Protocol):
    """A node, as the balancer knows it."""

    @property
    def port(self) -> int:
        """Where it listens on this machine."""

    @property
    def answers(self) -> bool:
        """Whether it answered when it was last asked for its health."""

    @property
    def ready(self) -> bool:
        """Whether it said then that it is well."""


class Balancer:
    """A balancer on `port` of this machine (0: a free one), which it then has. A node that is not well, or has not
    answered of late, comes last, and one that refuses is skipped.

    A client may ask for the next thing on the connection that it has, so those to a node that says that it is not well
    are ended. One that says nothing may be slow or stopped: its clients find that out by the heartbeats.
    """

    def __init__(self, backends: Sequence[Backend]) -> None:
        self.port = 0
        self._backends = backends
        self._turn = count()
        self._listener: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, Backend | None] = {}

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

    async def watch(self) -> None:
        """End the connections to nodes that are not well, as long as another one is, until this is cancelled."""
        while True:
            if any(backend.ready for backend in self._backends):
                for writer, backend in self._open.items():
                    if backend is not None and backend.answers and not backend.ready:
                        writer.transport.abort()
            await asyncio.sleep(_LOOK_AGAIN)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = None
        try:
            self._open[writer], far = await self._next()
            await pass_on((reader, writer), far)
        except OSError:
            pass  # no node takes it, or either side has gone: the client comes again
        finally:
            del self._open[writer]
            writer.close()

    async def _next(self) -> tuple[Backend, Ends]:
        first = next(self._turn) % max(1, len(self._backends))
        in_turn = [*self._backends[first:], *self._backends[:first]]
        for backend in sorted(in_turn, key=lambda one: not one.ready):
            try:
                return backend, await asyncio.open_connection("127.0.0.1", backend.port)
            except OSError:
                continue
        raise ConnectionRefusedError
