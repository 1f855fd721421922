"""How many TCP connections each address has, and how fast they come: all that is known of a peer before it says who it
is.

A proxy brings everybody, and what comes from this machine is its owner's: neither is counted.
"""

import asyncio
import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Protocol

from quart_app.realtime import Allowance, Refused, limits

OPEN: Final = "open"
NEW: Final = "new"
SILENT: Final = "silent"
"""The names of the limits: on open connections, on new ones a second, on those that have said nothing yet."""
_BURST: Final = 4  # s: new connections of so many may come at once
_RESTING: Final = 1_000  # addresses without a connection whose allowance is remembered
_REMEMBERED: Final = 4_096  # addresses of which it is known how they are counted
_COME_BACK: Final = 5.0  # s after which a place may be free

Client = tuple[str, int]
"""The address and the port of a peer, as ASGI has them."""


class Counted(Protocol):
    """What is counted as one connection: a transport, or what there is before it."""

    def get_extra_info(self, name: str) -> Any:
        """Return what is known under this name."""

    def close(self) -> None:
        """Let the peer go."""


class _Address:
    """One address, or one network of IPv6: its `open` connections, and those of them that have `said` nothing yet."""

    __slots__ = ("allowance", "open", "rests_since", "silent")

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.open = 0
        self.rests_since = 0.0
        self.silent: dict[Client, Counted] = {}


class Addresses:
    """The addresses that have connections: `most` each, and `rate` new ones a second.

    `counts` tells whether an address is counted at all, and `met` is told of each that meets a limit, by the name of
    that, and with the refusal where the connection is refused.
    """

    def __init__(
        self,
        most: int,
        rate: float,
        counts: Callable[[str], bool],
        met: Callable[[str, str, Refused | None], object],
    ) -> None:
        self._most = most
        self._rate = rate
        self._counts = lru_cache(maxsize=_REMEMBERED)(counts)
        self._met = met
        self._addresses: dict[str, _Address] = {}
        self._resting: dict[str, _Address] = {}
        self._of: dict[Counted, tuple[str, Client]] = {}
        self._silent: dict[Client, _Address] = {}

    def enter(self, transport: Counted) -> Refused | None:
        """Count a new connection, until it is to `leave`; return why it is refused, None where it is not.

        Where too many of an address have said nothing yet, the oldest of these is closed.
        """
        name: Any = transport.get_extra_info("peername")
        if not isinstance(name, tuple) or not self._counts(name[0]):
            return None
        place, client = _place(name[0]), (name[0], name[1])
        address = self._address(place)
        address.open += 1
        self._of[transport] = place, client
        limit, refusal = self._refusal(address)
        if refusal is not None:
            self._met(name[0], limit, refusal)
            return refusal
        address.silent[client] = transport
        self._silent[client] = address
        if len(address.silent) > limits.SILENT_PER_ADDRESS:
            oldest = next(iter(address.silent))
            address.silent[oldest].close()
            self.heard(oldest)
            self._met(name[0], SILENT, None)
        return None

    def counted(self, transport: Counted) -> bool:
        """Tell whether a connection is counted."""
        return transport in self._of

    def exchange(self, before: Counted, after: Counted) -> None:
        """Count `after`, which is the same connection, in the place of `before`."""
        if (found := self._of.pop(before, None)) is not None:
            self._of[after] = place, client = found
            silent = self._addresses[place].silent
            if silent.get(client) is before:
                silent[client] = after

    def heard(self, client: Any) -> None:
        """Note that a peer has sent a whole request."""
        if self._silent and (address := self._silent.pop(client, None)) is not None:
            address.silent.pop(client, None)

    def leave(self, transport: Any) -> None:
        """Count a connection no more. Idempotent."""
        found = self._of.pop(transport, None)
        if found is None:
            return
        place, client = found
        self.heard(client)
        address = self._addresses[place]
        address.open -= 1
        if not address.open:
            self._rest(place, self._addresses.pop(place))

    def _address(self, place: str) -> _Address:
        known = self._addresses.get(place)
        if known is None:
            known = self._resting.pop(place, None)
            if known is None:
                known = _Address(Allowance(self._rate, self._rate * _BURST, _now()))
            self._addresses[place] = known
        return known

    def _refusal(self, address: _Address) -> tuple[str, Refused | None]:
        """Return the limit that a new connection is beyond, and its refusal."""
        if address.open > self._most:
            text = f"at most {self._most} connections from one address"
            return OPEN, Refused("too_many", text, status=429, retry_after=_COME_BACK)
        if wait := address.allowance.spend(_now()):
            text = f"at most {self._rate:.0f} new connections a second from one address"
            return NEW, Refused("too_many", text, status=429, retry_after=max(1.0, wait))
        return "", None

    def _rest(self, place: str, address: _Address) -> None:
        """Remember the allowance of an address without a connection, until it is whole again."""
        address.rests_since = now = _now()
        self._resting[place] = address
        while (oldest := next(iter(self._resting))) != place and (
            len(self._resting) > _RESTING or now - self._resting[oldest].rests_since > _BURST
        ):
            del self._resting[oldest]


@lru_cache(maxsize=_REMEMBERED)
def _place(host: str) -> str:
    """Return what is counted as one address: of IPv6, the network that one household or machine has."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


def _now() -> float:
    return asyncio.get_running_loop().time()
