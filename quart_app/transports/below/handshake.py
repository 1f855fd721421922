"""The TLS handshake of one connection, which is counted as the connection that is to come of it.

Whoever begins a handshake and does not go on holds a connection as every other silent peer does.
"""

from collections.abc import Callable
from typing import Any

from quart_app.realtime import Refused
from quart_app.transports.below.addresses import Addresses


class Handshake:
    """The handshake with the peer named `peername`; it stands for a transport until there is one.

    `refused` tells why the connection is not served, None where it is. `end` is what breaks the handshake off.
    """

    def __init__(self, addresses: Addresses, peername: object, end: Callable[[], object]) -> None:
        self._addresses = addresses
        self._peername = peername
        self._end = end
        self.refused: Refused | None = addresses.enter(self)

    def get_extra_info(self, name: str) -> Any:
        """Return the name of the peer, where that is asked for."""
        return self._peername if name == "peername" else None

    def close(self) -> None:
        """Break off."""
        self._end()

    def complete(self, transport: Any) -> None:
        """Count `transport` in the place of this."""
        self._addresses.exchange(self, transport)

    def over(self) -> None:
        """Count this no more, where it was not complete."""
        self._addresses.leave(self)
