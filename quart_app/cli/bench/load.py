"""The load that is put on a server, and the server. This module knows nothing of how it is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from quart_app.cli.bench.dialect import EN_VIVO, Dialect
from quart_app.cli.bench.wire import Address


@dataclass(frozen=True)
class Load:
    """The load: numbers of connections, seconds per measure, messages a second where the rate is steady."""

    subscribers: int = 1_000
    connections: int = 1_000
    senders: int = 50
    readers: int = 10
    seconds: float = 1.5
    sent_rate: float = 1_000.0
    few: int = 100
    steady_rate: float = 50.0
    steady_seconds: float = 3.0
    crowd: int = 10_000
    crowd_rate: float = 5.0
    crowd_seconds: float = 6.0
    returning: int = 1_000
    backlog: int = 1_000


FULL: Final = Load()
QUICK: Final = Load(
    subscribers=200, connections=200, seconds=0.5, steady_seconds=1.0, crowd=0, returning=100, backlog=1_000
)


@dataclass(frozen=True)
class Target:
    """The server that is measured.

    `pid` is its process, if that runs on this machine. `room` is a topic where chat messages are stored, None for a
    topic of the log. `turns` is the path that publishes from inside, one message per turn of the event loop, if the
    server has one. `restart` ends the server, starts it again on the same data, and returns its new address.
    """

    address: Address
    dialect: Dialect = EN_VIVO
    pid: int | None = None
    room: str | None = None
    turns: str | None = None
    restart: "Callable[[], Target] | None" = None
