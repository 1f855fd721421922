"""The measures by name; each checks that every message came, once and in order, before it gives a figure."""

import asyncio
import gc
import ssl
from collections.abc import Awaitable, Callable, Collection, Coroutine
from time import perf_counter
from typing import Any, Final, TypeVar

from quart_app.cli.bench.crowd import crowd, fresh
from quart_app.cli.bench.delays import latency, senders, steady
from quart_app.cli.bench.fan_out import LIST, fan_out, turns
from quart_app.cli.bench.load import Load, Target
from quart_app.cli.bench.process import processor_time, resident, settled, used_since
from quart_app.cli.bench.returning import returning
from quart_app.cli.bench.storing import durable, resume
from quart_app.cli.bench.stream import BenchError
from quart_app.server.event_loop import new_event_loop
from quart_app.server.listening import raise_descriptor_limit

T = TypeVar("T")
Figures = dict[str, float]


async def connections(target: Target, load: Load) -> Figures:
    """Return how many WebSockets are opened a second, and how much memory (KB) each costs the server's process."""
    following = fresh()
    # The same number of connections is opened first, unmeasured: the very first one has costs that the others do not
    # have, and they use up the memory that is left over from the start of the process.
    async with crowd(target, following, load.connections):
        before = resident(target.pid)
        started = perf_counter()
        async with crowd(target, following, load.connections):
            took = perf_counter() - started
            after = resident(target.pid)
    return {"connections": load.connections / took} | _each("memory", before, after, load.connections)


async def thousands(target: Target, load: Load) -> Figures:
    """Return the figures of as many connections as there may be, with a message now and then.

    They are the delays on the connections that were opened last (about eight tenths of them), the memory that each of
    these costs (KB), and the processor time that all of them take while nothing comes (% of a core).
    """
    if not load.crowd:
        return {}
    following = fresh()
    # The first connections fill the memory that `connections` has left behind.
    first = min(2 * load.connections, load.crowd // 2)
    more = load.crowd - first
    async with crowd(target, following, first) as early:
        before = resident(target.pid)
        started = perf_counter()
        async with crowd(target, following, more) as followers:
            opened = more / (perf_counter() - started)
            delays = await steady(target, followers, load.crowd_rate, load.crowd_seconds)
            await early.until(followers.delivered)
            if early.stream.numbers != followers.stream.numbers:
                raise BenchError("two followers got the messages in different orders")
            after = resident(target.pid)
            await settled(target.pid)
            used = processor_time(target.pid)
            await asyncio.sleep(load.steady_seconds)
            idle = used_since(used, target.pid)
    figures = {"crowd_opened": opened, "crowd_p99": delays.p99, "crowd_last": delays.last_p99}
    if idle is not None:
        figures["crowd_idle"] = 100 * idle / load.steady_seconds
    return figures | _each("crowd_memory", before, after, more)


async def web_sockets(target: Target, load: Load) -> Figures:
    """Return the figures of the fan-out over WebSocket."""
    return await _fan_out(target, load, "ws")


async def event_streams(target: Target, load: Load) -> Figures:
    """Return the figures of the fan-out over server-sent events."""
    return await _fan_out(target, load, "sse")


async def _fan_out(target: Target, load: Load, transport: str) -> Figures:
    name = f"fan_out_{transport}"
    figures = (await fan_out(target, load, transport, 1)).figures(name, load.subscribers)
    if target.dialect.lists:
        figures |= (await fan_out(target, load, transport, LIST)).figures(f"{name}_lists", load.subscribers)
    return figures


async def inside(target: Target, load: Load) -> Figures:
    """Return the figures of the fan-out of messages made inside the server, over WebSocket and, where served, event
    streams."""
    figures = (await turns(target, load, "ws")).figures("turns_ws", load.subscribers)
    if target.dialect.events is not None:
        figures |= (await turns(target, load, "sse")).figures("turns_sse", load.subscribers)
    return figures


GROUPS: Final[dict[str, Callable[[Target, Load], Awaitable[Figures]]]] = {
    "connections": connections,
    "thousands": thousands,
    "web-sockets": web_sockets,
    "event-streams": event_streams,
    "inside": inside,
    "senders": senders,
    "latency": latency,
    "durable": durable,
    "resume": resume,  # these two are last: they may have the server started again, as another process
    "returning": returning,
}
# The measures of any server that speaks our wire, taken from outside.
OUTSIDE: Final = ("connections", "web-sockets", "event-streams", "senders", "latency", "durable", "resume")


def measure(target: Target, load: Load, groups: Collection[str] = OUTSIDE) -> Figures:
    """Return the figures of one server, by the names in `report.MEASURES`. Raise BenchError where something was
    wrong."""
    raise_descriptor_limit()
    return carry_out(_measure(target, load, groups))


async def _measure(target: Target, load: Load, groups: Collection[str]) -> Figures:
    figures: Figures = {}
    for name, group in GROUPS.items():
        if name in groups:
            await settled(target.pid)
            figures |= await group(target, load)
            gc.collect()  # streams and their followers refer to each other, only a collection frees them
    return figures


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    """Run a measure on an event loop of its own and return its result. Raise BenchError for whatever went wrong with
    the server."""
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(work)
    except (OSError, ExceptionGroup, BenchError) as failure:
        error: Exception = failure
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"the server's certificate is not trusted: {error.verify_message}"
            raise BenchError(f"{reason}; name the file of the authority that signed it: --ca") from failure
        raise BenchError(str(error) or type(error).__name__) from failure


def _each(name: str, before: float | None, after: float | None, count: int) -> Figures:
    return {} if before is None or after is None else {name: (after - before) / count}
