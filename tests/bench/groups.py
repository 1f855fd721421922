"""All measures by name, in the order in which they are taken."""

import gc
from collections.abc import Callable, Mapping
from typing import Final

from quart_app.cli.bench import measures
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures, carry_out
from quart_app.cli.bench.process import settled
from quart_app.server.listening import raise_descriptor_limit
from tests.bench.asking import requests
from tests.bench.crowding import streams
from tests.bench.inbound import inbound
from tests.bench.loads import FullLoad
from tests.bench.order import order
from tests.bench.publishing import Taken
from tests.bench.servers import Server
from tests.bench.starting import start, start_stored

ORDER: Final = (
    "start",  # while the server is new
    "connections",
    "thousands",
    "streams",
    "web-sockets",
    "event-streams",
    "inside",
    "senders",
    "inbound",
    "latency",
    "requests",
    "durable",
    "order",
    "resume",  # this one and those that follow may have the server started again
    "returning",
    "stored",
)
_OF_A_TARGET: Final[Mapping[str, Taken]] = {
    **measures.GROUPS,
    "streams": streams,
    "inbound": inbound,
    "requests": requests(None),
    "order": order,
}
_OF_A_SERVER: Final[Mapping[str, Callable[[Server, FullLoad], Figures]]] = {"start": start, "stored": start_stored}


def take(server: Server, load: FullLoad, name: str) -> Figures:
    """Return the figures of one group of a server, by the names in `rows.MEASURES`. Raise BenchError where something
    was wrong."""
    if of_a_server := _OF_A_SERVER.get(name):
        return of_a_server(server, load)
    raise_descriptor_limit()
    if name == "streams":
        server.restart()  # what the crowd before has left behind would be taken for nothing
    return carry_out(_rested(server.contender.own.get(name) or _OF_A_TARGET[name], server.target, load))


async def _rested(taken: Taken, target: Target, load: FullLoad) -> Figures:
    await settled(target.pid)
    try:
        return await taken(target, load)
    finally:
        gc.collect()  # streams and their followers refer to each other, only a collection frees them
