"""The doors of a running server: their listening sockets, opened and closed, and the connections that came in there.

A door that is closed leaves nothing behind: who came in there is told, has a moment to leave, and is cut off.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from quart_app.doors import WILDCARDS, Address, Door, DoorError
from quart_app.realtime import limits
from quart_app.server.event_loop import Entrance, ListenerLoop
from quart_app.server.listening import ABSENT_ADDRESS, bound_sockets

_LOOK: Final = 0.02  # s between two looks at whether they have


class Doorways:
    """The listeners of the doors of a server on `loop`, whose connections are received by what `reception` returns.

    Those who have come in are found among what the loop holds and what `taken` returns: the connections that the
    application has taken over.
    """

    def __init__(
        self,
        loop: ListenerLoop,
        reception: Callable[[], Entrance],
        taken: Callable[[], Iterable[Any]],
        *,
        scheme: str,
        peer_timeout: float,
    ) -> None:
        self.scheme = scheme
        self._loop = loop
        self._reception = reception
        self._taken = taken
        self._peer_timeout = peer_timeout
        self._listeners: dict[str, list[socket.socket]] = {}

    def begin(self, door: Door, listeners: list[socket.socket]) -> None:
        """Receive what will come in by a door whose sockets are bound, and listen soon."""
        self._listeners[door.name] = listeners
        self._loop.receptions |= dict.fromkeys(listeners, self._reception())

    async def open(self, door: Door, bind: Callable[[Iterable[Address]], object]) -> None:
        """Listen at the address of `door`, and `bind` it there first. Raise `DoorError`."""
        listeners: list[socket.socket] = []
        try:
            listeners += bound_sockets(door.host, door.port, self._peer_timeout)
            bind(_addresses(listeners))
            reception = self._reception()
            for listener in listeners:
                await self._loop.listen_too(listener, reception)
        except BaseException as error:
            for listener in listeners:
                self._loop.close_listener(listener)
                listener.close()
            if isinstance(error, OSError):
                raise _in_words(error, door) from error
            raise
        self._listeners[door.name] = listeners

    async def close(self, door: Door, turn_out: Callable[[], object]) -> None:
        """Close the sockets of `door`; `turn_out` whoever came in there, and cut off those who have not left in time.

        That is what happens at once where nobody waits for it any more.
        """
        listeners = self._listeners.pop(door.name)
        addresses = frozenset(_addresses(listeners))
        for listener in listeners:
            self._loop.close_listener(listener)
        turn_out()
        try:
            await asyncio.sleep(0)  # in which the sockets of TLS are closed
            await _left(list(self._who_came(addresses)))
        finally:
            for transport in self._who_came(addresses):
                transport.abort()
            turn_out()  # who was let in meanwhile

    def _who_came(self, addresses: frozenset[Address]) -> Iterator[Any]:
        """Return the connections that were accepted at one of these addresses."""
        anywhere = {(":" in host, port) for host, port in addresses if host in WILDCARDS}
        for transport in (*self._loop.accepted(), *self._taken()):
            name = transport.get_extra_info("sockname")
            if isinstance(name, tuple) and (name[:2] in addresses or (":" in name[0], name[1]) in anywhere):
                yield transport


def _addresses(listeners: Iterable[socket.socket]) -> list[Address]:
    return [listener.getsockname()[:2] for listener in listeners]


async def _left(transports: list[Any]) -> None:
    """Return when all have left, or have had the time for it."""
    now = asyncio.get_running_loop().time
    patience = now() + limits.DOOR_PATIENCE
    while transports and now() < patience:
        await asyncio.sleep(_LOOK)
        transports = [one for one in transports if not one.is_closing() or one.get_write_buffer_size()]


def _in_words(error: OSError, door: Door) -> DoorError:
    if error.errno == errno.EADDRINUSE:
        return DoorError("port_taken", f"port {door.port} is taken at {door.host}; another may be free", field="port")
    if error.errno == errno.EACCES:
        said = f"port {door.port} needs more rights than this server has; one from 1024 up does not"
        return DoorError("port_reserved", said, field="port")
    if error.errno in ABSENT_ADDRESS or isinstance(error, socket.gaierror):
        return DoorError("no_such_address", f"{door.host} is not an address of this machine", field="host")
    return DoorError("no_such_address", f"nobody can listen at {door.host}: {error.strerror or error}", field="host")
