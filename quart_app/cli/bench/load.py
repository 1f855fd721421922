"""How much is asked of a server, and of which one. Knows nothing of how it is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from quart_app.cli.bench.dialect import EN_VIVO, Dialect
from quart_app.cli.bench.wire import Address


@dataclass(frozen=True)
class Load:
    """Numbers of connections, seconds per measure, messages a second where it is steady."""

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

    `pid`: its process, if that is here. `room`: a topic where chat messages are stored, None for one of the log.
    `turns`: the path that publishes from inside, one message per turn of its loop, where it has that. `restart`:
    ends it, starts it again on the same data and returns where it is then.
    """

    address: Address
    dialect: Dialect = EN_VIVO
    pid: int | None = None
    room: str | None = None
    turns: str | None = None
    restart: "Callable[[], Target] | None" = None
