"""A cluster of real servers behind a balancer, and what may be done to its nodes.

A node reaches PostgreSQL and Redis by cables of its own, which can be pulled, and may have a clock of its own.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests import stores
from tests.cluster.cables import Cable, cable
from tests.cluster.history import History
from tests.cluster.proxy import RoundRobin, round_robin
from tests.cluster.rows import Rows, note_leases, read_rows
from tests.running import ServerProcess
from tests.servers import Postgres, Redis, find_faketime

RETENTION: Final = 100_000_000  # events; the checker wants to see all there were
SENSORS: Final = 0.25  # s between two readings of the feed, which one node at a time writes
_HERE: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Services:
    """What the nodes share beside the balancer, where they do: the servers, and each node's cables to them; and what
    gives the first node a clock of its own."""

    clock: Path | None = None
    postgres: Postgres | None = None
    redis: Redis | None = None
    to_postgres: Sequence[Cable] = ()
    to_redis: Sequence[Cable] = ()


class Node(ServerProcess):
    """A server that has a clock of its own where `clock`, a library, can give it one."""

    def __init__(self, folder: Path, clock: Path | None, **settings: Any) -> None:
        folder.mkdir()
        self._time = folder / "time"
        environment = {}
        if clock is not None:
            self.module = "tests.cluster.anew"
            environment = {
                "PYTHONPATH": str(_HERE),
                "LD_PRELOAD": str(clock),
                "FAKETIME_TIMESTAMP_FILE": str(self._time),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        super().__init__(folder, environment=environment, **settings)
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """Let the clock differ by so much from the true one."""
        self._time.write_text(f"{seconds:+}")


class Cluster:
    """The `nodes`, of which each is known by its number, behind `proxy`, with what they share. What is done to them is
    told to `history`."""

    def __init__(
        self, nodes: list[Node], proxy: RoundRobin, services: Services, history: History, database_url: str
    ) -> None:
        self.nodes = nodes
        self.services = services
        self.url = proxy.url
        self.history = history
        self._proxy = proxy
        self._database_url = database_url

    def node_of(self, port: int) -> int | None:
        """Return which node a client's port was brought to last."""
        return self._proxy.node_of.get(port)

    @asynccontextmanager
    async def asked(
        self, client: httpx.AsyncClient, method: str, address: str, **more: Any
    ) -> AsyncIterator[tuple[httpx.Response, int | None]]:
        """Give the answer to a request, of which the head was read, and the node that gave it."""
        async with client.stream(method, f"{self.url}{address}", **more) as response:
            port = response.extensions["network_stream"].get_extra_info("client_addr")[1]
            yield response, self.node_of(port)

    async def kill9(self, node: int) -> None:
        """End a node as a power cut would."""
        self.history.fault(node, "kill9")
        await asyncio.to_thread(self.nodes[node].kill)

    async def sigterm(self, node: int) -> None:
        """End a node in good order."""
        self.history.fault(node, "term")
        self.nodes[node].send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(self.nodes[node].wait)
        assert code == 0, f"node {node} ended with {code}\n{self.nodes[node].log()}"

    async def start(self, node: int) -> None:
        """Start a node again, and wait until it answers."""
        await asyncio.to_thread(self.nodes[node].start)
        self.history.fault(node, "start")

    async def restart(self, node: int) -> None:
        """End a node in good order and start it again."""
        await self.sigterm(node)
        await self.start(node)

    def stop(self, node: int) -> None:
        """Let a node do nothing, and say nothing, until `cont`."""
        self.history.fault(node, "stop")
        self.nodes[node].send_signal(signal.SIGSTOP)

    def cont(self, node: int) -> None:
        """Let a node go on."""
        self.nodes[node].send_signal(signal.SIGCONT)
        self.history.fault(node, "cont")

    def freeze(self, node: int, cables: Sequence[Cable], what: str) -> None:
        """Let nothing of a node through on its cable any more, until `heal`."""
        self.history.fault(node, what)
        cables[node].freeze()

    async def cut(self, node: int, cables: Sequence[Cable], what: str) -> None:
        """Pull the cable of a node, until `heal`."""
        self.history.fault(node, what)
        await cables[node].cut()

    def heal(self, node: int, cables: Sequence[Cable], what: str) -> None:
        """Mend the cable of a node."""
        cables[node].mend()
        self.history.fault(node, what)

    def jump(self, seconds: int) -> None:
        """Let the clock of the first node jump to so many seconds beside the true time."""
        self.nodes[0].jump(seconds)
        self.history.fault(0, f"clock {seconds:+}")

    async def rows(self) -> Rows:
        """Return what the database holds."""
        writers = {port: number for number, one in enumerate(self.services.to_postgres) for port in one.ports}
        return await read_rows(self._database_url, writers)


@asynccontextmanager
async def cluster(
    folder: Path,
    nodes: int,
    history: History,
    *,
    postgres: Postgres | None = None,
    redis: Redis | None = None,
    each_request: bool = False,
    own_clock: bool = False,
    **settings: Any,
) -> AsyncIterator[Cluster]:
    """Give a cluster of so many nodes on one new database, by default what the tests store in, and see that each ends
    well.

    With `each_request` every request of a connection lands on another node. With `own_clock` the first node has one,
    where that is possible. `settings` are those of the servers.
    """
    url = stores.database_url(folder / "envivo.db") if postgres is None else postgres.new_database(migrated=True)
    if postgres is not None:
        await note_leases(url)
    servers: list[Node] = []
    async with AsyncExitStack() as opened:
        services = Services(
            find_faketime() if own_clock else None,
            postgres,
            redis,
            [] if postgres is None else [await opened.enter_async_context(cable(postgres.port)) for _ in range(nodes)],
            [] if redis is None else [await opened.enter_async_context(cable(redis.port)) for _ in range(nodes)],
        )
        try:
            for number in range(nodes):
                shared = {"database_url": url, "retention": RETENTION, "sensor_interval": SENSORS, **settings}
                if postgres is not None:
                    shared["database_url"] = services.to_postgres[number].leads(url)
                if redis is not None:
                    shared["backplane_url"] = services.to_redis[number].leads(redis.url)
                clock = services.clock if number == 0 else None
                servers.append(Node(folder / f"node-{number}", clock, **shared))
                await asyncio.to_thread(servers[-1].start)
            async with round_robin([server.port for server in servers], each_request=each_request) as proxy:
                yield Cluster(servers, proxy, services, history, url)
            for server in servers:
                await asyncio.to_thread(server.check_clean_end)
        finally:
            for server in servers:
                server.send_signal(signal.SIGCONT)
                await asyncio.to_thread(server.kill)
