"""The memory of as many event streams as there may be; that of the WebSockets is one of the load's own measures."""

from quart_app.cli.bench.crowd import crowd, fresh
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.process import resident
from tests.bench.loads import FullLoad


async def streams(target: Target, load: FullLoad) -> Figures:
    """Return how many event streams are opened a second, and how much memory (KB) each costs the server's process."""
    if not load.crowd:
        return {}
    following = fresh(transport="sse")
    first = min(2 * load.connections, load.crowd // 2)  # they fill the memory that other measures have left behind
    async with crowd(target, following, first):
        before = resident(target.pid)
        async with crowd(target, following, load.crowd - first):
            after = resident(target.pid)
    return {} if before is None or after is None else {"streams_memory": (after - before) / (load.crowd - first)}
