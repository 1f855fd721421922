"""The event loop of the server: uvloop where it is installed, and a hold on the sockets that the loop listens to.

This module owns the answer to two gaps of asyncio that `serve` of Hypercorn falls into: a listener cannot be closed
before its server is told to stop, and from Python 3.12.1 on `Server.wait_closed` waits for every open connection,
without end.
"""

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import SelectorEventLoop as _BaseLoop
else:
    try:
        from uvloop import Loop as _BaseLoop
    except ImportError:  # there is none for Windows and PyPy
        if sys.platform == "win32":
            from asyncio import ProactorEventLoop as _BaseLoop
        else:
            from asyncio import SelectorEventLoop as _BaseLoop


class _Listener:
    """A server whose `wait_closed` waits for the listening socket only; connections have their own end."""

    def __init__(self, server: asyncio.AbstractServer) -> None:
        self._server = server

    def close(self) -> None:
        self._server.close()

    async def wait_closed(self) -> None:
        """Return at once, because `close` has closed the socket already."""


class ListenerLoop(_BaseLoop):
    """An event loop that can stop listening, and cut off the connections it has accepted."""

    def __init__(self) -> None:
        super().__init__()
        self._open_listeners: list[_Listener] = []
        self._accepted_transports: set[asyncio.Transport] = set()

    async def create_server(self, protocol_factory: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        """Listen as every loop does, keep hold of the listener and its connections, and return the listener."""

        def tracked() -> Any:
            return self._track(protocol_factory())

        listener = _Listener(await super().create_server(tracked, *args, **kwargs))
        self._open_listeners.append(listener)
        return listener

    def close_listeners(self) -> None:
        """Refuse new connections from now on; the open ones stay open."""
        for listener in self._open_listeners:
            listener.close()

    def abort_connections(self) -> None:
        """Cut off every accepted connection, whatever it still has to send."""
        for transport in tuple(self._accepted_transports):
            transport.abort()

    def _track(self, protocol: Any) -> Any:
        protocol.connection_made = partial(self._connection_made, protocol)
        return protocol

    def _connection_made(self, protocol: Any, transport: asyncio.Transport) -> None:
        del protocol.connection_made  # the method of its class is found next
        self._accepted_transports.add(transport)
        protocol.connection_lost = partial(self._connection_lost, protocol, transport)
        protocol.connection_made(transport)

    def _connection_lost(self, protocol: Any, transport: asyncio.Transport, error: Exception | None) -> None:
        del protocol.connection_lost
        self._accepted_transports.discard(transport)
        protocol.connection_lost(error)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop the server runs on."""
    return ListenerLoop()
