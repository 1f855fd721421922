"""A cluster of real servers behind a balancer, and what may befall its nodes."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests import stores
from tests.cluster.history import History
from tests.cluster.proxy import RoundRobin, round_robin
from tests.cluster.rows import Rows, read_rows
from tests.running import ServerProcess

RETENTION: Final = 100_000_000  # events; the checker wants to see all there were


class Cluster:
    """The `nodes`, of which each is known by its number, behind `proxy`. What is done to them is told to `history`."""

    def __init__(self, nodes: list[ServerProcess], proxy: RoundRobin, history: History, database_url: str) -> None:
        self.nodes = nodes
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

    async def rows(self) -> Rows:
        """Return what the database holds."""
        return await read_rows(self._database_url)


@asynccontextmanager
async def cluster(
    folder: Path,
    nodes: int,
    history: History,
    *,
    database_url: str | None = None,
    backplane_url: str | None = None,
    each_request: bool = False,
    **settings: Any,
) -> AsyncIterator[Cluster]:
    """Give a cluster of so many nodes on one database, by default what the tests store in, and see that each ends well.

    With `each_request` every request of a connection lands on another node. `settings` are those of the servers.
    """
    url = database_url or stores.database_url(folder / "envivo.db")
    shared = {"database_url": url, "retention": RETENTION, **settings}
    if backplane_url is not None:
        shared["backplane_url"] = backplane_url
    servers = [_server(folder / f"node-{number}", shared) for number in range(nodes)]
    try:
        for server in servers:
            await asyncio.to_thread(server.start)
        async with round_robin([server.port for server in servers], each_request=each_request) as proxy:
            yield Cluster(servers, proxy, history, url)
        for server in servers:
            await asyncio.to_thread(server.check_clean_end)
    finally:
        for server in servers:
            server.send_signal(signal.SIGCONT)
            await asyncio.to_thread(server.kill)


def _server(folder: Path, settings: dict[str, Any]) -> ServerProcess:
    folder.mkdir()
    return ServerProcess(folder, **settings)
