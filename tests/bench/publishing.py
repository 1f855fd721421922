"""The fan-out and the delays of servers that are not published to over HTTP: a publisher of theirs takes its place."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Final, Protocol

from quart_app.cli.bench.crowd import Crowd, Following, crowd, fresh
from quart_app.cli.bench.delays import Clock
from quart_app.cli.bench.fan_out import LIST, Rate
from quart_app.cli.bench.load import Target
from quart_app.cli.bench.measures import Figures
from quart_app.cli.bench.process import processor_time, settled, used_since
from tests.bench.loads import FullLoad

_STEADY: Final = 4  # publishers that publish when it is due
_SINGLY: Final = (4, 32)  # publishers, and messages that may be on their way
_IN_LISTS: Final = (2, 2 * LIST)

Taken = Callable[[Target, FullLoad], Awaitable[Figures]]
"""What takes the figures of one group of measures."""


class Publisher(Protocol):
    """What publishes messages one after another."""

    async def publish(self, topic: str, texts: Sequence[str]) -> None:
        """Publish `texts` at once, and return when the server says that it has taken them, if it ever does.

        Raise BenchError where it refuses them.
        """

    def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True)
class Manner:
    """How a server is published to, how followers of it are opened, and whether all of them get what several publish in
    one order; where they do not, one publishes."""

    publisher: Callable[[Target], Awaitable[Publisher]]
    crowd: Callable[[Target, Following, int], AbstractAsyncContextManager[Crowd]] = crowd
    in_order: bool = True

    def groups(self) -> Mapping[str, Taken]:
        """Return the groups of measures that publish."""
        return {"web-sockets": self.fan_out, "latency": self.latency}

    async def fan_out(self, target: Target, load: FullLoad) -> Figures:
        """Return what `web_sockets` of the load does."""
        singly = await self._rate(target, load, 1, _SINGLY)
        in_lists = await self._rate(target, load, LIST, _IN_LISTS)
        return singly.figures("fan_out_ws", load.subscribers) | in_lists.figures("fan_out_ws_lists", load.subscribers)

    async def _rate(self, target: Target, load: FullLoad, list_size: int, flow: tuple[int, int]) -> Rate:
        wanted, window = flow
        published = 0
        async with (
            self.crowd(target, fresh(), load.subscribers) as followers,
            self._publishers(target, wanted) as publishers,
        ):
            following, count = followers.following, len(publishers)
            started, busy, used = perf_counter(), process_time(), processor_time(target.pid)

            async def publish_from(sender: int) -> None:
                nonlocal published
                number = sender
                while perf_counter() - started < load.seconds:
                    await followers.until(published + list_size - window)
                    published += list_size
                    numbers = range(number, number + list_size * count, count)
                    texts = [f"{following.mark}{one};" for one in numbers]
                    await publishers[sender].publish(following.topic, texts)
                    number += list_size * count

            async with asyncio.TaskGroup() as group:
                for sender in range(count):
                    group.create_task(publish_from(sender))
            await followers.until(published)
            took, busy, spent = perf_counter() - started, process_time() - busy, used_since(used, target.pid)
            followers.stream.check(published, count)
        return Rate(published * load.subscribers / took, busy / took, published, spent)

    async def latency(self, target: Target, load: FullLoad) -> Figures:
        """Return what `latency` of the load does."""
        figures: Figures = {}
        for name, size in (("few", load.few), ("many", load.subscribers)):
            await settled(target.pid)
            async with self.crowd(target, fresh(), size) as followers, self._publishers(target, _STEADY) as publishers:
                clock = Clock(followers, size)
                await self._steady(followers, publishers, clock, load)
            found = clock.delays()
            figures |= {
                f"latency_{name}_p50": found.p50,
                f"latency_{name}_p99": found.p99,
                f"latency_{name}_last": found.last_p99,
            }
        return figures

    @staticmethod
    async def _steady(followers: Crowd, publishers: Sequence[Publisher], clock: Clock, load: FullLoad) -> None:
        following, total = followers.following, max(2, round(load.steady_rate * load.steady_seconds))
        started = perf_counter()

        async def publish_from(sender: int) -> None:
            for number in range(sender, total, len(publishers)):
                due = started + number / load.steady_rate
                if (early := due - perf_counter()) > 0:
                    await asyncio.sleep(early)
                    due = perf_counter()
                clock.sent[number] = due  # a late message's delay counts from when it was due
                await publishers[sender].publish(following.topic, [f"{following.mark}{number};"])

        async with asyncio.TaskGroup() as group:
            for sender in range(len(publishers)):
                group.create_task(publish_from(sender))
        await followers.until(total)
        followers.stream.check(total, len(publishers))

    @asynccontextmanager
    async def _publishers(self, target: Target, count: int) -> AsyncIterator[list[Publisher]]:
        with ExitStack() as stack:
            publishers = [await self.publisher(target) for _ in range(count if self.in_order else 1)]
            for publisher in publishers:
                stack.callback(publisher.close)
            yield publishers
