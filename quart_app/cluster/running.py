"""A cluster from start to end: the keeper, the servers, the nodes, the balancer, the witness and the page."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.util import find_spec

from quart_app.cluster.balancer import Balancer
from quart_app.cluster.cluster import Cluster
from quart_app.cluster.errors import ClusterError
from quart_app.cluster.node import Node
from quart_app.cluster.processes import Keeper, kept
from quart_app.cluster.servers import POSTGRES, REDIS, Server, start_postgres, start_redis
from quart_app.cluster.timeline import Timeline
from quart_app.cluster.witness import witness

__all__ = ["ClusterError", "ClusterOptions", "run"]


@dataclass(frozen=True)
class ClusterOptions:
    """What is wanted: how many nodes, the ports of the balancer and of the page (0: a free one), the URLs of servers
    that run already, and whether there is to be a load."""

    nodes: int
    port: int
    page_port: int
    database: str | None
    backplane: str | None
    load: bool


def run(options: ClusterOptions, say: Callable[[str], object]) -> None:
    """Run a cluster until Ctrl-C or SIGTERM; `say` is told how far it is. Raise ClusterError."""
    for driver in ("asyncpg", "redis"):
        if find_spec(driver) is None:
            raise ClusterError(f"{driver} is missing: pip install 'envivo[postgres,redis]'")
    with asyncio.Runner() as runner:
        runner.run(_run(options, say))


async def _run(options: ClusterOptions, say: Callable[[str], object]) -> None:
    loop, serving = asyncio.get_running_loop(), asyncio.create_task(_serve(options, say))
    ending = asyncio.Event()

    def end() -> None:
        """End, once: whoever cannot wait does not interrupt what is being ended."""
        if not ending.is_set():
            ending.set()
            serving.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    try:
        await serving
    except asyncio.CancelledError:
        say("Everything has ended.")


async def _serve(options: ClusterOptions, say: Callable[[str], object]) -> None:
    async with AsyncExitStack() as opened:
        await _start(options, say, opened)
        await asyncio.Event().wait()


async def _start(options: ClusterOptions, say: Callable[[str], object], opened: AsyncExitStack) -> None:
    from quart_app.cluster.pages import Page, listen, serve_page

    given = {
        kind: None if url is None else Server.at(kind, url)
        for kind, url in ((POSTGRES, options.database), (REDIS, options.backplane))
    }
    nodes: list[Node] = []
    balancer = Balancer(nodes)
    opened.callback(balancer.close)
    await balancer.open(options.port)
    listener = opened.enter_context(listen(options.page_port))
    keeper = await opened.enter_async_context(kept())
    say(f"Starting {options.nodes} nodes; their logs are in {keeper.folder}")
    servers = await _servers(keeper, given)
    timeline = Timeline()
    for number in range(1, options.nodes + 1):
        node = Node(number, keeper, servers, timeline)
        opened.push_async_callback(node.close)
        await node.open()
        nodes.append(node)
    cluster = Cluster(nodes, timeline)
    opened.push_async_callback(cluster.close)
    await cluster.start()
    watching = asyncio.create_task(balancer.watch())
    opened.callback(watching.cancel)
    url = f"http://127.0.0.1:{balancer.port}"
    seeing = await opened.enter_async_context(witness(url, timeline)) if options.load else None
    at = await opened.enter_async_context(serve_page(Page(cluster, seeing, url), listener))
    say(f"En Vivo, by a balancer: {url}")
    say(f"The cluster: {at}")
    say("Ctrl-C ends everything and removes it.")


async def _servers(keeper: Keeper, given: dict[str, Server | None]) -> dict[str, Server]:
    """Return the servers, of which those that are not given are started."""
    missing = {kind: start for kind, start in ((POSTGRES, start_postgres), (REDIS, start_redis)) if not given[kind]}
    async with asyncio.TaskGroup() as tasks:
        started = {kind: tasks.create_task(start(keeper)) for kind, start in missing.items()}
    return {kind: server or started[kind].result() for kind, server in given.items()}
