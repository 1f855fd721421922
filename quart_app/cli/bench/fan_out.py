"""The fan-out: how many deliveries a second a server makes of messages that come over HTTP or are made inside it.

No more than a window of messages is on its way at a time, so that a slow server is measured at its own pace, and a fast
one never loses a signal for want of a reader.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Final

from quart_app.cli.bench.crowd import Crowd, crowd, fresh
from quart_app.cli.bench.load import Load, Target
from quart_app.cli.bench.process import processor_time, used_since
from quart_app.cli.bench.wire import Poster

LIST: Final = 100  # messages in a list
TURNS: Final = 20  # messages that are published inside the server on one request

Publish = Callable[[Poster, int, int], Awaitable[object]]
"""What publishes a list; it is given the poster, the number of the first message, and the step to each next one."""


@dataclass(frozen=True)
class Rate:
    """The rate of a fan-out: `deliveries` a second, of `published` messages.

    `busy` is the share of the time that the load generator was busy: near 1 it may have held the server up. `used` is
    the processor time (s) that the server used, None where it is unknown.
    """

    deliveries: float
    busy: float
    published: int
    used: float | None

    def figures(self, name: str, subscribers: int) -> dict[str, float]:
        """Return the figures of the rate in the form that the report wants."""
        found = {name: self.deliveries, f"{name}_busy": self.busy}
        if self.used is not None:
            found[f"{name}_cost"] = self.used / self.published / subscribers * 1e6
        return found


async def fan_out(target: Target, load: Load, transport: str, list_size: int) -> Rate:
    """Return the rate of messages published `list_size` at a time over HTTP."""
    async with crowd(target, fresh(transport=transport), load.subscribers) as followers:
        following, dialect = followers.following, target.dialect

        async def publish(poster: Poster, first: int, step: int) -> None:
            texts = [f"{following.mark}{first + index * step};" for index in range(list_size)]
            path, body = dialect.publishing(following.topic, texts)
            await poster.post(path, body)

        publishers, window = (4, 32) if list_size == 1 else (2, 2 * list_size)
        return await _rate(target, followers, publish, load.seconds, (publishers, list_size, window))


async def turns(target: Target, load: Load, transport: str, list_size: int = TURNS) -> Rate:
    """Return the rate of messages published inside the server, one per turn of its event loop."""
    async with crowd(target, fresh(transport=transport), load.subscribers) as followers:
        return await from_inside(target, followers, load.seconds, list_size=list_size)


async def from_inside(
    target: Target, followers: Crowd, seconds: float, *, list_size: int = TURNS, pad: int = 0
) -> Rate:
    """Return the rate of messages published inside the server, one per turn of its event loop, to `followers`.

    `list_size` messages are ordered at a time, each with `pad` more bytes.
    """
    following = followers.following

    async def publish(poster: Poster, first: int, _step: int) -> None:
        order = {"topic": following.topic, "mark": following.mark, "first": first, "count": list_size, "pad": pad}
        await poster.post(target.turns or "", json.dumps(order, separators=(",", ":")).encode())

    return await _rate(target, followers, publish, seconds, (1, list_size, 2 * list_size))


async def _rate(target: Target, followers: Crowd, publish: Publish, seconds: float, flow: tuple[int, int, int]) -> Rate:
    """Return the rate at which `publish` reaches the followers, measured for `seconds`.

    `flow` holds the number of publishers, the messages each publishes at a time, and the messages that may be on their
    way. One publisher numbers its lists one after another; each of several has numbers of its own.
    """
    publishers, list_size, window = flow
    published = 0
    async with _posters(target, publishers) as posters:
        started, busy, used = perf_counter(), process_time(), processor_time(target.pid)

        async def publish_from(sender: int) -> None:
            nonlocal published
            number = sender
            while perf_counter() - started < seconds:
                await followers.until(published + list_size - window)
                published += list_size
                await publish(posters[sender], number, publishers)
                number += list_size * publishers

        async with asyncio.TaskGroup() as group:
            for sender in range(publishers):
                group.create_task(publish_from(sender))
        await followers.until(published)
        took, busy, spent = perf_counter() - started, process_time() - busy, used_since(used, target.pid)
    followers.stream.check(published, publishers)
    return Rate(published * len(followers.followers) / took, busy / took, published, spent)


@asynccontextmanager
async def _posters(target: Target, count: int) -> AsyncIterator[list[Poster]]:
    posters = [Poster(target.address) for _ in range(count)]
    try:
        yield posters
    finally:
        for poster in posters:
            poster.close()
