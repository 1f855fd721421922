"""`python -m tests.bench.multitude`: 100,000 WebSockets at once on this machine, and a message a second to all of them.

The clients come from many addresses of this machine (127.0.0.1, 127.0.0.2, …): one has ports for 28,000, and the system
searches long for a free one when most are taken. The server and the load each need a file descriptor for every
WebSocket.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final, Self

from quart_app.cli.bench.crowd import OPENING, Crowd, fresh
from quart_app.cli.bench.delays import steady
from quart_app.cli.bench.followers import Follower
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures, carry_out
from quart_app.cli.bench.process import processor_time, resident, settled, used_since
from quart_app.cli.bench.stream import BenchError, SharedStream, frame_end
from quart_app.cli.bench.wire import Address
from tests.bench.contenders import CHECKOUT, OURS, named
from tests.bench.servers import pinned, running

FIGURES: Final = CHECKOUT / "build" / "bench" / "multitude.json"
_SPARE: Final = 200  # descriptors for everything else
_DEADLINE: Final = 60.0  # s to open
_ROWS: Final = (
    ("connections", "WebSockets at once, all of them open", "", 0),
    ("opened", "opened", "connections/s", 0),
    ("memory", "memory of the server", "MB", 0),
    ("each", "memory of each WebSocket", "KB", 1),
    ("messages", "messages to all, none lost, all in order", "", 0),
    ("p50", "publish to delivery, p50", "ms", 0),
    ("p99", "publish to delivery, p99", "ms", 0),
    ("last", "publish to delivery, p99 of the last subscriber", "ms", 0),
    ("cost", "what a delivery costs the server", "µs of its core", 2),
    ("idle", "while nothing comes", "% of its core", 1),
)


@dataclass(frozen=True)
class Multitude:
    """How many connections, how many of them from one address, how many messages a second for how long (s), and how
    long nothing comes (s)."""

    connections: int = 100_000
    of_an_address: int = 1_000
    rate: float = 1.0
    seconds: float = 20.0
    quiet: float = 5.0


class FarFollower(Follower):
    """A follower that comes from an address of its own choice."""

    source = "127.0.0.1"

    async def open(self, address: Address) -> Self:
        """Connect, and return the follower when it is welcomed. Raise BenchError or OSError where that fails."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_DEADLINE):
                await loop.create_connection(lambda: self, address.host, address.port, local_addr=(self.source, 0))
                await self.opened
        except TimeoutError as error:
            self.close()
            raise BenchError(f"a connection did not open within {_DEADLINE:g} s") from error
        return self


@asynccontextmanager
async def far_crowd(target: Target, wanted: Multitude) -> AsyncIterator[Crowd]:
    """Give the followers, welcomed, and close them at the end."""
    following = fresh()
    stream = SharedStream(following.mark, frame_end)
    path = target.dialect.path("ws", following.topic, "one-of-many") or ""
    followers: list[FarFollower] = []
    for number in range(wanted.connections):
        follower = FarFollower(target.address, path, stream)
        follower.welcome = target.dialect.welcome
        follower.source = f"127.0.0.{1 + number // wanted.of_an_address}"
        followers.append(follower)
    waiting = iter(followers)

    async def open_them() -> None:
        for follower in waiting:
            await follower.open(target.address)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(OPENING):
                group.create_task(open_them())
        yield Crowd(following, stream, list[Follower](followers))
    finally:
        for follower in followers:
            follower.close()


async def multitude(target: Target, wanted: Multitude) -> Figures:
    """Return the figures of `_ROWS`. Raise BenchError where a connection was refused or lost, or a message was lost."""
    before = resident(target.pid) or 0.0
    started = perf_counter()
    async with far_crowd(target, wanted) as followers:
        opened = wanted.connections / (perf_counter() - started)
        await settled(target.pid)
        used = processor_time(target.pid)
        await asyncio.sleep(wanted.quiet)
        idle = used_since(used, target.pid) or 0.0
        used = processor_time(target.pid)
        delays = await steady(target, followers, wanted.rate, wanted.seconds)
        spent, after = used_since(used, target.pid) or 0.0, resident(target.pid) or 0.0
        messages = len(followers.stream.numbers)
    return {
        "connections": wanted.connections,
        "opened": opened,
        "memory": after / 1_024,
        "each": (after - before) / wanted.connections,
        "messages": messages,
        "p50": delays.p50,
        "p99": delays.p99,
        "last": delays.last_p99,
        "cost": spent / messages / wanted.connections * 1e6,
        "idle": 100 * idle / wanted.quiet,
    }


def allowed(wanted: int) -> int:
    """Raise the limit of descriptors of this process, and of those that it starts, as far as it may.

    Return for how many of the `wanted` connections that is enough.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _SPARE
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), max(hard, needed)))
    except (ValueError, OSError):  # only root may raise the second one, and not everywhere
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return max(0, min(wanted, hard - _SPARE))
    return wanted


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.multitude", description=__doc__)
    parser.add_argument("--connections", type=int, default=Multitude.connections, help="how many (100,000)")
    parser.add_argument("--seconds", type=float, default=Multitude.seconds, help="how long a message a second is sent")
    parser.add_argument("--json", type=Path, default=FIGURES, help="the file that the figures are written to")
    options = parser.parse_args(arguments)
    connections = allowed(options.connections)
    if connections < options.connections:
        sys.stderr.write(
            f"this system allows {connections + _SPARE:,} open files a process (ulimit -Hn), which is enough for "
            f"{connections:,} of {options.connections:,} WebSockets; raise the hard limit to "
            f"{options.connections + _SPARE:,} (LimitNOFILE, limits.conf, prlimit) for all of them\n"
        )
    try:
        with tempfile.TemporaryDirectory() as folder, running(named(OURS), Path(folder)) as target, pinned(1):
            found = carry_out(multitude(target, Multitude(connections, seconds=options.seconds)))
    except BenchError as error:
        sys.stderr.write(f"not measured: {error}\n")
        return 1
    sys.stdout.write(f"{table(found)}\n")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return 0 if connections == options.connections else 1


def table(found: Figures) -> str:
    """Return the figures in Markdown."""
    rows = [
        f"| {title} | {found[name]:,.{digits}f} {unit} |".replace("  |", " |") for name, title, unit, digits in _ROWS
    ]
    return "\n".join(["| | |", "| --- | ---: |", *rows])


if __name__ == "__main__":
    sys.exit(main())
